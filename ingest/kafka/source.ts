/**
 * Kafka as the source of logs: a member of the workers' group. Which partitions it has follows from the group; that a
 * partition is really its own follows from the fence of its log alone, which is why a member that slept does no harm.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { AppError, messageOf } from '../../core/errors.ts';
import type { KafkaSettings } from '../../core/kafka_settings.ts';
import { LIMITS } from '../../core/limits.ts';
import type { OnNotice } from './client.ts';
import type { PartitionLog } from './partition_log.ts';
import type { PartitionReader } from './partition_reader.ts';

/** Where records come from: it hands them to the logs that belong to it, until it is closed. */
export interface LogSource {
  start(): Promise<void>;
  close(): Promise<void>;
  readonly logs: readonly SourceLog[];
}

/** A log of this process, for people and metrics. */
export interface SourceLog {
  partition: number;
  state: 'open' | 'waiting' | 'halted';
  size: number;
  /** The offset that comes next, while the log is open. */
  position: number | undefined;
  records: number;
  moved: number;
  takeovers: number;
}

export interface KafkaSourceOptions {
  kafka: Kafka;
  settings: KafkaSettings;
  topic: string;
  reader: PartitionReader;
  /** Makes the log of a partition; nothing is taken over yet. */
  logFor: (partition: number, onBroken: (error: AppError) => void) => PartitionLog;
  onNotice: OnNotice;
  /** A log that a person has to look at; it is not written any more, and others go on. */
  onHalted: (partition: number, error: AppError) => void;
  /** The group does not know this member any more and it does not come back. */
  onExpelled: (error: AppError) => void;
}

interface Owned {
  log: PartitionLog;
  assigned: boolean;
  halted: AppError | undefined;
  retry_at_ms: number;
  failures: number;
}

const TEND_MS = 250;
const BACKOFF_MS = [300, 1_000, 3_000, 5_000];
const POLL_MS = 100;

export class KafkaSource implements LogSource {
  private readonly options: KafkaSourceOptions;
  private readonly consumer: Consumer;
  private readonly owned = new Map<number, Owned>();
  private timer: NodeJS.Timeout | undefined;
  private alive_ms = 0;
  private closing = false;

  constructor(options: KafkaSourceOptions) {
    this.options = options;
    const { session_timeout_ms, group } = options.settings;
    this.consumer = options.kafka.consumer({
      groupId: group,
      sessionTimeout: session_timeout_ms,
      rebalanceTimeout: Math.max(session_timeout_ms, 10_000),
      heartbeatInterval: Math.floor(session_timeout_ms / 5),
      maxBytesPerPartition: LIMITS.kafka_partition_bytes_max,
      maxBytes: 4 * LIMITS.kafka_partition_bytes_max,
      maxWaitTimeInMs: 200,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 20, restartOnFailure: async () => !this.closing },
    });
  }

  async start(): Promise<void> {
    const { topic, settings } = this.options;
    const { consumer } = this;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => this.joined(payload.memberAssignment[topic] ?? []));
    consumer.on(consumer.events.HEARTBEAT, () => this.signOfLife());
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      this.options.onNotice('kafka_consumer_failed', { error: messageOf(error), restart });
      if (!restart && !this.closing) this.options.onExpelled(new AppError('kafka_group_lost', messageOf(error)));
    });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    this.signOfLife();
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: settings.partitions,
      eachBatch: (payload) => this.eachBatch(payload),
    });
    this.timer = setInterval(() => this.tend(), TEND_MS);
    this.timer.unref();
  }

  private signOfLife(): void {
    this.alive_ms = performance.now();
  }

  /** Not awaited by the library: nothing here may be needed for what is correct. */
  private joined(partitions: readonly number[]): void {
    this.signOfLife();
    this.options.onNotice('partitions_assigned', { partitions });
    for (const [partition, owned] of this.owned) {
      owned.assigned = partitions.includes(partition);
      if (!owned.assigned) owned.log.abandon();
    }
    for (const partition of partitions) {
      const owned = this.ownedOf(partition);
      // Whoever had it meanwhile may have seen to what stopped it here.
      if (!owned.assigned) owned.halted = undefined;
      owned.assigned = true;
    }
  }

  private ownedOf(partition: number): Owned {
    const known = this.owned.get(partition);
    if (known !== undefined) return known;
    const owned: Owned = {
      log: this.options.logFor(partition, () => this.failed(owned)),
      assigned: true,
      halted: undefined,
      retry_at_ms: 0,
      failures: 0,
    };
    this.owned.set(partition, owned);
    return owned;
  }

  private failed(owned: Owned): void {
    const wait = BACKOFF_MS[Math.min(owned.failures++, BACKOFF_MS.length - 1)] ?? 0;
    owned.retry_at_ms = performance.now() + wait;
  }

  /** Takes over what is ours and is not open, but only after the group has said since that it still is. */
  private tend(): void {
    const now = performance.now();
    for (const [partition, owned] of this.owned) {
      const due = owned.assigned && owned.halted === undefined && !owned.log.isOpen && now >= owned.retry_at_ms;
      const heard = owned.failures === 0 || this.alive_ms > owned.retry_at_ms - (BACKOFF_MS[0] ?? 0);
      if (due && heard && !this.closing) this.open(partition, owned).catch(() => undefined);
    }
    this.watch(now);
  }

  /** A process whose partitions are long others' must not sit there as if it worked. */
  private watch(now: number): void {
    const { session_timeout_ms } = this.options.settings;
    const silent_ms = now - this.alive_ms;
    if (silent_ms < LIMITS.kafka_silent_sessions_max * session_timeout_ms || this.closing) return;
    this.signOfLife();
    this.isMember().then(
      (member) => {
        if (member || this.closing) return;
        const message = `the group has not heard of this worker for ${Math.round(silent_ms / 1000)} s and goes on without it`;
        this.options.onExpelled(new AppError('kafka_group_lost', message));
      },
      // A broker that cannot be reached expels nobody.
      (error: unknown) => this.options.onNotice('kafka_unreachable', { error: messageOf(error) }),
    );
  }

  private async isMember(): Promise<boolean> {
    const group = await this.consumer.describeGroup();
    return group.members.some(({ clientId }) => clientId === this.options.settings.client_id);
  }

  private async open(partition: number, owned: Owned): Promise<void> {
    const { log } = owned;
    try {
      await log.open();
      owned.failures = 0;
    } catch (error) {
      this.failed(owned);
      const fault = error instanceof AppError ? error : new AppError('takeover_failed', messageOf(error));
      this.options.onNotice('takeover_failed', { partition, code: fault.code, error: fault.message });
      if (fault.fatal) {
        owned.halted = fault;
        this.options.onHalted(partition, fault);
      }
      throw fault;
    }
    if (!owned.assigned) log.abandon();
    else this.seek(partition, log.position ?? 0);
  }

  private seek(partition: number, offset: number): void {
    this.consumer.seek({ topic: this.options.topic, partition, offset: String(offset) });
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat } = payload;
    let lost: unknown;
    const beat = setInterval(() => {
      heartbeat().catch((error: unknown) => {
        lost ??= error;
      });
    }, this.options.settings.session_timeout_ms / 5);
    try {
      await heartbeat();
      await this.takeBatch(payload, this.ownedOf(batch.partition), () => lost !== undefined || this.closing);
    } finally {
      clearInterval(beat);
    }
    if (lost !== undefined) throw lost;
  }

  private async takeBatch(payload: EachBatchPayload, owned: Owned, isLost: () => boolean): Promise<void> {
    const { batch, resolveOffset } = payload;
    const { log } = owned;
    if (!log.isOpen) {
      // Elsewhere it is seen to that the log is taken over; until then the batch is fetched again.
      if (owned.halted !== undefined) this.consumer.pause([{ topic: batch.topic, partitions: [batch.partition] }]);
      await sleep(POLL_MS);
      return;
    }
    const position = log.position ?? 0;
    const fetched = Number((batch as unknown as { fetchedOffset: string }).fetchedOffset);
    if (fetched > position && (await this.isSkipped(batch.partition, position, fetched, owned))) {
      this.seek(batch.partition, position);
      return;
    }
    await log.take(batch.messages, isLost);
    if (log.isOpen) resolveOffset(batch.lastOffset());
  }

  /** Whether committed records stand between; markers of transactions and what was aborted are none. */
  private async isSkipped(partition: number, from: number, to: number, owned: Owned): Promise<boolean> {
    try {
      return (await this.options.reader.range(partition, from, to)).length > 0;
    } catch (error) {
      if (!(error instanceof AppError && error.fatal)) return true;
      owned.halted = error;
      owned.log.abandon();
      this.options.onHalted(partition, error);
      return true;
    }
  }

  /** The logs that are this member's. */
  get logs(): SourceLog[] {
    const assigned = [...this.owned].filter(([, { assigned }]) => assigned);
    return assigned.map(([partition, { log, halted }]) => ({
      partition,
      state: halted === undefined ? (log.isOpen ? 'open' : 'waiting') : 'halted',
      size: log.head?.size ?? 0,
      position: log.position,
      ...log.counters,
    }));
  }

  /** Writes what was taken, and leaves the group. */
  async close(): Promise<void> {
    this.closing = true;
    clearInterval(this.timer);
    await Promise.all([...this.owned.values()].map(({ log }) => log.close()));
    await this.consumer.disconnect();
  }
}
