/** `tracewarden detect`: the detectors over a file of events, without a store. */
import { createWriteStream } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Finding, SEVERITIES, type Severity, severityRank } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { SCHEMA_VERSION } from '../../core/event.ts';
import { LIMITS } from '../../core/limits.ts';
import { createCatalog } from '../../detectors/catalog/capabilities.ts';
import { loadCatalogFiles } from '../../detectors/catalog/load_catalog.ts';
import { createEngine, type Detected, type Engine, sessionKey } from '../../detectors/engine.ts';
import { loadDetectors } from '../../detectors/load.ts';
import { loadRules } from '../../detectors/load_rules.ts';
import { formatRuleError } from '../../detectors/sigma/issues.ts';
import { loadPolicy } from '../../detectors/supply/load_policy.ts';
import { applyPolicy, NO_POLICY } from '../../detectors/supply/policy.ts';
import { createEventReader, type EventReader } from '../../ingest/event_reader.ts';
import { failWith } from '../command.ts';
import { fileBytes } from '../ingest_position.ts';
import { openLines } from '../line_source.ts';
import { inert, print, printJson, say } from '../output.ts';
import { startProgress } from '../progress.ts';

interface DetectFlags {
  events: string;
  findings: string;
  failOn?: string;
  rules?: string;
  policy?: string;
  withoutCatalog?: boolean;
  json?: boolean;
}

interface Totals {
  events: number;
  unreadable: number;
  duplicate: number;
  overlong: number;
  findings: Record<Severity, number>;
}

const UNREADABLE_TOLD = 5;
const TURN_EVENTS = 512;

export function detectCommand(program: Command): void {
  program
    .command('detect')
    .requiredOption('--events <file>', 'JSON lines (.jsonl), the same packed (.gz), or - for standard input')
    .requiredOption('--findings <file>', 'where to write findings as JSON lines, or - for standard output')
    .option(
      '--fail-on <severity>',
      `exit 1 when there is a finding of this severity or above: ${SEVERITIES.join(', ')}`,
    )
    .option('--rules <folder>', 'a folder of rules of your own, beside those that come with the program')
    .option('--policy <file>', 'vulnerable versions, approved servers and configurations, in YAML')
    .option('--without-catalog', 'judge every tool by its name and definition only, for measuring')
    .option('--json', 'print the totals as JSON')
    .description('run the detectors over a file of events, without a store')
    .action(detect);
}

async function detect(flags: DetectFlags): Promise<void> {
  const fail_rank = failRank(flags.failOn);
  const totals: Totals = emptyTotals();
  const policy = flags.policy === undefined ? NO_POLICY : (await loadPolicy(flags.policy)).policy;
  const output = await openOutput(flags.findings);
  const write = (line: object) => output.write(`${JSON.stringify(line)}\n`);
  const started_ms = performance.now();
  const sessions = new Set<string>(); // in the engine's memory
  const detectors = applyPolicy(await loadDetectors(), policy);
  const signals = new Set(detectors.map(({ metadata }) => metadata.id));
  const rules = await loadRules({ folder: flags.rules, signals });
  for (const error of rules.errors) say(inert(formatRuleError(error)));
  const engine = createEngine({
    detectors,
    rules: rules.set,
    catalog: createCatalog([], { ...(await loadCatalogFiles()), without_shipped: flags.withoutCatalog === true }),
    onEvicted: (key, risk) => {
      sessions.delete(key);
      writeRisk(write, key, risk);
    },
  });
  const source = openLines(flags.events, (bytes) => {
    totals.overlong++;
    say(`a line of ${bytes} bytes is left out: a record has at most ${LIMITS.record_bytes_max}`);
  });
  const total_bytes = flags.events === '-' ? 0 : fileBytes(flags.events);
  const progress = startProgress(flags.events, 'bytes');
  const reader = createEventReader(Date.now());
  try {
    for await (const line of source.lines) {
      report(take(engine, reader, line, totals, sessions), totals, write);
      if (totals.events % TURN_EVENTS !== 0) continue;
      progress.update(source.read_bytes, total_bytes, `${totals.events} events`);
      await nextTurn();
    }
    report(engine.flush(), totals, write);
    for (const key of sessions) writeRisk(write, key, engine.risk(key));
  } finally {
    progress.stop();
  }
  await output.close();
  tell(flags, totals, engine, (performance.now() - started_ms) / 1_000);
  if (SEVERITIES.some((severity) => severityRank(severity) >= fail_rank && totals.findings[severity] > 0)) failWith(1);
}

function failRank(severity: string | undefined): number {
  if (severity === undefined) return Number.POSITIVE_INFINITY;
  const known = SEVERITIES.find((each) => each === severity);
  if (known === undefined) {
    throw new AppError('severity_unknown', `--fail-on "${severity}" is not a severity: ${SEVERITIES.join(', ')}`);
  }
  return severityRank(known);
}

function emptyTotals(): Totals {
  const findings = { info: 0, low: 0, medium: 0, high: 0, critical: 0 };
  return { events: 0, unreadable: 0, duplicate: 0, overlong: 0, findings };
}

const NOTHING: Detected = { findings: [], edges: [], observations: [], late_sessions: [] };

function take(engine: Engine, reader: EventReader, line: Buffer, totals: Totals, sessions: Set<string>): Detected {
  const read = reader.read(line);
  if ('event' in read) {
    totals.events++;
    sessions.add(sessionKey(read.event));
    return engine.observe(read.event);
  }
  if ('duplicate_of' in read) totals.duplicate++;
  else {
    totals.unreadable++;
    const { seq, reason, message } = read.unreadable;
    if (totals.unreadable <= UNREADABLE_TOLD) say(inert(`record ${seq} cannot be read: ${reason}: ${message}`));
  }
  return NOTHING;
}

function report(detected: Detected, totals: Totals, write: (line: object) => void): void {
  for (const finding of detected.findings) {
    totals.findings[finding.severity]++;
    write(lineOf(finding));
  }
}

function lineOf(finding: Finding): object {
  const { session_id, rule_id, severity, ...rest } = finding;
  return { schema_version: SCHEMA_VERSION, session_id, rule_id, severity, ...rest };
}

function writeRisk(write: (line: object) => void, key: string, risk: number | undefined): void {
  if (risk === undefined) return; // told when it went out of memory
  const [tenant, session_id] = key.split('\u0000');
  write({ schema_version: SCHEMA_VERSION, session_id, tenant, session_risk: risk });
}

interface Output {
  write(text: string): void;
  close(): Promise<void>;
}

/** A file, or standard output. Throws what the file system says, before anything is read. */
function openOutput(file: string): Promise<Output> {
  if (file === '-') {
    return Promise.resolve({ write: (text) => process.stdout.write(text), close: () => Promise.resolve() });
  }
  return new Promise((resolve, reject) => {
    const stream = createWriteStream(file);
    stream.once('error', reject);
    stream.once('open', () =>
      resolve({
        write: (text) => stream.write(text),
        close: () => new Promise((done, fail) => stream.end((error?: Error | null) => (error ? fail(error) : done()))),
      }),
    );
  });
}

function tell(flags: DetectFlags, totals: Totals, engine: Engine, seconds: number): void {
  const per_second = Math.round(totals.events / Math.max(seconds, 0.001));
  const { evicted_sessions, evicted_values, truncated_texts, dropped_findings, late_events, detector_errors } =
    engine.counters;
  const counters = {
    evicted_sessions,
    evicted_values,
    truncated_texts,
    dropped_findings,
    late_events,
    detector_errors,
  };
  if (flags.json) {
    const line = { ...totals, ...counters, seconds: Number(seconds.toFixed(3)), events_per_second: per_second };
    if (flags.findings === '-') say(JSON.stringify(line));
    else printJson(line);
    return;
  }
  const tellLine = flags.findings === '-' ? say : print;
  const found = SEVERITIES.map((severity) => `${totals.findings[severity]} ${severity}`).reverse();
  tellLine(`${totals.events} events in ${seconds.toFixed(1)} s (${per_second}/s): ${found.join(', ')}`);
  const limits = Object.entries({ ...counters, unreadable: totals.unreadable, duplicate: totals.duplicate });
  for (const [name, count] of limits) if (count > 0) tellLine(`${name}: ${count}`);
  for (const error of engine.errors.slice(0, UNREADABLE_TOLD)) {
    say(inert(`detector ${error.detector_id} failed on ${error.event_id}: ${error.message}`));
  }
}
