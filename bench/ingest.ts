/** Taking events in, as a ratio to a bare insert of the same rows into the same tables in the same run. */
import { hash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from './generate.ts';
import { inTemporaryFolder, runChild, startChild } from './process.ts';
import { median, quantile, type Report } from './report.ts';

const ROUNDS = 3;
const BODY_RECORDS = 1_000;
const CONNECTIONS = 16;
const SINGLE_POSTS = 300;
const BARE = 'bare insert';

export async function ingestBench(report: Report, count = 100_000): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const { mean_bytes } = await runChild('rows', folder, count);
    report({ name: 'event as JSON, mean', value: mean_bytes as number, unit: 'bytes' });
    const bodies = bodiesOf(count);
    const rounds: Record<string, { rate: number; cpu: number; peak: number }[]> = {};
    const add = (name: string, seconds: number, cpu_us: number, peak: number) => {
      rounds[name] = [...(rounds[name] ?? []), { rate: count / seconds, cpu: cpu_us / count, peak }];
    };
    // In turns, so that a machine that changes its speed changes it for all.
    for (let round = 0; round < ROUNDS; round++) {
      for (const mode of ['bare', 'direct-plain', 'direct-detection']) {
        const { seconds, cpu_us, peak_mb } = (await runChild(mode, folder, count)) as Record<string, number>;
        add(mode, seconds as number, cpu_us as number, peak_mb as number);
        clear(folder);
      }
      for (const mode of ['serve-plain', 'serve-two', 'serve-detection']) {
        const { seconds, cpu_us, peak_mb } = await overHttp(mode, folder, bodies);
        add(mode, seconds, cpu_us, peak_mb);
        clear(folder);
      }
    }
    tell(report, rounds);
    await singlePosts(report, folder);
  });
}

function clear(folder: string): void {
  for (const name of ['bare', 'service']) rmSync(join(folder, name), { recursive: true, force: true });
}

/**
 * What each connection posts, in its order. A session is on one connection, as a gateway sends what it sees: bodies of
 * several connections overtake each other, and a session spread over them would come hours out of order.
 */
function bodiesOf(count: number): Buffer[][] {
  const lines: string[][] = Array.from({ length: CONNECTIONS }, () => []);
  for (const line of generate(count, Math.max(1, Math.floor(count / 50)))) {
    const { session_id } = JSON.parse(String(line)) as { session_id: string };
    lines[connectionOf(session_id)]?.push(String(line));
  }
  return lines.map((own) => {
    const bodies: Buffer[] = [];
    for (let from = 0; from < own.length; from += BODY_RECORDS) {
      bodies.push(Buffer.from(own.slice(from, from + BODY_RECORDS).join('\n')));
    }
    return bodies;
  });
}

function connectionOf(session_id: string): number {
  return hash('md5', session_id, 'buffer').readUInt32LE(0) % CONNECTIONS;
}

interface HttpRun {
  seconds: number;
  cpu_us: number;
  peak_mb: number;
}

/** Posts all bodies over a few connections; the clock stops when the last is acknowledged; detection may follow behind. */
async function overHttp(mode: string, folder: string, bodies: readonly (readonly Buffer[])[]): Promise<HttpRun> {
  const child = startChild(mode, folder, 0);
  const { url, key } = (await child.next()) as { url: string; key: string };
  const started_ms = performance.now();
  const send = async (own: readonly Buffer[]) => {
    for (const body of own) await post(url, key, body);
  };
  await Promise.all(bodies.map(send));
  const seconds = (performance.now() - started_ms) / 1000;
  child.process.stdin?.end();
  const used = (await child.next()) as { cpu_us: number; peak_mb: number };
  await child.ended;
  return { seconds, ...used };
}

async function post(url: string, key: string, body: Buffer): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' };
  const response = await fetch(`${url}/v1/events`, { method: 'POST', headers, body: new Uint8Array(body) });
  if (response.status !== 200) throw new Error(`${response.status}: ${(await response.text()).slice(0, 300)}`);
  await response.arrayBuffer();
}

const NAMES: Record<string, [name: string, goal?: string]> = {
  bare: [BARE],
  'direct-plain': ['without HTTP, detection off'],
  'direct-detection': ['without HTTP, detection on'],
  'serve-plain': ['over HTTP, detection off'],
  'serve-two': ['over HTTP, two detectors on', 'ratio at least 0.3, aim 0.5'],
  'serve-detection': ['over HTTP, detection on'],
};

function tell(report: Report, rounds: Record<string, { rate: number; cpu: number; peak: number }[]>): void {
  const bare = (rounds.bare ?? []).map((run) => run.rate);
  for (const [mode, [name, goal]] of Object.entries(NAMES)) {
    const runs = rounds[mode] ?? [];
    const ratio = median(runs.map((run, i) => run.rate / (bare[i] as number)));
    report({
      name,
      value: median(runs.map((run) => run.rate)),
      unit: 'events/s',
      ratio,
      ratio_to: BARE,
      ...(goal && { goal }),
    });
    report({ name: `${name}, CPU`, value: median(runs.map((run) => run.cpu)), unit: 'microseconds/event' });
    report({ name: `${name}, peak memory`, value: median(runs.map((run) => run.peak)), unit: 'MB' });
  }
}

/** One event a request, one request at a time. */
async function singlePosts(report: Report, folder: string): Promise<void> {
  const child = startChild('serve-detection', folder, 0);
  const { url, key } = (await child.next()) as { url: string; key: string };
  const times: number[] = [];
  for (const event of generate(SINGLE_POSTS + 20, 10, 7)) {
    const started_ms = performance.now();
    await post(url, key, event);
    times.push(performance.now() - started_ms);
  }
  const warm = times.slice(20);
  report({ name: 'single POST, p50', value: quantile(warm, 0.5), unit: 'ms' });
  report({ name: 'single POST, p99', value: quantile(warm, 0.99), unit: 'ms' });
  child.process.stdin?.end();
  await child.ended;
}
