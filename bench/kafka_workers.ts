/** Two workers over one store in a process of their own, for the benchmark of Kafka: one store a process. */
import '../cli/threads.ts';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadJudges } from '../cli/judges.ts';
import { openWorker, type Worker } from '../cli/kafka_worker.ts';
import { openStore } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { KafkaSettings } from '../core/kafka_settings.ts';
import type { Store } from '../core/store/store.ts';
import { openSharedKey } from '../ingest/kafka/shared_key.ts';
import { startNode } from './process.ts';

const WORKERS = 2;
const IDLE_MS = 100;
const ORIGIN = 'bench.example.com/agents';
const THIS = fileURLToPath(import.meta.url);

/** What the workers took once both had their partitions. */
export interface Taken {
  records: number;
  seconds: number;
  cpu_us: number;
  /** From the start of the first one, with the group's forming and both takeovers of some logs. */
  all_seconds: number;
}

/** Runs them to the end of what the topic holds. */
export async function runKafkaWorkers(
  mode: 'plain' | 'with-detection',
  folder: string,
  settings: KafkaSettings,
  count: number,
): Promise<Record<string, unknown>> {
  const loader = THIS.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const child = startNode([...loader, THIS, 'run', mode, folder, JSON.stringify(settings), String(count)]);
  const taken = await child.next();
  await child.ended;
  return taken;
}

async function run(mode: string, data: string, settings: KafkaSettings, count: number): Promise<Taken> {
  const detection = mode === 'with-detection';
  const config = { ...loadConfig({ data, origin: ORIGIN, detection }, {}), kafka: settings };
  const store = await openStore(config);
  const shared = openSharedKey(join(data, 'shared.key'), true);
  const judges = await loadJudges(config, () => undefined);
  const fault = (error: Error) => {
    throw error;
  };
  const of = { config, settings, origin: ORIGIN, store, shared, judges, now: Date.now };
  const told = { onNotice: () => undefined, onHalted: (_: number, error: Error) => fault(error), onExpelled: fault };
  const started = performance.now();
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => openWorker({ ...of, ...told })));
  while (!(await areShared(workers, settings))) await sleep(IDLE_MS);
  const before = await sizes(store);
  const began = performance.now();
  const cpu = process.cpuUsage();
  while (!(await isDone(store, workers, detection, count))) await sleep(IDLE_MS);
  const { user, system } = process.cpuUsage(cpu);
  const ended = performance.now();
  await Promise.all(workers.map((worker) => worker.close()));
  await store.close();
  const seconds = (ended - began) / 1_000;
  return {
    records: count - before,
    seconds,
    cpu_us: user + system,
    all_seconds: (ended - started) / 1_000,
  };
}

/** Whether each worker has its part of the partitions, and all logs are open. */
async function areShared(workers: readonly Worker[], { partitions }: KafkaSettings): Promise<boolean> {
  const logs = await Promise.all(workers.map((worker) => worker.status()));
  const open = logs.flat().filter(({ state }) => state === 'open').length;
  return open === partitions && logs.every((own) => own.length === partitions / WORKERS);
}

/** Records under all heads: events, and what the logs say of themselves. */
async function sizes(store: Store): Promise<number> {
  const [row] = await store.rows<{ records: number }>(
    'SELECT sum(size) AS records FROM (SELECT log, max(size) AS size FROM heads GROUP BY log)',
  );
  return row?.records ?? 0;
}

async function isDone(store: Store, workers: readonly Worker[], detection: boolean, count: number): Promise<boolean> {
  if ((await sizes(store)) < count) return false;
  const [row] = await store.rows<{ events: number }>("SELECT count() AS events FROM v_events WHERE kind = 'event'");
  if ((row?.events ?? 0) < count) return false;
  const logs = (await Promise.all(workers.map((worker) => worker.status()))).flat();
  return !detection || logs.every(({ size, detection: of }) => Number(of?.observed_through ?? 0) >= size);
}

const [, , word, mode = '', folder = '', settings = '', count = ''] = process.argv;
if (word === 'run') {
  const taken = await run(mode, folder, KafkaSettings.parse(JSON.parse(settings)), Number(count));
  process.stdout.write(`${JSON.stringify(taken)}\n`);
}
