/** What the program relies on of a real broker and its client: kafkajs against the newest Apache Kafka. */

import { type Admin, CompressionTypes, type EachBatchPayload, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Broker, brokerUnavailable, startBroker } from '../bench/kafka_broker.ts';

const unavailable = brokerUnavailable();

describe.skipIf(unavailable !== undefined)(`a real broker${unavailable ? `, skipped: ${unavailable}` : ''}`, () => {
  let broker: Broker;
  let kafka: Kafka;
  let admin: Admin;
  let topics = 0;

  beforeAll(async () => {
    broker = await startBroker();
    kafka = new Kafka({
      clientId: 'broker-test',
      brokers: broker.brokers,
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 100, retries: 20, maxRetryTime: 1_000 },
    });
    admin = kafka.admin();
    await admin.connect();
  }, 120_000);

  afterAll(async () => {
    await admin?.disconnect();
    await broker?.stop();
  });

  const topicOf = async (partitions: number, config: Record<string, string> = {}) => {
    const topic = `test.${process.pid}.${++topics}`;
    await broker.createTopics([{ topic, partitions, config }]);
    return topic;
  };

  /** Reads until so many records came, or for a while. */
  async function consume(topic: string, count: number, wait_ms = 15_000): Promise<EachBatchPayload['batch'][]> {
    const consumer = kafka.consumer({ groupId: `${topic}.group.${++topics}`, sessionTimeout: 6_000 });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const batches: EachBatchPayload['batch'][] = [];
    let seen = 0;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, wait_ms);
      const eachBatch = async ({ batch }: EachBatchPayload) => {
        batches.push(batch);
        seen += batch.messages.length;
        if (seen < count) return;
        clearTimeout(timer);
        resolve();
      };
      consumer.run({ autoCommit: false, eachBatch }).catch(reject);
    });
    await consumer.disconnect();
    return batches;
  }

  const valuesOf = (batches: EachBatchPayload['batch'][]) =>
    batches.flatMap(({ messages }) => messages.map(({ value }) => value?.toString()));

  it('keeps compressed records of six partitions, in order within a key', async () => {
    const topic = await topicOf(6);
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const messages = Array.from({ length: 600 }, (_, i) => ({ key: `default/user-${i % 20}`, value: `${i}` }));
    await producer.send({ topic, messages, acks: -1, compression: CompressionTypes.GZIP });
    await producer.disconnect();
    const batches = await consume(topic, 600);
    expect(new Set(batches.map(({ partition }) => partition)).size).toBe(6);
    for (let user = 0; user < 20; user++) {
      const seen = batches.flatMap(({ messages: some }) =>
        some.filter(({ key }) => key?.toString() === `default/user-${user}`).map(({ value }) => Number(value)),
      );
      expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => user + 20 * i));
    }
  });

  it('stamps records with its own time where the topic says LogAppendTime', async () => {
    const topic = await topicOf(1, { 'message.timestamp.type': 'LogAppendTime' });
    const producer = kafka.producer();
    await producer.connect();
    const before = Date.now();
    await producer.send({ topic, messages: [{ value: 'a', timestamp: '1000000000000' }] });
    await producer.disconnect();
    const [batch] = await consume(topic, 1);
    const stamped = Number(batch?.messages[0]?.timestamp);
    expect(stamped).toBeGreaterThanOrEqual(before - 1_000);
    expect(stamped).toBeLessThan(before + 30_000);
  });

  it('shows a read-committed reader what a transaction committed and never what it aborted', async () => {
    const topic = await topicOf(1);
    const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    for (const [value, end] of [
      ['aborted', 'abort'],
      ['committed', 'commit'],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value }] });
      await transaction[end]();
    }
    await producer.disconnect();
    const batches = await consume(topic, 1);
    expect(valuesOf(batches)).toEqual(['committed']);
    // The end of each transaction takes an offset that no reader is shown.
    const [{ high } = { high: '' }] = await admin.fetchTopicOffsets(topic);
    expect(Number(high)).toBe(4);
  });

  it('stops the older of two producers with one transactional id, and only once the newer begins', async () => {
    const topic = await topicOf(1);
    const open = async () => {
      const producer = kafka.producer({
        transactionalId: topic,
        maxInFlightRequests: 1,
        idempotent: true,
        retry: { retries: 1 },
      });
      await producer.connect();
      return producer;
    };
    const commit = async (producer: Awaited<ReturnType<typeof open>>, value: string) => {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value }] });
      await transaction.commit();
    };
    const older = await open();
    await commit(older, 'first');
    const newer = await open();
    await commit(older, 'second');
    const fence = await newer.transaction();
    await fence.abort();
    await expect(commit(older, 'third')).rejects.toThrow();
    await commit(newer, 'fourth');
    await older.disconnect();
    await newer.disconnect();
    expect(valuesOf(await consume(topic, 3))).toEqual(['first', 'second', 'fourth']);
  });

  it('keeps offsets that were committed with a transaction', async () => {
    const [events, checkpoints] = [await topicOf(1), await topicOf(1)];
    const producer = kafka.producer({ transactionalId: checkpoints, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic: checkpoints, messages: [{ value: 'head' }] });
    const consumerGroupId = `${events}.group`;
    await transaction.sendOffsets({
      consumerGroupId,
      topics: [{ topic: events, partitions: [{ partition: 0, offset: '7' }] }],
    });
    await transaction.commit();
    await producer.disconnect();
    // The broker answers the end of a transaction before its markers reach the topic of offsets.
    const offset = async () => {
      const [offsets] = await admin.fetchOffsets({ groupId: consumerGroupId, topics: [events] });
      return offsets?.partitions[0]?.offset;
    };
    await expect.poll(offset, { timeout: 20_000 }).toBe('7');
  });

  it('shares partitions among the members of a group, and gives those of one that leaves to the other', async () => {
    const topic = await topicOf(4);
    const held = new Map<string, number[]>();
    const join = async (name: string) => {
      const consumer = kafka.consumer({
        groupId: `${topic}.group`,
        sessionTimeout: 6_000,
        heartbeatInterval: 300,
        maxWaitTimeInMs: 300,
      });
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => held.set(name, payload.memberAssignment[topic] ?? []));
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({ eachBatch: async () => undefined });
      return consumer;
    };
    const a = await join('a');
    await expect.poll(() => held.get('a')?.length, { timeout: 20_000 }).toBe(4);
    const b = await join('b');
    await expect.poll(() => [held.get('a')?.length, held.get('b')?.length], { timeout: 20_000 }).toEqual([2, 2]);
    await a.disconnect();
    await expect.poll(() => held.get('b')?.length, { timeout: 20_000 }).toBe(4);
    await b.disconnect();
  });

  it.skipIf(Boolean(process.env.KAFKA_BROKERS))(
    'has every acknowledged record after kill -9 and a restart, and answers again after a pause',
    async () => {
      const topic = await topicOf(1);
      const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
      await producer.connect();
      await producer.send({ topic, messages: [{ value: 'before' }], acks: -1 });
      await broker.kill();
      await broker.restart();
      await producer.send({ topic, messages: [{ value: 'between' }], acks: -1 });
      broker.pause();
      const late = producer.send({ topic, messages: [{ value: 'after' }], acks: -1 });
      setTimeout(() => broker.resume(), 1_000);
      await late;
      await producer.disconnect();
      expect(valuesOf(await consume(topic, 3))).toEqual(['before', 'between', 'after']);
    },
  );
});
