/** What the sequencer needs to know of earlier records before it takes a chunk: brought from the store, a query each. */
import { readSessions } from '../core/store/queries/session_state.ts';
import { readParts, type StoredParts } from '../core/store/queries/takeover.ts';
import type { Store } from '../core/store/store.ts';
import { knownSession } from './derive_session.ts';
import { horizonId } from './horizon.ts';
import type { SequencedRecord } from './record.ts';
import { type SequencerInput, type SequencerState, sessionKey } from './sequencer.ts';
import { belowHead } from './takeover.ts';

/** Brings the sessions that the records belong to and that are not in memory into the state. */
export async function loadSessions(
  store: Store,
  state: SequencerState,
  inputs: readonly SequencerInput[],
): Promise<void> {
  const { sessions, gaps } = state;
  const missing = new Map<string, { tenant: string; session_id: string }>();
  for (const input of inputs) {
    if (input.internal || !input.parsed.ok) continue;
    const { fields, tenant } = input.parsed;
    const session_id = knownSession(gaps, fields, tenant);
    if (session_id === undefined) continue;
    const key = sessionKey(tenant, session_id);
    if (!sessions.has(key)) missing.set(key, { tenant, session_id });
  }
  const read = await readSessions(store, state.log, [...missing.values()]);
  const loaded = await belowHead(store, state.log, read, state.range.size);
  for (const session of loaded) sessions.set(sessionKey(session.tenant, session.session_id), session);
}

/**
 * Records that a repeated id may repeat, by sequence number: from `recent`, dense and not yet to be found in the
 * store, else from the store.
 */
export async function loadFirsts(
  store: Store,
  state: SequencerState,
  inputs: readonly SequencerInput[],
  recent: readonly SequencedRecord[],
): Promise<Map<number, SequencedRecord | StoredParts>> {
  const { horizon, range } = state;
  const firsts = new Map<number, SequencedRecord | StoredParts>();
  const wanted = new Set<number>();
  const recent_from = recent[0]?.seq ?? range.size;
  for (const [i, input] of inputs.entries()) {
    if (input.internal || !input.parsed.ok) continue;
    const { fields, tenant } = input.parsed;
    const id = horizonId('event', tenant, fields.event_id as string);
    input.parsed.horizon_id = id;
    const first = horizon.find(id, range.size + i);
    if (first === undefined) continue;
    const record = first >= recent_from ? recent[first - recent_from] : undefined;
    if (record !== undefined) firsts.set(first, record);
    else wanted.add(first);
  }
  if (wanted.size > 0) {
    for (const parts of await readParts(store, state.log, [...wanted])) firsts.set(parts.seq, parts);
  }
  return firsts;
}
