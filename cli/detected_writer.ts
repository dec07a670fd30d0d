/**
 * Stores what detection found, in two stages. First the rows that are derived from events: edges, signals, observations,
 * facts of sessions. Then the alerts, as records of the log; and when these are under the head, the cursor. Whatever is
 * stored before a crash is found again by the replay under the same keys and ids, so nothing is lost and nothing doubled.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ALERT_SEVERITY_MIN, type Finding, severityRank } from '../core/alert.ts';
import { messageOf } from '../core/errors.ts';
import type { WeighedFinding } from '../core/feedback.ts';
import { readKnownAlerts } from '../core/store/queries/alert_ids.ts';
import { moveCursor } from '../core/store/queries/head.ts';
import { encodeSessionFacts, type SessionFactsRow } from '../core/store/queries/session_facts.ts';
import { RowWriter } from '../core/store/row_binary.ts';
import type { Store } from '../core/store/store.ts';
import type { Detected } from '../detectors/engine.ts';
import type { Edge } from '../detectors/lineage/edge.ts';
import type { LogWriter } from '../ingest/log_writer.ts';
import type { InternalRecord } from '../ingest/record.ts';
import { DERIVED_TABLES, DerivedRows } from './derived_rows.ts';
import { FactsStore, NewFacts } from './session_facts.ts';

/** The reader's name in the store's cursors. */
export const CURSOR = 'detected_through';
const ROWS_MS = 500; // how long rows wait for others, unless there is an alert among them
const CURSOR_MS = 1_000; // how long the cursor may lag when nothing was found
const PENDING_BYTES_MAX = 16_777_216; // rows that wait for the store; then whoever observes waits too
const ALERTS_AT_ONCE = 1_000;
const RAISED_KEPT_MAX = 20_000;
const RETRY_MS = [500, 2_000, 5_000];
const ALERT_RANK_MIN = severityRank(ALERT_SEVERITY_MIN);

/** The log as detection needs it: how far it is, and a way to write records of our own into it. */
export type RecordSink = Pick<LogWriter, 'head' | 'waiting' | 'stamp'> & {
  submitInternal(records: readonly InternalRecord[]): Promise<unknown>;
};

/** A record of the log without what is stamped on it. */
export type RecordDraft = Omit<InternalRecord, 'received_at_ms' | 'salt'>;

export interface DetectedWriterOptions {
  store: Store;
  log: string;
  writer: () => RecordSink;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
  /** The record of a finding that is an alert. */
  recordOf?: (finding: Finding) => RecordDraft;
}

/** The tenant and session of an edge. */
export type PlaceOf = (edge: Edge) => { tenant: string; session_id: string } | undefined;

interface Pending {
  rows: DerivedRows;
  facts: NewFacts;
  alerts: Finding[];
  /** Whether some of the alerts may be stored already. */
  repeated: boolean;
  /** Everything below was looked at, and what came of it is in here or was stored. */
  cut: number;
}

export class DetectedWriter {
  private readonly options: DetectedWriterOptions;
  private readonly facts: FactsStore;
  private pending: Pending;
  /** The first stage while it works. */
  private storing: Promise<void> | undefined;
  /** The second stage: alerts and cursor, in order. */
  private raising: Promise<void> = Promise.resolve();
  private stored_ms = 0;
  private draining = 0;
  private stored_cut: number;
  /** The cut that was handed to the second stage. */
  private handed_cut: number;
  /** Ids raised lately: who tells a finding twice raises one alert. */
  private readonly raised = new Set<string>();
  /** Who waits for a store that fails. */
  private failing_since: number | undefined;
  private closing = false;
  private abandoned = false;
  private dropped = 0;
  private seen_at = -1;
  private nth = 0;

  /** `cut`: the stored cursor. */
  constructor(options: DetectedWriterOptions, cut: number) {
    this.options = options;
    this.facts = new FactsStore(options.store, options.log);
    this.stored_cut = cut;
    this.handed_cut = cut;
    this.pending = nothingPending(cut);
  }

  /** Takes what came to light when the record `seen_at` was the last that had come. `repeated`: it may be known. */
  add(detected: Detected, seen_at: number, repeated: boolean, placeOf: PlaceOf): void {
    const { pending } = this;
    for (const finding of detected.findings) {
      pending.facts.addFinding(finding);
      if (severityRank(finding.severity) < ALERT_RANK_MIN) pending.rows.addSignal(this.options.log, finding);
      else {
        pending.alerts.push(finding);
        pending.repeated ||= repeated;
      }
    }
    this.addEdges(detected.edges, placeOf);
    this.addObservations(detected, seen_at);
  }

  private addEdges(edges: readonly Edge[], placeOf: PlaceOf): void {
    const { rows, facts } = this.pending;
    const by_call = new Map<number, Edge[]>();
    for (const edge of edges) {
      const others = by_call.get(edge.to.seq);
      if (others === undefined) by_call.set(edge.to.seq, [edge]);
      else others.push(edge);
    }
    for (const of_call of by_call.values()) {
      const place = placeOf(of_call[0] as Edge);
      if (place === undefined) {
        rows.dropped += of_call.length;
        continue;
      }
      rows.addEdges(place.tenant, place.session_id, of_call);
      for (const edge of of_call) facts.addEdge(place.tenant, place.session_id, edge);
    }
  }

  private addObservations({ observations }: Detected, seen_at: number): void {
    if (seen_at !== this.seen_at) {
      this.seen_at = seen_at;
      this.nth = 0;
    }
    const parts = new Map<string, number>();
    for (const observation of observations) {
      const key = `${observation.event.seq}\u0000${observation.detector_id}\u0000${observation.key}`;
      const part = parts.get(key) ?? 0;
      parts.set(key, part + 1);
      this.pending.rows.addObservation(observation, { part, seen_at: Math.max(0, seen_at), nth: this.nth++ });
    }
  }

  /** Everything below was looked at and handed over. */
  reached(cut: number): void {
    this.pending.cut = Math.max(this.pending.cut, cut);
    this.poke();
  }

  private get hasRows(): boolean {
    const { rows, alerts, facts } = this.pending;
    return rows.bytes > 0 || alerts.length > 0 || facts.by_session.size > 0;
  }

  private get waits(): boolean {
    return this.hasRows || this.pending.cut > this.handed_cut;
  }

  private get due(): boolean {
    if (this.abandoned || !this.waits) return false;
    const { rows, alerts } = this.pending;
    if (this.draining > 0 || alerts.length > 0 || rows.bytes > PENDING_BYTES_MAX) return true;
    return performance.now() - this.stored_ms > (this.hasRows ? ROWS_MS : CURSOR_MS);
  }

  /** Begins to store what is due. */
  private poke(): void {
    if (this.storing !== undefined || !this.due) return;
    this.storing = this.storeDue().finally(() => {
      this.storing = undefined;
    });
  }

  private async storeDue(): Promise<void> {
    while (this.due) {
      const batch = this.pending;
      this.pending = nothingPending(batch.cut);
      this.dropped += batch.rows.dropped;
      this.stored_ms = performance.now();
      if (!(await this.untilDone('derived_not_stored', batch, () => this.insertRows(batch)))) return;
      this.handed_cut = batch.cut;
      this.raising = this.raising.then(() => this.raise(batch));
    }
  }

  private async insertRows(batch: Pending): Promise<void> {
    const { store } = this.options;
    const facts = new RowWriter(4_096);
    for (const row of await this.factsRows(batch)) encodeSessionFacts(facts, row);
    const { rows } = batch;
    const inserts = await Promise.allSettled([
      ...DERIVED_TABLES.map((table) => store.insert(table, rows[table])),
      store.insert('session_facts', facts),
    ]);
    const failed = inserts.find((insert) => insert.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Made once a batch: the second attempt at an insert must not take the facts for known. */
  private async factsRows(batch: Pending & { facts_rows?: SessionFactsRow[] }): Promise<SessionFactsRow[]> {
    batch.facts_rows ??= await this.facts.rows(batch.facts, batch.cut);
    return batch.facts_rows;
  }

  private async raise(batch: Pending): Promise<void> {
    if (this.abandoned) return;
    await this.untilDone('alerts_not_stored', batch, async (attempt) => {
      await this.raiseAlerts(batch.alerts, batch.repeated || attempt > 0);
      if (batch.cut <= this.stored_cut) return;
      await moveCursor(this.options.store, this.options.log, CURSOR, batch.cut);
      this.stored_cut = batch.cut;
    });
  }

  private async raiseAlerts(findings: readonly Finding[], repeated: boolean): Promise<void> {
    const { store, log, recordOf = alertRecord } = this.options;
    for (let from = 0; from < findings.length; from += ALERTS_AT_ONCE) {
      const part = findings.slice(from, from + ALERTS_AT_ONCE);
      const ids = part.map((finding) => finding.finding_id);
      const known = repeated ? await readKnownAlerts(store, log, ids) : new Set<string>();
      const fresh = new Map<string, Finding>();
      for (const finding of part) {
        const { finding_id } = finding;
        if (!known.has(finding_id) && !this.raised.has(finding_id)) fresh.set(finding_id, finding);
      }
      const writer = this.options.writer();
      const drafts = [...fresh.values()].map((finding) => ({ finding, draft: recordOf(finding) }));
      await this.keepSignals(drafts.filter(({ draft }) => draft.kind !== 'alert').map(({ finding }) => finding));
      await writer.submitInternal(drafts.map(({ draft }) => writer.stamp(draft)));
      this.keepRaised(fresh.keys());
    }
  }

  /** What is held back is a signal all the same, for the session's risk and for rules that refer to it. */
  private async keepSignals(findings: readonly Finding[]): Promise<void> {
    if (findings.length === 0) return;
    const rows = new DerivedRows();
    for (const finding of findings) rows.addSignal(this.options.log, finding);
    await this.options.store.insert('signals', rows.signals);
  }

  private keepRaised(ids: Iterable<string>): void {
    for (const id of ids) this.raised.add(id);
    for (const oldest of this.raised) {
      if (this.raised.size <= RAISED_KEPT_MAX) break;
      this.raised.delete(oldest);
    }
  }

  /** Tries until it is done. On closing what fails is left to the next start, which finds the same again: then false. */
  private async untilDone(notice: string, batch: Pending, work: (attempt: number) => Promise<void>): Promise<boolean> {
    for (let attempt = 0; ; attempt++) {
      if (this.abandoned) return false;
      try {
        await work(attempt);
        this.failing_since = undefined;
        return true;
      } catch (error) {
        this.failing_since ??= performance.now();
        this.options.onNotice(notice, { error: messageOf(error), findings: batch.alerts.length, attempt });
        if (this.closing) this.abandoned = true;
        else await sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
      }
    }
  }

  /** Waits while more rows wait for the store than may. Never waits for alerts: these may wait for who observes. */
  async room(): Promise<void> {
    while (!this.abandoned && this.pending.rows.bytes > PENDING_BYTES_MAX) {
      this.poke();
      await this.storing;
    }
  }

  /** Waits until all that was handed over is stored, cursor included, or was given up on closing. */
  async drained(): Promise<void> {
    this.draining++;
    try {
      do {
        this.poke();
        await this.storing;
        await this.raising;
      } while (this.waits && !this.abandoned);
    } finally {
      this.draining--;
    }
  }

  /** From now on a store that fails is not tried again. */
  stopRetrying(): void {
    this.closing = true;
  }

  /** From now on nothing more is stored: the log may be another's, who finds the same again. */
  abandon(): void {
    this.closing = true;
    this.abandoned = true;
  }

  /** For people and metrics. */
  get status(): { detected_through: number; failing: boolean; dropped_rows: number } {
    return {
      detected_through: this.stored_cut,
      failing: this.failing_since !== undefined,
      dropped_rows: this.dropped,
    };
  }
}

function nothingPending(cut: number): Pending {
  return { rows: new DerivedRows(), facts: new NewFacts(), alerts: [], repeated: false, cut };
}

/** The record of an alert. */
export function alertRecord(finding: WeighedFinding): RecordDraft {
  const { finding_id, tenant, session_id, user_id, time_ms, agent, tags, evidence, severity, title, reason } = finding;
  const { rule_id, rule_version, weighed_risk } = finding;
  const risk = weighed_risk === undefined ? {} : { risk: weighed_risk };
  return {
    kind: 'alert',
    type: 'alert.raised',
    event_id: finding_id,
    tenant,
    session_id,
    user_id,
    actor: 'tracewarden',
    time_ms,
    detail: { rule_id, rule_version, severity, ...risk, title, reason, session_id, user_id, agent, tags, evidence },
  };
}
