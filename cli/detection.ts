/**
 * Joins the log to the detection engine: committed events go in, in log order; findings come out as records of the
 * log; then the durable cursor moves. After a crash the events behind the cursor are seen again, and since a finding's
 * id depends only on what was found, no alert is lost and none is doubled.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Finding } from '../core/alert.ts';
import { messageOf } from '../core/errors.ts';
import type { ProvenanceEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { readKnownAlerts } from '../core/store/queries/alert_ids.ts';
import { moveCursor, readCursor } from '../core/store/queries/head.ts';
import { readEventRange, readSessionsEvents } from '../core/store/queries/takeover.ts';
import type { Store } from '../core/store/store.ts';
import { type Engine, sessionKey } from '../detectors/engine.ts';
import type { LogWriter } from '../ingest/log_writer.ts';
import type { InternalRecord, SequencedRecord } from '../ingest/record.ts';

const CURSOR = 'detected_through';
const CURSOR_MS = 1_000; // how long a cursor may lag when nothing was found
const REPLAY_PAGE = 5_000;
const RESTORE_SESSIONS = 200; // sessions rebuilt by one query
const SLICE_EVENTS = 64;
const RETRY_MS = [500, 2_000, 5_000];

export interface DetectionOptions {
  store: Store;
  log: string;
  engine: Engine;
  writer: () => LogWriter;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
}

export class Detection {
  private readonly options: DetectionOptions;
  /** Everything below was observed. */
  private through = 0;
  /** What the store knows of `through`. */
  private stored_through = 0;
  private cursor_moved_ms = 0;
  /** Findings on their way into the log; the cursor waits for them. */
  private raising: Promise<void> = Promise.resolve();
  /** True while findings wait for a store that fails. */
  private failing = false;
  private closing = false;
  private abandoned = false;

  constructor(options: DetectionOptions) {
    this.options = options;
  }

  /** Sees again what was committed after the cursor and before the head. Call before new records are taken. */
  async replay(head_size: number): Promise<void> {
    this.through = await readCursor(this.options.store, this.options.log, CURSOR);
    this.stored_through = this.through;
    await this.catchUp(head_size);
  }

  /** Looks, from the store, at records that nobody handed over: after a restart, or adopted after a failed write. */
  async catchUp(to: number): Promise<void> {
    const { store, log } = this.options;
    const found: Finding[] = [];
    while (this.through < to) {
      const page_end = Math.min(to, this.through + REPLAY_PAGE);
      const events = await readEventRange(store, log, this.through, page_end);
      found.push(...(await this.detect(events, this.through)));
      this.through = page_end;
    }
    const ids = found.map((finding) => finding.finding_id);
    const known = await readKnownAlerts(store, log, ids);
    this.raise(found.filter((finding) => !known.has(finding.finding_id)));
  }

  /** Observes a committed batch. Resolves when it was looked at; findings are stored behind it. */
  async observe(records: readonly SequencedRecord[]): Promise<void> {
    const first = records[0];
    const last = records.at(-1);
    if (first === undefined || last === undefined) return;
    const events = records.flatMap((record) => (record.event === undefined ? [] : [record.event]));
    const findings = await this.detect(events, first.seq);
    this.through = last.seq + 1;
    this.raise(findings);
  }

  private async detect(events: readonly ProvenanceEvent[], before: number): Promise<Finding[]> {
    const { engine } = this.options;
    await this.restoreMissing(events, before);
    const findings: Finding[] = [];
    for (const [i, event] of events.entries()) {
      findings.push(...engine.observe(event));
      if (i % SLICE_EVENTS === SLICE_EVENTS - 1) await nextTurn();
    }
    return findings;
  }

  /** Rebuilds, from the store, the state of sessions that go on here and are not in memory. */
  private async restoreMissing(events: readonly ProvenanceEvent[], before: number): Promise<void> {
    const { engine, store, log } = this.options;
    const missing = new Map<string, { tenant: string; session_id: string }>();
    const seen = new Set<string>();
    for (const event of events) {
      const key = sessionKey(event);
      if (seen.has(key)) continue;
      seen.add(key);
      if (event.session_seq > 0 && !engine.knows(key)) missing.set(key, event);
    }
    const keys = [...missing.values()];
    for (let from = 0; from < keys.length; from += RESTORE_SESSIONS) {
      const part = keys.slice(from, from + RESTORE_SESSIONS);
      const earlier = await readSessionsEvents(store, log, part, before, LIMITS.replay_events_per_session_max);
      for (const [key, session_events] of earlier) engine.restore(key, session_events);
      await nextTurn();
    }
  }

  /** Hands findings to the log; when they are under the head, the cursor moves. */
  private raise(findings: readonly Finding[]): void {
    const through = this.through;
    const due = findings.length > 0 || performance.now() - this.cursor_moved_ms > CURSOR_MS;
    if (!due) return;
    this.cursor_moved_ms = performance.now();
    this.raising = this.raising.then(() => this.store(findings, through));
  }

  /** Tries until the findings are stored. On closing they are left to the next start, which finds them again. */
  private async store(findings: readonly Finding[], through: number): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      if (this.abandoned) return;
      try {
        const writer = this.options.writer();
        const records = findings.map((finding) => writer.stamp(alertRecord(finding)));
        await writer.submitInternal(records);
        await this.move(through);
        this.failing = false;
        return;
      } catch (error) {
        this.failing = true;
        const fields = { error: messageOf(error), findings: findings.length, attempt };
        this.options.onNotice('alerts_not_stored', fields);
        if (this.closing) this.abandoned = true;
        else await sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
      }
    }
  }

  private async move(through: number): Promise<void> {
    if (through <= this.stored_through) return;
    await moveCursor(this.options.store, this.options.log, CURSOR, through);
    this.stored_through = through;
  }

  /** Waits until everything observed so far is stored, cursor included. */
  async flush(): Promise<void> {
    await this.raising;
    if (!this.abandoned) await this.move(this.through);
  }

  /** From now on a store that fails is not tried again. */
  close(): Promise<void> {
    this.closing = true;
    return this.flush();
  }

  /** For people and metrics. */
  get status(): Record<string, unknown> {
    return {
      detected_through: this.stored_through,
      observed_through: this.through,
      failing: this.failing,
      ...this.options.engine.counters,
    };
  }
}

function alertRecord(finding: Finding): Omit<InternalRecord, 'received_at_ms' | 'salt'> {
  const { finding_id, tenant, session_id, user_id, time_ms, agent, tags, evidence, severity, title, reason } = finding;
  const { rule_id, rule_version } = finding;
  return {
    kind: 'alert',
    type: 'alert.raised',
    event_id: finding_id,
    tenant,
    session_id,
    user_id,
    actor: 'tracewarden',
    time_ms,
    detail: { rule_id, rule_version, severity, title, reason, session_id, user_id, agent, tags, evidence },
  };
}
