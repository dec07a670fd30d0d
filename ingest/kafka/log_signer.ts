/**
 * The signer of logs from Kafka: follows the heads as a reader of committed records sees them, signs what continues
 * what was signed before, and publishes the notes in the topic, in a transaction that shuts out an older signer. It
 * writes no log, and workers hold no key.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka, Producer } from 'kafkajs';
import { AppError, messageOf } from '../../core/errors.ts';
import type { Store } from '../../core/store/store.ts';
import { nodeHasher } from '../../core/tlog/node_hasher.ts';
import { Checkpointer } from '../checkpointer.ts';
import type { LogSigner } from '../signer.ts';
import type { OnNotice } from './client.ts';
import { type LedgerView, readLedgerValue } from './head_record.ts';
import { PartitionReader } from './partition_reader.ts';

export interface KafkaSignerOptions {
  kafka: Kafka;
  store: Store;
  /** The topic of heads and checkpoints. */
  topic: string;
  /** Under this name the newest signer shuts out all before it. */
  transactional_id: string;
  /** One for each partition, in their order. */
  signers: readonly LogSigner[];
  now: () => number;
  onNotice: OnNotice;
  /** A log contradicts what was signed of it: it is not signed any more, and a person must look. */
  onContradiction: (partition: number, error: AppError) => void;
}

interface Followed {
  signer: LogSigner;
  checkpointer: Checkpointer;
  /** What the topic says up to `next`. */
  view: LedgerView;
  next: number;
  stopped: AppError | undefined;
}

const RETRY_MS = 1_000;
const IDLE_MS = 200;
/** Records at the end of the topic that a start reads first. */
const WINDOW = 4_096;

export class KafkaSigner {
  private readonly options: KafkaSignerOptions;
  private readonly reader: PartitionReader;
  private readonly producer: Producer;
  private readonly logs: Followed[];
  private publishing: Promise<unknown> = Promise.resolve();
  private following: Promise<void>[] = [];
  private closing = false;

  constructor(options: KafkaSignerOptions) {
    const { kafka, topic, transactional_id, signers } = options;
    this.options = options;
    this.reader = new PartitionReader(kafka, topic);
    this.producer = kafka.producer({
      transactionalId: transactional_id,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    });
    this.logs = signers.map((signer, partition) => this.follow(signer, partition));
  }

  private follow(signer: LogSigner, partition: number): Followed {
    const { store, now } = this.options;
    const followed: Followed = {
      signer,
      view: { marked: false },
      next: 0,
      stopped: undefined,
      checkpointer: new Checkpointer({
        store,
        signer,
        now,
        head: () => {
          const { head } = followed.view;
          return head ?? { log: signer.origin, size: 0, root: nodeHasher.empty() };
        },
        publish: (size, note) => this.publish(partition, signer.origin, size, note),
        onFault: (error) => this.fault(followed, partition, error),
      }),
    };
    return followed;
  }

  private fault(followed: Followed, partition: number, error: AppError): void {
    if (followed.stopped !== undefined) return;
    this.options.onNotice('checkpoint_failed', { log: followed.signer.origin, code: error.code, error: error.message });
    if (!error.fatal) return;
    followed.stopped = error;
    followed.checkpointer.stop();
    this.options.onContradiction(partition, error);
  }

  /** Reads what stands in the topic, and signs from then on. Throws `signer_memory_behind`, `kafka_unreachable`. */
  async start(): Promise<void> {
    await this.producer.connect();
    for (const [partition, followed] of this.logs.entries()) {
      await this.readEnd(followed, partition);
      checkMemory(followed);
      await followed.checkpointer.start();
    }
    this.following = this.logs.map((followed, partition) => this.run(followed, partition));
  }

  /** Reads the end of the topic, or all of it where the end tells nothing of the log. */
  private async readEnd(followed: Followed, partition: number): Promise<void> {
    const { low, high } = await this.reader.bounds(partition);
    for (const from of new Set([Math.max(low, high - WINDOW), low])) {
      followed.next = from;
      while (followed.next < high && (await this.step(followed, partition)));
      if (followed.view.head !== undefined && followed.view.note !== undefined) return;
    }
  }

  /** False when there was nothing more. */
  private async step(followed: Followed, partition: number): Promise<boolean> {
    const { messages, next } = await this.reader.read(partition, followed.next);
    for (const { value } of messages) readLedgerValue(followed.view, value, followed.signer.origin, '');
    const moved = next !== followed.next;
    followed.next = next;
    return moved;
  }

  private async run(followed: Followed, partition: number): Promise<void> {
    while (!this.closing) {
      try {
        if (!(await this.step(followed, partition))) await sleep(IDLE_MS, undefined, { ref: false });
      } catch (error) {
        if (this.closing) return;
        this.options.onNotice('heads_not_read', { partition, error: messageOf(error) });
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  /** One transaction after another: the producer has one at a time. */
  private publish(partition: number, log: string, size: number, note: string): Promise<void> {
    const work = this.publishing.then(async () => {
      const transaction = await this.producer.transaction();
      try {
        const value = JSON.stringify({ kind: 'checkpoint', log, size, note });
        await transaction.send({
          topic: this.options.topic,
          acks: -1,
          messages: [{ partition, key: 'checkpoint', value }],
        });
        await transaction.commit();
      } catch (error) {
        await transaction.abort().catch(() => undefined);
        throw new AppError('checkpoint_not_published', `${log} at ${size}: ${messageOf(error)}`, { cause: error });
      }
    });
    this.publishing = work.catch(() => undefined);
    return work;
  }

  /** Signs the heads as they are in the topic now. */
  async checkpoint(): Promise<void> {
    for (const [partition, followed] of this.logs.entries()) {
      if (followed.stopped !== undefined) continue;
      const { high } = await this.reader.bounds(partition);
      while (followed.next < high && (await this.step(followed, partition)));
      await followed.checkpointer.publish();
    }
  }

  get status(): { log: string; signed_size: number; head_size: number; stopped: string | undefined }[] {
    return this.logs.map(({ signer, view, stopped }) => ({
      log: signer.origin,
      signed_size: signer.last()?.size ?? 0,
      head_size: view.head?.size ?? 0,
      stopped: stopped?.code,
    }));
  }

  /** Signs what is left, and stops. */
  async close(): Promise<void> {
    this.closing = true;
    await Promise.all(this.following);
    for (const { checkpointer, stopped } of this.logs) {
      if (stopped === undefined) await checkpointer.close().catch((error: unknown) => this.notClosed(error));
    }
    await this.producer.disconnect();
    await this.reader.close();
  }

  private notClosed(error: unknown): void {
    this.options.onNotice('checkpoint_failed', { error: messageOf(error) });
  }
}

/** Something signed stands in the topic that this signer does not remember: its memory was lost or is an older copy. */
function checkMemory({ signer, view }: Followed): void {
  const published = view.note === undefined ? 0 : Number(view.note.split('\n')[1]);
  const remembered = signer.last()?.size ?? 0;
  if (published <= remembered) return;
  const message = `the topic holds a checkpoint of ${signer.origin} at ${published}, the signer remembers ${remembered}: its memory is an older copy`;
  throw new AppError('signer_memory_behind', message, { fatal: true });
}
