/**
 * A worker: a member of the group that reads the events, writes the logs of the partitions it is given, and looks for
 * attacks in them. It holds no signing key and listens on no port of its own.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Kafka, Message, Producer } from 'kafkajs';
import type { OwnedLog } from '../api/known_log.ts';
import type { Config } from '../core/config.ts';
import type { AppError } from '../core/errors.ts';
import { CORE_VERSION } from '../core/event.ts';
import type { KafkaSettings } from '../core/kafka_settings.ts';
import { LIMITS } from '../core/limits.ts';
import type { Store } from '../core/store/store.ts';
import { checkTopics, createKafka, makeTopics } from '../ingest/kafka/client.ts';
import { type LogObserver, type LogPort, PartitionLog } from '../ingest/kafka/partition_log.ts';
import { PartitionReader } from '../ingest/kafka/partition_reader.ts';
import type { SharedKey } from '../ingest/kafka/shared_key.ts';
import { KafkaSource } from '../ingest/kafka/source.ts';
import { logsOf, type Topics, topicsOf } from '../ingest/kafka/topics.ts';
import type { SequencedRecord } from '../ingest/record.ts';
import { coreLimits } from './core_limits.ts';
import { Detection } from './detection.ts';
import { type Judges, openEngine } from './judges.ts';
import { PeopleLists } from './people_lists.ts';

export interface WorkerOptions {
  config: Config;
  settings: KafkaSettings;
  /** Begins the name of every log; alone it is the log of the API, in which people's actions stand. */
  origin: string;
  store: Store;
  shared: SharedKey;
  judges: Judges;
  now: () => number;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
  /** A log that a person has to look at: it is not written any more, others go on. */
  onHalted: (partition: number, error: AppError) => void;
  /** The group goes on without this worker: the process must end. */
  onExpelled: (error: AppError) => void;
  /** Told how long looking at a batch took. */
  onDetected?: ((seconds: number) => void) | undefined;
  /** Told of each batch that was stored and put under the head, and how long that took. */
  onStored?: ((records: readonly SequencedRecord[], seconds: number) => void) | undefined;
}

export interface Worker {
  /** Reads from Kafka how far behind the logs are. */
  status(): Promise<OwnedLog[]>;
  close(): Promise<void>;
}

/** Joins the group. Throws `kafka_topic_invalid`, `kafka_unreachable`. */
export async function openWorker(options: WorkerOptions): Promise<Worker> {
  const { settings, onNotice, store, now, origin } = options;
  const topics = topicsOf(settings);
  const kafka = createKafka(settings, onNotice);
  await readyTopics(kafka, topics, settings, onNotice);
  const own = await openParts({ ...options, settings: memberOf(settings) }, topics);
  const people = await PeopleLists.open({ store, log: origin, now, onNotice });
  const detections = new Map<number, Detection>();
  const logs = logsOf(origin, settings);
  const source = new KafkaSource({
    kafka: own.kafka,
    settings: own.settings,
    topic: topics.events,
    reader: own.reader,
    onNotice,
    onHalted: options.onHalted,
    onExpelled: options.onExpelled,
    logFor: (partition, onBroken) =>
      new PartitionLog({
        kafka: own.kafka,
        place: {
          log: logs[partition] as string,
          partition,
          topic: topics.checkpoints,
          group: settings.group,
          events: topics.events,
        },
        topics,
        partitions: settings.partitions,
        store,
        pseudonyms: options.shared.pseudonyms,
        envelopes: options.shared.envelopes,
        reader: own.reader,
        configuration: { core_version: CORE_VERSION, limits: coreLimits(), shared_key_id: options.shared.id },
        send: own.send,
        observe: (port) => observerOf(options, port, people, (detection) => detections.set(partition, detection)),
        now,
        onNotice,
        onBroken,
        ...(options.onStored && { onStored: options.onStored }),
      }),
  });
  await source.start();
  return {
    status: () => statusOf(source, own.reader, detections),
    async close() {
      await source.close();
      await people.close();
      await own.producer.disconnect();
      await own.reader.close();
    },
  };
}

/** The group tells its members apart by their names. */
function memberOf(settings: KafkaSettings): KafkaSettings {
  const client_id = `${settings.client_id}-${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
  return { ...settings, client_id };
}

/** The topics as the logs need them, made where they may be. */
export async function readyTopics(
  kafka: Kafka,
  topics: Topics,
  settings: KafkaSettings,
  onNotice: WorkerOptions['onNotice'],
): Promise<void> {
  if (settings.create_topics) {
    const made = await makeTopics(kafka, topics, settings);
    if (made.length > 0) onNotice('topics_made', { topics: made, partitions: settings.partitions });
  }
  await checkTopics(kafka, topics, settings.partitions);
}

interface Parts {
  kafka: Kafka;
  settings: KafkaSettings;
  reader: PartitionReader;
  producer: Producer;
  send: (topic: string, messages: Message[]) => Promise<void>;
}

async function openParts({ settings, onNotice }: WorkerOptions, topics: Topics): Promise<Parts> {
  const kafka = createKafka(settings, onNotice);
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  await producer.connect();
  return {
    kafka,
    settings,
    reader: new PartitionReader(kafka, topics.events),
    producer,
    send: async (topic, messages) => void (await producer.send({ topic, messages, acks: -1 })),
  };
}

/** Detection over the log of one partition, from its stored cursor on. */
async function observerOf(
  { config, store, judges, now, onNotice, onDetected }: WorkerOptions,
  port: LogPort,
  people: PeopleLists,
  tell: (detection: Detection) => void,
): Promise<LogObserver> {
  if (!config.detection) return SILENT;
  const { engine, rules } = await openEngine(judges, config, onNotice);
  const detection = await Detection.open({
    store,
    log: port.log,
    engine,
    writer: () => port,
    // What the broker stamped a moment ago may still be on its way here: until then no silence is told.
    now: () => now() - LIMITS.kafka_settle_ms,
    onNotice,
    recordOf: (finding) => people.recordOf(finding),
  });
  await detection.start(port.head.size);
  tell(detection);
  return {
    async observe(records) {
      const began = performance.now();
      await detection.observe(records);
      onDetected?.((performance.now() - began) / 1_000);
    },
    abandon() {
      rules?.close();
      detection.abandon();
    },
    close: async () => undefined,
  };
}

const SILENT: LogObserver = {
  observe: async () => undefined,
  abandon: () => undefined,
  close: async () => undefined,
};

async function statusOf(
  source: KafkaSource,
  reader: PartitionReader,
  detections: ReadonlyMap<number, Detection>,
): Promise<OwnedLog[]> {
  return Promise.all(
    source.logs.map(async ({ partition, position, ...log }) => {
      const lag = position === undefined ? undefined : await lagOf(reader, partition, position);
      const detection = detections.get(partition)?.status;
      return { partition, ...log, lag, ...(detection && { detection }) };
    }),
  );
}

/** Offsets that hold no record, such as markers of transactions, are counted only where there are too many to look at. */
async function lagOf(reader: PartitionReader, partition: number, position: number): Promise<number | undefined> {
  try {
    const { high } = await reader.bounds(partition);
    const behind = Math.max(0, high - position);
    return behind === 0 || behind > LAG_LOOKED_AT ? behind : (await reader.range(partition, position, high)).length;
  } catch {
    return undefined; // a broker that does not answer says nothing of how far behind a log is
  }
}

const LAG_LOOKED_AT = 200;
