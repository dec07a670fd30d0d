/** Verifies each session's chain inside the cores, and the summary row that lists show of it. */

import { Buffer } from 'node:buffer';
import type { Core } from '../../core/core_record.ts';
import { advanceSession, emptySession, type SessionState, type SessionStep } from '../../core/session.ts';
import type { EventRows } from '../../core/store/queries/record_rows.ts';
import { type RecordScope, streamSessionRows } from '../../core/store/queries/records.ts';
import { readSessionEvents } from '../../core/store/queries/takeover.ts';
import { readLeaves } from '../../core/store/queries/tree.ts';
import type { Store } from '../../core/store/store.ts';
import { Cursor } from './cursor.ts';
import type { Opened } from './record_check.ts';
import { columnOf, type Findings } from './report.ts';

const keyOf = (session: { tenant: string; session_id: string }) => `${session.tenant}\0${session.session_id}`;

/** Takes records in session order. Ended sessions are compared with their stored rows, which come in that order too. */
export class SessionCheck {
  private readonly findings: Findings;
  private readonly store: Store;
  private readonly scope: RecordScope;
  private readonly stored: Cursor<SessionState>;
  private current: SessionState | undefined;
  private readonly step: SessionStep = { seq: 0, type: '', time_ms: 0, received_at_ms: 0 };
  private ended: SessionState[] = [];
  private readonly wanted: string | undefined;
  /** Sessions whose stored row is of a record at or above the head: it was written while we read, or is wrong. */
  private readonly ahead: { stored: SessionState; made: SessionState }[] = [];
  count = 0;
  /** How many events the session has that was asked for. */
  wanted_events = 0;

  constructor(store: Store, scope: RecordScope, findings: Findings, wanted?: { tenant: string; session_id: string }) {
    this.store = store;
    this.scope = scope;
    this.findings = findings;
    this.wanted = wanted && keyOf(wanted);
    this.stored = new Cursor(streamSessionRows(store, scope));
  }

  /** Columns of the row were compared with the core and the openings before; here they stand for them. */
  record(row: EventRows, core: Core, { who, what }: Opened, leaf: string): void {
    if (core.kind !== 'event') return;
    const { current } = this;
    if (current === undefined || current.session_id !== row.session_id || current.tenant !== row.tenant) {
      this.end();
      this.current = emptySession(row.tenant, row.session_id, String(who.session_source ?? ''));
    }
    const session = this.current as SessionState;
    this.checkLink(session, row, core);
    const { step } = this;
    step.seq = row.seq;
    step.type = core.type;
    step.time_ms = row.time_ms;
    step.received_at_ms = row.received_at_ms;
    step.is_error = what.is_error === true;
    step.user_id = who.user_id as string | undefined;
    step.user_role = who.user_role as string | undefined;
    step.agent = who.agent as string | undefined;
    step.client = who.client as string | undefined;
    step.server = what.server as string | undefined;
    step.tool = what.tool as string | undefined;
    advanceSession(session, step, leaf);
  }

  private checkLink(session: SessionState, row: EventRows, core: Core): void {
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

  /** Compares the sessions that have ended so far. */
  async compareEnded(): Promise<void> {
    const ended = this.ended;
    this.ended = [];
    for (const made of ended) {
      if (keyOf(made) === this.wanted) this.wanted_events = made.events;
      await this.compareWithStored(made);
    }
  }

  private async compareWithStored(made: SessionState): Promise<void> {
    for (let stored = await this.stored.peek(); stored !== undefined; stored = await this.stored.peek()) {
      const order = compareKeys(stored, made);
      if (order > 0) break;
      await this.stored.next();
      if (order !== 0) this.extra(stored);
      else if (stored.last_seq < this.scope.size) return compareSession(stored, made, this.findings);
      else {
        this.ahead.push({ stored, made });
        return;
      }
    }
    const message = `session ${made.session_id} has records and no row`;
    this.findings.add({ code: 'row_missing', table: 'sessions', session_id: made.session_id, message });
  }

  private extra(stored: SessionState): void {
    if (stored.last_seq >= this.scope.size) {
      this.ahead.push({ stored, made: emptySession(stored.tenant, stored.session_id, '') });
      return;
    }
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

  /** Whether a stored row speaks of records that may still be on their way. `size_now` is the head's size by now. */
  isAhead(size_now: number): boolean {
    return this.ahead.some(({ stored }) => stored.last_seq >= size_now);
  }

  /** Brings sessions that moved on while we read up to their stored row, and compares. */
  async compareAhead(size_now: number): Promise<void> {
    for (const { stored, made } of this.ahead) {
      if (stored.last_seq < size_now) await this.bringUp(made, stored);
      compareSession(stored, made, this.findings);
    }
  }

  private async bringUp(made: SessionState, stored: SessionState): Promise<void> {
    const { store, scope } = this;
    const grown = stored.events - made.events;
    if (grown <= 0) return;
    const page = await readSessionEvents(store, scope.log, made, stored.last_seq + 1, grown);
    const events = page.filter((event) => event.seq >= scope.size);
    if (made.events === 0) made.session_source = String(events[0]?.rest.session_source ?? '');
    const [leaf] = await readLeaves(store, scope.log, stored.last_seq, stored.last_seq + 1);
    for (const event of events) advanceSession(made, event, leaf?.hash.toString('base64') ?? '');
  }
}

/** Order of the tables: tenant, then session, as bytes. */
function compareKeys(a: SessionState, b: SessionState): number {
  if (a.tenant !== b.tenant) return Buffer.compare(Buffer.from(a.tenant), Buffer.from(b.tenant));
  return Buffer.compare(Buffer.from(a.session_id), Buffer.from(b.session_id));
}

function sameValue(a: string | number | string[], b: string | number | string[]): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

/** Compares a stored summary with the recomputed one and names the columns that differ. */
function compareSession(stored: SessionState, made: SessionState, findings: Findings): void {
  for (const column of Object.keys(made) as (keyof SessionState)[]) {
    if (sameValue(stored[column], made[column])) continue;
    const said = `${JSON.stringify(stored[column])}, its records say ${JSON.stringify(made[column])}`;
    const message = `session ${made.session_id}: ${columnOf(column)} is ${said}`.slice(0, 400);
    findings.add({
      code: 'column_changed',
      table: 'sessions',
      column: columnOf(column),
      session_id: made.session_id,
      message,
    });
  }
}
