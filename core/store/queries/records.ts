/** Whole records in the order in which they are stored, for verification and export: every table, every column. */
import { Buffer } from 'node:buffer';
import type { SessionState } from '../../session.ts';
import { type RowReader, streamRows } from '../row_binary.ts';
import type { Store } from '../store.ts';
import { readState, STATE_COLUMNS } from './session_state.ts';

/** Which part of a log to read: all records below `size`, or those of one session. */
export interface RecordScope {
  log: string;
  size: number;
  session?: { tenant: string; session_id: string };
}

export interface EventRow {
  tenant: string;
  session_id: string;
  seq: number;
  version: number;
  kind: string;
  type: string;
  event_id: string;
  session_seq: number;
  time_ms: number;
  received_at_ms: number;
  user_id: string;
  user_role: string;
  agent: string;
  server: string;
  tool: string;
  call_id: string;
  is_error: number;
  reason: string;
  core: string;
  core_bytes: Buffer;
  who: string;
  what: string;
  detail: string;
}

export interface ContentRow {
  tenant: string;
  session_id: string;
  seq: number;
  version: number;
  state: string;
  params: string;
  content: Buffer;
  salt: Buffer;
}

const scoped = (scope: RecordScope) =>
  scope.session ? 'AND tenant = {tenant:String} AND session_id = {session_id:String}' : '';

const paramsOf = ({ log, size, session }: RecordScope) => ({ log, size, ...session });

function readEventRow(row: RowReader): EventRow {
  const front = {
    tenant: row.string(),
    session_id: row.string(),
    seq: row.u64(),
    version: row.u8(),
    kind: row.string(),
    type: row.string(),
    event_id: row.string(),
    session_seq: row.u32(),
    time_ms: row.i64(),
    received_at_ms: row.i64(),
    user_id: row.string(),
    user_role: row.string(),
    agent: row.string(),
    server: row.string(),
    tool: row.string(),
    call_id: row.string(),
    is_error: row.u8(),
    reason: row.string(),
  };
  const core_bytes = row.blob();
  const core = core_bytes.toString('utf8');
  return { ...front, core, core_bytes, who: row.string(), what: row.string(), detail: row.string() };
}

/** Rows of `events` in the order of tenant, session and seq, in pieces. */
export function streamEventRows(store: Store, scope: RecordScope): AsyncGenerator<EventRow[]> {
  const pieces = store.stream(
    `SELECT toString(tenant), session_id, seq, version, toString(kind), toString(type), event_id, session_seq, time, received_at,
            user_id, toString(user_role), toString(agent), toString(server), toString(tool), call_id, is_error, toString(reason),
            core, who, what, detail
     FROM events FINAL
     WHERE log = {log:String} AND seq < {size:UInt64} ${scoped(scope)}
     ORDER BY tenant, session_id, log, seq`,
    paramsOf(scope),
  );
  return streamRows(pieces, readEventRow);
}

function readContentRow(row: RowReader): ContentRow {
  return {
    tenant: row.string(),
    session_id: row.string(),
    seq: row.u64(),
    version: row.u8(),
    state: row.string(),
    params: row.string(),
    content: row.blob(),
    salt: row.blob(),
  };
}

/** Rows of `content` in the same order. */
export function streamContentRows(store: Store, scope: RecordScope): AsyncGenerator<ContentRow[]> {
  const pieces = store.stream(
    `SELECT toString(tenant), session_id, seq, version, toString(state), params, content, salt
     FROM content FINAL
     WHERE log = {log:String} AND seq < {size:UInt64} ${scoped(scope)}
     ORDER BY tenant, session_id, log, seq`,
    paramsOf(scope),
  );
  return streamRows(pieces, readContentRow);
}

/** Rows of `sessions` in the same order. */
export function streamSessionRows(store: Store, scope: RecordScope): AsyncGenerator<SessionState[]> {
  const pieces = store.stream(
    `SELECT ${STATE_COLUMNS}
     FROM sessions FINAL
     WHERE log = {log:String} AND {size:UInt64} > 0 ${scoped(scope)}
     ORDER BY tenant, session_id, log`,
    paramsOf(scope),
  );
  return streamRows(pieces, readState);
}

/** Leaves below a size in order. */
export function streamLeafRows(
  store: Store,
  log: string,
  size: number,
): AsyncGenerator<{ seq: number; hash: Buffer; offset: number }[]> {
  const pieces = store.stream(
    `SELECT DISTINCT seq, leaf_hash, offset FROM leaves WHERE log = {log:String} AND seq < {size:UInt64} ORDER BY seq, leaf_hash`,
    { log, size },
  );
  return streamRows(pieces, (row) => ({ seq: row.u64(), hash: Buffer.from(row.fixed(32)), offset: row.u64() }));
}

/** Stored inner nodes in order of level and index. */
export function streamNodeRows(
  store: Store,
  log: string,
): AsyncGenerator<{ level: number; index: number; hash: Buffer }[]> {
  const pieces = store.stream(
    'SELECT DISTINCT level, idx, hash FROM nodes WHERE log = {log:String} ORDER BY level, idx, hash',
    { log },
  );
  return streamRows(pieces, (row) => ({ level: row.u8(), index: row.u64(), hash: Buffer.from(row.fixed(32)) }));
}
