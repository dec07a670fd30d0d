/** Labelled sessions from files: events through the parts that the detector uses, to the term values of every call. */
import { readFileSync } from 'node:fs';
import { openLines } from '../cli/line_source.ts';
import { LIMITS } from '../core/limits.ts';
import { createCatalog } from '../detectors/catalog/capabilities.ts';
import { viewContent } from '../detectors/content/content_view.ts';
import { termValues } from '../detectors/instructions/followed_score.ts';
import { createCallReader } from '../detectors/instructions/session_calls.ts';
import { createSessionLineage } from '../detectors/lineage/session_lineage.ts';
import { createEventReader } from '../ingest/event_reader.ts';

export interface Label {
  session_id: string;
  label: string;
  suite: string;
  variant: string;
  user_task: string;
  injection_task?: string | null;
  injection_seen?: boolean | null;
  phase?: string;
}

export interface LabelledCalls {
  label: Label;
  /** Which files it came from. */
  set: string;
  calls: number[][];
}

interface OpenSession {
  lineage: ReturnType<typeof createSessionLineage>;
  calls: ReturnType<typeof createCallReader>;
}

/** Reads the sessions of one set; only those of the phase `eval` where phases are named. */
export async function readLabelled(set: string, events: readonly string[], labels: string): Promise<LabelledCalls[]> {
  const found = new Map<string, LabelledCalls>();
  for (const line of readFileSync(labels, 'utf8').split('\n').filter(Boolean)) {
    const label = JSON.parse(line) as Label;
    if ((label.phase ?? 'eval') === 'eval') found.set(label.session_id, { label, set, calls: [] });
  }
  for (const file of events) await readCalls(file, found);
  return [...found.values()];
}

async function readCalls(file: string, found: ReadonlyMap<string, LabelledCalls>): Promise<void> {
  const catalog = createCatalog();
  const reader = createEventReader(Date.now());
  const open = new Map<string, OpenSession>();
  for await (const line of openLines(file, () => undefined).lines) {
    const read = reader.read(line);
    if (!('event' in read)) continue;
    const { event } = read;
    const session = found.get(event.session_id);
    if (session === undefined) continue;
    let parts = open.get(event.session_id);
    if (parts === undefined) {
      const counted = { evicted_values: 0, truncated_texts: 0 };
      parts = { lineage: createSessionLineage(catalog, LIMITS, counted), calls: createCallReader(LIMITS) };
      open.set(event.session_id, parts);
    }
    const content = event.content ? viewContent(event.content, LIMITS.lineage_text_bytes_max) : undefined;
    const step = parts.lineage.observe(event, content);
    const followed = parts.calls.read(event, content, step.call);
    if (followed !== undefined) session.calls.push(termValues(followed.features));
    if (event.type === 'session.end') open.delete(event.session_id);
  }
}
