/** Alerts as people work on them. */
import type { Store } from '../store.ts';

export interface AlertRow {
  alert_id: string;
  log: string;
  seq: number;
  rule_id: string;
  rule_version: number;
  severity: string;
  risk: number;
  title: string;
  reason: string;
  session_id: string;
  user_id: string;
  agent: string;
  time_ms: number;
  raised_at_ms: number;
  tags: string[];
  evidence: string;
}

export interface AlertFilter {
  tenant: string;
  rule_id: string;
  session_id: string;
  user_id: string;
  /** Lowest risk to show; severities map to risks in core/alert.ts. */
  risk_min: number;
  from_ms: number;
  to_ms: number;
  /** Only alerts below this sequence number. */
  before_seq: number;
  limit: number;
}

const COLUMNS = `alert_id, toString(log) AS log, seq, toString(rule_id) AS rule_id, rule_version, toString(severity) AS severity, risk,
            title, reason, session_id, user_id, toString(agent) AS agent, toUnixTimestamp64Milli(time) AS time_ms,
            toUnixTimestamp64Milli(raised_at) AS raised_at_ms, tags, evidence`;

/** Alerts of a tenant, newest first. An empty filter field matches everything. */
export async function listAlerts(store: Store, filter: AlertFilter): Promise<AlertRow[]> {
  return store.rows<AlertRow>(
    `SELECT ${COLUMNS}
     FROM v_alerts
     WHERE tenant = {tenant:String}
       AND ({rule_id:String} = '' OR rule_id = {rule_id:String})
       AND ({session_id:String} = '' OR session_id = {session_id:String})
       AND ({user_id:String} = '' OR user_id = {user_id:String})
       AND risk >= {risk_min:UInt8}
       AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
       AND time <= fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
       AND seq < {before_seq:UInt64}
     ORDER BY v_alerts.seq DESC
     LIMIT {limit:UInt32}`,
    { ...filter },
  );
}

export async function readAlert(store: Store, tenant: string, alert_id: string): Promise<AlertRow | undefined> {
  const rows = await store.rows<AlertRow>(
    `SELECT ${COLUMNS} FROM v_alerts WHERE tenant = {tenant:String} AND alert_id = {alert_id:String}`,
    { tenant, alert_id },
  );
  return rows[0];
}
