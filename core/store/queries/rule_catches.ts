/** What each rule caught in a stretch of time, and what people made of it. */
import type { Store } from '../store.ts';
import { COMMITTED_ALERTS, readHeads } from './committed.ts';

export interface RuleCatches {
  rule_id: string;
  alerts: number;
  sessions: number;
  users: number;
  /** Of the alerts: those that people closed, by what they turned out to be. */
  true_positives: number;
  benign: number;
  false_positives: number;
  tests: number;
  duplicates: number;
  last_raised_ms: number;
}

/** By rule id. Rules without an alert in that time are not in it. An alert that was reopened counts as not judged. */
export async function readRuleCatches(
  store: Store,
  of: { tenant: string; from_ms: number; to_ms: number },
): Promise<RuleCatches[]> {
  return store.rows<RuleCatches>(
    `SELECT a.rule_id AS rule_id, count() AS alerts, uniqExact(a.session_id) AS sessions,
            uniqExactIf(a.user_id, a.user_id != '') AS users,
            countIf(x.verdict = 'true_positive') AS true_positives, countIf(x.verdict = 'benign') AS benign,
            countIf(x.verdict = 'false_positive') AS false_positives, countIf(x.verdict = 'test') AS tests,
            countIf(x.verdict = 'duplicate') AS duplicates, toUnixTimestamp64Milli(max(a.raised_at)) AS last_raised_ms
     FROM
     (
         SELECT toString(rule_id) AS rule_id, alert_id, session_id, user_id, raised_at
         FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String}
           AND raised_at >= fromUnixTimestamp64Milli({from_ms:Int64}) AND raised_at < fromUnixTimestamp64Milli({to_ms:Int64})
     ) AS a
     LEFT JOIN
     (
         SELECT alert_id, argMaxIf(toString(verdict), seq, status != '') AS verdict
         FROM v_alert_actions WHERE tenant = {tenant:String} GROUP BY alert_id
     ) AS x ON a.alert_id = x.alert_id
     GROUP BY rule_id
     ORDER BY rule_id`,
    { ...of, ...(await readHeads(store)) },
  );
}
