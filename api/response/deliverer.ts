/** Delivers what subscribers are owed: a queue for each target, one log of what became of it. */
import { messageOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { countWaiting, type DeliveryRow, readWaiting } from '../../core/store/queries/deliveries.ts';
import type { Store } from '../../core/store/store.ts';
import type { Subscription } from '../../core/subscription.ts';
import { DeliveryLog } from './delivery_log.ts';
import type { Message } from './message.ts';
import { messageId } from './message.ts';
import { loadMessages, placeKey } from './message_loader.ts';
import type { Attempt } from './post.ts';
import type { RetrySchedule } from './retry_schedule.ts';
import { TargetQueue } from './target_queue.ts';

export interface DelivererOptions {
  store: Store;
  /** Those of whose records subscribers are told. */
  logs: readonly string[];
  now: () => number;
  random: () => number;
  schedule: RetrySchedule;
  subscriptionOf: (subscription_id: string) => Subscription | undefined;
  send(subscription: Subscription, message_id: string, message: Message): Promise<Attempt & { final?: boolean }>;
  /** A receiver said that it is gone for good (410). */
  onGone(subscription_id: string): Promise<void>;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
}

/** A message that a subscription is to get. */
export interface Owed {
  subscription: Subscription;
  message: Message;
}

export class Deliverer {
  private readonly options: DelivererOptions;
  private readonly outcomes: DeliveryLog;
  private readonly targets = new Map<string, TargetQueue>();
  private started = false;

  constructor(options: DelivererOptions) {
    this.options = options;
    this.outcomes = new DeliveryLog(options.store, options.onNotice);
  }

  /** Begins with what waits in the store. */
  async start(): Promise<void> {
    const { store, logs } = this.options;
    for (const { subscription_id, waiting } of await countWaiting(store, logs)) {
      this.targetOf(subscription_id).recount(waiting);
    }
    this.started = true;
    this.pump();
  }

  /** Stores what is owed: a row for each message and subscription. Beyond a limit it is a dead letter at once. */
  async owe(owed: readonly Owed[]): Promise<void> {
    if (owed.length === 0) return;
    const now_ms = this.options.now();
    const counts = new Map<string, number>();
    const rows = owed.map(({ subscription, message }) => {
      const { subscription_id } = subscription;
      const waiting = counts.get(subscription_id) ?? this.targetOf(subscription_id).waiting;
      counts.set(subscription_id, waiting + 1);
      return newDelivery(subscription, message, now_ms, waiting >= LIMITS.webhook_waiting_max);
    });
    await this.outcomes.write(rows);
    for (const [i, { subscription, message }] of owed.entries()) {
      const row = rows[i] as DeliveryRow;
      // Before the start, what is owed may have been stored and sent before: it is read back from the store.
      if (row.state === 'waiting' && this.started) this.targetOf(subscription.subscription_id).add(row, message);
    }
  }

  /** Sets dead letters to waiting again. Durable when it resolves. */
  async replay(rows: readonly DeliveryRow[]): Promise<number> {
    const now_ms = this.options.now();
    const dead = rows.filter((row) => row.state === 'dead');
    const times = { created_at_ms: now_ms, due_at_ms: now_ms, updated_at_ms: now_ms };
    await this.outcomes.write(
      dead.map((row) => ({ ...row, ...times, version: row.version + 1, state: 'waiting', attempts: 0, error: '' })),
    );
    for (const row of dead) this.targetOf(row.subscription_id).reload(1);
    return dead.length;
  }

  /** Sends one message now, outside of every queue, and stores what became of it. */
  async sendNow(subscription: Subscription, message: Message): Promise<DeliveryRow> {
    const row = newDelivery(subscription, message, this.options.now(), false);
    const { status, error } = await this.options.send(subscription, row.message_id, message);
    const state = error === '' ? 'sent' : 'dead';
    const done: DeliveryRow = {
      ...row,
      version: 1,
      attempts: 1,
      state,
      status,
      error,
      updated_at_ms: this.options.now(),
    };
    await this.outcomes.write([done]);
    return done;
  }

  /** Looks again after a subscription was changed. */
  pump(): void {
    for (const target of this.targets.values()) target.pump();
  }

  /** How a target is doing. */
  statusOf(subscription_id: string): TargetQueue['status'] {
    return this.targets.get(subscription_id)?.status ?? { waiting: 0, failures: 0, resting: false };
  }

  private targetOf(subscription_id: string): TargetQueue {
    const known = this.targets.get(subscription_id);
    if (known !== undefined) return known;
    const { store, logs, now, random, schedule, send, onGone, onNotice, subscriptionOf } = this.options;
    const target = new TargetQueue(
      {
        subscription: () => subscriptionOf(subscription_id),
        schedule,
        now,
        random,
        send,
        write: (row) => this.outcomes.write([row]),
        load: async (without, limit) => {
          const rows = await readWaiting(store, { logs, subscription_id, without, limit });
          const messages = await loadMessages(store, rows);
          return rows.map((row) => ({ row, message: messages.get(placeKey(row)) }));
        },
        onGone: () => onGone(subscription_id),
        onFault: (error) => onNotice('delivery_failed', { subscription_id, error: messageOf(error) }),
      },
      0,
    );
    this.targets.set(subscription_id, target);
    return target;
  }

  /** Starts nothing more. What was under way is cut off and tried again after the next start, under the same id. */
  async close(): Promise<void> {
    this.outcomes.stopRetrying();
    await Promise.all([...this.targets.values()].map((target) => target.close()));
  }
}

function newDelivery(subscription: Subscription, message: Message, now_ms: number, full: boolean): DeliveryRow {
  const { alert, log, seq, type, source_id } = message;
  return {
    tenant: alert.tenant,
    subscription_id: subscription.subscription_id,
    message_id: messageId(subscription, type, source_id),
    version: 0,
    log,
    seq,
    session_id: alert.session_id,
    source_id,
    type,
    state: full ? 'dead' : 'waiting',
    attempts: 0,
    status: 0,
    error: full ? 'queue_full' : '',
    created_at_ms: now_ms,
    due_at_ms: now_ms,
    updated_at_ms: now_ms,
  };
}
