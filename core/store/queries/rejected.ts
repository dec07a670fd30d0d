/** Records that were not taken as events, with the reason. */
import type { Store } from '../store.ts';

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
     FROM (SELECT * FROM v_events WHERE tenant = {tenant:String} AND session_id = '' AND kind IN ('rejected', 'conflict')
             AND seq < {before_seq:UInt64} ORDER BY seq DESC LIMIT {limit:UInt32}) AS e
     LEFT JOIN (SELECT log, seq, content FROM v_content WHERE tenant = {tenant:String} AND session_id = '') AS c
       ON e.log = c.log AND e.seq = c.seq
     ORDER BY e.seq DESC`,
    scope,
  );
}
