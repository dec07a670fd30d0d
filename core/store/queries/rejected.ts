/** Records that were not taken as events, with the reason. */
import type { Store } from '../store.ts';
import { COMMITTED_CONTENT, COMMITTED_EVENTS, readHeads } from './committed.ts';

export interface RejectedRow {
  log: string;
  seq: number;
  kind: string;
  reason: string;
  event_id: string;
  received_at_ms: number;
  who: string;
  detail: string;
  core: string;
  /** The first bytes of what arrived, as base64. */
  raw: string;
}

/** Rejected and conflicting records of a tenant, newest first, below a sequence number. */
export async function listRejected(
  store: Store,
  scope: { tenant: string; before_seq: number; limit: number },
): Promise<RejectedRow[]> {
  return store.rows<RejectedRow>(
    `SELECT toString(e.log) AS log, e.seq AS seq, toString(e.kind) AS kind, toString(e.reason) AS reason, e.event_id AS event_id,
            toUnixTimestamp64Milli(e.received_at) AS received_at_ms, e.who AS who, e.detail AS detail, e.core AS core,
            base64Encode(c.content) AS raw
     FROM (SELECT * FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND session_id = '' AND kind IN ('rejected', 'conflict')
             AND seq < {before_seq:UInt64} ORDER BY seq DESC LIMIT {limit:UInt32}) AS e
     LEFT JOIN (SELECT log, seq, content FROM ${COMMITTED_CONTENT} AND tenant = {tenant:String} AND session_id = '') AS c
       ON e.log = c.log AND e.seq = c.seq
     ORDER BY e.seq DESC`,
    { ...scope, ...(await readHeads(store)) },
  );
}
