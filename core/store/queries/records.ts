/** Sessions, leaves and nodes in the order in which they are stored, for verification: every column. */
import { Buffer } from 'node:buffer';
import type { SessionState } from '../../session.ts';
import { streamRows } from '../row_binary.ts';
import type { Store } from '../store.ts';
import { readState, STATE_COLUMNS } from './session_state.ts';

/** Which part of a log to read: all records below `size`, or those of one session. */
export interface RecordScope {
  log: string;
  size: number;
  session?: { tenant: string; session_id: string };
}

const scoped = (scope: RecordScope) =>
  scope.session ? 'AND tenant = {tenant:String} AND session_id = {session_id:String}' : '';

const paramsOf = ({ log, size, session }: RecordScope) => ({ log, size, ...session });

/** Rows of `sessions` in the order of tenant and session, in pieces. */
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
