/** Labelled sessions from files: events through the parts that the detector uses, to the term values of every call. */
import { readFileSync } from 'node:fs';
import { openLines } from '../cli/line_source.ts';
import type { ProvenanceEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { createCatalog } from '../detectors/catalog/capabilities.ts';
import { createToolBook, type ToolBook } from '../detectors/catalog/tool_book.ts';
import { viewContent } from '../detectors/content/content_view.ts';
import type { Detector } from '../detectors/detector.ts';
import { exampleRecords, toProvenance } from '../detectors/example_events.ts';
import { termValues } from '../detectors/instructions/followed_score.ts';
import { createCallReader } from '../detectors/instructions/session_calls.ts';
import { createSessionLineage } from '../detectors/lineage/session_lineage.ts';
import { createEventReader } from '../ingest/event_reader.ts';
import { createRenamer, type Renamer } from './renamed_tools.ts';

export interface Label {
  session_id: string;
  label: string;
  suite: string;
  variant: string;
  user_task: string;
  injection_task?: string | null;
  injection_seen?: boolean | null;
  phase?: string;
  /** Where the session comes from. */
  source?: string;
}

/** The files of one labelled set, as a command line names them. */
export interface SetFiles {
  name: string;
  events: readonly string[];
  labels: string;
  /** Whether its tools and servers get names that say nothing. */
  renamed: boolean;
}

export interface LabelledCalls {
  label: Label;
  /** Which files it came from. */
  set: string;
  calls: number[][];
}

const RENAMED = 'renamed:';
const RENAMED_SEED = 7;
const CATALOG = createCatalog();

interface OpenSession {
  lineage: ReturnType<typeof createSessionLineage>;
  calls: ReturnType<typeof createCallReader>;
}

/** Takes apart `NAME=EVENTS,EVENTS:LABELS`; a name that begins with `renamed:` stands for the set under made-up names. */
export function setFilesOf(arg: string): SetFiles {
  const [, name = '', events = '', labels = ''] = /^([^=]+)=([^:]+):(.+)$/.exec(arg) ?? [];
  if (labels === '') throw new Error(`"${arg}" is not of the form NAME=EVENTS,EVENTS:LABELS`);
  return { name, events: events.split(','), labels, renamed: name.startsWith(RENAMED) };
}

/** The name of a set without the mark that it has made-up names: both hold the same sessions. */
export function ownName(set: string): string {
  return set.startsWith(RENAMED) ? set.slice(RENAMED.length) : set;
}

/** The labels of a file; only those of the phase `eval` where phases are named. Throws at a line that is none. */
export function readLabels(file: string): Label[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, at) => (line.trim() === '' ? [] : [labelOf(line, `${file}, line ${at + 1}`)]))
    .filter(({ phase }) => (phase ?? 'eval') === 'eval');
}

function labelOf(line: string, place: string): Label {
  let label: Partial<Label> | null;
  try {
    label = JSON.parse(line);
  } catch (cause) {
    throw new Error(`${place}: this is no JSON`, { cause });
  }
  for (const name of ['session_id', 'label', 'suite', 'user_task'] as const) {
    if (typeof label?.[name] !== 'string') throw new Error(`${place}: a label needs "${name}" as text`);
  }
  return label as Label;
}

/** Reads the sessions of one set. */
export async function readLabelled({ name, events, labels, renamed }: SetFiles): Promise<LabelledCalls[]> {
  const found = new Map(readLabels(labels).map((label) => [label.session_id, { label, set: name, calls: [] }]));
  const renamer = renamed ? createRenamer(RENAMED_SEED) : undefined;
  for (const file of events) await readCalls(file, found, renamer);
  return [...found.values()];
}

/** The examples of the detector that is fitted, as a set: whatever it is fitted to, it must not contradict them. */
export function readExamples(detector: Detector): LabelledCalls[] {
  return detector.examples.map(({ name, fires, events }) => {
    const label = {
      session_id: name,
      label: fires ? 'attack_succeeded' : 'benign',
      suite: 'examples',
      variant: '',
      user_task: name,
    };
    const found: LabelledCalls = { label, set: 'examples', calls: [] };
    const session = openSession();
    for (const [at, record] of exampleRecords(name, events).entries()) read(session, toProvenance(record, at), found);
    return found;
  });
}

function openSession(book?: ToolBook): OpenSession {
  const counted = { evicted_values: 0, truncated_texts: 0 };
  return { lineage: createSessionLineage(CATALOG, LIMITS, counted, book), calls: createCallReader(LIMITS) };
}

function read({ lineage, calls }: OpenSession, event: ProvenanceEvent, into: LabelledCalls): void {
  const content = event.content ? viewContent(event.content, LIMITS.lineage_text_bytes_max) : undefined;
  const { call, described } = lineage.observe(event, content);
  const followed = calls.read(event, content, call, described);
  if (followed !== undefined) into.calls.push(termValues(followed.features));
}

async function readCalls(
  file: string,
  found: ReadonlyMap<string, LabelledCalls>,
  renamer: Renamer | undefined,
): Promise<void> {
  const book = createToolBook(LIMITS);
  const reader = createEventReader(Date.now());
  const open = new Map<string, OpenSession>();
  for await (const line of openLines(file, () => undefined).lines) {
    const taken = reader.read(line);
    if (!('event' in taken)) continue;
    const event = renamer === undefined ? taken.event : renamer.event(taken.event);
    book.note(event);
    const session = found.get(event.session_id);
    if (session === undefined) continue;
    let parts = open.get(event.session_id);
    if (parts === undefined) {
      parts = openSession(book);
      open.set(event.session_id, parts);
    }
    read(parts, event, session);
    if (event.type === 'session.end') open.delete(event.session_id);
  }
}
