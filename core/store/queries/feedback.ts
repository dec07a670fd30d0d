/** Verdicts that teach, as they stand: of each alert the last one, with what it was about. */
import type { Judged, Judgement } from '../../feedback.ts';
import type { Store } from '../store.ts';

export type FeedbackRow = Judged & Judgement & { alert_id: string };

/** The newest of a log since a time, oldest first. */
export async function readFeedback(store: Store, log: string, since_ms: number, limit: number): Promise<FeedbackRow[]> {
  const rows = await store.rows<FeedbackRow>(
    `SELECT toString(x.tenant) AS tenant, x.alert_id AS alert_id, x.verdict AS verdict, toUnixTimestamp64Milli(x.at) AS at_ms,
            toString(a.rule_id) AS rule_id, a.rule_version AS rule_version, a.user_id AS user_id, toString(a.agent) AS agent
     FROM
     (
         SELECT y.tenant AS tenant, y.alert_id AS alert_id, argMaxIf(toString(y.verdict), y.seq, y.status != '') AS verdict,
                argMaxIf(y.acted_at, y.seq, y.status != '') AS at
         FROM v_alert_actions AS y
         WHERE y.log = {log:String} AND y.acted_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
         GROUP BY y.tenant, y.alert_id
         HAVING verdict IN ('false_positive', 'true_positive')
     ) AS x
     INNER JOIN v_alerts AS a ON a.tenant = x.tenant AND a.alert_id = x.alert_id
     ORDER BY at_ms DESC, alert_id
     LIMIT {limit:UInt32}`,
    { log, since_ms, limit },
  );
  return rows.reverse();
}
