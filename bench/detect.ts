/**
 * `npm run bench -- detect [FILE...]`: what detection costs an event on one core, from the bytes of a record to its
 * findings, beside the bare parsing of the same lines in the same run. A stage costs what the run with it takes more
 * than the run without it; the least of several rounds counts. Without a file the events are generated.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openLines } from '../cli/line_source.ts';
import { createCatalog } from '../detectors/catalog/capabilities.ts';
import { loadCatalogFiles } from '../detectors/catalog/load_catalog.ts';
import { type Detector, isCorrelator } from '../detectors/detector.ts';
import { createEngine, type EngineOptions } from '../detectors/engine.ts';
import { loadDetectors } from '../detectors/load.ts';
import { loadRules } from '../detectors/load_rules.ts';
import { createEventReader } from '../ingest/event_reader.ts';
import { generate } from './generate.ts';
import type { Report } from './report.ts';

const GENERATED_EVENTS = 20_000;
const GENERATED_SESSIONS = 400;
const ROUNDS = 3;
const PASSES = 10;
/** So few that the first pass fills the engine. */
const SESSIONS_IN_MEMORY = 1_000;
const EVENTS_PER_SECOND_MIN = 20_000;
const BARE = 'JSON.parse of the same lines';

interface Parts {
  detectors: readonly Detector[];
  rules: NonNullable<EngineOptions['rules']>;
  catalog: NonNullable<EngineOptions['catalog']>;
}

/** Measures the given files, or generated events. */
export async function detectBench(report: Report, files: readonly string[]): Promise<void> {
  const parts = await loadParts();
  if (files.length === 0) measure(report, [...generate(GENERATED_EVENTS, GENERATED_SESSIONS)], parts);
  for (const file of files) {
    process.stderr.write(`${file}\n`);
    measure(report, await linesOf(file), parts);
  }
}

async function loadParts(): Promise<Parts> {
  const detectors = await loadDetectors();
  const { set } = await loadRules({ signals: new Set(detectors.map(({ metadata }) => metadata.id)) });
  return { detectors, rules: set, catalog: createCatalog([], await loadCatalogFiles()) };
}

async function linesOf(file: string): Promise<Buffer[]> {
  const lines: Buffer[] = [];
  for await (const line of openLines(file, () => undefined).lines) lines.push(line);
  return lines;
}

function measure(report: Report, lines: readonly Buffer[], parts: Parts): void {
  measureStages(report, lines, parts);
  measureDetectors(report, lines, parts);
  measureMemory(report, lines, parts);
}

function measureStages(report: Report, lines: readonly Buffer[], { detectors, rules, catalog }: Parts): void {
  const own = detectors.filter((detector) => !isCorrelator(detector));
  const stages: readonly (readonly [name: string, run: () => void])[] = [
    [BARE, () => parseAll(lines)],
    ['parsing and checking', () => detect(lines, undefined)],
    ['content and lineage', () => detect(lines, { detectors: [], catalog })],
    ['detectors of sessions', () => detect(lines, { detectors: own, catalog })],
    ['correlators', () => detect(lines, { detectors, catalog })],
    ['rules', () => detect(lines, { detectors, rules, catalog })],
  ];
  const costs = stages.map(() => Number.POSITIVE_INFINITY);
  // In turns, so that a machine that changes its speed changes it for all.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, [, run]] of stages.entries()) {
      costs[at] = Math.min(costs[at] as number, cpuOf(run) / lines.length);
    }
  }
  const bare = costs[0] as number;
  const all = costs.at(-1) as number;
  report({ name: BARE, value: bare, unit: 'us CPU an event' });
  report({ name: 'detection', value: all, unit: 'us CPU an event', ratio: all / bare, ratio_to: BARE });
  report({ name: 'events on one core', value: 1e6 / all, unit: '/s', goal: `> ${EVENTS_PER_SECOND_MIN}` });
  for (let at = 1; at < stages.length; at++) {
    const without = at === 1 ? 0 : (costs[at - 1] as number);
    const name = `  of it ${stages[at]?.[0]}`;
    report({ name, value: Math.max(0, (costs[at] as number) - without), unit: 'us CPU an event' });
  }
}

function parseAll(lines: readonly Buffer[]): void {
  for (const line of lines) JSON.parse(line.toString());
}

/** Processor time in microseconds; what collecting garbage takes in other threads counts. */
function cpuOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  return process.cpuUsage(before).user;
}

/** Reads the lines and looks at their events; without options it only reads. */
function detect(lines: readonly Buffer[], options: EngineOptions | undefined): void {
  const reader = createEventReader(Date.now());
  const engine = options && createEngine(options);
  for (const line of lines) {
    const read = reader.read(line);
    if ('event' in read) engine?.observe(read.event);
  }
  engine?.flush();
}

/** What several detectors have worked out for them counts for the one that asks first. */
function measureDetectors(report: Report, lines: readonly Buffer[], parts: Parts): void {
  const spent_ms = new Map<string, number>();
  const detectors = parts.detectors.map((detector) => timed(detector, spent_ms));
  detect(lines, { ...parts, detectors });
  const sorted = [...spent_ms].sort(([, one], [, other]) => other - one);
  for (const [id, ms] of sorted) report({ name: `  ${id}`, value: (ms * 1_000) / lines.length, unit: 'us an event' });
}

/** A detector that notes how long it works. */
function timed(detector: Detector, spent_ms: Map<string, number>): Detector {
  const { id } = detector.metadata;
  spent_ms.set(id, 0);
  const clocked =
    <A extends unknown[], R>(work: (...args: A) => R) =>
    (...args: A): R => {
      const start = performance.now();
      try {
        return work(...args);
      } finally {
        spent_ms.set(id, (spent_ms.get(id) ?? 0) + performance.now() - start);
      }
    };
  if (!isCorrelator(detector)) return { ...detector, step: clocked(detector.step.bind(detector)) };
  return {
    ...detector,
    step: clocked(detector.step.bind(detector)),
    extract: clocked(detector.extract.bind(detector)),
  };
}

/** The same events again and again under new names: once as many sessions are in memory as may be, it must not grow. */
function measureMemory(report: Report, lines: readonly Buffer[], parts: Parts): void {
  const collect = collector();
  const engine = createEngine({ ...parts, limits: { engine_sessions_max: SESSIONS_IN_MEMORY } });
  for (let pass = 1; pass <= PASSES; pass++) {
    const reader = createEventReader(Date.now());
    for (const line of lines) {
      const read = reader.read(line);
      if (!('event' in read)) continue;
      const { event } = read;
      engine.observe({ ...event, session_id: `${event.session_id}-${pass}`, event_id: `${event.event_id}-${pass}` });
    }
    engine.flush();
    collect();
    const name = `heap after pass ${pass}, ${engine.counters.sessions} sessions in memory`;
    report({ name, value: process.memoryUsage().heapUsed / 1e6, unit: 'MB' });
  }
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
