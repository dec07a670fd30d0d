/**
 * What a service counts and measures of itself, in Prometheus' text format. Names and labels are the program's own:
 * nothing that a producer or a user wrote becomes one, so their number is bounded.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { readLastCheckpoint } from '../core/store/queries/checkpoints.ts';
import type { Store } from '../core/store/store.ts';
import type { LogWriter } from '../ingest/log_writer.ts';
import type { SequencedRecord } from '../ingest/record.ts';
import type { Counters } from './context.ts';
import type { OwnedLog } from './known_log.ts';

export interface Metrics {
  /** A batch became durable and was put under the head. */
  stored(records: readonly SequencedRecord[], seconds: number): void;
  /** The detectors looked at a batch. */
  detected(seconds: number): void;
  /** One attempt of a delivery. */
  attempted(outcome: 'sent' | 'failed' | 'dead', seconds: number): void;
  /** A request was answered. `route` is the pattern, not the address. */
  answered(route: string, method: string, status: number, seconds: number): void;
  /** What measures the rest when it is asked for. */
  watch(watched: Watched): void;
  /** The text, and its type. */
  read(): Promise<{ text: string; type: string }>;
}

/** Where gauges are read from when somebody looks. */
export interface Watched {
  store: Store;
  log: string;
  writer: LogWriter | undefined;
  counters: Counters;
  detection: () => Record<string, unknown>;
  /** With Kafka: the logs that this process writes. */
  owned?: () => Promise<readonly OwnedLog[]>;
  now: () => number;
}

const PREFIX = 'tracewarden_';
const STORE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const ANSWER_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `${PREFIX}${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[], labelNames: string[] = []) =>
    new Histogram({ name: `${PREFIX}${name}`, help, buckets, labelNames, registers });
  const records = counter('records_total', 'Records under the head, by kind', ['kind']);
  const alerts = counter('alerts_total', 'Alerts raised, by severity', ['severity']);
  const batches = histogram('batch_seconds', 'From a full batch to its head: storing and committing', STORE_SECONDS);
  const detection = histogram('detection_seconds', 'Detectors over one batch', STORE_SECONDS);
  const deliveries = counter('delivery_attempts_total', 'Attempts to deliver, by outcome', ['outcome']);
  const delivery = histogram('delivery_seconds', 'One attempt to deliver', ANSWER_SECONDS);
  const requests = histogram('http_request_seconds', 'Answers, by route and status', ANSWER_SECONDS, [
    'route',
    'method',
    'status',
  ]);
  return {
    stored(batch, seconds) {
      batches.observe(seconds);
      for (const { kind, internal } of batch) {
        records.inc({ kind });
        if (kind === 'alert') alerts.inc({ severity: String((internal as { severity?: string }).severity) });
      }
    },
    detected: (seconds) => detection.observe(seconds),
    attempted(outcome, seconds) {
      deliveries.inc({ outcome });
      delivery.observe(seconds);
    },
    answered: (route, method, status, seconds) => requests.observe({ route, method, status }, seconds),
    watch: (watched) => watch(registers, watched),
    read: async () => ({ text: await registry.metrics(), type: registry.contentType }),
  };
}

/** Of each log that this process writes. A partition is a number, and there are as many as the settings say. */
function watchOwned(registers: Registry[], owned: () => Promise<readonly OwnedLog[]>): void {
  const each = (name: string, help: string, value: (log: OwnedLog) => number | undefined) =>
    new Gauge({
      name: `${PREFIX}partition_${name}`,
      help,
      labelNames: ['partition'],
      registers,
      async collect() {
        this.reset();
        for (const log of await owned()) {
          const measured = value(log);
          if (measured !== undefined) this.set({ partition: String(log.partition) }, measured);
        }
      },
    });
  each('size', 'Records under the head of the log of a partition', ({ size }) => size);
  each('lag_records', 'Records that Kafka holds and the log of the partition does not', ({ lag }) => lag);
  each('halted', '1 while the log of a partition waits for a person', ({ state }) => (state === 'halted' ? 1 : 0));
  each('takeovers', 'Times that this process took the log over', ({ takeovers }) => takeovers);
  each('moved_records', 'Records under a wrong key, sent on to their own partition', ({ moved }) => moved);
}

function watch(registers: Registry[], watched: Watched): void {
  const { store, log, writer, counters, detection, owned, now } = watched;
  if (owned !== undefined) watchOwned(registers, owned);
  const gauge = (name: string, help: string, value: () => number | Promise<number>) =>
    new Gauge({
      name: `${PREFIX}${name}`,
      help,
      registers,
      async collect() {
        this.set(await value());
      },
    });
  const size = () => writer?.head.size ?? 0;
  const checkpoint = () => readLastCheckpoint(store, log);
  const found = (name: string) => Number(detection()[name] ?? 0);
  gauge('log_size', 'Records under the head', size);
  gauge('log_writable', '1 while records can be stored', () => (writer?.waiting.broken === false ? 1 : 0));
  gauge('log_waiting_records', 'Records that wait to be stored', () => writer?.waiting.records ?? 0);
  gauge('log_waiting_bytes', 'Bytes that wait to be stored', () => writer?.waiting.bytes ?? 0);
  gauge('log_unsigned_records', 'Records under the head and under no checkpoint', async () => {
    const signed = (await checkpoint())?.size ?? 0;
    return Math.max(0, size() - signed);
  });
  gauge('checkpoint_age_seconds', 'Since the last checkpoint was signed', async () => {
    const last = await checkpoint();
    return last === undefined ? 0 : Math.max(0, (now() - last.signed_at_ms) / 1_000);
  });
  gauge('detection_lag_records', 'Records under the head that detectors have not finished with', () =>
    Math.max(0, size() - found('detected_through')),
  );
  gauge('detection_failing', '1 while what was found cannot be stored', () => (detection().failing ? 1 : 0));
  for (const name of ENGINE_COUNTERS) {
    gauge(`engine_${name}`, `Of the detection engine since the start: ${name.replaceAll('_', ' ')}`, () => found(name));
  }
  labelled(registers, 'bodies_refused', 'Bodies refused whole, by reason', 'reason', () => counters.bodies_refused);
  labelled(registers, 'accept_outcomes', 'Records of bodies, by outcome', 'outcome', () => counters.records);
}

const ENGINE_COUNTERS = [
  'sessions',
  'evicted_sessions',
  'evicted_values',
  'evicted_keys',
  'truncated_texts',
  'dropped_findings',
  'dropped_rows',
  'truncated_replays',
  'late_events',
  'detector_errors',
] as const;

/** Counters that are kept elsewhere. Their labels are codes of the program. */
function labelled(
  registers: Registry[],
  name: string,
  help: string,
  label: string,
  values: () => Readonly<Record<string, number>>,
): void {
  new Gauge({
    name: `${PREFIX}${name}`,
    help: `${help}, since the start`,
    labelNames: [label],
    registers,
    collect() {
      for (const [each, count] of Object.entries(values())) this.set({ [label]: each }, count);
    },
  });
}
