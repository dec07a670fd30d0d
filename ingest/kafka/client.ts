/** A client of Kafka from the settings; what the library logs becomes notices, without values that may be secret. */
import { readFileSync } from 'node:fs';
import { type ITopicConfig, Kafka, type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs';
import { AppError } from '../../core/errors.ts';
import type { KafkaSettings } from '../../core/kafka_settings.ts';
import type { Topics } from './topics.ts';

export type OnNotice = (notice: string, fields: Record<string, unknown>) => void;

/** Nothing is connected yet. Throws `config_invalid` when a file of TLS cannot be read. */
export function createKafka(settings: KafkaSettings, onNotice: OnNotice = () => undefined): Kafka {
  // The library warns of a choice that this program makes by naming every partition itself.
  process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';
  const config: KafkaConfig = {
    brokers: settings.brokers,
    clientId: settings.client_id,
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 100, maxRetryTime: 5_000, retries: 8 },
    logLevel: logLevel.ERROR,
    logCreator:
      () =>
      ({ namespace, log }) =>
        onNotice('kafka_client', { part: namespace, message: log.message }),
    ssl: tlsOf(settings.tls),
  };
  if (settings.sasl !== undefined) config.sasl = settings.sasl as SASLOptions;
  return new Kafka(config);
}

function tlsOf(tls: KafkaSettings['tls']): NonNullable<KafkaConfig['ssl']> {
  if (typeof tls === 'boolean') return tls;
  const { ca_file, cert_file, key_file, server_name } = tls;
  return {
    ...(ca_file === undefined ? {} : { ca: [pem(ca_file)] }),
    ...(cert_file === undefined ? {} : { cert: pem(cert_file) }),
    ...(key_file === undefined ? {} : { key: pem(key_file) }),
    ...(server_name === undefined ? {} : { servername: server_name }),
  };
}

function pem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AppError('config_invalid', `kafka.tls: ${file} cannot be read`, { cause });
  }
}

/** Makes the topics that are missing, as the logs need them. What is there stays as it is: `checkTopics` judges it. */
export async function makeTopics(
  kafka: Kafka,
  topics: Topics,
  { partitions, replication }: Pick<KafkaSettings, 'partitions' | 'replication'>,
): Promise<string[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const known = new Set(await admin.listTopics());
    const wanted: ITopicConfig[] = [
      { topic: topics.events, configEntries: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }] },
      { topic: topics.checkpoints, configEntries: [{ name: 'retention.ms', value: '-1' }] },
      { topic: topics.alerts },
      { topic: topics.commands },
    ];
    const missing = wanted.filter(({ topic }) => !known.has(topic));
    const made = { numPartitions: partitions, replicationFactor: replication };
    if (missing.length > 0) {
      try {
        await admin.createTopics({ waitForLeaders: true, topics: missing.map((each) => ({ ...each, ...made })) });
      } catch (error) {
        // Another role may make them at the same moment: then there is nothing left to do, which is no error.
        const now = new Set(await admin.listTopics());
        if (missing.some(({ topic }) => !now.has(topic))) throw error;
      }
    }
    return missing.map(({ topic }) => topic);
  } finally {
    await admin.disconnect();
  }
}

/** Throws `kafka_topic_invalid` when a topic is missing or is not as the logs need it. */
export async function checkTopics(
  kafka: Kafka,
  topics: { events: string; checkpoints: string },
  partitions: number,
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const known = await admin.listTopics();
    for (const topic of [topics.events, topics.checkpoints]) {
      if (!known.includes(topic)) throw topicInvalid(topic, 'does not exist');
      const { topics: described } = await admin.fetchTopicMetadata({ topics: [topic] });
      const has = described[0]?.partitions.length ?? 0;
      if (has !== partitions) {
        throw topicInvalid(topic, `has ${has} partitions, the settings say ${partitions}; more need a new epoch`);
      }
    }
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: topics.events, configNames: ['message.timestamp.type', 'cleanup.policy'] }],
    });
    const entries = new Map(
      resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]),
    );
    if (entries.get('message.timestamp.type') !== 'LogAppendTime') {
      throw topicInvalid(topics.events, 'needs message.timestamp.type=LogAppendTime');
    }
    if (entries.get('cleanup.policy')?.includes('compact')) throw topicInvalid(topics.events, 'must not be compacted');
  } finally {
    await admin.disconnect();
  }
}

function topicInvalid(topic: string, why: string): AppError {
  return new AppError('kafka_topic_invalid', `the topic ${topic} ${why}`);
}
