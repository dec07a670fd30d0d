/**
 * What one subscriber is owed. The store holds all of it; a window of it is in memory. A target that fails again and
 * again rests, and is then tried with one message. Whatever came of an attempt is stored before the next one is made.
 */

import { LIMITS } from '../../core/limits.ts';
import type { DeliveryRow } from '../../core/store/queries/deliveries.ts';
import type { Subscription } from '../../core/subscription.ts';
import type { Message } from './message.ts';
import type { Attempt } from './post.ts';
import type { RetrySchedule } from './retry_schedule.ts';

/** What waits in memory. */
interface Held {
  row: DeliveryRow;
  message: Message;
}

export interface TargetOptions {
  subscription: () => Subscription | undefined;
  schedule: RetrySchedule;
  now: () => number;
  random: () => number;
  send(subscription: Subscription, message_id: string, message: Message): Promise<Attempt & { final?: boolean }>;
  /** Durable when it resolves. */
  write(row: DeliveryRow): Promise<void>;
  /** What waits in the store and is due first, with messages; `undefined` messages are of records that are gone. */
  load(without: readonly string[], limit: number): Promise<{ row: DeliveryRow; message: Message | undefined }[]>;
  /** The receiver said that it is gone for good. */
  onGone(): Promise<void>;
  onFault(error: unknown): void;
}

/** How far ahead of its time a delivery is taken into memory. */
const AHEAD_MS = 2_000;
const LOAD_AGAIN_MS = 1_000;
/** How long nothing is tried after a fault of ours, such as a store that does not take the outcome. */
const FAULT_PAUSE_MS = 1_000;

export class TargetQueue {
  private readonly options: TargetOptions;
  private readonly held = new Map<string, Held>();
  private readonly in_flight = new Set<Promise<void>>();
  private readonly flying = new Set<string>();
  private count: number;
  /** Whether the store may hold what is due and not in memory. */
  private more: boolean;
  private loading = false;
  /** What was settled or put off while rows were being read: those rows are out of date. */
  private readonly changed = new Set<string>();
  private next_send_ms = 0;
  private failures = 0;
  private rests = 0;
  private resting_until_ms = 0;
  private paused_until_ms = 0;
  private wake_at_ms = Number.POSITIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  /** `waiting`: how many wait in the store. */
  constructor(options: TargetOptions, waiting: number) {
    this.options = options;
    this.count = waiting;
    this.more = waiting > 0;
  }

  /** How many deliveries wait, in memory or in the store. */
  get waiting(): number {
    return this.count;
  }

  /** For people and metrics. */
  get status(): { waiting: number; failures: number; resting: boolean } {
    const resting = this.resting_until_ms > this.options.now();
    return { waiting: this.count, failures: this.failures, resting };
  }

  /** Takes a delivery that was just stored. Where memory is full it stays in the store until there is room. */
  add(row: DeliveryRow, message: Message): void {
    this.count++;
    if (this.held.size < LIMITS.webhook_window_max && !this.more) this.held.set(row.message_id, { row, message });
    else this.more = true;
    this.pump();
  }

  /** Deliveries were stored as waiting by another way. */
  reload(added: number): void {
    this.count += added;
    this.more = true;
    this.pump();
  }

  /** How many wait was counted anew. */
  recount(waiting: number): void {
    this.count = waiting;
    this.more = true;
  }

  /** Sends what is due, as far as the target may be asked. */
  pump(): void {
    if (this.closed) return;
    const subscription = this.options.subscription();
    if (subscription === undefined || subscription.state !== 'active') return;
    const now_ms = this.options.now();
    if (now_ms >= this.paused_until_ms) this.startDue(subscription, now_ms);
    this.sleep(now_ms);
  }

  private startDue(subscription: Subscription, now_ms: number): void {
    if (this.more && !this.loading && this.held.size < LIMITS.webhook_window_max / 2) void this.load();
    // A target that is on trial gets one message.
    const places = this.failures >= LIMITS.webhook_failures_max ? 1 : LIMITS.webhook_in_flight_max;
    for (const each of this.held.values()) {
      if (this.flying.has(each.row.message_id)) continue;
      // Only of a target that fails: what merely waits for its turn at a good one is never given up.
      const failing = this.failures >= LIMITS.webhook_failures_max;
      const old = failing && now_ms - each.row.created_at_ms > this.options.schedule.give_up_ms;
      if (old) {
        this.start(each, () => this.giveUp(each, 'gave_up'));
        continue;
      }
      if (now_ms < this.resting_until_ms || now_ms < this.next_send_ms || this.flying.size >= places) continue;
      if (each.row.due_at_ms > now_ms) continue;
      this.next_send_ms = Math.max(now_ms, this.next_send_ms) + 1000 / subscription.per_second_max;
      this.start(each, () => this.attempt(subscription, each));
    }
  }

  private start(each: Held, work: () => Promise<void>): void {
    this.flying.add(each.row.message_id);
    const done = work()
      .catch((error: unknown) => this.fault(error))
      .finally(() => {
        this.flying.delete(each.row.message_id);
        this.in_flight.delete(done);
        this.pump();
      });
    this.in_flight.add(done);
  }

  private fault(error: unknown): void {
    this.paused_until_ms = this.options.now() + FAULT_PAUSE_MS;
    this.options.onFault(error);
  }

  /** Wakes when the next thing can be done. What ends by itself wakes it too. */
  private sleep(now_ms: number): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    let at_ms = this.more ? now_ms + LOAD_AGAIN_MS : this.wake_at_ms;
    for (const { row } of this.held.values()) {
      if (this.flying.has(row.message_id)) continue;
      const free_ms = Math.max(row.due_at_ms, this.resting_until_ms, this.next_send_ms);
      at_ms = Math.min(at_ms, Math.max(free_ms, now_ms + 1));
    }
    if (at_ms === Number.POSITIVE_INFINITY || this.flying.size >= LIMITS.webhook_in_flight_max) return;
    const wait_ms = Math.min(Math.max(at_ms, this.paused_until_ms) - now_ms, 60_000);
    this.timer = setTimeout(
      () => {
        if (this.options.now() >= this.wake_at_ms) this.more = true;
        this.pump();
      },
      Math.max(1, wait_ms),
    );
    this.timer.unref();
  }

  private async load(): Promise<void> {
    this.loading = true;
    this.changed.clear();
    try {
      const limit = LIMITS.webhook_window_max;
      const rows = await this.options.load([...this.held.keys()], limit);
      this.more = rows.length === limit;
      this.wake_at_ms = Number.POSITIVE_INFINITY;
      const soon_ms = this.options.now() + AHEAD_MS;
      for (const { row, message } of rows) {
        if (this.held.has(row.message_id) || this.changed.has(row.message_id)) continue;
        if (row.due_at_ms > soon_ms) {
          this.wake_at_ms = Math.min(this.wake_at_ms, row.due_at_ms);
          this.more = false; // they come in the order in which they are due
        } else if (message !== undefined) this.held.set(row.message_id, { row, message });
        else await this.options.write({ ...row, version: row.version + 1, state: 'dead', error: 'record_gone' });
      }
    } catch (error) {
      this.fault(error);
    } finally {
      this.loading = false;
    }
    this.pump();
  }

  private async attempt(subscription: Subscription, { row, message }: Held): Promise<void> {
    const result = await this.options.send(subscription, row.message_id, message);
    if (this.closed && result.error !== '') return; // cut off by us: it is tried again after the next start
    const taken = result.error === '';
    // A fault of the message itself says nothing of the target.
    if (!result.final) this.judge(taken);
    const attempts = row.attempts + 1;
    const now_ms = this.options.now();
    const { status, error } = result;
    const next = { ...row, version: row.version + 1, attempts, status, error, updated_at_ms: now_ms };
    const delay_ms = this.options.schedule.delayMs(attempts, this.options.random(), result.retry_after_s);
    if (status === 410) await this.options.onGone();
    if (taken) await this.settle({ ...next, state: 'sent' });
    else if (result.final || status === 410 || delay_ms === undefined) await this.settle({ ...next, state: 'dead' });
    else await this.again({ ...next, due_at_ms: now_ms + delay_ms }, message);
  }

  private judge(taken: boolean): void {
    if (taken) {
      this.failures = 0;
      this.rests = 0;
      return;
    }
    this.failures++;
    if (this.failures < LIMITS.webhook_failures_max) return;
    this.resting_until_ms = this.options.now() + this.options.schedule.restMs(this.rests++);
  }

  private giveUp({ row }: Held, error: string): Promise<void> {
    const version = row.version + 1;
    return this.settle({ ...row, version, state: 'dead', error, updated_at_ms: this.options.now() });
  }

  private async settle(row: DeliveryRow): Promise<void> {
    await this.options.write(row);
    this.changed.add(row.message_id);
    this.held.delete(row.message_id);
    this.count--;
  }

  /** Stays in memory when it is due soon, else in the store alone. */
  private async again(row: DeliveryRow, message: Message): Promise<void> {
    await this.options.write(row);
    this.changed.add(row.message_id);
    if (row.due_at_ms <= this.options.now() + AHEAD_MS) {
      this.held.set(row.message_id, { row, message });
      return;
    }
    this.held.delete(row.message_id);
    this.wake_at_ms = Math.min(this.wake_at_ms, row.due_at_ms);
  }

  /** Starts nothing more, and waits for what is under way, which is being cut off. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await Promise.all(this.in_flight);
  }
}
