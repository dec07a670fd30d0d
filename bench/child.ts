/** One measurement in a process of its own: `child MODE FOLDER COUNT`. Prints one JSON line. */
import '../cli/threads.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listen } from '../cli/listen.ts';
import { openService, type Service } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { migrate } from '../core/store/migrate.ts';
import { RowWriter } from '../core/store/row_binary.ts';
import { openEmbeddedStore } from '../core/store/store.ts';
import type { TableName } from '../core/store/tables.ts';
import { loadDetectors } from '../detectors/load.ts';
import { loadRules } from '../detectors/load_rules.ts';
import { openKeyring } from '../ingest/keyring.ts';
import { LogWriter } from '../ingest/log_writer.ts';
import { CaptureStore } from './capture_store.ts';
import { deliver } from './deliver.ts';
import { generate } from './generate.ts';

const BODY_RECORDS = 500;
const EVENTS_PER_SESSION = 50;
const IN_FLIGHT = 30;

const [mode = '', folder = '', count_text = '0'] = process.argv.slice(2);
const count = Number(count_text);

const eventsOf = () => [...generate(count, Math.max(1, Math.floor(count / EVENTS_PER_SESSION)))];

function answer(fields: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
}

interface Clock {
  seconds: number;
  cpu_us: number;
}

/** Wall seconds and CPU microseconds of all threads of this process. */
async function timed(work: () => Promise<void>): Promise<Clock> {
  const cpu = process.cpuUsage();
  const started_ms = performance.now();
  await work();
  const used = process.cpuUsage(cpu);
  return { seconds: (performance.now() - started_ms) / 1000, cpu_us: used.user + used.system };
}

const peakMb = () => process.resourceUsage().maxRSS / 1024;

/** Writes the rows of `count` events to files, in the batches of a log under load. */
async function rows(): Promise<void> {
  const keyring = openKeyring(join(folder, 'data'));
  const writer = await LogWriter.open({
    store: new CaptureStore(join(folder, 'rows')),
    log: keyring.origin,
    pseudonyms: keyring.pseudonyms,
    lastSigned: () => undefined,
    now: Date.now,
    onCommitted: () => Promise.resolve(),
  });
  const events = eventsOf();
  await submitAll(writer, events);
  await writer.close();
  const bytes = events.reduce((sum, event) => sum + event.length, 0);
  answer({ events: count, mean_bytes: bytes / count });
}

async function submitAll(writer: LogWriter, events: readonly Buffer[]): Promise<void> {
  const waiting: Promise<unknown>[] = [];
  for (let from = 0; from < events.length; from += BODY_RECORDS) {
    const body = events.slice(from, from + BODY_RECORDS);
    waiting.push(writer.submit(body.map((event) => writer.accept(event, '*', 'bench'))));
    if (waiting.length > IN_FLIGHT) await waiting.shift();
  }
  await Promise.all(waiting);
}

/** Inserts captured rows into the same tables with nothing else around. */
async function bare(): Promise<void> {
  const store = await openEmbeddedStore(join(folder, 'bare'));
  await migrate(store);
  const from = join(folder, 'rows');
  const inserts = readdirSync(from)
    .sort()
    .map((file) => ({ table: file.split('.')[1] as TableName, bytes: readFileSync(join(from, file)) }));
  const clock = await timed(async () => {
    for (const batch of batchesOf(inserts)) {
      const together = batch.filter(({ table }) => table !== 'heads');
      await Promise.all(together.map(({ table, bytes }) => store.insert(table, new RowWriter(64).raw(bytes))));
      for (const { table, bytes } of batch.slice(together.length))
        await store.insert(table, new RowWriter(64).raw(bytes));
    }
  });
  await store.close();
  answer({ ...clock, peak_mb: peakMb() });
}

interface Insert {
  table: TableName;
  bytes: Buffer;
}

/** The inserts of one batch end with its head. */
function batchesOf(inserts: readonly Insert[]): Insert[][] {
  const batches: Insert[][] = [[]];
  for (const insert of inserts) {
    batches.at(-1)?.push(insert);
    if (insert.table === 'heads') batches.push([]);
  }
  return batches;
}

function open(detection: boolean, rules_off: readonly string[] = []): Promise<Service> {
  return openService({ config: loadConfig({ data: join(folder, 'service'), detection, rules_off }, {}) });
}

/** Those that the first chains of calls are found by; lineage runs whole. */
const TWO = new Set(['destination_from_result', 'secret_to_other_tool']);

async function allButTwo(): Promise<string[]> {
  const ids = (await loadDetectors()).map(({ metadata }) => metadata.id);
  const { set } = await loadRules({ signals: new Set(ids) });
  return [...ids, ...set.rules.map(({ rule_id }) => rule_id)].filter((id) => !TWO.has(id));
}

/** The whole way but for HTTP. */
async function direct(detection: boolean): Promise<void> {
  const service = await open(detection);
  const events = eventsOf();
  const clock = await timed(async () => {
    await submitAll(service.writer, events);
    await service.settled();
  });
  answer({ ...clock, peak_mb: peakMb(), detection: service.context.detection() });
  await service.close();
}

/** A service on a socket that ends when its standard input does. */
async function serve(detection: boolean, rules_off: readonly string[] = []): Promise<void> {
  const service = await open(detection, rules_off);
  const server = await listen(service.api.app, '127.0.0.1', 0);
  const cpu = process.cpuUsage();
  answer({ url: server.url, key: service.admin_key });
  for await (const _ of process.stdin);
  await service.settled();
  const used = process.cpuUsage(cpu);
  answer({ cpu_us: used.user + used.system, peak_mb: peakMb() });
  await server.close();
  await service.close();
}

const MODES: Record<string, () => Promise<void>> = {
  rows,
  bare,
  deliver: () => deliver(folder, count, answer),
  'direct-detection': () => direct(true),
  'direct-plain': () => direct(false),
  'serve-detection': () => serve(true),
  'serve-two': async () => serve(true, await allButTwo()),
  'serve-plain': () => serve(false),
};

const run = MODES[mode];
if (run === undefined) throw new Error(`mode must be one of ${Object.keys(MODES).join(', ')}`);
await run();
