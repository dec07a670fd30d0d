/**
 * kill -9 at random moments under load, restart, resume. Afterwards no acknowledged event may be missing, none stored
 * twice, the alerts, signals and edges must equal those of an undisturbed run, and the log must verify after every kill.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../core/errors.ts';
import { exampleRecords } from '../detectors/example_events.ts';
import { loadDetectors } from '../detectors/load.ts';
import { generate, seeded } from './generate.ts';
import { type Child, inTemporaryFolder, startChild } from './process.ts';
import type { Report } from './report.ts';

const BODY_RECORDS = 100;
const BODIES_PER_KILL = 14;
const KILL_AFTER_MS_MAX = 700;

export interface KillResult {
  kills: number;
  events: number;
  bodies_sent_again: number;
  missing: number;
  twice: number;
  alerts: number;
  alerts_missing: number;
  alerts_extra: number;
  /** Signals and edges. */
  derived: number;
  derived_missing: number;
  derived_extra: number;
  verified: number;
}

export async function killBench(report: Report, kills = 50): Promise<void> {
  const result = await inTemporaryFolder((folder) => runKills(folder, kills, 1));
  const { missing, twice, alerts_missing, alerts_extra, derived_missing, derived_extra } = result;
  for (const [name, value] of Object.entries(result)) report({ name: `kill -9: ${name}`, value, unit: 'count' });
  const wrong = missing + twice + alerts_missing + alerts_extra + derived_missing + derived_extra;
  if (wrong > 0 || result.verified !== result.kills + 1) {
    throw new AppError('bench_failed', `after ${kills} kills: ${JSON.stringify(result)}`);
  }
}

/** Runs the events once undisturbed and once with kills, and compares. */
export async function runKills(folder: string, kills: number, seed: number): Promise<KillResult> {
  const bodies = await bodiesOf(kills * BODIES_PER_KILL, seed);
  const calm = await undisturbed(join(folder, 'calm'), bodies);
  const run = await disturbed(join(folder, 'killed'), bodies, kills, seeded(seed + 1));
  const ids = bodies.flat().map((event) => event.event_id);
  for (const kind of ['alerts', 'derived'] as const) tellDifference(kind, calm[kind], run[kind]);
  const counts = new Map<string, number>();
  for (const id of run.events) counts.set(id, (counts.get(id) ?? 0) + 1);
  return {
    kills,
    events: ids.length,
    bodies_sent_again: run.sent_again,
    missing: ids.filter((id) => !counts.has(id)).length,
    twice: [...counts.values()].filter((n) => n > 1).length,
    alerts: calm.alerts.size,
    alerts_missing: [...calm.alerts].filter((id) => !run.alerts.has(id)).length,
    alerts_extra: [...run.alerts].filter((id) => !calm.alerts.has(id)).length,
    derived: calm.derived.size,
    derived_missing: [...calm.derived].filter((line) => !run.derived.has(line)).length,
    derived_extra: [...run.derived].filter((line) => !calm.derived.has(line)).length,
    verified: run.verified,
  };
}

/** Says on standard error what one run found and the other did not. */
function tellDifference(kind: string, calm: ReadonlySet<string>, killed: ReadonlySet<string>): void {
  for (const line of calm) if (!killed.has(line)) process.stderr.write(`  ${kind}: missing after kills: ${line}\n`);
  for (const line of killed) if (!calm.has(line)) process.stderr.write(`  ${kind}: only after kills: ${line}\n`);
}

type RawEvent = Record<string, unknown> & { event_id: string };

/** Ordinary sessions with the detectors' own examples among them, so that there is something to find at any moment. */
async function bodiesOf(count: number, seed: number): Promise<RawEvent[][]> {
  const examples = (await loadDetectors()).flatMap((detector) => detector.examples);
  const ordinary = generate(count * BODY_RECORDS, Math.ceil(count * 2), seed);
  const bodies: RawEvent[][] = [];
  for (let i = 0; i < count; i++) {
    const body: RawEvent[] = [];
    const example = examples[i % examples.length];
    if (example !== undefined) body.push(...(exampleRecords(`example-${i}`, example.events) as unknown as RawEvent[]));
    while (body.length < BODY_RECORDS) body.push(JSON.parse(String(ordinary.next().value)) as RawEvent);
    bodies.push(body);
  }
  return bodies;
}

interface Server {
  child: Child;
  url: string;
  key: string;
}

async function start(folder: string): Promise<Server> {
  const child = startChild('serve-detection', folder, 0);
  return { child, ...((await child.next()) as { url: string; key: string }) };
}

async function call(server: Server, method: string, path: string, body?: string): Promise<Response> {
  const headers = { authorization: `Bearer ${server.key}`, 'content-type': 'application/x-ndjson' };
  const json = path === '/v1/verify' ? { ...headers, 'content-type': 'application/json' } : headers;
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: json,
    ...(body === undefined ? {} : { body }),
  });
  if (response.status !== 200)
    throw new AppError('bench_failed', `${path}: ${response.status} ${await response.text()}`);
  return response;
}

const post = (server: Server, body: readonly RawEvent[]) =>
  call(server, 'POST', '/v1/events', body.map((event) => JSON.stringify(event)).join('\n')).then((response) =>
    response.arrayBuffer(),
  );

interface Found {
  alerts: Set<string>;
  derived: Set<string>;
}

async function undisturbed(folder: string, bodies: readonly RawEvent[][]): Promise<Found> {
  const server = await start(folder);
  for (const body of bodies) await post(server, body);
  const alerts = await alertIds(server);
  const derived = await derivedIn(server, examplesIn(bodies));
  await stop(server);
  return { alerts, derived };
}

async function stop(server: Server): Promise<void> {
  server.child.process.stdin?.end();
  await server.child.ended;
}

interface DisturbedRun extends Found {
  events: string[];
  sent_again: number;
  verified: number;
}

async function disturbed(
  folder: string,
  bodies: readonly RawEvent[][],
  kills: number,
  random: () => number,
): Promise<DisturbedRun> {
  let next = 0;
  let sent_again = 0;
  let verified = 0;
  for (let kill = 0; kill < kills; kill++) {
    const server = await start(folder);
    if (kill > 0 && (await verifies(server))) verified++;
    const killer = sleep(Math.floor(random() * KILL_AFTER_MS_MAX)).then(() => server.child.process.kill('SIGKILL'));
    // The last body is kept for the end, so that there is load at every kill.
    while (next < bodies.length - 1) {
      const sent = await post(server, bodies[next] as RawEvent[]).then(
        () => true,
        () => false,
      );
      if (!sent) break;
      next++;
    }
    sent_again++;
    await killer;
    await server.child.ended;
  }
  const server = await start(folder);
  if (await verifies(server)) verified++;
  for (; next < bodies.length; next++) await post(server, bodies[next] as RawEvent[]);
  const alerts = await alertIds(server);
  const derived = await derivedIn(server, examplesIn(bodies));
  const events = await eventIds(server, sessionsIn(bodies));
  if (await verifies(server)) verified++;
  await stop(server);
  return { events, alerts, derived, sent_again, verified };
}

async function verifies(server: Server): Promise<boolean> {
  const text = await (await call(server, 'POST', '/v1/verify', '{}')).text();
  const last = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '{}') as {
    report?: { ok: boolean; findings: unknown[] };
  };
  if (last.report?.ok !== true) process.stderr.write(`  not verified: ${JSON.stringify(last).slice(0, 500)}\n`);
  return last.report?.ok === true;
}

const sessionsIn = (bodies: readonly RawEvent[][]) => new Set(bodies.flat().map((event) => String(event.session_id)));
const examplesIn = (bodies: readonly RawEvent[][]) =>
  [...sessionsIn(bodies)].filter((session) => session.startsWith('example-'));

/** Signals and edges of sessions, a line each. */
async function derivedIn(server: Server, sessions: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const session of sessions) {
    const path = `/v1/sessions/${encodeURIComponent(session)}`;
    const { signals } = (await (await call(server, 'GET', `${path}/signals?limit=1000`)).json()) as {
      signals: { rule_id: string; finding_id: string }[];
    };
    const { edges } = (await (await call(server, 'GET', `${path}/edges?limit=1000`)).json()) as {
      edges: { from: { event_id: string }; to: { event_id: string }; path: string; kind: string; digest: string }[];
    };
    for (const { rule_id, finding_id } of signals) found.add(`${rule_id} ${session} ${finding_id}`);
    for (const { from, to, path, kind, digest } of edges) {
      found.add([from.event_id, to.event_id, path, kind, digest].join(' '));
    }
  }
  return found;
}

/** All alerts, by rule, session and id, once the detectors have seen everything. */
async function alertIds(server: Server): Promise<Set<string>> {
  for (let waited_ms = 0; waited_ms < 60_000; waited_ms += 50) {
    const log = (await (await call(server, 'GET', '/v1/log')).json()) as {
      size: number;
      detection: { detected_through: number };
    };
    // Alerts are records as well: only when these were looked at too is everything stored.
    if (log.detection.detected_through >= log.size) break;
    await sleep(50);
  }
  const ids = new Set<string>();
  let cursor = '';
  do {
    const page = (await (await call(server, 'GET', `/v1/alerts?limit=1000${cursor}`)).json()) as {
      alerts: { alert_id: string; rule_id: string; session_id: string }[];
      next_cursor: string | null;
    };
    for (const { rule_id, session_id, alert_id } of page.alerts) ids.add(`${rule_id} ${session_id} ${alert_id}`);
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
  } while (cursor !== '');
  return ids;
}

async function eventIds(server: Server, sessions: ReadonlySet<string>): Promise<string[]> {
  const ids: string[] = [];
  for (const session of sessions) {
    const path = `/v1/sessions/${encodeURIComponent(session)}?limit=10000`;
    const page = (await (await call(server, 'GET', path)).json()) as { events: { event_id: string }[] };
    for (const event of page.events) ids.push(event.event_id);
  }
  return ids;
}
