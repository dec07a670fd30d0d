/**
 * From Kafka into the logs of its partitions: two workers over one store, as a ratio to taking the same records from
 * Kafka and inserting the same rows with nothing around either. Starts a broker, or uses `KAFKA_BROKERS`.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Kafka, Partitioners } from 'kafkajs';
import { KafkaSettings } from '../core/kafka_settings.ts';
import { createKafka, makeTopics } from '../ingest/kafka/client.ts';
import { keyOf, topicsOf } from '../ingest/kafka/topics.ts';
import { generate } from './generate.ts';
import { type Broker, startBroker } from './kafka_broker.ts';
import { runKafkaWorkers, type Taken } from './kafka_workers.ts';
import { inTemporaryFolder, runChild } from './process.ts';
import type { Report } from './report.ts';

const PARTITIONS = 6;
const BATCH_RECORDS = 2_000;
const BARE = 'bare kafkajs and bare insert';

export async function kafkaBench(report: Report, count = 100_000): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const broker = await startBroker({ partitions: PARTITIONS });
    try {
      const inserted = await bareInsert(folder, count);
      for (const detection of [false, true]) {
        const prefix = `bench-${randomBytes(4).toString('hex')}`;
        const settings = settingsOf(broker, prefix);
        await fill(settings, count);
        const consumed = await bareConsumption(settings, count);
        const bare_seconds = consumed + inserted;
        if (!detection) report({ name: BARE, value: count / bare_seconds, unit: 'events/s', ratio: 1, ratio_to: BARE });
        const mode = detection ? 'with-detection' : 'plain';
        const taken = (await runKafkaWorkers(mode, join(folder, prefix), settings, count)) as unknown as Taken;
        const rate = taken.records / taken.seconds;
        const goal = { ratio: (rate * bare_seconds) / count, ratio_to: BARE, goal: 'ratio at least 0.4, aim 0.7' };
        const name = `two workers, six partitions, detection ${detection ? 'on' : 'off'}`;
        report({ name, value: rate, unit: 'events/s', ...goal });
        report({ name: `${name}, CPU`, value: taken.cpu_us / taken.records, unit: 'microseconds/event' });
        report({ name: `${name}, from the first worker's start`, value: taken.all_seconds, unit: 's' });
      }
    } finally {
      await broker.stop();
    }
  });
}

function settingsOf({ brokers }: Broker, topic_prefix: string): KafkaSettings {
  return KafkaSettings.parse({
    brokers,
    topic_prefix,
    group: topic_prefix,
    partitions: PARTITIONS,
    epoch: 'bench',
    session_timeout_ms: 6_000,
  });
}

async function bareInsert(folder: string, count: number): Promise<number> {
  await runChild('rows', folder, count);
  return (await runChild('bare', folder, count)).seconds as number;
}

/** Produces the events under the keys of their users. */
async function fill(settings: KafkaSettings, count: number): Promise<void> {
  const kafka = createKafka(settings);
  await makeTopics(kafka, topicsOf(settings), settings);
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  let messages: { key: string; value: string }[] = [];
  const send = async () => {
    await producer.send({ topic: topicsOf(settings).events, messages });
    messages = [];
  };
  for (const event of generate(count, Math.max(1, Math.floor(count / 50)))) {
    const value = String(event);
    const { tenant = 'default', user_id = '' } = JSON.parse(value) as { tenant?: string; user_id?: string };
    messages.push({ key: keyOf(tenant, user_id), value });
    if (messages.length === BATCH_RECORDS) await send();
  }
  if (messages.length > 0) await send();
  await producer.disconnect();
}

/** Seconds in which a consumer of the library takes all records and does nothing with them. */
async function bareConsumption(settings: KafkaSettings, count: number): Promise<number> {
  const kafka: Kafka = createKafka(settings);
  const consumer = kafka.consumer({ groupId: `${settings.group}-bare`, maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topic: topicsOf(settings).events, fromBeginning: true });
  let left = count;
  let began = 0;
  const seconds = await new Promise<number>((resolve, reject) => {
    consumer
      .run({
        partitionsConsumedConcurrently: PARTITIONS,
        eachBatch: async ({ batch }) => {
          // The time until the group is formed belongs to neither side.
          began ||= performance.now();
          left -= batch.messages.length;
          if (left === 0) resolve((performance.now() - began) / 1_000);
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return seconds;
}
