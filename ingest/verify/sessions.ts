/** Verifies each session's chain inside the cores, and the summary row that lists show of it. */
import type { Core } from '../../core/core_record.ts';
import type { Fields } from '../../core/groups.ts';
import { advanceSession, emptySession, type SessionState } from '../../core/session.ts';
import { type EventRow, type RecordScope, streamSessionRows } from '../../core/store/queries/records.ts';
import type { Store } from '../../core/store/store.ts';
import { eventOf } from '../../core/stored_event.ts';
import { Cursor } from './cursor.ts';
import type { Findings } from './report.ts';

const keyOf = (session: { tenant: string; session_id: string }) => `${session.tenant}\0${session.session_id}`;

/** Takes records in session order. Ended sessions are compared with their stored rows, which come in that order too. */
export class SessionCheck {
  private readonly findings: Findings;
  private readonly log: string;
  private readonly stored: Cursor<SessionState>;
  private current: SessionState | undefined;
  private ended: SessionState[] = [];
  private readonly events = new Map<string, number>();
  count = 0;

  constructor(store: Store, scope: RecordScope, findings: Findings) {
    this.log = scope.log;
    this.findings = findings;
    this.stored = new Cursor(streamSessionRows(store, scope));
  }

  record(row: EventRow, core: Core, fields: Fields, leaf: string): void {
    if (core.kind !== 'event') return;
    if (this.current === undefined || keyOf(this.current) !== keyOf(row)) {
      this.end();
      this.current = emptySession(row.tenant, row.session_id, String(fields.session_source ?? ''));
    }
    this.checkLink(this.current, row, core);
    const place = {
      log: this.log,
      seq: row.seq,
      session_seq: row.session_seq,
      event_id: row.event_id,
      type: row.type,
      time: core.time ?? '',
      time_ms: Date.parse(core.time ?? core.received_at),
      received_at_ms: Date.parse(core.received_at),
    };
    advanceSession(this.current, eventOf(place, fields), leaf);
  }

  private checkLink(session: SessionState, row: EventRow, core: Core): void {
    const expected_prev = session.events === 0 ? undefined : session.last_leaf;
    if (core.session_seq === session.events && core.session_prev === expected_prev) return;
    const message =
      core.session_seq === session.events
        ? `record ${row.seq} is not linked to the record before it in its session`
        : `record ${row.seq} is number ${core.session_seq} of its session, number ${session.events} was expected`;
    this.findings.add({ code: 'session_gap', table: 'events', seq: row.seq, session_id: row.session_id, message });
    // Go on from what the record says, so that one gap is one finding.
    session.events = core.session_seq ?? session.events;
  }

  private end(): void {
    if (this.current === undefined) return;
    this.ended.push(this.current);
    this.current = undefined;
    this.count++;
  }

  /** How many events a session has, of those that ended. */
  eventsOf(session: { tenant: string; session_id: string }): number {
    return this.events.get(keyOf(session)) ?? 0;
  }

  /** Compares the sessions that have ended so far. */
  async compareEnded(): Promise<void> {
    const ended = this.ended;
    this.ended = [];
    for (const made of ended) {
      this.events.set(keyOf(made), made.events);
      await this.compareWithStored(made);
    }
  }

  private async compareWithStored(made: SessionState): Promise<void> {
    for (let stored = await this.stored.peek(); stored !== undefined; stored = await this.stored.peek()) {
      const order = compareKeys(stored, made);
      if (order > 0) break;
      await this.stored.next();
      if (order === 0) return compareSession(stored, made, this.findings);
      this.extra(stored);
    }
    const message = `session ${made.session_id} has records and no row`;
    this.findings.add({ code: 'row_missing', table: 'sessions', session_id: made.session_id, message });
  }

  private extra(stored: SessionState): void {
    const message = `session ${stored.session_id} has a row and no record`;
    this.findings.add({ code: 'row_extra', table: 'sessions', session_id: stored.session_id, message });
  }

  /** Compares what is left on both sides. */
  async finish(): Promise<void> {
    this.end();
    await this.compareEnded();
    for (let stored = await this.stored.next(); stored !== undefined; stored = await this.stored.next())
      this.extra(stored);
    await this.stored.close();
  }
}

/** Order of the tables: tenant, then session, as bytes. */
function compareKeys(a: SessionState, b: SessionState): number {
  if (a.tenant !== b.tenant) return Buffer.compare(Buffer.from(a.tenant), Buffer.from(b.tenant));
  return Buffer.compare(Buffer.from(a.session_id), Buffer.from(b.session_id));
}

/** Compares a stored summary with the recomputed one and names the columns that differ. */
function compareSession(stored: SessionState, made: SessionState, findings: Findings): void {
  for (const column of Object.keys(made) as (keyof SessionState)[]) {
    if (JSON.stringify(stored[column]) === JSON.stringify(made[column])) continue;
    const said = `${JSON.stringify(stored[column])}, its records say ${JSON.stringify(made[column])}`;
    const message = `session ${made.session_id}: ${column} is ${said}`.slice(0, 400);
    findings.add({ code: 'column_changed', table: 'sessions', column, session_id: made.session_id, message });
  }
}
