/**
 * Takes a log over: loads the head, checks it against what is stored and signed, removes what a crash left above it,
 * and rebuilds the state from which the next record follows. Stops with a clear error where the store contradicts the
 * head; nothing is ever reset to zero.
 */
import { Buffer } from 'node:buffer';
import { AppError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { Pseudonymizer } from '../core/pseudonym.ts';
import { advanceSession, emptySession, type SessionState } from '../core/session.ts';
import { type HeadRow, readHead, removeAbove, sessionsAbove } from '../core/store/queries/head.ts';
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
import { encodeSession } from './encode.ts';
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
}

/** Loads a log for writing. Throws fatal errors with codes `head_corrupt`, `log_tampered` or `store_rolled_back`. */
export async function takeOver(
  store: Store,
  log: string,
  pseudonyms: Pseudonymizer,
  signed: SignedHead | undefined,
): Promise<Takeover> {
  const head = await readHead(store, log);
  const range = rangeOf(log, head);
  await checkSigned(store, log, range, signed);
  const removed = await repair(store, log, range.size);
  await checkTail(store, log, range.size);
  const horizon = new Horizon(LIMITS.dedup_horizon_max);
  const since = Math.max(0, range.size - LIMITS.dedup_horizon_max);
  if (range.size > 0) await readHorizon(store, log, since, (id, seq) => horizon.add(id, seq));
  const received_at_ms = head?.received_at_ms ?? 0;
  const recent = range.size > 0 ? await readRecentSessions(store, log, LIMITS.session_cache_max) : [];
  const state: SequencerState = {
    log,
    range,
    horizon,
    sessions: new Map(recent.map((session) => [sessionKey(session.tenant, session.session_id), session])),
    gaps: await openGaps(store, log, received_at_ms),
    pseudonyms,
  };
  return { state, received_at_ms, removed, sessions_complete: recent.length < LIMITS.session_cache_max };
}

function rangeOf(log: string, head: HeadRow | undefined): CompactRange {
  if (head === undefined) return new CompactRange(nodeHasher);
  const range = CompactRange.from(nodeHasher, head.size, head.range);
  if (!equalBytes(range.root(), head.root)) {
    throw new AppError('head_corrupt', `the head of ${log} does not hash to its own root`, { fatal: true });
  }
  return range;
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
  const [root] = await readProof(store, log, nodeHasher, [rootCoordinates(signed.size)]);
  if (root === undefined || !equalBytes(root, signed.root)) {
    const message = `the first ${signed.size} records of ${log} are not those that were signed`;
    throw new AppError('log_tampered', message, { fatal: true });
  }
}

/** Removes rows at or above the head and rebuilds the summaries of sessions that they had touched. */
async function repair(store: Store, log: string, size: number): Promise<Record<string, number>> {
  const affected = await sessionsAbove(store, log, size);
  const removed = await removeAbove(store, log, size);
  if (affected.length === 0) return removed;
  const rows = new RowWriter();
  for (const key of affected) {
    const session = await rebuildSession(store, log, key, size);
    if (session !== undefined) encodeSession(rows, log, session);
  }
  await store.insert('sessions', rows);
  return removed;
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
  const tail = await readTail(store, log, from);
  if (tail.length !== size - from) {
    const message = `the last ${size - from} records of ${log} have ${tail.length} leaves in the store`;
    throw new AppError('log_tampered', message, { fatal: true });
  }
  for (const { seq, core, leaf_hash } of tail) {
    if (equalBytes(nodeHasher.leaf(Buffer.from(core, 'utf8')), leaf_hash)) continue;
    throw new AppError('log_tampered', `record ${seq} of ${log} does not hash to its leaf`, { fatal: true });
  }
}

async function openGaps(store: Store, log: string, received_at_ms: number): Promise<GapSessions> {
  const gaps = new GapSessions();
  const since = Math.max(0, received_at_ms - LIMITS.session_gap_ms);
  for (const session of await readOpenGaps(store, log, since, LIMITS.session_cache_max)) {
    const key = GapSessions.keyOf(session.tenant, session.user_id, session.client);
    gaps.set(key, session.session_id, session.last_received_ms);
  }
  return gaps;
}
