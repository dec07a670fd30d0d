/**
 * Verifies the records in the order in which they are stored, session by session: each core against its leaf, each
 * column and part against its core, each session's chain and summary, and the rows projected from the program's own
 * records.
 */
import { Buffer } from 'node:buffer';
import { type Core, parseCore } from '../../core/core_record.ts';
import { AppError } from '../../core/errors.ts';
import type { Pseudonymizer } from '../../core/pseudonym.ts';
import { ContentRows, EventRows } from '../../core/store/queries/record_rows.ts';
import type { RecordScope } from '../../core/store/queries/records.ts';
import type { Store } from '../../core/store/store.ts';
import { type Erasures, isErasure } from './erasures.ts';
import { leafText } from './leaf_text.ts';
import type { LeafWindow } from './leaves.ts';
import type { Projections } from './projections.ts';
import { ClearCheck, checkCommitments, type Disagreement, Openings } from './record_check.ts';
import type { Findings } from './report.ts';
import type { SessionCheck } from './sessions.ts';

export interface RecordsCheck {
  scope: RecordScope;
  /** Whose content is opened: all, one session's, or nobody's. */
  content_scope: RecordScope | undefined;
  window: LeafWindow;
  /** False where only the leaves of a further window are compared. */
  first_pass: boolean;
  pseudonyms: Pseudonymizer | undefined;
  erasures: Erasures;
  projections: Projections;
  sessions: SessionCheck;
  findings: Findings;
  onProgress: (done: number) => void;
}

export interface RecordsCount {
  records: number;
  erased: number;
  expired: number;
  /** The latest arrival, which the head repeats. */
  latest_received_ms: number;
}

/** Which numbers of the window were seen. */
class Seen {
  private readonly bits: Uint8Array;
  private readonly from: number;

  constructor(from: number, length: number) {
    this.from = from;
    this.bits = new Uint8Array(length);
  }

  /** False when the number was seen before. */
  mark(seq: number): boolean {
    const fresh = this.bits[seq - this.from] === 0;
    this.bits[seq - this.from] = 1;
    return fresh;
  }

  *missing(): Generator<number> {
    for (let i = 0; i < this.bits.length; i++) if (this.bits[i] === 0) yield this.from + i;
  }
}

/** Reads and checks every record of the scope; leaves are compared for numbers inside the window. */
export async function verifyRecords(store: Store, check: RecordsCheck): Promise<RecordsCount> {
  const { scope, window, findings, first_pass } = check;
  const seen = new Seen(window.from, window.hashes.length / 32);
  const count: RecordsCount = { records: 0, erased: 0, expired: 0, latest_received_ms: 0 };
  const opened = first_pass ? check.content_scope : undefined;
  const rows = EventRows.open(store, scope);
  const contents = opened && new Contents(ContentRows.open(store, opened), findings);
  const checks = new RowChecks(check, count);
  try {
    do {
      while (rows.step()) {
        count.records++;
        const leaf = leafText(rows.core_bytes);
        const in_tree = !inWindow(window, rows.seq) || leafMatches(check, rows, leaf, seen);
        let content: ContentRows | undefined;
        const opens = contents !== undefined && opened !== undefined && covers(opened, rows);
        if (opens) {
          while (!contents.seek(rows)) await contents.more();
          content = contents.found;
        }
        if (in_tree && first_pass) checks.row(rows, leaf, opens, content);
      }
      if (first_pass) await check.sessions.compareEnded();
      check.onProgress(count.records);
    } while (await rows.more());
    await contents?.finish();
  } finally {
    await rows.close();
    await contents?.close();
  }
  for (const seq of seen.missing()) {
    const message = `record ${seq} is in the tree, its row is gone`;
    findings.add({ code: 'record_missing', table: 'events', seq, message });
  }
  return count;
}

function covers(scope: RecordScope, row: EventRows): boolean {
  const { session } = scope;
  return session === undefined || (session.tenant === row.tenant && session.session_id === row.session_id);
}

/** True when the row is the one row of its leaf. */
function leafMatches(check: RecordsCheck, row: EventRows, leaf: string, seen: Seen): boolean {
  const { findings, window } = check;
  const start = (row.seq - window.from) * 32;
  const same = leaf === window.hashes.toString('base64', start, start + 32);
  const fresh = seen.mark(row.seq);
  if (same && fresh) return true;
  const at = { table: 'events', seq: row.seq, session_id: row.session_id };
  if (!fresh) {
    findings.add({ code: 'record_twice', ...at, message: `record ${row.seq} has two rows` });
    return false;
  }
  const message = `the core of record ${row.seq} does not hash to its leaf`;
  findings.add({ code: 'core_changed', column: 'core', ...at, message });
  return false;
}

function inWindow(window: LeafWindow, seq: number): boolean {
  return seq >= window.from && seq < window.from + window.hashes.length / 32;
}

/** The content rows beside the event rows. Those that no event has are reported on the way. */
class Contents {
  private readonly rows: ContentRows;
  private readonly findings: Findings;
  private ended = false;
  /** What the last `seek` that ended has found. */
  found: ContentRows | undefined;

  constructor(rows: ContentRows, findings: Findings) {
    this.rows = rows;
    this.findings = findings;
  }

  /** Looks for the content of an event row. False: call `more`, and then again. */
  seek(row: EventRows): boolean {
    this.found = undefined;
    while (!this.ended) {
      if (!this.rows.peek()) return false;
      const order = compareRows(this.rows, row);
      if (order > 0) return true;
      this.rows.take();
      if (order === 0) {
        this.found = this.rows;
        return true;
      }
      this.extra();
    }
    return true;
  }

  async more(): Promise<void> {
    this.ended = !(await this.rows.more());
  }

  /** Reports what is left. */
  async finish(): Promise<void> {
    for (; !this.ended; await this.more()) {
      while (this.rows.peek()) {
        this.rows.take();
        this.extra();
      }
    }
  }

  private extra(): void {
    const { seq, session_id } = this.rows;
    const message = `content of record ${seq} stands where no record is`;
    this.findings.add({ code: 'content_extra', table: 'content', seq, session_id, message });
  }

  close(): Promise<void> {
    return this.rows.close();
  }
}

/** Order of the tables: tenant, session, sequence number; as bytes, which is how the engine sorts text. */
function compareRows(a: ContentRows, b: EventRows): number {
  if (a.tenant !== b.tenant) return Buffer.compare(Buffer.from(a.tenant), Buffer.from(b.tenant));
  if (a.session_id !== b.session_id) return Buffer.compare(Buffer.from(a.session_id), Buffer.from(b.session_id));
  return a.seq - b.seq;
}

/** What is compared inside one record, in the first pass. */
class RowChecks {
  private readonly check: RecordsCheck;
  private readonly count: RecordsCount;
  private readonly clear: ClearCheck;
  private readonly openings = new Openings();

  constructor(check: RecordsCheck, count: RecordsCount) {
    this.check = check;
    this.count = count;
    this.clear = new ClearCheck(check.pseudonyms);
  }

  row(row: EventRows, leaf: string, opens: boolean, content: ContentRows | undefined): void {
    const { findings, sessions, erasures, projections } = this.check;
    const core = coreOf(row, findings);
    if (core === undefined) return;
    const opened = this.openings.read(row);
    if (opened.problem !== undefined) {
      const at = { seq: row.seq, session_id: row.session_id };
      findings.add({ code: 'column_changed', table: 'events', column: 'who, what', ...at, message: opened.problem });
    }
    report(this.clear.check(row, core, opened), row, findings);
    this.count.latest_received_ms = Math.max(this.count.latest_received_ms, row.received_at_ms);
    sessions.record(row, core, opened, leaf);
    if (opens) this.content(row, content, core);
    if (isErasure(core)) erasures.record(row, core);
    projections.record(row, core);
  }

  private content(row: EventRows, content: ContentRows | undefined, core: Core): void {
    const { findings, erasures } = this.check;
    if (content === undefined) {
      const at = { seq: row.seq, session_id: row.session_id };
      const message = `record ${row.seq} has no content row`;
      findings.add({ code: 'content_missing', table: 'content', ...at, message });
      return;
    }
    const { state } = content;
    if (state === 'erased') this.count.erased++;
    if (state === 'expired') this.count.expired++;
    const gone = state === 'erased' || state === 'expired';
    if (gone) erasures.content(row.seq);
    if ((content.version !== 0) !== gone || (!gone && state !== 'kept')) {
      const at = { seq: row.seq, session_id: row.session_id };
      const message = `version ${content.version} does not go with the state ${JSON.stringify(state)}`;
      findings.add({ code: 'column_changed', table: 'content', column: 'state, version', ...at, message });
    }
    report(checkCommitments(row, content, core), row, findings);
  }
}

function coreOf(row: EventRows, findings: Findings): Core | undefined {
  try {
    const core = parseCore(row.core);
    if (core.seq === row.seq) return core;
    const message = `the row of record ${core.seq} has the number ${row.seq}`;
    findings.add({ code: 'column_changed', table: 'events', column: 'seq', seq: row.seq, message });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    findings.add({ code: 'core_malformed', table: 'events', column: 'core', seq: row.seq, message: error.message });
  }
  return undefined;
}

function report(
  wrong: readonly Disagreement[],
  { seq, session_id }: { seq: number; session_id: string },
  findings: Findings,
): void {
  for (const { table, column, message } of wrong) {
    findings.add({ code: 'column_changed', table, column, seq, session_id, message: `record ${seq}: ${message}` });
  }
}
