/**
 * The owner's side of one log's head. Taking it opens a transaction under the log's name, which shuts out every earlier
 * owner; the head that is then read cannot move under the new one. Each head is committed in a transaction of its own,
 * together with what belongs to it: nothing of an owner that was shut out is ever seen by a reader.
 */
import { randomUUID } from 'node:crypto';
import type { Kafka, Message, Producer } from 'kafkajs';
import { AppError, messageOf } from '../../core/errors.ts';
import { type CommittedHead, formatHead, type LedgerView, readLedgerValue } from './head_record.ts';
import { PartitionReader } from './partition_reader.ts';

/** An owner that says nothing for so long has lost what it had begun. */
const TRANSACTION_MS = 20_000;
const WINDOW = 256;

export interface LedgerPlace {
  log: string;
  partition: number;
  topic: string;
  /** Where the group keeps its hint of how far it has come. */
  group: string;
  events: string;
}

/** Records for a topic that are to be seen if and only if the head is. */
export interface Outgoing {
  topic: string;
  messages: Message[];
}

export class Ledger {
  /** The head that was committed last when this owner came, or undefined before the first. */
  readonly head: CommittedHead | undefined;
  /** The newest signed checkpoint, if one was met on the way to the head. */
  readonly note: string | undefined;
  private readonly place: LedgerPlace;
  private readonly producer: Producer;
  private last: Promise<unknown> = Promise.resolve();
  private broken = false;

  private constructor(place: LedgerPlace, producer: Producer, found: { head?: CommittedHead; note?: string }) {
    this.place = place;
    this.producer = producer;
    this.head = found.head;
    this.note = found.note;
  }

  /** Shuts out who had the log before, and reads its head. */
  static async take(kafka: Kafka, place: LedgerPlace): Promise<Ledger> {
    const producer = kafka.producer({
      transactionalId: place.log,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: TRANSACTION_MS,
      allowAutoTopicCreation: false,
    });
    const reader = new PartitionReader(kafka, place.topic);
    try {
      await producer.connect();
      const nonce = await mark(producer, place);
      return new Ledger(place, producer, await lastHead(reader, place, nonce));
    } catch (error) {
      await producer.disconnect().catch(() => undefined);
      if (error instanceof AppError) throw error;
      throw new AppError('kafka_unreachable', `${place.log} could not be taken: ${messageOf(error)}`, { cause: error });
    } finally {
      await reader.close().catch(() => undefined);
    }
  }

  /** Throws `log_fenced` when another owner has come since. */
  async confirm(): Promise<void> {
    try {
      await mark(this.producer, this.place);
    } catch (error) {
      const code = isFenced(error) ? 'log_fenced' : 'kafka_unreachable';
      throw new AppError(code, `whether ${this.place.log} is still ours: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Commits a head and what goes out with it. After an error nobody knows what became of it: it has to be taken anew. */
  commit(head: CommittedHead, outgoing: readonly Outgoing[]): Promise<void> {
    const done = this.last.then(() => this.send(head, outgoing));
    this.last = done.catch(() => undefined);
    return done;
  }

  private async send(head: CommittedHead, outgoing: readonly Outgoing[]): Promise<void> {
    const { log, topic, partition, group, events } = this.place;
    if (this.broken) throw new AppError('log_fenced', `${log} was given up by this process`);
    try {
      const transaction = await this.producer.transaction();
      const own = { topic, messages: [{ partition, key: 'head', value: formatHead(head) }] };
      const topicMessages = [own, ...outgoing.filter(({ messages }) => messages.length > 0)];
      await transaction.sendBatch({ acks: -1, topicMessages });
      const offsets = [{ topic: events, partitions: [{ partition, offset: String(head.next_offset) }] }];
      await transaction.sendOffsets({ consumerGroupId: group, topics: offsets });
      await transaction.commit();
    } catch (error) {
      this.broken = true;
      const code = isFenced(error) ? 'log_fenced' : 'head_not_committed';
      throw new AppError(code, `the head of ${log} was not committed: ${messageOf(error)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    this.broken = true;
    await this.last;
    await this.producer.disconnect().catch(() => undefined);
  }
}

/** Commits a mark of this owner, which only the last one who came can, and gives what it is known by. */
async function mark(producer: Producer, { log, partition, topic }: LedgerPlace): Promise<string> {
  const nonce = randomUUID();
  const transaction = await producer.transaction();
  const messages = [{ partition, key: 'owner', value: JSON.stringify({ kind: 'owner', log, nonce }) }];
  await transaction.send({ topic, acks: -1, messages });
  await transaction.commit();
  return nonce;
}

const FENCED = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
  'INVALID_TXN_STATE',
]);

function isFenced(error: unknown): boolean {
  const { type, cause } = (error ?? {}) as { type?: string; cause?: unknown };
  return (type !== undefined && FENCED.has(type)) || (cause !== undefined && isFenced(cause));
}

/** Reads backwards in growing steps, up to our own mark, until a head is found. */
async function lastHead(reader: PartitionReader, place: LedgerPlace, nonce: string) {
  const { low, high } = await reader.bounds(place.partition);
  for (let window = WINDOW; ; window *= 8) {
    const from = Math.max(low, high - window);
    const found: LedgerView = { marked: false };
    for (let at = from; !found.marked; ) {
      const { messages, next } = await reader.read(place.partition, at);
      for (const { value } of messages) readLedgerValue(found, value, place.log, nonce);
      at = next;
    }
    if (found.head !== undefined || from === low) return found;
  }
}
