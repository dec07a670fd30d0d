/** Detection over a log on the real engine for tests, in processes that can be closed or killed one after the other. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Detection } from '../cli/detection.ts';
import type { Store } from '../core/store/store.ts';
import { TABLES } from '../core/store/tables.ts';
import { createCatalog } from '../detectors/catalog/capabilities.ts';
import { loadCatalogFiles } from '../detectors/catalog/load_catalog.ts';
import type { Detector } from '../detectors/detector.ts';
import { createEngine, type Engine, type EngineOptions } from '../detectors/engine.ts';
import { loadDetectors } from '../detectors/load.ts';
import type { RuleSet } from '../detectors/sigma/ir.ts';
import { openKeyring } from '../ingest/keyring.ts';
import { LogWriter, type Receipt } from '../ingest/log_writer.ts';
import { openSigner } from '../ingest/signer.ts';
import { ORIGIN, START_MS } from './log_kit.ts';
import { FaultyStore } from './support/faulty_store.ts';

const DETECTORS = await loadDetectors();
const CATALOG_FILES = await loadCatalogFiles();

export interface Clock {
  now_ms: number;
}

/** One life of the service's writing half. */
export interface DetectionProcess {
  store: FaultyStore;
  writer: LogWriter;
  detection: Detection;
  engine: Engine;
  notices: { notice: string; fields: Record<string, unknown> }[];
  submit(events: readonly unknown[]): Promise<Receipt[]>;
  /** Resolves when all that was taken was looked at, nothing waits, and what was found is stored. */
  settled(): Promise<void>;
  close(): Promise<void>;
  /** As kill -9. */
  kill(): Promise<void>;
}

export interface ProcessOptions {
  clock: Clock;
  detectors?: readonly Detector[];
  limits?: EngineOptions['limits'];
  rules?: RuleSet;
}

/** Empties the store and forgets what was signed. */
export async function emptyLog(folder: string, engine: Store): Promise<void> {
  for (const table of Object.keys(TABLES)) await engine.command(`TRUNCATE TABLE ${table}`);
  rmSync(join(folder, 'signer'), { recursive: true, force: true });
}

/** Years after the examples of detectors, some of which go on for weeks: nothing may come from the future. */
const LATER_MS = 5 * 365 * 86_400_000;

/** A clock that stands until it is told. */
export function standingClock(): Clock {
  return { now_ms: START_MS + LATER_MS };
}

/** Begins a process over a store that no other one writes to. */
export async function beginProcess(folder: string, over: Store, options: ProcessOptions): Promise<DetectionProcess> {
  const { clock, detectors = DETECTORS, limits, rules } = options;
  const store = new FaultyStore(over);
  const keys = openKeyring(folder, ORIGIN);
  const signer = openSigner(folder, ORIGIN, keys.seed);
  const notices: DetectionProcess['notices'] = [];
  const onNotice = (notice: string, fields: Record<string, unknown>) => void notices.push({ notice, fields });
  const catalog = createCatalog([], CATALOG_FILES);
  const engine = createEngine({ detectors, catalog, ...(limits && { limits }), ...(rules && { rules }) });
  const now = () => clock.now_ms;
  let opened: LogWriter | undefined;
  const detection = await Detection.open({
    store,
    log: ORIGIN,
    engine,
    writer: () => opened as LogWriter,
    now,
    onNotice,
  });
  const writer = await LogWriter.open({
    store,
    log: ORIGIN,
    pseudonyms: keys.pseudonyms,
    lastSigned: () => signer.last(),
    now,
    onCommitted: (records) => detection.observe(records),
    onAdopted: (_, to) => detection.catchUp(to),
    onNotice,
  });
  opened = writer;
  await detection.start(writer.head.size);
  const settled = async () => {
    for (let size = -1; size !== writer.head.size; ) {
      size = writer.head.size;
      await writer.settled();
      await detection.flush();
    }
  };
  return {
    store,
    writer,
    detection,
    engine,
    notices,
    submit: (events) =>
      writer.submit(events.map((event) => writer.accept(Buffer.from(JSON.stringify(event)), '*', 'key-1'))),
    settled,
    async close() {
      await settled();
      await detection.close();
      await writer.close();
    },
    async kill() {
      await store.kill();
      // Its timer would go on in this process.
      void detection.close().catch(() => undefined);
    },
  };
}

/** All that detection left in a store, in one order; equal for equal findings. */
export interface Derived {
  alerts: string[];
  signals: string[];
  edges: string[];
  observations: string[];
  facts: string[];
}

export async function derivedOf(store: Store): Promise<Derived> {
  const lines = async (sql: string) =>
    (await store.rows<{ line: string }>(sql)).map(({ line }) => line).sort((a, b) => (a < b ? -1 : 1));
  return {
    alerts: await lines(`SELECT concat(rule_id, ' ', severity, ' ', session_id, ' ', alert_id) AS line FROM v_alerts`),
    signals: await lines(
      `SELECT concat(rule_id, ' ', severity, ' ', session_id, ' ', finding_id) AS line FROM v_signals`,
    ),
    edges: await lines(
      `SELECT concat(tenant, ' ', session_id, ' ', from_event_id, ' ', to_event_id, ' ', path, ' ', kind, ' ', digest, ' ',
              preview, ' ', toString(strength_permille)) AS line FROM v_edges`,
    ),
    observations: await lines(
      // A number in the log depends on when alerts became records between the events.
      `SELECT concat(detector_id, ' ', key, ' ', event_id, ' ', toString(part), ' ',
              replaceRegexpAll(body, '"seq":[0-9]+', '"seq":0')) AS line FROM v_observations`,
    ),
    facts: await lines(
      `SELECT concat(tenant, ' ', session_id, ' ', toString(risk), ' ', summary) AS line FROM v_session_facts`,
    ),
  };
}

/** Alert records that stand in the log although their alert was there already. */
export async function doubledAlerts(store: Store): Promise<number> {
  const [row] = await store.rows<{ n: number }>(
    `SELECT count() AS n FROM v_events WHERE kind = 'duplicate' AND type = 'alert.raised'`,
  );
  return row?.n ?? 0;
}
