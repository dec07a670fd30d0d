/** The trail of actions: what people and programs did with the service, as committed. */
import { type Fields, groupFields } from '../../groups.ts';
import { ANYTHING, type Condition } from '../../query/compile.ts';
import type { Store } from '../store.ts';
import { COMMITTED_EVENTS, readHeads } from './committed.ts';

export interface TrailRow {
  tenant: string;
  log: string;
  seq: number;
  kind: 'action' | 'config';
  type: string;
  action_id: string;
  /** Id of the key or person that acted. */
  actor: string;
  session_id: string;
  user_id: string;
  received_at_ms: number;
  detail: Fields;
}

export interface TrailFilter {
  tenant: string;
  /** Also what is about all tenants. Without it, of those records only changes of the tenant's own keys. */
  of_all: boolean;
  from_ms: number;
  to_ms: number;
  /** Only records below this sequence number. */
  before_seq: number;
  limit: number;
  matching?: Condition | undefined;
}

/** Actions, newest first. */
export async function readTrail(store: Store, filter: TrailFilter): Promise<TrailRow[]> {
  const { matching = ANYTHING, of_all, ...bound } = filter;
  const rows = await store.rows<Omit<TrailRow, 'detail'> & { detail: string }>(
    `SELECT toString(tenant) AS tenant, toString(log) AS log, seq, toString(kind) AS kind, toString(type) AS type,
            event_id AS action_id, JSONExtractString(who, 'accepted_by') AS actor,
            JSONExtractString(who, 'session_id') AS session_id, user_id,
            toUnixTimestamp64Milli(received_at) AS received_at_ms, detail
     FROM ${COMMITTED_EVENTS} AND kind IN ('action', 'config') AND seq < {before_seq:UInt64}
       AND (tenant = {tenant:String} OR (tenant = '*' AND
            ({of_all:Bool} OR (type = 'key.changed' AND JSONExtractString(detail, 'tenant') = {tenant:String}))))
       AND received_at >= fromUnixTimestamp64Milli({from_ms:Int64}) AND received_at < fromUnixTimestamp64Milli({to_ms:Int64})
       AND ${matching.sql}
     ORDER BY seq DESC
     LIMIT {limit:UInt32}`,
    { ...matching.params, ...bound, of_all, ...(await readHeads(store)) },
  );
  return rows.map((row) => ({ ...row, detail: groupFields(row.detail) }));
}
