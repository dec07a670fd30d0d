/** The stored state of sessions: what the sequencer needs to link their next record. */
import type { SessionState } from '../../session.ts';
import { RowReader } from '../row_binary.ts';
import type { Store } from '../store.ts';

export const STATE_COLUMNS = `toString(tenant), session_id, last_seq, last_leaf, events, calls, errors, prompts,
    first_time, last_time, first_received, last_received,
    toString(session_source), user_id, toString(user_role), toString(agent), toString(client),
    arrayMap(x -> toString(x), servers), arrayMap(x -> toString(x), tools)`;
const CHUNK = 2_000;

export function readState(row: RowReader): SessionState {
  return {
    tenant: row.string(),
    session_id: row.string(),
    last_seq: row.u64(),
    last_leaf: row.fixed(32).toString('base64'),
    events: row.u32(),
    calls: row.u32(),
    errors: row.u32(),
    prompts: row.u32(),
    first_time_ms: row.i64(),
    last_time_ms: row.i64(),
    first_received_ms: row.i64(),
    last_received_ms: row.i64(),
    session_source: row.string(),
    user_id: row.string(),
    user_role: row.string(),
    agent: row.string(),
    client: row.string(),
    servers: row.strings(),
    tools: row.strings(),
  };
}

function readStates(bytes: Buffer): SessionState[] {
  const row = new RowReader(bytes);
  const states: SessionState[] = [];
  while (!row.done) states.push(readState(row));
  return states;
}

/** The states of the named sessions in one log; a session without a row is new. */
export async function readSessions(
  store: Store,
  log: string,
  keys: readonly { tenant: string; session_id: string }[],
): Promise<SessionState[]> {
  const states: SessionState[] = [];
  for (let from = 0; from < keys.length; from += CHUNK) {
    const part = keys.slice(from, from + CHUNK);
    const bytes = await store.binary(
      `SELECT ${STATE_COLUMNS}
       FROM sessions FINAL
       WHERE log = {log:String}
         AND (tenant, session_id) IN (SELECT arrayJoin(arrayZip({tenants:Array(String)}, {session_ids:Array(String)})))`,
      { log, tenants: part.map((key) => key.tenant), session_ids: part.map((key) => key.session_id) },
    );
    for (const state of readStates(bytes)) states.push(state);
  }
  return states;
}

/** Sessions that were derived from gaps and may still be open at this time, oldest first. */
export async function readOpenGaps(
  store: Store,
  log: string,
  since_ms: number,
  rows_max: number,
): Promise<SessionState[]> {
  const bytes = await store.binary(
    `SELECT ${STATE_COLUMNS}
     FROM sessions FINAL
     WHERE log = {log:String} AND session_source = 'gap' AND last_received >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
     ORDER BY last_received DESC
     LIMIT {rows_max:UInt32}`,
    { log, since_ms, rows_max },
  );
  return readStates(bytes).reverse();
}

/** The sessions that moved last, oldest first, at most `rows_max`. */
export async function readRecentSessions(store: Store, log: string, rows_max: number): Promise<SessionState[]> {
  const bytes = await store.binary(
    `SELECT ${STATE_COLUMNS}
     FROM sessions FINAL
     WHERE log = {log:String}
     ORDER BY last_seq DESC
     LIMIT {rows_max:UInt32}`,
    { log, rows_max },
  );
  return readStates(bytes).reverse();
}

/** The sessions that moved last, the last one first: at most `window_ms` before `now_ms`, and at most `rows_max`. */
export async function readLatestSessions(
  store: Store,
  scope: { log: string; now_ms: number; window_ms: number; rows_max: number },
): Promise<{ tenant: string; session_id: string; events: number }[]> {
  return store.rows(
    `SELECT toString(tenant) AS tenant, session_id, events
     FROM sessions FINAL
     WHERE log = {log:String} AND toUnixTimestamp64Milli(last_received) >= {now_ms:Int64} - {window_ms:Int64}
     ORDER BY last_received DESC, tenant, session_id
     LIMIT {rows_max:UInt32}`,
    scope,
  );
}
