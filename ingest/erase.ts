/**
 * Erases content for good: first a record of the log that says which, then what detection derived from it, then the
 * content and the salts of what is gone. The salts of who, what and detail stay, so that these still open; without its
 * own salt an erased part cannot even be guessed. A crash in between leaves content that a repetition erases.
 */
import { fieldSalt } from '../core/commitment.ts';
import { AppError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { canonicalJson } from '../core/json/canonical.ts';
import { eraseDerived } from '../core/store/queries/erase_derived.ts';
import { RowReader, RowWriter } from '../core/store/row_binary.ts';
import type { Store } from '../core/store/store.ts';
import type { LogWriter } from './log_writer.ts';

/** Whose content goes: that of one session, or of one user in all sessions. */
export type ErasureRequest = { tenant: string; reason: string; actor: string; now_ms: number } & (
  | { session_id: string; user_id?: undefined }
  | { user_id: string; session_id?: undefined }
);

export interface ErasureResult {
  /** Sequence number of the record that says so; undefined when there was nothing to erase. */
  seq: number | undefined;
  erased: number;
}

const REMAINS = ['detail', 'what', 'who'] as const;

interface Kept {
  seq: number;
  session_id: string;
  salt: Buffer;
}

/** Erases params and content of the records in question. Durable when it resolves. */
export async function eraseContent(store: Store, writer: LogWriter, request: ErasureRequest): Promise<ErasureResult> {
  const { log } = writer.head;
  const kept = await readKept(store, log, request);
  if (kept.length === 0) return { seq: undefined, erased: 0 };
  const seq = await recordErasure(writer, request, kept);
  // First, since what a crash leaves is found again by the content that is still there.
  const session_ids = [...new Set(kept.map((row) => row.session_id))];
  await eraseDerived(store, { log, tenant: request.tenant, session_ids, seqs: kept.map((row) => row.seq) });
  const rows = new RowWriter();
  for (const row of kept) {
    rows.string(request.tenant).string(row.session_id).string(log).u64(row.seq).u8(1).string('erased');
    rows.string('').string('').string(remainingSalts(row.salt));
  }
  await store.insert('content', rows);
  return { seq, erased: kept.length };
}

function remainingSalts(salt: Buffer): string {
  return canonicalJson(Object.fromEntries(REMAINS.map((group) => [group, fieldSalt(salt, group).toString('base64')])));
}

async function readKept(store: Store, log: string, request: ErasureRequest): Promise<Kept[]> {
  const { tenant, session_id, user_id } = request;
  const bytes = await store.binary(
    `SELECT seq, session_id, salt
     FROM v_content
     WHERE log = {log:String} AND tenant = {tenant:String} AND state = 'kept' AND (session_id, seq) IN
       (SELECT session_id, seq FROM v_events
        WHERE log = {log:String} AND tenant = {tenant:String}
          AND ({session_id:String} != '' AND session_id = {session_id:String} OR {user_id:String} != '' AND user_id = {user_id:String}))
     ORDER BY seq`,
    { log, tenant, session_id: session_id ?? '', user_id: user_id ?? '' },
  );
  const row = new RowReader(bytes);
  const kept: Kept[] = [];
  while (!row.done) kept.push({ seq: row.u64(), session_id: row.string(), salt: Buffer.from(row.blob()) });
  return kept;
}

async function recordErasure(writer: LogWriter, request: ErasureRequest, kept: readonly Kept[]): Promise<number> {
  const { tenant, session_id, reason, actor, now_ms } = request;
  // The name of a user who is erased has no place in the record of it.
  const scope = session_id === undefined ? { scope: 'user' } : { scope: 'session', session_id };
  const detail = { ...scope, reason, ranges: rangesOf(kept.map((row) => row.seq)) };
  const event_id = newId('erasure');
  const place = { kind: 'action', type: 'erasure', event_id, tenant, session_id: '', user_id: '' } as const;
  const [receipt] = await writer.submitInternal([writer.stamp({ ...place, actor, time_ms: now_ms, detail })]);
  if (receipt === undefined) throw new AppError('erasure_not_recorded', 'the log gave no receipt for the erasure');
  return receipt.seq;
}

/** Ascending numbers as ranges [from, to). */
function rangesOf(seqs: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const seq of seqs) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === seq) last[1] = seq + 1;
    else ranges.push([seq, seq + 1]);
  }
  return ranges;
}
