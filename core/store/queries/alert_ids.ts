/** Which findings are in the log already, so that a replay of detection records none of them again. */
import type { Store } from '../store.ts';

/** Of these ids, those of alerts and of findings that a suppression held back. */
export async function readKnownAlerts(store: Store, log: string, alert_ids: readonly string[]): Promise<Set<string>> {
  if (alert_ids.length === 0) return new Set();
  const rows = await store.rows<{ alert_id: string }>(
    `SELECT alert_id FROM v_alerts WHERE log = {log:String} AND alert_id IN {alert_ids:Array(String)}
     UNION ALL
     SELECT finding_id FROM v_suppressed_findings WHERE log = {log:String} AND finding_id IN {alert_ids:Array(String)}`,
    { log, alert_ids },
  );
  return new Set(rows.map((row) => row.alert_id));
}
