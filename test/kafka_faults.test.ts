/**
 * The fault table of logs from Kafka: in each cell something breaks while events come in. Afterwards every produced
 * event is one leaf, none is missing, none is there twice, the logs verify, and the alerts are those of a run in which
 * nothing broke. `FAULT_SEEDS` says with how many seeds each cell is tried; `FAULT_RESULTS` names a file that keeps what
 * was tried, so that a long run goes on where it ended.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Partitioners, type Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { brokerUnavailable } from '../bench/kafka_broker.ts';
import { KafkaSettings } from '../core/kafka_settings.ts';
import { exampleRecords, prompt } from '../detectors/example_events.ts';
import { createKafka } from '../ingest/kafka/client.ts';
import { type Cluster, type Role, SESSION_TIMEOUT_MS, startCluster } from './support/kafka_cluster.ts';
import { marked } from './support/marked_events.ts';

const why = brokerUnavailable();
if (why !== undefined) console.log(`not run: ${why}`);

const SEEDS = Number(process.env.FAULT_SEEDS ?? 1);
const PARTITIONS = 2;
const ATTACKED = 4;
const BODIES = 12;
const OUTAGE_MS = 2 * SESSION_TIMEOUT_MS;
const SETTLED_MS_MAX = 90_000;

interface Cell {
  cluster: Cluster;
  /** Workers that run; a cell that ends one puts another in its place. */
  workers: Role[];
  /** Between 0 and 1, from the seed. */
  chance: number;
  /** Sends records to Kafka past the service. */
  produce: (
    messages: { key: string | null; value: string | Buffer | null; headers?: Record<string, string> }[],
  ) => Promise<void>;
  /** Records of this cell, to be sent once more. */
  events: readonly Record<string, unknown>[];
}

async function another({ cluster, workers }: Cell, gone: Role): Promise<void> {
  await gone.ended;
  workers.splice(workers.indexOf(gone), 1, await cluster.start('worker', `worker-${Date.now()}`));
}

const anyOf = ({ workers, chance }: Cell): Role => workers[Math.floor(chance * workers.length)] as Role;

const FAULTS: Record<string, (cell: Cell) => Promise<void>> = {
  'a worker is killed': async (cell) => {
    const worker = anyOf(cell);
    worker.child.kill('SIGKILL');
    await another(cell, worker);
  },
  'a worker is told to end': async (cell) => {
    const worker = anyOf(cell);
    worker.child.kill('SIGTERM');
    await another(cell, worker);
    expect((await worker.ended).code).toBe(0);
  },
  'a worker sleeps past its session and wakes up': async (cell) => {
    const worker = anyOf(cell);
    worker.child.kill('SIGSTOP');
    await sleep(OUTAGE_MS);
    worker.child.kill('SIGCONT');
  },
  'both workers sleep, one after the other': async (cell) => {
    for (const { child } of cell.workers) {
      child.kill('SIGSTOP');
      await sleep(OUTAGE_MS);
      child.kill('SIGCONT');
    }
  },
  'a worker comes and goes': async ({ cluster }) => {
    const third = await cluster.start('worker', `worker-${Date.now()}`);
    await sleep(1_000);
    third.child.kill('SIGTERM');
    await third.ended;
  },
  'the broker is restarted': ({ cluster }) => cluster.broker.restart(),
  'the broker is killed': async ({ cluster }) => {
    await cluster.broker.kill();
    await cluster.broker.restart();
  },
  'the broker does not answer for a while': async ({ cluster }) => {
    cluster.broker.pause();
    await sleep(OUTAGE_MS);
    cluster.broker.resume();
  },
  'the store is gone for a while': async ({ cluster }) => {
    cluster.gate.shut();
    await sleep(OUTAGE_MS);
    cluster.gate.open();
  },
  'the store does what it is asked, and its answers are lost': async ({ cluster, chance }) => {
    for (let i = 0; i < 4; i++) {
      cluster.gate.loseAnswers(1 + Math.floor(3 * chance));
      await sleep(400);
    }
    cluster.gate.loseAnswers(0);
  },
  'the signer is killed': async ({ cluster }) => {
    const signer = signers.get(cluster) as Role;
    signer.child.kill('SIGKILL');
    await signer.ended;
    signers.set(cluster, await cluster.start('signer'));
  },
  'a producer sends everything again, backwards': async ({ events, produce }) => {
    const again = [...events].reverse();
    await produce(again.map((event) => ({ key: `default/${String(event.user_id)}`, value: JSON.stringify(event) })));
  },
  'records come that nobody can read': async ({ produce }) => {
    const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
    await produce([
      { key: null, value: null },
      { key: 'default/x', value: '' },
      { key: 'default/x', value: Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]) },
      { key: 'default/x', value: '{"type":"prompt"' },
      { key: 'default/x', value: `{"params":${deep}}` },
      { key: 'default/x', value: JSON.stringify({ content: 'x'.repeat(900_000) }) },
      { key: 'default/x', value: '{}', headers: { 'tw-envelope': '{"kind":"internal"}', 'tw-seal': 'AAAA' } },
    ]);
  },
};

const RESULTS = process.env.FAULT_RESULTS;
const tried = new Set(
  RESULTS !== undefined && existsSync(RESULTS)
    ? readFileSync(RESULTS, 'utf8')
        .trim()
        .split('\n')
        .map((line) => keyOf(JSON.parse(line) as Tried))
    : [],
);

interface Tried {
  cell: string;
  seed: number;
  seconds: number;
  at: string;
}

function keyOf({ cell, seed }: Pick<Tried, 'cell' | 'seed'>): string {
  return `${seed} ${cell}`;
}

const signers = new Map<Cluster, Role>();

describe.skipIf(why !== undefined)('logs from Kafka, while', { timeout: 240_000 }, () => {
  let cluster: Cluster;
  let producer: Producer;
  let expected: string[] = [];
  const workers: Role[] = [];
  const produced = new Set<string>();
  let cells = 0;

  beforeAll(async () => {
    cluster = await startCluster(PARTITIONS);
    await cluster.start('api');
    signers.set(cluster, await cluster.start('signer'));
    workers.push(await cluster.start('worker', 'worker-a'), await cluster.start('worker', 'worker-b'));
    const kafka = createKafka(KafkaSettings.parse({ brokers: cluster.broker.brokers }));
    producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, retry: { retries: 20 } });
    await producer.connect();
    expected = await run(async () => undefined, 0.5);
    expect(expected.length).toBeGreaterThan(0);
  }, 240_000);

  afterAll(async () => {
    await producer?.disconnect();
    await cluster?.close();
  });

  /** Attacked sessions and others, with ids of this cell; times as they would be. */
  const eventsOf = (cell: number) => {
    const attacked = Array.from({ length: ATTACKED }, (_, i) =>
      marked(`attacked-${cell}-${i}`, `user${i}@cell${cell}.example.com`, `mark${i}`),
    ).flat();
    const plain = Array.from({ length: 100 }, (_, i) => {
      const [event] = exampleRecords(`plain-${cell}-${i % 10}`, [prompt(`Question ${i}`)]);
      return { ...event, user_id: `user${i % 10}@cell${cell}.example.com` };
    });
    const time = new Date().toISOString();
    return [...attacked, ...plain].map((event, i) => ({ ...event, event_id: `c${cell}-${i}`, time }));
  };

  /** Posts until it is taken, as a gateway does. */
  const post = async (body: readonly unknown[]) => {
    for (let attempt = 0; ; attempt++) {
      const headers = { authorization: `Bearer ${cluster.key}`, 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(60_000) };
      const status = await fetch(`${cluster.url}/v1/events`, init).then(
        async (response) => {
          await response.text();
          return response.status;
        },
        () => 0,
      );
      if (status === 202) return;
      if (attempt > 60) throw new Error(`the service does not take events: ${status}`);
      await sleep(500);
    }
  };

  const rows = <T>(sql: string) => cluster.store.rows<T>(sql);
  const missing = async () => {
    const stored = await rows<{ event_id: string }>("SELECT event_id FROM v_events WHERE kind = 'event'");
    const ids = stored.map(({ event_id }) => event_id);
    expect(new Set(ids).size).toBe(ids.length);
    const known = new Set(ids);
    return [...produced].filter((id) => !known.has(id));
  };
  /** What was found in the cell, without its number. */
  const found = async (cell: number) => {
    const raised = await rows<{ rule_id: string; session_id: string; n: number }>(
      `SELECT rule_id, session_id, count() AS n FROM v_alerts WHERE session_id LIKE 'attacked-${cell}-%' GROUP BY rule_id, session_id`,
    );
    return raised.map(({ rule_id, session_id, n }) => `${session_id.replace(`-${cell}-`, '-')} ${rule_id} ${n}`).sort();
  };

  /** Sends the cell's events while the fault happens, and gives what was found when all is quiet again. */
  const run = async (fault: (cell: Cell) => Promise<void>, chance: number): Promise<string[]> => {
    const cell = cells++;
    const events = eventsOf(cell);
    for (const { event_id } of events) produced.add(event_id);
    const produce: Cell['produce'] = async (messages) =>
      void (await producer.send({ topic: 'tracewarden.events', messages }));
    const size = Math.ceil(events.length / BODIES);
    let happening: Promise<void> | undefined;
    for (let i = 0; i < BODIES; i++) {
      if (i === Math.floor(chance * BODIES)) {
        happening = fault({ cluster, workers, chance: (chance * 7) % 1, produce, events });
        happening.catch(() => undefined);
      }
      await post(events.slice(i * size, (i + 1) * size));
      await sleep(100);
    }
    await happening;
    const deadline = Date.now() + SETTLED_MS_MAX;
    while ((await missing()).length > 0 && Date.now() < deadline) await sleep(250);
    expect(await missing()).toEqual([]);
    while (expected.length > 0 && (await found(cell)).join() !== expected.join() && Date.now() < deadline)
      await sleep(250);
    if (expected.length === 0) await sleep(8_000);
    return found(cell);
  };

  for (const [name, fault] of Object.entries(FAULTS)) {
    for (let seed = 1; seed <= SEEDS; seed++) {
      it.skipIf(tried.has(keyOf({ cell: name, seed })))(`${name}${SEEDS > 1 ? `, seed ${seed}` : ''}`, async () => {
        const began_ms = Date.now();
        const chance = ((seed * 0.618_034 + name.length * 0.271) % 1) * 0.9;
        expect(await run(fault, chance)).toEqual(expected);
        for (const report of await cluster.verify()) expect([report.log, report.findings]).toEqual([report.log, []]);
        const at = new Date().toISOString();
        const result: Tried = { cell: name, seed, seconds: (Date.now() - began_ms) / 1_000, at };
        if (RESULTS !== undefined) appendFileSync(RESULTS, `${JSON.stringify(result)}\n`);
      });
    }
  }
});
