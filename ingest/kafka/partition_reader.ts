/**
 * Reads one partition from a place, committed records only, outside of any group. The library offers consumers of
 * groups alone; what they stand on is used here directly, with the version of the library fixed (docs/adr/0018).
 */
import { createRequire } from 'node:module';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { AppError, messageOf } from '../../core/errors.ts';

const load = createRequire(import.meta.url);

interface FetchedPartition {
  partition: number;
  highWatermark: string;
}

interface FetchedBatch {
  messages: KafkaMessage[];
  rawMessages: { offset: string }[];
}

interface FetchBroker {
  fetch(request: Record<string, unknown>): Promise<{ responses: { partitions: FetchedPartition[] }[] }>;
}

interface FetchCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>;
  findBroker(query: { nodeId: string }): Promise<FetchBroker>;
  fetchTopicsOffset(
    topics: { topic: string; partitions: { partition: number }[]; fromBeginning: boolean }[],
  ): Promise<{ partitions: { offset: string }[] }[]>;
}

type BatchClass = new (topic: string, from: string, data: FetchedPartition) => FetchedBatch;
const Batch = load('kafkajs/src/consumer/batch.js') as BatchClass;

const READ_COMMITTED = 1;
const WAIT_MS = 200;
const FETCH_BYTES = 4_194_304;
const TRIES = 5;

export interface Piece {
  messages: KafkaMessage[];
  /** Where the next piece begins; the same as before when there was nothing. */
  next: number;
}

export class PartitionReader {
  private readonly cluster: FetchCluster;
  private readonly topic: string;
  private connected: Promise<void> | undefined;

  constructor(kafka: Kafka, topic: string) {
    this.topic = topic;
    this.cluster = clusterOf(kafka);
  }

  private async connect(): Promise<void> {
    this.connected ??= this.cluster.connect().then(() => this.cluster.addTargetTopic(this.topic));
    try {
      await this.connected;
    } catch (error) {
      this.connected = undefined;
      throw error;
    }
  }

  /** The records from an offset on, as many as one fetch gives. Throws `records_lost` when Kafka has deleted them. */
  async read(partition: number, from: number): Promise<Piece> {
    const piece = await this.tried(() => this.fetch(partition, from));
    return piece;
  }

  /** All committed records in [from, to). */
  async range(partition: number, from: number, to: number): Promise<KafkaMessage[]> {
    const found: KafkaMessage[] = [];
    for (let at = from, idle = 0; at < to; ) {
      const { messages, next } = await this.read(partition, at);
      for (const message of messages) if (Number(message.offset) < to) found.push(message);
      idle = next === at ? idle + 1 : 0;
      // Behind the last record stand offsets that are none: those of markers that were not given out yet.
      if (idle > TRIES) break;
      at = next;
    }
    return found;
  }

  /** The offsets in which records may stand: from the first that is kept to the one that comes next. */
  async bounds(partition: number): Promise<{ low: number; high: number }> {
    return this.tried(async () => {
      const ask = async (fromBeginning: boolean) => {
        const query = [{ topic: this.topic, partitions: [{ partition }], fromBeginning }];
        return Number((await this.cluster.fetchTopicsOffset(query))[0]?.partitions[0]?.offset ?? 0);
      };
      return { low: await ask(true), high: await ask(false) };
    });
  }

  async close(): Promise<void> {
    await this.cluster.disconnect();
  }

  private async tried<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.connect();
        return await work();
      } catch (error) {
        if ((error as { type?: string }).type === 'OFFSET_OUT_OF_RANGE' || isOutOfRange(error)) {
          const message = `${this.topic} does not hold the records that come next any more: they were deleted unread`;
          throw new AppError('records_lost', message, { cause: error, fatal: true });
        }
        if (attempt === TRIES) {
          throw new AppError('kafka_unreachable', `${this.topic} could not be read: ${messageOf(error)}`, {
            cause: error,
          });
        }
        await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** attempt));
        await this.cluster.refreshMetadata().catch(() => undefined);
      }
    }
  }

  private async fetch(partition: number, from: number): Promise<Piece> {
    const leaders = this.cluster.findLeaderForPartitions(this.topic, [partition]);
    const [nodeId = ''] = Object.keys(leaders);
    const broker = await this.cluster.findBroker({ nodeId });
    const { responses } = await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      topics: [{ topic: this.topic, partitions: [{ partition, fetchOffset: String(from), maxBytes: FETCH_BYTES }] }],
    });
    const data = responses[0]?.partitions[0];
    if (data === undefined) return { messages: [], next: from };
    const batch = new Batch(this.topic, String(from), data);
    const last = batch.rawMessages.at(-1);
    return { messages: batch.messages, next: last === undefined ? from : Math.max(from, Number(last.offset) + 1) };
  }
}

function isOutOfRange(error: unknown): boolean {
  return (error as { name?: string } | null)?.name === 'KafkaJSOffsetOutOfRange';
}

function clusterOf(kafka: Kafka): FetchCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description?.endsWith('createCluster'));
  const create = symbol && (kafka as unknown as Record<symbol, (options: object) => FetchCluster>)[symbol];
  if (create === undefined) throw new AppError('kafka_client_unknown', 'this version of kafkajs is not the tested one');
  return create({ metadataMaxAge: 300_000, allowAutoTopicCreation: false, isolationLevel: READ_COMMITTED });
}
