/**
 * Takes records into the topic of events, sealed, under the key of their user, so that all of a user's records are in
 * order in one partition. They are durable there when they are acknowledged; their log takes them from there.
 */
import { Buffer } from 'node:buffer';
import type { Kafka, Message, Producer } from 'kafkajs';
import { AppError, messageOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Intake, Placed } from '../intake.ts';
import { parseRecord } from '../parse.ts';
import type { Envelopes } from './envelope.ts';
import { partitionOf } from './partitioner.ts';
import { keyOf } from './topics.ts';

export interface KafkaIntakeOptions {
  kafka: Kafka;
  topic: string;
  /** The log of each partition. */
  logs: readonly string[];
  envelopes: Envelopes;
  now: () => number;
}

/** What one record becomes before it has an offset. */
interface Addressed {
  place: Omit<Placed, 'offset'>;
  message: Message;
}

export class KafkaIntake implements Intake {
  private readonly options: KafkaIntakeOptions;
  private readonly producer: Producer;
  private waiting_bytes = 0;
  private sending: Promise<unknown> = Promise.resolve();

  constructor(options: KafkaIntakeOptions) {
    this.options = options;
    this.producer = options.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    });
  }

  /** Throws `kafka_unreachable`. */
  async start(): Promise<void> {
    try {
      await this.producer.connect();
    } catch (error) {
      throw unreachable(error);
    }
  }

  async take(records: readonly Buffer[], tenant: string, accepted_by: string): Promise<Placed[]> {
    const bytes = records.reduce((sum, record) => sum + record.length, 0);
    if (this.waiting_bytes > 0 && this.waiting_bytes + bytes > LIMITS.queue_bytes_max) {
      throw new AppError('queue_full', `${this.waiting_bytes} bytes wait for Kafka already`);
    }
    this.waiting_bytes += bytes;
    try {
      const addressed = records.map((record) => this.address(record, tenant, accepted_by));
      const sent = this.sending.then(() => this.send(addressed));
      this.sending = sent.catch(() => undefined);
      return await sent;
    } finally {
      this.waiting_bytes -= bytes;
    }
  }

  get waiting(): { bytes: number } {
    return { bytes: this.waiting_bytes };
  }

  private address(bytes: Buffer, tenant: string, accepted_by: string): Addressed {
    const { envelopes, logs, now } = this.options;
    const parsed = parseRecord({ bytes, tenant, accepted_by, received_at_ms: now(), salt: NO_SALT });
    const key = parsed.ok ? keyOf(parsed.tenant, String(parsed.fields.user_id ?? '')) : keyOf(parsed.tenant, '');
    const partition = partitionOf(key, logs.length);
    const where = { partition, log: logs[partition] as string };
    const place: Addressed['place'] = parsed.ok
      ? { outcome: 'queued', event_id: String(parsed.fields.event_id), ...where }
      : { outcome: 'rejected', event_id: '', ...where, reason: parsed.reason, message: parsed.message };
    return { place, message: { key, partition, ...envelopes.seal(bytes, tenant, accepted_by) } };
  }

  private async send(addressed: readonly Addressed[]): Promise<Placed[]> {
    if (addressed.length === 0) return [];
    let sent: Awaited<ReturnType<Producer['send']>>;
    try {
      const messages = addressed.map(({ message }) => message);
      sent = await this.producer.send({ topic: this.options.topic, acks: -1, messages });
    } catch (error) {
      throw unreachable(error);
    }
    // The records of one partition are one batch there, in their order.
    const next = new Map(sent.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
    return addressed.map(({ place }) => {
      const offset = next.get(place.partition) ?? Number.NaN;
      next.set(place.partition, offset + 1);
      return { ...place, offset };
    });
  }

  /** Resolves when what was taken is sent. */
  async close(): Promise<void> {
    await this.sending;
    await this.producer.disconnect();
  }
}

const NO_SALT = Buffer.alloc(32);

function unreachable(error: unknown): AppError {
  return new AppError('kafka_unreachable', `Kafka did not take the records: ${messageOf(error)}`, { cause: error });
}
