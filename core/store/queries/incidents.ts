/** Alerts as incidents are made of them: the newest of a tenant, with where each stands. */
import type { GroupedAlert } from '../../incident.ts';
import type { Store } from '../store.ts';
import { COMMITTED_ALERTS, readHeads } from './committed.ts';

export interface IncidentAlert extends GroupedAlert {
  seq: number;
  rule_id: string;
  severity: string;
  risk: number;
  title: string;
  user_id: string;
  agent: string;
  time_ms: number;
  status: string;
}

type Row = Omit<IncidentAlert, 'evidence'> & { evidence: string };

/** The newest alerts of a tenant, in the order of the log. */
export async function readIncidentAlerts(store: Store, tenant: string, limit: number): Promise<IncidentAlert[]> {
  const rows = await store.rows<Row>(
    `SELECT a.*, if(x.status = '', 'new', x.status) AS status, x.duplicate_of AS duplicate_of FROM
     (
         SELECT alert_id, seq, toString(rule_id) AS rule_id, toString(severity) AS severity, risk, title, session_id, user_id,
                toString(agent) AS agent, toUnixTimestamp64Milli(time) AS time_ms, evidence
         FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String}
         ORDER BY seq DESC, alert_id DESC
         LIMIT {limit:UInt32}
     ) AS a
     LEFT JOIN
     (
         SELECT y.alert_id AS alert_id, argMaxIf(toString(y.status), y.seq, y.status != '') AS status,
                argMaxIf(y.duplicate_of, y.seq, y.status != '') AS duplicate_of
         FROM v_alert_actions AS y WHERE y.tenant = {tenant:String} GROUP BY y.alert_id
     ) AS x ON a.alert_id = x.alert_id
     ORDER BY a.seq, a.alert_id`,
    { tenant, limit, ...(await readHeads(store)) },
  );
  return rows.map((row) => ({ ...row, evidence: JSON.parse(row.evidence) as IncidentAlert['evidence'] }));
}
