/**
 * Finds out, record by record, who is to be told of what. It stores what is owed and then moves the cursor
 * `delivered_through`: after a crash the records from there on are looked at again, and give the same rows.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SEVERITY_RISK } from '../../core/alert.ts';
import { messageOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { moveCursor, readCursor } from '../../core/store/queries/head.ts';
import {
  type ActionRecordRow,
  readActions,
  readAlertsBetween,
  type TenantAlert,
} from '../../core/store/queries/own_records.ts';
import type { Store } from '../../core/store/store.ts';
import { type Subscription, wantsMessage } from '../../core/subscription.ts';
import type { AlertDetail } from '../../ingest/encode.ts';
import type { SequencedRecord } from '../../ingest/record.ts';
import { APPLIED, messageOfAction, TOLD_ACTIONS } from './action_message.ts';
import type { Deliverer, Owed } from './deliverer.ts';
import { alertMessage, type Message, severityOf } from './message.ts';
import { hasRecipient, peopleMessageOf, peopleMessages } from './people_message.ts';
import { LIMIT_RULE } from './suspension_decision.ts';

const CURSOR = 'delivered_through';
const PAGE = 1_000;
const CURSOR_MS = 1_000; // how long the cursor may lag where nothing is owed
const RETRY_MS = [200, 1_000, 5_000];

export interface OutboxOptions {
  store: Store;
  log: string;
  deliverer: Deliverer;
  subscriptions: () => Iterable<Subscription>;
  /** Told of every alert before it is sent; may write records of its own. Called again for the same alerts after a crash. */
  onAlerts: (alerts: readonly TenantAlert[]) => Promise<void>;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
}

/** A record of which somebody may have to be told. */
type Told = { alert: TenantAlert; action?: undefined } | { action: ActionRecordRow; alert?: undefined };

export class Outbox {
  private readonly options: OutboxOptions;
  private pending: Told[] = [];
  /** Everything below was committed. */
  private head = 0;
  /** Everything below was handed over by `observe`, or is to be read from the store: see `behind`. */
  private behind = true;
  private through = 0;
  private cursor = 0;
  private cursor_ms = 0;
  private working: Promise<void> | undefined;
  private started = false;
  private closed = false;

  constructor(options: OutboxOptions) {
    this.options = options;
  }

  /** Looks at what was committed and not looked at before. */
  async start(size: number): Promise<void> {
    const { store, log } = this.options;
    this.head = Math.max(this.head, size);
    this.through = await readCursor(store, log, CURSOR);
    this.cursor = this.through;
    await this.catchUp();
  }

  /** From now on looks at what comes. */
  go(): void {
    this.started = true;
    this.poke();
  }

  /** Takes committed records in. Never waits. */
  observe(records: readonly SequencedRecord[]): void {
    const last = records.at(-1);
    if (last === undefined) return;
    this.head = Math.max(this.head, last.seq + 1);
    for (const record of records) {
      if (this.behind) break;
      const told = toldOf(record, this.options.log);
      if (told === undefined) continue;
      this.pending.push(told);
      if (this.pending.length > LIMITS.outbox_records_max) this.fallBehind();
    }
    this.poke();
  }

  /** Records were committed of which nobody was told: they are read from the store. */
  adopted(size: number): void {
    this.head = Math.max(this.head, size);
    this.fallBehind();
    this.poke();
  }

  /** What waits in memory is dropped and read from the store instead. */
  private fallBehind(): void {
    this.behind = true;
    this.pending = [];
  }

  private poke(): void {
    if (!this.started || this.closed || this.working !== undefined) return;
    this.working = this.work().finally(() => {
      this.working = undefined;
    });
  }

  private async work(): Promise<void> {
    for (let attempt = 0; !this.closed; ) {
      try {
        if (this.behind) await this.catchUp();
        else if (!(await this.step())) return;
        attempt = 0;
      } catch (error) {
        this.options.onNotice('deliveries_not_derived', { error: messageOf(error), attempt });
        this.fallBehind();
        await sleep(RETRY_MS[Math.min(attempt++, RETRY_MS.length - 1)], undefined, { ref: false });
      }
    }
  }

  /** Deals with what waits in memory. False when there was nothing. */
  private async step(): Promise<boolean> {
    const head = this.head;
    const batch = this.pending;
    if (head === this.through) return false;
    this.pending = [];
    await this.deal(batch);
    // A cursor that `behind` was set under is moved by reading on.
    if (!this.behind) await this.reached(head, batch.length > 0);
    return true;
  }

  private async catchUp(): Promise<void> {
    const { store, log } = this.options;
    while (!this.closed) {
      const to = this.head;
      // From here on what comes goes to memory; what is below is read.
      if (this.through >= to) {
        this.behind = false;
        if (this.head === to) return;
        this.behind = true;
        continue;
      }
      const of = { log, from: this.through, to, limit: PAGE };
      const alerts = await readAlertsBetween(store, of);
      const actions = TOLD_ACTIONS.length === 0 ? [] : await readActions(store, { ...of, types: TOLD_ACTIONS });
      const full = [alerts, actions].filter((rows) => rows.length === PAGE).map((rows) => (rows.at(-1)?.seq ?? 0) + 1);
      const end = Math.min(to, ...full);
      const told: Told[] = [...alerts.map((alert) => ({ alert })), ...actions.map((action) => ({ action }))];
      await this.deal(told.filter((each) => seqOf(each) < end).sort((a, b) => seqOf(a) - seqOf(b)));
      await this.reached(end, true);
    }
  }

  private async deal(batch: readonly Told[]): Promise<void> {
    const { log, deliverer, onAlerts } = this.options;
    await onAlerts(batch.flatMap(({ alert }) => alert ?? []));
    const messages = batch.flatMap(({ alert, action }) =>
      alert !== undefined ? alertMessage(alert) : (messageOfAction(action, log) ?? []),
    );
    messages.push(...(await this.toPeople(batch)));
    await deliverer.owe(messages.flatMap((message) => this.owedOf(message)));
  }

  /** What is told to those whom it concerns. Nothing is looked up where nobody is to be told. */
  private async toPeople(batch: readonly Told[]): Promise<Message[]> {
    const { store, log, subscriptions } = this.options;
    if (![...subscriptions()].some(({ kind, state }) => kind === 'people' && state === 'active')) return [];
    // That a limit was reached is for the SOC alone.
    const alerts = batch.flatMap(({ alert }) => (alert === undefined || alert.rule_id === LIMIT_RULE ? [] : alert));
    const messages = await peopleMessages(store, alerts);
    for (const { action } of batch) {
      const message = action?.type === APPLIED ? await peopleMessageOf(store, action, log) : undefined;
      if (message !== undefined) messages.push(message);
    }
    return messages;
  }

  private owedOf(message: Message): Owed[] {
    const { kind, alert, time_ms } = message;
    const wanted = { kind, tenant: alert.tenant, severity: severityOf(alert), rule_id: alert.rule_id };
    return [...this.options.subscriptions()]
      .filter((each) => each.since_ms <= time_ms && wantsMessage(each, wanted) && hasRecipient(each.url, message))
      .map((subscription) => ({ subscription, message }));
  }

  private async reached(through: number, at_once: boolean): Promise<void> {
    this.through = through;
    if (!at_once && performance.now() - this.cursor_ms < CURSOR_MS) return;
    await this.storeCursor();
  }

  private async storeCursor(): Promise<void> {
    if (this.through === this.cursor) return;
    const { through } = this;
    await moveCursor(this.options.store, this.options.log, CURSOR, through);
    this.cursor = through;
    this.cursor_ms = performance.now();
  }

  /** Waits until all that was committed so far was dealt with. */
  async drained(): Promise<void> {
    while (this.started && !this.closed && (this.through < this.head || this.working !== undefined)) {
      this.poke();
      await this.working;
    }
  }

  /** Stops after what is being dealt with. */
  async close(): Promise<void> {
    this.closed = true;
    await this.working;
    if (this.started) await this.storeCursor().catch(() => undefined); // the next start looks again
  }
}

const seqOf = ({ alert, action }: Told): number => (alert ?? action)?.seq ?? 0;

function toldOf(record: SequencedRecord, log: string): Told | undefined {
  const { kind, type, internal } = record;
  if (kind === 'alert' && internal !== undefined)
    return { alert: alertOf(record, internal as unknown as AlertDetail, log) };
  if (kind !== 'action' || internal === undefined || !TOLD_ACTIONS.includes(type)) return undefined;
  const { tenant, session_id, seq, event_id, user_id, received_at_ms } = record;
  return { action: { tenant, session_id, seq, type, event_id, user_id, received_at_ms, detail: internal } };
}

function alertOf(record: SequencedRecord, detail: AlertDetail, log: string): TenantAlert {
  const { tenant, event_id: alert_id, seq, time_ms, received_at_ms: raised_at_ms } = record;
  const { evidence, severity, ...said } = detail;
  const risk = SEVERITY_RISK[severity];
  return {
    ...said,
    tenant,
    alert_id,
    log,
    seq,
    severity,
    risk,
    time_ms,
    raised_at_ms,
    evidence: JSON.stringify(evidence),
  };
}
