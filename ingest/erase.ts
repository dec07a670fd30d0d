/**
 * Erases content for good. First a record of the log says whose, why and which numbers; then the content goes with its
 * salts, and with it what was made of it. The salts of who and what stay, so that these still open; without its own
 * salt an erased part cannot even be guessed. What a crash leaves undone is done from the record by the next start.
 */
import { fieldSalt } from '../core/commitment.ts';
import {
  ERASURE_TYPES,
  type ErasureDetail,
  type ErasureType,
  type Range,
  rangesOf,
  readRanges,
} from '../core/erasure.ts';
import { AppError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { canonicalJson } from '../core/json/canonical.ts';
import { LIMITS } from '../core/limits.ts';
import {
  clearOldParts,
  type ErasableRecord,
  encodeGone,
  readErasable,
  readKeptSalts,
  removeErased,
} from '../core/store/queries/erase.ts';
import { moveCursor, readCursor } from '../core/store/queries/head.ts';
import { readHeld } from '../core/store/queries/holds.ts';
import { type ActionRecordRow, readActions } from '../core/store/queries/own_records.ts';
import { RowWriter } from '../core/store/row_binary.ts';
import type { Store } from '../core/store/store.ts';
import { exclusively } from './exclusive.ts';
import type { LogWriter } from './log_writer.ts';

/** Whose content goes: that of one session, or of one user in all sessions. */
export type ErasureSubject = { tenant: string } & (
  | { session_id: string; user_id?: undefined }
  | { user_id: string; session_id?: undefined }
);
export type ErasureRequest = ErasureSubject & { reason: string; actor: string; now_ms: number; forget?: Forget };

/** Lets go of what is in memory of sessions whose content went from the store; what it knew is stored when it resolves. */
export type Forget = (tenant: string, session_ids: readonly string[]) => Promise<void>;

export interface ErasureResult {
  /** Sequence number of the first record that says so; undefined when there was nothing to erase. */
  seq: number | undefined;
  erasure_id: string | undefined;
  /** Records that say so. */
  records: number;
  /** Records whose content is gone. */
  erased: number;
}

const REMAINS = ['what', 'who'] as const;
/** How far what these records ask for is done. */
const CURSOR = 'erased_through';
const CHUNK = 10_000;
const RECORDS_AT_ONCE = 64;

/** What an erasure would take. */
export function planErasure(store: Store, log: string, subject: ErasureSubject): Promise<ErasableRecord[]> {
  const { tenant, session_id = '', user_id = '' } = subject;
  return readErasable(store, { log, tenant, session_id, user_id });
}

/** The holds in force that cover some of these records. */
export async function holdsOn(
  store: Store,
  of: { log: string; tenant: string; now_ms: number },
  records: readonly ErasableRecord[],
): Promise<string[]> {
  const held = await readHeld(store, of);
  const found = new Set<string>();
  for (const record of records) {
    const hold_id = held.holdOn(record);
    if (hold_id !== undefined) found.add(hold_id);
  }
  return [...found].sort();
}

const HOLDS_NAMED_MAX = 5;

/**
 * Erases what `planErasure` finds. Durable and removed from the files of the store when it resolves. Throws `held` when
 * a hold covers some of it: then nothing goes.
 */
export function eraseContent(
  store: Store,
  writer: LogWriter,
  request: ErasureRequest,
): Promise<ErasureResult & { found: ErasableRecord[] }> {
  return exclusively(store, async () => {
    const { log } = writer.head;
    const { tenant, session_id, reason, now_ms } = request;
    const found = await planErasure(store, log, request);
    const holds = await holdsOn(store, { log, tenant, now_ms }, found);
    if (holds.length > 0) {
      const named = holds.slice(0, HOLDS_NAMED_MAX).join(', ') + (holds.length > HOLDS_NAMED_MAX ? ', …' : '');
      throw new AppError('held', `nothing was erased: ${named} holds some of it until it expires or is released`);
    }
    const scope = session_id === undefined ? ({ scope: 'user' } as const) : ({ scope: 'session', session_id } as const);
    const seqs = found.map((row) => row.seq);
    const done = await eraseRecords(store, writer, { ...request, type: 'erasure', detail: { ...scope, reason }, seqs });
    return { ...done, found };
  });
}

/** Content that goes, by the numbers of its records, which ascend. */
export interface RecordErasure {
  type: ErasureType;
  tenant: string;
  actor: string;
  now_ms: number;
  detail: Pick<ErasureDetail, 'scope' | 'session_id' | 'reason'>;
  seqs: readonly number[];
  forget?: Forget | undefined;
}

/** Writes the records that say so, and does what they say. For callers that work exclusively. */
export async function eraseRecords(store: Store, writer: LogWriter, erasure: RecordErasure): Promise<ErasureResult> {
  const erased = erasure.seqs.length;
  if (erased === 0) return { seq: undefined, erasure_id: undefined, records: 0, erased };
  const { type, tenant, actor, now_ms } = erasure;
  const erasure_id = newId(type);
  const pieces = piecesOf(rangesOf(erasure.seqs));
  const records = pieces.map((ranges, i) => {
    const detail = { ...erasure.detail, erasure_id, part: i + 1, parts: pieces.length, ranges };
    const event_id = i === 0 ? erasure_id : `${erasure_id}-${i + 1}`;
    const place = { kind: 'action', type, event_id, tenant, session_id: '', user_id: '' } as const;
    return writer.stamp({ ...place, actor, time_ms: now_ms, detail });
  });
  const receipts = await writer.submitInternal(records);
  const seq = receipts[0]?.seq;
  if (seq === undefined) throw new AppError('erasure_not_recorded', 'the log gave no receipt for the erasure');
  await finish(store, writer.head.log, writer.head.size, erasure.forget);
  return { seq, erasure_id, records: records.length, erased };
}

function piecesOf(ranges: readonly Range[]): Range[][] {
  const pieces: Range[][] = [];
  for (let from = 0; from < ranges.length; from += LIMITS.erasure_ranges_max) {
    pieces.push(ranges.slice(from, from + LIMITS.erasure_ranges_max));
  }
  return pieces;
}

/** Does what records below `size` ask for and what was not done yet. */
export function finishErasures(store: Store, log: string, size: number): Promise<void> {
  return exclusively(store, () => finish(store, log, size));
}

async function finish(store: Store, log: string, size: number, forget?: Forget): Promise<void> {
  let from = await readCursor(store, log, CURSOR);
  for (;;) {
    const scope = { log, types: ERASURE_TYPES, from, to: size, limit: RECORDS_AT_ONCE };
    const records = await readActions(store, scope);
    if (records.length === 0) return;
    for (const together of byTenant(records)) await carryOut(store, log, together, forget);
    await clearOldParts(store);
    from = (records.at(-1)?.seq ?? from) + 1;
    await moveCursor(store, log, CURSOR, from);
  }
}

function byTenant(records: readonly ActionRecordRow[]): ActionRecordRow[][] {
  const tenants = new Map<string, ActionRecordRow[]>();
  for (const record of records) tenants.set(record.tenant, [...(tenants.get(record.tenant) ?? []), record]);
  return [...tenants.values()];
}

async function carryOut(
  store: Store,
  log: string,
  records: readonly ActionRecordRow[],
  forget: Forget | undefined,
): Promise<void> {
  const sessions = new Set<string>();
  let first = Number.MAX_SAFE_INTEGER;
  let last = -1;
  const tenant = records[0]?.tenant ?? '';
  for (const { seq, type, detail } of records) {
    const state = type === 'erasure' ? 'erased' : 'expired';
    for (const seqs of chunksOf(readRanges(detail), seq)) {
      for (const session_id of await replaceContent(store, { log, tenant, seqs, state })) sessions.add(session_id);
      first = Math.min(first, seqs[0] as number);
      last = Math.max(last, seqs.at(-1) as number);
    }
  }
  sessions.delete('');
  if (sessions.size > 0) await forget?.(tenant, [...sessions]);
  if (last >= 0) await removeErased(store, { log, tenant, from: first, to: last + 1 });
}

/** The numbers in the ranges, below the record that names them, some at a time. */
function* chunksOf(ranges: readonly Range[], below: number): Generator<number[]> {
  let chunk: number[] = [];
  for (const [from, to] of ranges) {
    for (let seq = Math.max(0, from); seq < Math.min(to, below); seq++) {
      chunk.push(seq);
      if (chunk.length < CHUNK) continue;
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}

/** Gives the sessions of what was replaced. */
async function replaceContent(
  store: Store,
  of: { log: string; tenant: string; seqs: readonly number[]; state: string },
): Promise<Set<string>> {
  const rows = new RowWriter();
  const sessions = new Set<string>();
  for (const { seq, session_id, salt } of await readKeptSalts(store, of)) {
    encodeGone(rows, { ...of, seq, session_id, salts: remainingSalts(salt) });
    sessions.add(session_id);
  }
  await store.insert('content', rows);
  return sessions;
}

function remainingSalts(salt: Buffer): string {
  return canonicalJson(Object.fromEntries(REMAINS.map((group) => [group, fieldSalt(salt, group).toString('base64')])));
}
