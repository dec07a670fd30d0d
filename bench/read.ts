/** Reading a large log: start, timelines, proofs, verification, bytes on disk. */
import { join } from 'node:path';
import { openService, type Service } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { AppError } from '../core/errors.ts';
import { verifyLog } from '../ingest/verify/verify.ts';
import { generate, seeded } from './generate.ts';
import { inTemporaryFolder } from './process.ts';
import { quantile, type Report } from './report.ts';

const EVENTS_PER_SESSION = 50;
const CALLS = 60;
const CHUNK = 1_000;

export async function readBench(report: Report, count = 1_000_000): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const config = loadConfig({ data: join(folder, 'data'), detection: false }, {});
    await fill(await openService({ config }), count);
    const started_ms = performance.now();
    const service = await openService({ config });
    report({ name: 'start', value: (performance.now() - started_ms) / 1000, unit: 's', goal: 'below 2 s' });
    await merged(service);
    report({
      name: 'bytes a stored event',
      value: await bytesPerEvent(service, count),
      unit: 'bytes',
      goal: 'below 750',
    });
    await calls(report, service);
    await verification(report, service, count);
    await service.close();
  });
}

async function fill(service: Service, count: number): Promise<void> {
  const sessions = Math.max(1, Math.floor(count / EVENTS_PER_SESSION));
  let body: Buffer[] = [];
  const waiting: Promise<unknown>[] = [];
  let sent = 0;
  const send = async () => {
    waiting.push(service.writer.submit(body.map((event) => service.writer.accept(event, '*', 'bench'))));
    sent += body.length;
    body = [];
    if (waiting.length > 20) await waiting.shift();
    if (sent % 100_000 === 0) process.stderr.write(`  ${sent} of ${count} events stored\n`);
  };
  for (const event of generate(count, sessions)) {
    body.push(event);
    if (body.length === CHUNK) await send();
  }
  if (body.length > 0) await send();
  await Promise.all(waiting);
  await service.close();
}

/** Lets the engine merge, as it would within minutes, so that figures do not depend on the moment. */
async function merged(service: Service): Promise<void> {
  for (const table of ['leaves', 'events', 'content', 'sessions'])
    await service.store.command(`OPTIMIZE TABLE ${table} FINAL`);
}

async function bytesPerEvent(service: Service, count: number): Promise<number> {
  const rows = await service.store.rows<{ bytes: number }>(
    `SELECT toUInt64(sum(bytes_on_disk)) AS bytes FROM system.parts WHERE active AND database = currentDatabase()`,
  );
  return (rows[0]?.bytes ?? 0) / count;
}

async function get(service: Service, path: string): Promise<number> {
  const started_ms = performance.now();
  const response = await service.api.app.request(`http://localhost${path}`, {
    headers: { authorization: `Bearer ${service.admin_key}` },
  });
  const text = await response.text();
  if (response.status !== 200) throw new AppError('bench_failed', `${path}: ${response.status} ${text.slice(0, 200)}`);
  return performance.now() - started_ms;
}

async function calls(report: Report, service: Service): Promise<void> {
  const picked = await service.store.rows<{ session_id: string; event_id: string }>(
    `SELECT session_id, event_id FROM v_events WHERE tenant = 'default' AND kind = 'event' ORDER BY sipHash64(event_id) LIMIT {n:UInt32}`,
    { n: CALLS + 5 },
  );
  const measure = async (
    name: string,
    goal: string,
    path: (row: { session_id: string; event_id: string }) => string,
  ) => {
    const times: number[] = [];
    for (const row of picked) times.push(await get(service, path(row)));
    report({ name: `${name}, median`, value: quantile(times.slice(5), 0.5), unit: 'ms', goal });
    report({ name: `${name}, p95`, value: quantile(times.slice(5), 0.95), unit: 'ms' });
  };
  await measure('session timeline with content', 'below 15 ms', (row) => `/v1/sessions/${row.session_id}`);
  await measure('proof of an event', 'below 20 ms', (row) => `/v1/events/${row.event_id}/proof`);
  const random = seeded(3);
  await measure(
    'search for two words',
    '',
    () => `/v1/search?q=the+${['error', 'type', 'file', 'name'][Math.floor(random() * 4)]}&limit=20`,
  );
  await measure('first page of sessions', '', () => '/v1/sessions');
}

async function verification(report: Report, service: Service, count: number): Promise<void> {
  for (const [name, with_content, goal] of [
    ['verify by hashes', false, 'above 50000'],
    ['verify with content', true, 'above 20000'],
  ] as const) {
    const cpu = process.cpuUsage();
    const started_ms = performance.now();
    const result = await verifyLog({
      store: service.store,
      vkey: service.keyring.vkey,
      pseudonyms: service.keyring.pseudonyms,
      with_content,
    });
    if (!result.ok) throw new AppError('bench_failed', JSON.stringify(result.findings[0]));
    const used = process.cpuUsage(cpu);
    report({ name, value: count / ((performance.now() - started_ms) / 1000), unit: 'events/s', goal });
    report({ name: `${name}, CPU`, value: (used.user + used.system) / count, unit: 'microseconds/event' });
  }
}
