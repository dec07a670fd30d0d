/**
 * Verifies the records in the order in which they are stored, session by session: each core against its leaf, each
 * column and part against its core, each session's chain and summary, and the rows projected from the program's own
 * records.
 */

import { type Core, parseCore } from '../../core/core_record.ts';
import { AppError } from '../../core/errors.ts';
import { groupFields } from '../../core/groups.ts';
import type { Pseudonymizer } from '../../core/pseudonym.ts';
import {
  type ContentRow,
  type EventRow,
  type RecordScope,
  streamContentRows,
  streamEventRows,
} from '../../core/store/queries/records.ts';
import type { Store } from '../../core/store/store.ts';
import { equalBytes } from '../../core/tlog/bytes.ts';
import { nodeHasher } from '../../core/tlog/node_hasher.ts';
import { Cursor } from './cursor.ts';
import type { LeafWindow } from './leaves.ts';
import type { Projections } from './projections.ts';
import { checkClear, checkCommitments, type Disagreement, openedFields } from './record_check.ts';
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
  /** Sequence numbers whose content may be gone, because a record of the log says so. */
  erased: ReadonlySet<number>;
  projections: Projections;
  sessions: SessionCheck;
  findings: Findings;
  onProgress: (done: number) => void;
}

export interface RecordsCount {
  records: number;
  erased: number;
  expired: number;
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
  const { scope, window, findings } = check;
  const seen = new Seen(window.from, window.hashes.length / 32);
  const count: RecordsCount = { records: 0, erased: 0, expired: 0 };
  const opened = check.first_pass ? check.content_scope : undefined;
  const contents = new Cursor(opened && streamContentRows(store, opened));
  try {
    for await (const rows of streamEventRows(store, scope)) {
      for (const row of rows) {
        count.records++;
        const leaf = nodeHasher.leaf(row.core_bytes);
        const in_tree = !inWindow(window, row.seq) || leafMatches(check, row, leaf, seen);
        const opens = opened !== undefined && covers(opened, row);
        const content = opens ? await contentOf(contents, row, findings) : undefined;
        if (in_tree && check.first_pass) checkRow(check, row, leaf, opens, content, count);
      }
      if (check.first_pass) await check.sessions.compareEnded();
      check.onProgress(count.records);
    }
    if (check.first_pass) await check.sessions.finish();
    for (let row = await contents.next(); row !== undefined; row = await contents.next()) extraContent(row, findings);
  } finally {
    await contents.close();
  }
  for (const seq of seen.missing()) {
    findings.add({
      code: 'record_missing',
      table: 'events',
      seq,
      message: `record ${seq} is in the tree, its row is gone`,
    });
  }
  return count;
}

function covers(scope: RecordScope, row: EventRow): boolean {
  const { session } = scope;
  return session === undefined || (session.tenant === row.tenant && session.session_id === row.session_id);
}

/** True when the row is the one row of its leaf. */
function leafMatches(check: RecordsCheck, row: EventRow, leaf: Uint8Array, seen: Seen): boolean {
  const { findings, window } = check;
  const at = { table: 'events', seq: row.seq, session_id: row.session_id };
  if (!seen.mark(row.seq)) {
    findings.add({ code: 'record_twice', ...at, message: `record ${row.seq} has two rows` });
    return false;
  }
  const start = (row.seq - window.from) * 32;
  if (equalBytes(leaf, window.hashes.subarray(start, start + 32))) return true;
  const message = `the core of record ${row.seq} does not hash to its leaf`;
  findings.add({ code: 'core_changed', column: 'core', ...at, message });
  return false;
}

function inWindow(window: LeafWindow, seq: number): boolean {
  return seq >= window.from && seq < window.from + window.hashes.length / 32;
}

/** Order of the tables: tenant, session, sequence number; as bytes, which is how the engine sorts text. */
function compareRows(a: ContentRow, b: EventRow): number {
  if (a.tenant !== b.tenant) return Buffer.compare(Buffer.from(a.tenant), Buffer.from(b.tenant));
  if (a.session_id !== b.session_id) return Buffer.compare(Buffer.from(a.session_id), Buffer.from(b.session_id));
  return a.seq - b.seq;
}

/** The content row of an event row; content rows that no event has are reported on the way. */
async function contentOf(
  contents: Cursor<ContentRow>,
  row: EventRow,
  findings: Findings,
): Promise<ContentRow | undefined> {
  for (let next = await contents.peek(); next !== undefined; next = await contents.peek()) {
    const order = compareRows(next, row);
    if (order > 0) return undefined;
    await contents.next();
    if (order === 0) return next;
    extraContent(next, findings);
  }
  return undefined;
}

function extraContent(row: ContentRow, findings: Findings): void {
  const message = `content of record ${row.seq} stands where no record is`;
  findings.add({ code: 'content_extra', table: 'content', seq: row.seq, session_id: row.session_id, message });
}

function checkRow(
  check: RecordsCheck,
  row: EventRow,
  leaf: Uint8Array,
  opens: boolean,
  content: ContentRow | undefined,
  count: RecordsCount,
): void {
  const { findings } = check;
  const at = { seq: row.seq, session_id: row.session_id };
  const core = coreOf(row, findings);
  if (core === undefined) return;
  const { fields, problem } = openedFields(row);
  if (problem !== undefined) {
    findings.add({ code: 'column_changed', table: 'events', column: 'who, what', ...at, message: problem });
  }
  report(checkClear(row, core, fields, check.pseudonyms), at, findings);
  check.sessions.record(row, core, fields, Buffer.from(leaf).toString('base64'));
  if (opens) checkContent(check, row, content, core, count);
  check.projections.record(row, core);
}

function coreOf(row: EventRow, findings: Findings): Core | undefined {
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

function report(wrong: readonly Disagreement[], at: { seq: number; session_id: string }, findings: Findings): void {
  for (const { table, column, message } of wrong) {
    findings.add({ code: 'column_changed', table, column, ...at, message: `record ${at.seq}: ${message}` });
  }
}

function checkContent(
  check: RecordsCheck,
  row: EventRow,
  content: ContentRow | undefined,
  core: Core,
  count: RecordsCount,
): void {
  const at = { seq: row.seq, session_id: row.session_id };
  if (content === undefined) {
    check.findings.add({
      code: 'content_missing',
      table: 'content',
      ...at,
      message: `record ${row.seq} has no content row`,
    });
    return;
  }
  const erased = content.state === 'erased' || content.state === 'expired';
  if (content.state === 'erased') count.erased++;
  if (content.state === 'expired') count.expired++;
  if (erased && !check.erased.has(row.seq)) {
    const message = `content of record ${row.seq} is marked ${content.state}, no record of the log says so`;
    check.findings.add({ code: 'erased_without_record', table: 'content', column: 'state', ...at, message });
  }
  if ((content.version !== 0) !== erased || (!erased && content.state !== 'kept')) {
    const message = `version ${content.version} does not go with the state ${JSON.stringify(content.state)}`;
    check.findings.add({ code: 'column_changed', table: 'content', column: 'state, version', ...at, message });
  }
  report(checkCommitments(row, content, core), at, check.findings);
}

/** Sequence numbers that erasure and expiry records of the log name, from their `detail`. */
export function erasedSeqs(details: readonly string[]): Set<number> {
  const seqs = new Set<number>();
  for (const detail of details) {
    const { ranges } = groupFields(detail);
    if (!Array.isArray(ranges)) continue;
    for (const range of ranges as [number, number][]) for (let seq = range[0]; seq < range[1]; seq++) seqs.add(seq);
  }
  return seqs;
}
