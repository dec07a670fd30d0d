/** What was done with an alert, action by action. */
import type { AlertActionRow } from '../../alert_action.ts';
import type { Store } from '../store.ts';

const COLUMNS = `toString(tenant) AS tenant, alert_id, toString(log) AS log, seq, action_id, toString(type) AS type, toString(status) AS status,
            toString(verdict) AS verdict, duplicate_of, note, actor, actor_name, toUnixTimestamp64Milli(acted_at) AS acted_at_ms,
            scope, reason, toUnixTimestamp64Milli(expires_at) AS expires_at_ms, owner_id, owner_name, tags_added, tags_removed, tags`;

/** The actions on one alert after a sequence number (-1: from the start), in the order in which they were taken. */
export async function listAlertActions(
  store: Store,
  of: { tenant: string; alert_id: string; after: number; limit: number },
): Promise<AlertActionRow[]> {
  return store.rows<AlertActionRow>(
    `SELECT ${COLUMNS}
     FROM v_alert_actions
     WHERE tenant = {tenant:String} AND alert_id = {alert_id:String} AND toInt64(seq) > {after:Int64}
     ORDER BY v_alert_actions.seq
     LIMIT {limit:UInt32}`,
    of,
  );
}

/** One action on an alert by its id, or undefined. */
export async function readAlertAction(
  store: Store,
  of: { tenant: string; alert_id: string; action_id: string },
): Promise<AlertActionRow | undefined> {
  const rows = await store.rows<AlertActionRow>(
    `SELECT ${COLUMNS}
     FROM v_alert_actions
     WHERE tenant = {tenant:String} AND alert_id = {alert_id:String} AND action_id = {action_id:String}
     ORDER BY v_alert_actions.seq
     LIMIT 1`,
    of,
  );
  return rows[0];
}
