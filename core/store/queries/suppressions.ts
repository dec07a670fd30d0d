/** Suppressions, with when they end and what they held back. */
import { ANYTHING, type Condition } from '../../query/compile.ts';
import type { Suppression, SuppressionScope } from '../../suppression.ts';
import type { Store } from '../store.ts';

export interface SuppressionRow {
  suppression_id: string;
  tenant: string;
  alert_id: string;
  log: string;
  seq: number;
  /** Canonical JSON. */
  scope: string;
  reason: string;
  owner_id: string;
  owner_name: string;
  from_ms: number;
  expires_at_ms: number;
  /** When its alert was reopened, which ends it; 0 when that did not happen. */
  ended_at_ms: number;
  hits: number;
  last_hit_ms: number;
}

export interface SuppressionFilter {
  tenant: string;
  /** Only those that end after this time. */
  ending_after_ms: number;
  /** Only suppressions below this sequence number. */
  before_seq: number;
  limit: number;
  /** A query over the actions `a` that made them and what was held back, `h`. */
  matching?: Condition | undefined;
}

/** Reopening the alert ends what it suppressed: the first such action after the suppression counts. */
const ENDED_AT = `minIf(acted_at, type = 'alert.reopened') OVER
            (PARTITION BY tenant, alert_id, log ORDER BY seq ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)`;

/** Suppressions of a tenant, newest first, with the number of findings that each held back. */
export async function listSuppressions(store: Store, filter: SuppressionFilter): Promise<SuppressionRow[]> {
  const { matching = ANYTHING, ...bound } = filter;
  return store.rows<SuppressionRow>(
    `SELECT a.action_id AS suppression_id, toString(a.tenant) AS tenant, a.alert_id AS alert_id, toString(a.log) AS log,
            a.seq AS seq, a.scope AS scope, a.reason AS reason, a.actor AS owner_id, a.actor_name AS owner_name,
            toUnixTimestamp64Milli(a.acted_at) AS from_ms, toUnixTimestamp64Milli(a.expires_at) AS expires_at_ms,
            toUnixTimestamp64Milli(a.ended_at) AS ended_at_ms, h.hits AS hits, toUnixTimestamp64Milli(h.last_hit) AS last_hit_ms
     FROM
     (
         SELECT *, ${ENDED_AT} AS ended_at
         FROM v_alert_actions
         WHERE tenant = {tenant:String} AND type IN ('alert.suppressed', 'alert.reopened')
     ) AS a
     LEFT JOIN
     (
         SELECT suppression_id, count() AS hits, max(suppressed_at) AS last_hit
         FROM v_suppressed_findings WHERE tenant = {tenant:String} GROUP BY suppression_id
     ) AS h ON a.action_id = h.suppression_id
     WHERE a.type = 'alert.suppressed' AND a.seq < {before_seq:UInt64}
       AND expires_at_ms > {ending_after_ms:Int64} AND (ended_at_ms = 0 OR ended_at_ms > {ending_after_ms:Int64})
       AND ${matching.sql}
     ORDER BY a.seq DESC
     LIMIT {limit:UInt32}`,
    { ...bound, ...matching.params },
  );
}

/**
 * The suppressions of all tenants of a log that end after a time, oldest first: what detection looks findings up in.
 * A replay asks with the time of its first event, so that it decides as the first run did.
 */
export async function readSuppressions(store: Store, log: string, ending_after_ms: number): Promise<Suppression[]> {
  const rows = await store.rows<
    Omit<Suppression, 'scope' | 'until_ms'> & Pick<SuppressionRow, 'scope' | 'expires_at_ms' | 'ended_at_ms'>
  >(
    `SELECT a.action_id AS suppression_id, toString(a.tenant) AS tenant, a.alert_id AS alert_id, a.scope AS scope,
            toUnixTimestamp64Milli(a.acted_at) AS from_ms, toUnixTimestamp64Milli(a.expires_at) AS expires_at_ms,
            toUnixTimestamp64Milli(a.ended_at) AS ended_at_ms
     FROM
     (
         SELECT *, ${ENDED_AT} AS ended_at
         FROM v_alert_actions
         WHERE log = {log:String} AND type IN ('alert.suppressed', 'alert.reopened')
     ) AS a
     WHERE a.type = 'alert.suppressed'
       AND expires_at_ms > {ending_after_ms:Int64} AND (ended_at_ms = 0 OR ended_at_ms > {ending_after_ms:Int64})
     ORDER BY a.seq`,
    { log, ending_after_ms },
  );
  return rows.map(({ scope, expires_at_ms, ended_at_ms, ...row }) => ({
    ...row,
    scope: JSON.parse(scope) as SuppressionScope,
    until_ms: ended_at_ms === 0 ? expires_at_ms : Math.min(ended_at_ms, expires_at_ms),
  }));
}
