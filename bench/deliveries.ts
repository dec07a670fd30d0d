/**
 * Alerts to five targets, of which one is dead, one slow, one flapping, and one answers 500 twice for every eighth message,
 * while the service is killed three times. Every target that answers gets every alert, under one id; what the dead one
 * was owed become dead letters.
 */
import { writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createSocket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../core/errors.ts';
import type { DeliverPlan } from './deliver.ts';
import { type Child, inTemporaryFolder, startChild } from './process.ts';
import type { Report } from './report.ts';

const ALERTS = 10_000;
const KILLS = 3;
const KILL_AT = 0.5; // of the alerts of one life of the service, taken by the good target
const SLOW_MS = 40;
const FLAP_MS = 1_000; // away for so long, there for twice as long
const LOOK_MS = 50;
const HEAP_MB_MAX = 256;

export interface DeliveryResult {
  alerts: number;
  kills: number;
  /** Alerts that a target which answers did not get. */
  missing: number;
  /** Alerts that one target was told of under two ids. */
  ids_changed: number;
  /** Requests beyond the first that a target took for an alert. */
  repeated: number;
  dead_letters: number;
  heap_mb: number;
  rss_mb: number;
  seconds: number;
}

export async function deliveriesBench(report: Report, count = ALERTS): Promise<void> {
  // The last wait makes what is owed to a dead target be given up after three minutes; a flapping one needs some of them.
  const waits = [...Array(19).fill(1), 60];
  const result = await inTemporaryFolder((folder) => runDeliveries(folder, count, waits));
  const { missing, ids_changed, dead_letters, heap_mb } = result;
  for (const [name, value] of Object.entries(result))
    report({ name: `deliveries: ${name}`, value, unit: unitOf(name) });
  if (missing + ids_changed > 0 || dead_letters !== count || heap_mb > HEAP_MB_MAX) {
    throw new AppError('bench_failed', `deliveries: ${JSON.stringify(result)}`);
  }
}

const unitOf = (name: string) => (name.endsWith('_mb') ? 'MB' : name === 'seconds' ? 's' : 'count');

type Answer = (response: ServerResponse, nth_of_id: number, message_id: string) => void;

/** What a target took, by alert. */
interface Target {
  name: string;
  url: string;
  took: Map<string, { ids: Set<string>; times: number }>;
  close(): void;
}

async function startTarget(name: string, answer: Answer): Promise<Target> {
  const took: Target['took'] = new Map();
  const seen = new Map<string, number>();
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const message_id = String(request.headers['webhook-id']);
      const nth = (seen.get(message_id) ?? 0) + 1;
      seen.set(message_id, nth);
      response.on('finish', () => {
        if (response.statusCode !== 204) return;
        const { alert_id } = (JSON.parse(body) as { data: { alert_id: string } }).data;
        const known = took.get(alert_id) ?? { ids: new Set(), times: 0 };
        known.ids.add(message_id);
        known.times++;
        took.set(alert_id, known);
      });
      answer(response, nth, message_id);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { name, url, took, close };
}

/** A port on which nothing listens. */
async function nobodyAt(): Promise<string> {
  const socket = createSocket();
  await new Promise<void>((resolve) => socket.listen(0, '127.0.0.1', resolve));
  const { port } = socket.address() as AddressInfo;
  await new Promise((resolve) => socket.close(resolve));
  return `http://127.0.0.1:${port}/`;
}

const yes = (response: ServerResponse) => response.writeHead(204).end();
const no = (response: ServerResponse, status: number) => response.writeHead(status).end();

/** Raises and delivers with kills, and counts what came. */
export async function runDeliveries(folder: string, count: number, retry_seconds: number[]): Promise<DeliveryResult> {
  const started_ms = performance.now();
  const up = () => Math.floor(performance.now() / FLAP_MS) % 3 !== 0;
  const targets = await Promise.all([
    startTarget('good', yes),
    startTarget('slow', (response) => setTimeout(() => yes(response), SLOW_MS)),
    startTarget('flapping', (response) => (up() ? yes(response) : no(response, 503))),
    startTarget('twice', (response, nth, id) =>
      nth <= 2 && id.charCodeAt(8) % 8 === 0 ? no(response, 500) : yes(response),
    ),
  ]);
  const plan: DeliverPlan = {
    targets: [...targets, { name: 'dead', url: await nobodyAt() }].map(({ name, url }) => ({ name, url })),
    retry_seconds,
  };
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(plan));
  // Each life raises a share, so that what waits at a flapping target is not older than the lives before it.
  const goal = (life: number) => Math.round(((life + 1) / (KILLS + 1)) * count);
  let child = await start(folder, goal(0));
  for (let life = 0; life < KILLS; life++) {
    const from = life === 0 ? 0 : goal(life - 1);
    while ((targets[0]?.took.size ?? 0) < from + KILL_AT * (goal(life) - from)) await sleep(LOOK_MS);
    child.process.kill('SIGKILL');
    await child.ended;
    child = await start(folder, goal(life + 1));
  }
  while (targets.some(({ took }) => took.size < count) && (await child.waiting()) > 0) await sleep(10 * LOOK_MS);
  while ((await child.waiting()) > 0) await sleep(10 * LOOK_MS);
  const dead_letters = await child.dead();
  for (const { name, took } of targets)
    if (took.size < count) process.stderr.write(`  ${name}: missing ${count - took.size}\n`);
  child.process.stdin?.end();
  const { heap_mb, rss_mb } = (await child.next()) as { heap_mb: number; rss_mb: number };
  await child.ended;
  for (const target of targets) target.close();
  const taken = targets.flatMap(({ took }) => [...took.values()]);
  return {
    alerts: count,
    kills: KILLS,
    missing: targets.reduce((sum, { took }) => sum + count - took.size, 0),
    ids_changed: taken.filter(({ ids }) => ids.size > 1).length,
    repeated: taken.reduce((sum, { times }) => sum + times - 1, 0),
    dead_letters,
    heap_mb,
    rss_mb,
    seconds: (performance.now() - started_ms) / 1000,
  };
}

interface Delivering extends Child {
  /** Deliveries that wait, at all targets. */
  waiting(): Promise<number>;
  /** Dead letters of the dead target. */
  dead(): Promise<number>;
}

async function start(folder: string, count: number): Promise<Delivering> {
  const child = startChild('deliver', folder, count);
  const { url, key, subscriptions } = (await child.next()) as {
    url: string;
    key: string;
    subscriptions: Record<string, string>;
  };
  const read = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } });
    if (!response.ok) throw new AppError('bench_failed', `${path}: ${response.status}`);
    return (await response.json()) as T;
  };
  return {
    ...child,
    async waiting() {
      const all = await read<{ subscriptions: { waiting: number }[] }>('/v1/subscriptions');
      const size = await read<{ deliveries: unknown[] }>(`/v1/deliveries?subscription=${subscriptions.dead}&limit=1`);
      if (size.deliveries.length === 0) return 1; // nothing was derived yet
      return all.subscriptions.reduce((sum, { waiting }) => sum + waiting, 0);
    },
    async dead() {
      let dead = 0;
      let cursor = '';
      do {
        const path = `/v1/deliveries?subscription=${subscriptions.dead}&state=dead&limit=1000${cursor === '' ? '' : `&cursor=${cursor}`}`;
        const page = await read<{ deliveries: unknown[]; next_cursor: string | null }>(path);
        dead += page.deliveries.length;
        cursor = page.next_cursor === null ? '' : encodeURIComponent(page.next_cursor);
      } while (cursor !== '');
      return dead;
    },
  };
}
