/**
 * Takes a log over: loads the head, checks it against what is stored and signed, removes what a crash left above it,
 * and rebuilds the state from which the next record follows. Stops with a clear error where the store contradicts the
 * head; nothing is ever reset to zero.
 */
import { Buffer } from 'node:buffer';
import { AppError } from '../core/errors.ts';
import { groupFields } from '../core/groups.ts';
import { LIMITS } from '../core/limits.ts';
import type { Pseudonymizer } from '../core/pseudonym.ts';
import { advanceSession, emptySession, type SessionState } from '../core/session.ts';
import { readLastCheckpoint } from '../core/store/queries/checkpoints.ts';
import {
  type HeadRow,
  insertHead,
  readAbove,
  readHead,
  removeAbove,
  sessionsAbove,
} from '../core/store/queries/head.ts';
import { readOpenGaps, readRecentSessions } from '../core/store/queries/session_state.ts';
import { readHorizon, readSessionEvents, readTail } from '../core/store/queries/takeover.ts';
import { readLeaves, readProof } from '../core/store/queries/tree.ts';
import { RowWriter } from '../core/store/row_binary.ts';
import type { Store } from '../core/store/store.ts';
import { equalBytes } from '../core/tlog/bytes.ts';
import { CompactRange } from '../core/tlog/compact_range.ts';
import { nodeHasher } from '../core/tlog/node_hasher.ts';
import { rootCoordinates } from '../core/tlog/proof.ts';
import { GapSessions } from './derive_session.ts';
import { encodeKey, encodeSession, type KeyDetail } from './encode.ts';
import { Horizon } from './horizon.ts';
import { type SequencerState, sessionKey } from './sequencer.ts';

const TAIL_RECORDS = 64;

/** The tree head that the signer signed last, from its own memory. */
export interface SignedHead {
  size: number;
  root: Uint8Array;
}

export interface Takeover {
  state: SequencerState;
  received_at_ms: number;
  /** Rows above the head that were removed, by table. */
  removed: Record<string, number>;
  /** True while every session of the log is in the cache, so that an unknown one is new. */
  sessions_complete: boolean;
  /** Where others may write too: leaf hashes that stand above the head, by number. They are adopted if they are ours. */
  above: ReadonlyMap<number, readonly Buffer[]>;
}

/** The head of a log that is fenced elsewhere: the store only keeps a copy of it, and other writers may still be awake. */
export interface FencedHead {
  head: HeadRow | undefined;
}

/**
 * Loads a log for writing. Throws fatal errors with codes `head_corrupt`, `log_tampered` or `store_rolled_back`. With a
 * fenced head nothing is removed here: who believes to own the log may be wrong, and the rows may be another's.
 */
export async function takeOver(
  store: Store,
  log: string,
  pseudonyms: Pseudonymizer,
  signed: SignedHead | undefined,
  fenced?: FencedHead,
): Promise<Takeover> {
  const head = fenced === undefined ? await readHead(store, log) : await keepHead(store, log, fenced.head);
  const range = rangeOf(log, head);
  const { size } = range;
  const received_at_ms = head?.received_at_ms ?? 0;
  // Ids are most of the work and touch nothing that is checked or repaired: they are read beside it.
  const since = Math.max(0, size - LIMITS.dedup_horizon_max);
  const horizon = new Horizon(LIMITS.dedup_horizon_max, horizonSlots(size - since));
  const [{ removed, above, recent, gaps }] = await all([
    checkAndLoad(store, range, signed, { log, received_at_ms, shared: fenced !== undefined }),
    readHorizon(store, log, since, size, (id, seq) => horizon.add(id, seq)),
  ]);
  const sessions = new Map(recent.map((session) => [sessionKey(session.tenant, session.session_id), session]));
  const state: SequencerState = { log, range, horizon, sessions, gaps, pseudonyms };
  return { state, received_at_ms, removed, above, sessions_complete: recent.length < LIMITS.session_cache_max };
}

/** Brings the store's copy up to the fenced head: whoever committed that may have ended before the copy was made. */
async function keepHead(store: Store, log: string, head: HeadRow | undefined): Promise<HeadRow | undefined> {
  const kept = await readHead(store, log);
  const fault = headFault(log, kept, head);
  if (fault !== undefined) throw fault;
  if (head !== undefined && (kept === undefined || kept.size < head.size)) await insertHead(store, head);
  return head;
}

/** A copy is never ahead of what it is a copy of, unless that was rolled back, or read before another owner moved it on. */
export function headFault(
  log: string,
  kept: { size: number } | undefined,
  head: { size: number } | undefined,
): AppError | undefined {
  if (kept === undefined || (head !== undefined && kept.size <= head.size)) return undefined;
  const message = `the head of ${log} was committed at ${head?.size ?? 0} records, the store has ${kept.size}: it was rolled back`;
  return new AppError('head_rolled_back', message, { fatal: true });
}

/** Slots in which so many ids lie without the table having to grow under them. */
function horizonSlots(ids: number): number {
  return 2 ** Math.max(14, Math.ceil(Math.log2(2 * ids + 1)));
}

/** Like `Promise.all`, but a fault is thrown when all have ended: the store may be closed then. The first one counts. */
async function all<T extends unknown[]>(work: readonly [...{ [K in keyof T]: Promise<T[K]> }]): Promise<T> {
  await Promise.allSettled(work);
  return (await Promise.all(work)) as T;
}

async function checkAndLoad(
  store: Store,
  range: CompactRange,
  signed: SignedHead | undefined,
  { log, received_at_ms, shared }: { log: string; received_at_ms: number; shared: boolean },
) {
  await all([
    checkSigned(store, log, range, signed),
    checkPublished(store, log, range.size),
    checkRoot(store, log, range),
  ]);
  const removed = shared ? {} : await repair(store, log, range.size);
  const [above, recent, gaps] = await all([
    shared ? readAbove(store, log, range.size) : Promise.resolve(new Map<number, Buffer[]>()),
    readRecentSessions(store, log, LIMITS.session_cache_max).then((read) => belowHead(store, log, read, range.size)),
    openGaps(store, log, received_at_ms, range.size),
    checkTail(store, log, range.size),
  ]);
  return { removed, above, recent, gaps };
}

/** States of sessions as of a size of the log: what another writer put above it is rebuilt from the events below. */
export async function belowHead(
  store: Store,
  log: string,
  read: readonly SessionState[],
  size: number,
): Promise<SessionState[]> {
  const states: SessionState[] = [];
  for (const state of read) {
    const known = state.last_seq < size ? state : await rebuildSession(store, log, state, size);
    if (known !== undefined) states.push(known);
  }
  return states;
}

function rangeOf(log: string, head: HeadRow | undefined): CompactRange {
  if (head === undefined) return new CompactRange(nodeHasher);
  const corrupt = (why: string, cause?: unknown) =>
    new AppError('head_corrupt', `the head of ${log} ${why}`, { cause, fatal: true });
  let range: CompactRange;
  try {
    range = CompactRange.from(nodeHasher, head.size, head.range);
  } catch (cause) {
    throw corrupt(`is not one of ${head.size} records`, cause);
  }
  if (!equalBytes(range.root(), head.root)) throw corrupt('does not hash to its own root');
  return range;
}

/** The root of the first records as the stored tree gives it. A tree that lacks a hash was tampered with. */
async function storedRoot(store: Store, log: string, size: number): Promise<Uint8Array | undefined> {
  try {
    return (await readProof(store, log, nodeHasher, [rootCoordinates(size)]))[0];
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== 'tree_hash_missing') throw cause;
    throw new AppError('log_tampered', `the tree of ${log} has holes: ${cause.message}`, { cause, fatal: true });
  }
}

/** The head must be that of the stored tree: from it the log goes on. */
async function checkRoot(store: Store, log: string, range: CompactRange): Promise<void> {
  if (range.size === 0) return;
  const root = await storedRoot(store, log, range.size);
  if (root !== undefined && equalBytes(root, range.root())) return;
  const message = `the ${range.size} leaves of ${log} are not those that its head was made of`;
  throw new AppError('log_tampered', message, { fatal: true });
}

/** A published checkpoint beyond the head says that the head was lost, even where the signer has no memory. */
async function checkPublished(store: Store, log: string, size: number): Promise<void> {
  const published = await readLastCheckpoint(store, log);
  if (published === undefined || published.size <= size) return;
  const message = `a checkpoint of ${published.size} records of ${log} was published, the store has ${size}`;
  throw new AppError('store_rolled_back', message, { fatal: true });
}

/** The signer remembers what it signed: a store that has less, or something else, was rolled back or changed. */
async function checkSigned(
  store: Store,
  log: string,
  range: CompactRange,
  signed: SignedHead | undefined,
): Promise<void> {
  if (signed === undefined) return;
  if (signed.size > range.size) {
    const message = `the signer signed ${signed.size} records of ${log}, the store has ${range.size}: it was rolled back`;
    throw new AppError('store_rolled_back', message, { fatal: true });
  }
  const root = await storedRoot(store, log, signed.size);
  if (root === undefined || !equalBytes(root, signed.root)) {
    const message = `the first ${signed.size} records of ${log} are not those that were signed`;
    throw new AppError('log_tampered', message, { fatal: true });
  }
}

/** Removes rows at or above the head and rebuilds the summaries of sessions that they had touched. */
async function repair(store: Store, log: string, size: number): Promise<Record<string, number>> {
  const affected = await sessionsAbove(store, log, size);
  const [above, keys] = await all([removeAbove(store, log, size), repairKeys(store, size)]);
  const removed = { ...above, ...keys };
  if (affected.length === 0) return removed;
  const rows = new RowWriter();
  for (const key of affected) {
    const session = await rebuildSession(store, log, key, size);
    if (session !== undefined) encodeSession(rows, log, session);
  }
  await store.insert('sessions', rows);
  return removed;
}

/**
 * The same for access keys, whose rows name no log: what no committed record says must not open the API. The newest
 * committed record of such a key is projected anew, since the engine may have merged its row into the one removed.
 */
async function repairKeys(store: Store, size: number): Promise<Record<string, number>> {
  const left = await store.rows<{ key_id: string; version: number }>(
    `SELECT key_id, version FROM access_keys
     WHERE version >= {size:UInt64} AND (key_id, version) NOT IN
       (SELECT JSONExtractString(detail, 'key_id'), seq FROM v_events WHERE kind = 'action' AND type = 'key.changed')`,
    { size },
  );
  if (left.length === 0) return {};
  const key_ids = left.map((row) => row.key_id);
  const versions = left.map((row) => row.version);
  await store.command(
    `DELETE FROM access_keys WHERE key_id IN {key_ids:Array(String)} AND version IN {versions:Array(UInt64)}`,
    { key_ids, versions },
  );
  const committed = await store.rows<{ seq: number; detail: string }>(
    `SELECT seq, detail FROM v_events
     WHERE kind = 'action' AND type = 'key.changed' AND JSONExtractString(detail, 'key_id') IN {key_ids:Array(String)}`,
    { key_ids },
  );
  const rows = new RowWriter(4096);
  for (const { seq, detail } of committed) encodeKey(rows, seq, groupFields(detail) as unknown as KeyDetail);
  await store.insert('access_keys', rows);
  return { access_keys: left.length };
}

const REBUILD_PAGE = 5_000;

async function rebuildSession(
  store: Store,
  log: string,
  key: { tenant: string; session_id: string },
  size: number,
): Promise<SessionState | undefined> {
  const pages = [];
  for (let before = size; ; ) {
    const page = await readSessionEvents(store, log, key, before, REBUILD_PAGE);
    pages.unshift(page);
    const first = page[0];
    if (first === undefined || page.length < REBUILD_PAGE) break;
    before = first.seq;
  }
  const events = pages.flat();
  const first = events[0];
  if (first === undefined) return undefined;
  const last = events.at(-1) ?? first;
  const session = emptySession(key.tenant, key.session_id, String(first.rest.session_source ?? ''));
  const [leaf] = await readLeaves(store, log, last.seq, last.seq + 1);
  for (const event of events) advanceSession(session, event, leaf?.hash.toString('base64') ?? '');
  return session;
}

/** Re-reads the last records: their cores must hash to the leaves, and the leaves to what the head was made of. */
async function checkTail(store: Store, log: string, size: number): Promise<void> {
  const from = Math.max(0, size - TAIL_RECORDS);
  const rows = await readTail(store, log, from, size);
  // An identical row that has not merged away yet is no second leaf.
  const tail = rows.filter(
    (row, i) => row.seq !== rows[i - 1]?.seq || !row.leaf_hash.equals(rows[i - 1]?.leaf_hash ?? row.leaf_hash),
  );
  if (tail.length !== size - from) {
    const message = `the last ${size - from} records of ${log} have ${tail.length} leaves in the store`;
    throw new AppError('log_tampered', message, { fatal: true });
  }
  for (const { seq, core, leaf_hash } of tail) {
    if (equalBytes(nodeHasher.leaf(Buffer.from(core, 'utf8')), leaf_hash)) continue;
    throw new AppError('log_tampered', `record ${seq} of ${log} does not hash to its leaf`, { fatal: true });
  }
}

async function openGaps(store: Store, log: string, received_at_ms: number, size: number): Promise<GapSessions> {
  const gaps = new GapSessions();
  const since = Math.max(0, received_at_ms - LIMITS.session_gap_ms);
  gaps.advance(received_at_ms);
  const read = await readOpenGaps(store, log, since, LIMITS.session_cache_max);
  const open = await belowHead(store, log, read, size);
  for (const session of open.sort((a, b) => a.last_seq - b.last_seq)) gaps.follow(session);
  return gaps;
}
