/** How alerts with given ids were judged. */
import type { Store } from '../store.ts';

export interface JudgedAlert {
  alert_id: string;
  /** Empty while nobody judged it. */
  verdict: string;
}

/** Those of the ids that are alerts, with what they were last closed as. */
export async function readJudgedAlerts(
  store: Store,
  of: { tenants: readonly string[]; alert_ids: readonly string[] },
): Promise<JudgedAlert[]> {
  return store.rows<JudgedAlert>(
    `SELECT a.alert_id AS alert_id, x.verdict AS verdict
     FROM (SELECT tenant, alert_id FROM v_alerts WHERE tenant IN {tenants:Array(String)} AND alert_id IN {alert_ids:Array(String)}) AS a
     LEFT JOIN
     (
         SELECT tenant, alert_id, argMaxIf(toString(verdict), seq, status != '') AS verdict
         FROM v_alert_actions
         WHERE tenant IN {tenants:Array(String)} AND alert_id IN {alert_ids:Array(String)}
         GROUP BY tenant, alert_id
     ) AS x ON a.tenant = x.tenant AND a.alert_id = x.alert_id`,
    of,
  );
}
