/** The README's lines for Kafka, done as they stand: three roles, an event through all of them, and a proof of it. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Broker, brokerUnavailable, startBroker } from '../bench/kafka_broker.ts';
import { exampleRecords, prompt } from '../detectors/example_events.ts';
import { type Front, startFront } from './clickhouse_front.ts';
import { buildCommandLine, type CommandLine } from './support/command_line.ts';

const why = brokerUnavailable();
if (why !== undefined) console.log(`not run: ${why}`);

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [, block = ''] = /<!-- kafka -->\n```sh\n([\s\S]*?)```/.exec(readme) ?? [];

let cli: CommandLine;
let broker: Broker;
let front: Front;

beforeAll(async () => {
  if (why !== undefined) return;
  cli = buildCommandLine();
  broker = await startBroker({ partitions: 6 });
  front = await startFront(join(cli.folder, 'store'), 'tracewarden', 'a1b2c3');
}, 120_000);

afterAll(async () => {
  await front?.close();
  await broker?.stop();
  cli?.close();
});

it.skipIf(why !== undefined)('starts the roles, takes an event, and proves it', { timeout: 120_000 }, async () => {
  mkdirSync(join(cli.folder, 'deploy'), { recursive: true });
  cpSync(new URL('../deploy/kafka.yaml', import.meta.url), join(cli.folder, 'deploy', 'kafka.yaml'));
  const store = `http://tracewarden:a1b2c3@${new URL(front.url).host}/default`;
  // The addresses alone are others here, and the port is one that is free.
  const lines = block
    .replace('127.0.0.1:9092', broker.brokers[0] as string)
    .replace('http://127.0.0.1:8123/default', store)
    .replace('--data api', '--data api --port 0');
  expect(lines).toContain(store);
  const { child, match, ended } = await cli.startShell(
    `tracewarden() { $TW "$@"; }\n${lines}`,
    /listens on (http:\S+)/,
  );
  try {
    const key = readFileSync(join(cli.folder, 'api', 'admin.key'), 'utf8').trim();
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const [event] = exampleRecords('by-hand', [prompt('What is new?')]);
    const posted = await fetch(`${match[1]}/v1/events`, { method: 'POST', headers, body: JSON.stringify(event) });
    expect(posted.status).toBe(202);
    const { records } = (await posted.json()) as { records: { event_id: string }[] };
    let proof = '';
    for (let i = 0; i < 300 && !proof.startsWith('c2sp.org/tlog-proof'); i++) {
      await sleep(100);
      proof = await (await fetch(`${match[1]}/v1/events/${records[0]?.event_id}/proof`, { headers })).text();
    }
    expect(proof).toMatch(/^c2sp\.org\/tlog-proof@v1\n[\s\S]*example\.com\/agents\/1\/\d\n/);
  } finally {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    await ended;
  }
});
