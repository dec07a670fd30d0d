/** Logs whose source is Kafka, over a real broker: every produced record is one leaf, whoever owned the log meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kafka, Partitioners, type Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Broker, brokerUnavailable, startBroker } from '../bench/kafka_broker.ts';
import type { AppError } from '../core/errors.ts';
import { KafkaSettings } from '../core/kafka_settings.ts';
import { createPseudonymizer } from '../core/pseudonym.ts';
import type { Store } from '../core/store/store.ts';
import { ed25519FromSeed } from '../core/tlog/ed25519_node.ts';
import { formatVerifierKey, newVerifierKey } from '../core/tlog/note_key.ts';
import { checkTopics, createKafka } from '../ingest/kafka/client.ts';
import { Envelopes } from '../ingest/kafka/envelope.ts';
import { Ledger } from '../ingest/kafka/ledger.ts';
import { PartitionLog } from '../ingest/kafka/partition_log.ts';
import { PartitionReader } from '../ingest/kafka/partition_reader.ts';
import { partitionOf } from '../ingest/kafka/partitioner.ts';
import { KafkaSource } from '../ingest/kafka/source.ts';
import { keyOf, logOf, topicsOf } from '../ingest/kafka/topics.ts';
import { verifyLog } from '../ingest/verify/verify.ts';
import { openTestStore } from './log_kit.ts';

const why = brokerUnavailable();
if (why !== undefined) console.log(`not run: ${why}`);

const PARTITIONS = 2;
const ORIGIN = 'test.example.com/logs';
const KEY = Buffer.alloc(32, 7);

describe.skipIf(why !== undefined)('logs from Kafka', { timeout: 90_000 }, () => {
  let broker: Broker;
  let kafka: Kafka;
  let store: Store;
  let producer: Producer;
  let settings: KafkaSettings;
  const folder = mkdtempSync(join(tmpdir(), 'tracewarden-kafka-logs-'));
  const topics = topicsOf({ topic_prefix: 'tracewarden' });
  const sent: string[] = [];
  let count = 0;

  beforeAll(async () => {
    broker = await startBroker({ partitions: PARTITIONS });
    settings = KafkaSettings.parse({ brokers: broker.brokers, partitions: PARTITIONS, session_timeout_ms: 6_000 });
    await broker.createTopics([
      { topic: topics.events, partitions: PARTITIONS, config: { 'message.timestamp.type': 'LogAppendTime' } },
      { topic: topics.checkpoints, partitions: PARTITIONS },
      { topic: topics.alerts, partitions: 1 },
    ]);
    kafka = createKafka(settings);
    store = await openTestStore(folder);
    producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
  }, 120_000);

  afterAll(async () => {
    await producer?.disconnect();
    await store?.close();
    await broker?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const eventOf = (user_id: string) => {
    const event_id = `e-${count++}`;
    sent.push(event_id);
    return JSON.stringify({
      event_id,
      time: new Date().toISOString(),
      type: 'prompt',
      user_id,
      session_id: `s-${user_id}`,
      content: event_id,
    });
  };
  const produce = async (n: number, partition?: number) => {
    const messages = Array.from({ length: n }, (_, i) => {
      const user = `user${i % 5}@example.com`;
      return { key: keyOf('default', user), value: eventOf(user), ...(partition === undefined ? {} : { partition }) };
    });
    await producer.send({ topic: topics.events, messages });
  };

  const open = (over: Store = store) => {
    const reader = new PartitionReader(kafka, topics.events);
    const halted: string[] = [];
    const logs: PartitionLog[] = [];
    const logFor = (partition: number, onBroken: (error: AppError) => void) => {
      const place = {
        log: logOf(ORIGIN, '1', partition),
        partition,
        topic: topics.checkpoints,
        group: settings.group,
        events: topics.events,
      };
      const log = new PartitionLog({
        kafka,
        place,
        topics,
        partitions: PARTITIONS,
        store: over,
        reader,
        onBroken,
        pseudonyms: createPseudonymizer(KEY),
        envelopes: new Envelopes(KEY),
        configuration: { core_version: 1 },
        send: async (topic, messages) => void (await producer.send({ topic, messages })),
        observe: async () => ({
          observe: async () => undefined,
          abandon: () => undefined,
          close: async () => undefined,
        }),
        now: Date.now,
        onNotice: () => undefined,
      });
      logs.push(log);
      return log;
    };
    const source = new KafkaSource({
      kafka,
      settings,
      topic: topics.events,
      reader,
      logFor,
      onNotice: () => undefined,
      onHalted: (_, error) => void halted.push(error.code),
      onExpelled: () => undefined,
    });
    return {
      source,
      halted,
      logs,
      logFor,
      close: async () => {
        await source.close();
        await reader.close();
      },
    };
  };

  const eventIds = async () =>
    (
      await store.rows<{ event_id: string }>("SELECT event_id FROM v_events WHERE kind = 'event' ORDER BY event_id")
    ).map((row) => row.event_id);
  const untilAll = async () => {
    for (let i = 0; i < 300 && (await eventIds()).length < sent.length; i++) await sleep(100);
    expect(await eventIds()).toEqual([...sent].sort());
  };
  const verifyAll = async () => {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const log = logOf(ORIGIN, '1', partition);
      const vkey = formatVerifierKey(newVerifierKey(log, ed25519FromSeed(KEY).public_key));
      const report = await verifyLog({ store, vkey, pseudonyms: createPseudonymizer(KEY), from_source: true });
      expect(report.findings).toEqual([]);
    }
  };

  it('names what is wrong with a topic', async () => {
    await checkTopics(kafka, topics, PARTITIONS);
    await expect(checkTopics(kafka, topics, 3)).rejects.toThrow(/has 2 partitions, the settings say 3/);
  });

  it('stores each record once, moves those of another partition, and goes on where it ended', async () => {
    await produce(40);
    const worker = open();
    await worker.source.start();
    await untilAll();
    await produce(20, 0);
    await untilAll();
    const elsewhere = Array.from({ length: 5 }, (_, i) =>
      partitionOf(keyOf('default', `user${i}@example.com`), PARTITIONS),
    );
    const moved = worker.logs.reduce((sum, { counters }) => sum + counters.moved, 0);
    expect(moved).toBe(4 * elsewhere.filter((each) => each !== 0).length);
    await worker.close();
    await produce(30);
    const next = open();
    await next.source.start();
    await untilAll();
    await next.close();
    expect(next.halted).toEqual([]);
    await verifyAll();
  });

  it('shuts the old owner of a log out: what it commits later is refused, and rows that it wrote merge away', async () => {
    const worker = open();
    await worker.source.start();
    await produce(10);
    await untilAll();
    const place = {
      log: logOf(ORIGIN, '1', 0),
      partition: 0,
      topic: topics.checkpoints,
      group: settings.group,
      events: topics.events,
    };
    const zombie = await Ledger.take(kafka, place);
    const other = await Ledger.take(kafka, place);
    expect(other.head).toEqual(zombie.head);
    const head = other.head;
    if (head === undefined) throw new Error('a head was committed');
    await expect(zombie.commit({ ...head, size: head.size + 1 }, [])).rejects.toMatchObject({ code: 'log_fenced' });
    await zombie.close();
    await other.close();
    // The worker was shut out too: it notices at its next record, takes the log anew, and loses nothing.
    await produce(10);
    await untilAll();
    await worker.close();
    await verifyAll();
  });

  it('does not halt a log for what an owner saw that was shut out while it took over', async () => {
    await produce(10);
    const worker = open();
    let began = () => {};
    const reading = new Promise<void>((resolve) => {
      began = resolve;
    });
    // The first to come has read its head, and sleeps before it looks at the store's copy.
    const sleepy = open(
      new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name, target);
          if (name !== 'binary') return typeof value === 'function' ? value.bind(target) : value;
          return async (sql: string, ...rest: []) => {
            if (/FROM heads/.test(sql)) {
              began();
              await untilAll();
            }
            return target.binary(sql, ...rest);
          };
        },
      }),
    );
    const log = sleepy.logFor(0, () => undefined);
    const opened = log.open().then(
      () => undefined,
      (error: AppError) => error,
    );
    await reading;
    await worker.source.start();
    expect(await opened).toMatchObject({ code: 'log_fenced', fatal: false });
    await worker.close();
    await sleepy.close();
    await verifyAll();
  });
});
