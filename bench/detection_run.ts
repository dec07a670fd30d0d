/** Detection over a labelled set, as `tracewarden detect` does it, in one of several ways. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileBytes } from '../cli/ingest_position.ts';
import { openLines } from '../cli/line_source.ts';
import { say } from '../cli/output.ts';
import { startProgress } from '../cli/progress.ts';
import { severityRank } from '../core/alert.ts';
import type { ProvenanceEvent } from '../core/event.ts';
import { createCatalog } from '../detectors/catalog/capabilities.ts';
import { loadCatalogFiles } from '../detectors/catalog/load_catalog.ts';
import { createEngine, type Detected, type Engine, sessionKey } from '../detectors/engine.ts';
import { loadDetectors } from '../detectors/load.ts';
import { loadRules } from '../detectors/load_rules.ts';
import { createEventReader } from '../ingest/event_reader.ts';
import { groupOf, type JudgedSession } from './detection_quality.ts';
import type { Label, SetFiles } from './labelled.ts';
import { createRenamer } from './renamed_tools.ts';

export type Way = (typeof WAYS)[number];

/** What detection knows of tools: all, not the servers that come with the program, or not even their names. */
export const WAYS = ['as is', 'without catalog', 'renamed'] as const;

interface Found {
  rank: number;
  risk: number;
  rules: Map<string, number>;
}

const TURN_EVENTS = 512;
const RENAMING_SEED = 1;

/** The detectors and the catalog, loaded once for all runs. */
export interface DetectionParts {
  detectors: Awaited<ReturnType<typeof loadDetectors>>;
  rules: Awaited<ReturnType<typeof loadRules>>['set'];
  files: Awaited<ReturnType<typeof loadCatalogFiles>>;
}

export async function loadDetection(): Promise<DetectionParts> {
  const detectors = await loadDetectors();
  const { set } = await loadRules({
    folder: undefined,
    signals: new Set(detectors.map(({ metadata }) => metadata.id)),
  });
  return { detectors, rules: set, files: await loadCatalogFiles() };
}

/**
 * Every labelled session with what was found in it, in the order of the labels. Each file is looked at by itself, as a
 * run of `detect` would. Of sessions without a label nothing is kept. Says on standard error what went wrong.
 */
export async function judgeSet(
  { name, events }: SetFiles,
  labels: readonly Label[],
  way: Way,
  parts: DetectionParts,
): Promise<JudgedSession[]> {
  const found = new Map<string, Found>(
    labels.map(({ session_id }) => [session_id, { rank: -1, risk: 0, rules: new Map() }]),
  );
  const renamer = way === 'renamed' ? createRenamer(RENAMING_SEED) : undefined;
  for (const file of events) {
    await judgeFile({
      file,
      title: `${name}, ${way}`,
      found,
      way,
      parts,
      change: renamer?.event ?? ((event) => event),
    });
  }
  return labels.map((label) => ({ label, group: groupOf(label), ...(found.get(label.session_id) as Found) }));
}

interface FileRun {
  file: string;
  title: string;
  found: ReadonlyMap<string, Found>;
  way: Way;
  parts: DetectionParts;
  change: (event: ProvenanceEvent) => ProvenanceEvent;
}

async function judgeFile({ file, title, found, way, parts, change }: FileRun): Promise<void> {
  const open = new Set<string>(); // in the engine's memory
  const engine = createEngine({
    detectors: parts.detectors,
    rules: parts.rules,
    catalog: createCatalog([], { ...parts.files, without_shipped: way === 'without catalog' }),
    onEvicted: (key, risk) => {
      open.delete(key);
      keepRisk(found, key, risk);
    },
  });
  const reader = createEventReader(Date.now());
  const progress = startProgress(title, 'bytes');
  const total_bytes = fileBytes(file);
  const left_out = { overlong: 0, unreadable: 0 };
  let events = 0;
  const source = openLines(file, () => left_out.overlong++);
  try {
    for await (const line of source.lines) {
      const read = reader.read(line);
      if ('unreadable' in read) left_out.unreadable++;
      if (!('event' in read)) continue;
      const event = change(read.event);
      open.add(sessionKey(event));
      keepFindings(found, engine.observe(event));
      if (++events % TURN_EVENTS !== 0) continue;
      progress.update(source.read_bytes, total_bytes, `${events} events`);
      await nextTurn();
    }
    keepFindings(found, engine.flush());
    for (const key of open) keepRisk(found, key, engine.risk(key));
  } finally {
    progress.stop();
  }
  tellTrouble(title, engine, left_out);
}

function keepFindings(found: ReadonlyMap<string, Found>, { findings }: Detected): void {
  for (const { session_id, rule_id, severity } of findings) {
    const session = found.get(session_id);
    if (session === undefined) continue;
    const rank = severityRank(severity);
    session.rank = Math.max(session.rank, rank);
    session.rules.set(rule_id, Math.max(rank, session.rules.get(rule_id) ?? -1));
  }
}

function keepRisk(found: ReadonlyMap<string, Found>, key: string, risk: number | undefined): void {
  const session = found.get(key.slice(key.indexOf('\u0000') + 1));
  if (session !== undefined && risk !== undefined) session.risk = Math.max(session.risk, risk);
}

/** What makes figures doubtful. */
function tellTrouble(title: string, { counters }: Engine, left_out: Record<string, number>): void {
  const { evicted_sessions, evicted_values, dropped_findings, late_events, detector_errors } = counters;
  const all = { ...left_out, evicted_sessions, evicted_values, dropped_findings, late_events, detector_errors };
  const told = Object.entries(all).filter(([, count]) => count > 0);
  if (told.length > 0) say(`${title}: ${told.map(([what, count]) => `${what} ${count}`).join(', ')}`);
}
