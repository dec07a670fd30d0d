/** Alerts as people work on them, each in the state that the actions on it led to. */
import { SEVERITIES, type Severity, severityRank } from '../../alert.ts';
import type { AlertStatus } from '../../alert_action.ts';
import type { Condition } from '../../query/compile.ts';
import type { Store } from '../store.ts';
import { BY_KEY, COMMITTED_ALERTS, readHeads } from './committed.ts';

/** What became of an alert. Text that does not apply is empty, a time 0. */
export interface AlertState {
  status: AlertStatus;
  verdict: string;
  duplicate_of: string;
  /** Key and name of whose it is: who it was assigned to, or else who brought it to its status. */
  owner_id: string;
  owner_name: string;
  /** What people gave it, in order. */
  added_tags: string[];
  /** Number of the record of the last action on it: with 0, nothing was done yet. */
  version: number;
  /** Who took that action, what it was, and when. */
  changed_by_id: string;
  changed_by_name: string;
  changed_type: string;
  changed_ms: number;
  status_since_ms: number;
  last_note: string;
}

/** An alert as it is stored, without its tenant. */
export interface StoredAlert {
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

export type AlertRow = StoredAlert & AlertState;

export interface AlertFilter {
  tenant: string;
  rule_id: string;
  session_id: string;
  user_id: string;
  /** Lowest risk to show. */
  risk_min: number;
  /** Lowest severity to show. */
  severity_min?: Severity | undefined;
  from_ms: number;
  to_ms: number;
  /** Only alerts below this sequence number. */
  before_seq: number;
  limit: number;
  status?: AlertStatus | undefined;
  verdict?: string | undefined;
  /** A query over alerts `a` and their states `s`. */
  matching?: Condition | undefined;
}

const COLUMNS = `alert_id, log, seq, rule_id, rule_version, severity, risk, title, reason, session_id, user_id, agent,
            toUnixTimestamp64Milli(time) AS time_ms, toUnixTimestamp64Milli(raised_at) AS raised_at_ms, tags, evidence`;

/** What decides whose an alert is, before anything else does. Reopening leaves nobody in charge. */
const OWNS = "x.type IN ('alert.assigned', 'alert.unassigned', 'alert.reopened')";
const ownerOf = (assigned: string, actor: string) =>
  `multiIf(argMaxIf(toString(x.type), x.seq, ${OWNS}) = 'alert.assigned', argMaxIf(${assigned}, x.seq, ${OWNS}),
                maxIf(x.seq, x.status != '') > maxIf(x.seq, ${OWNS}), argMaxIf(${actor}, x.seq, x.status != ''), '')`;

/** A note changes no status. Of actions under the name `x`. */
const STATE = `argMaxIf(toString(x.status), x.seq, x.status != '') AS status, argMaxIf(toString(x.verdict), x.seq, x.status != '') AS verdict,
            argMaxIf(x.duplicate_of, x.seq, x.status != '') AS duplicate_of,
            ${ownerOf('x.owner_id', 'x.actor')} AS owner_id,
            ${ownerOf('x.owner_name', 'x.actor_name')} AS owner_name,
            argMaxIf(x.tags, x.seq, x.type = 'alert.tagged') AS added_tags, max(x.seq) AS version,
            argMax(x.actor, x.seq) AS changed_by_id, argMax(x.actor_name, x.seq) AS changed_by_name,
            argMax(toString(x.type), x.seq) AS changed_type, toUnixTimestamp64Milli(argMax(x.acted_at, x.seq)) AS changed_ms,
            toUnixTimestamp64Milli(argMaxIf(x.acted_at, x.seq, x.status != '')) AS status_since_ms,
            argMaxIf(x.note, x.seq, x.note != '') AS last_note`;

/** The states of all alerts that were acted on; read only where a filter asks for them. */
const STATES = `SELECT x.alert_id AS alert_id, ${STATE}
            FROM v_alert_actions AS x
            WHERE x.tenant = {tenant:String} AND ({status:String} != '' OR {verdict:String} != '')
            GROUP BY x.alert_id`;

const UNTOUCHED: AlertState = {
  status: 'new',
  verdict: '',
  duplicate_of: '',
  owner_id: '',
  owner_name: '',
  added_tags: [],
  version: 0,
  changed_by_id: '',
  changed_by_name: '',
  changed_type: '',
  changed_ms: 0,
  status_since_ms: 0,
  last_note: '',
};

/** What a filter lets through, in no order. */
const ALERTS = `SELECT ${COLUMNS}
     FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String}
       AND ({rule_id:String} = '' OR rule_id = {rule_id:String})
       AND ({session_id:String} = '' OR session_id = {session_id:String})
       AND ({user_id:String} = '' OR user_id = {user_id:String})
       AND risk >= {risk_min:UInt8}
       AND severity IN {severities:Array(String)}
       AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
       AND time <= fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
       AND seq < {before_seq:UInt64}
       AND ({status:String} IN ('', 'new') AND {verdict:String} = '' OR alert_id IN
           (SELECT alert_id FROM (${STATES}) WHERE {status:String} IN ('', status) AND {verdict:String} IN ('', verdict)))
       AND ({status:String} != 'new' OR alert_id NOT IN (SELECT alert_id FROM (${STATES}) WHERE status NOT IN ('', 'new')))`;

/** Alerts of a tenant, newest first. An empty or absent filter field matches everything. */
export async function listAlerts(store: Store, filter: AlertFilter): Promise<AlertRow[]> {
  const { status = '', verdict = '', severity_min = 'info', matching, ...bound } = filter;
  const severities = SEVERITIES.slice(severityRank(severity_min));
  const params = { ...bound, severities, status, verdict, ...(await readHeads(store)) };
  const rows =
    matching === undefined
      ? await store.rows<StoredAlert>(`${ALERTS} ORDER BY seq DESC LIMIT {limit:UInt32}`, params)
      : await store.rows<StoredAlert>(
          `SELECT a.* FROM (${ALERTS}) AS a LEFT JOIN
           (
               SELECT x.alert_id AS alert_id, ${STATE}
               FROM v_alert_actions AS x WHERE x.tenant = {tenant:String} GROUP BY x.alert_id
           ) AS s ON a.alert_id = s.alert_id
           WHERE ${matching.sql}
           ORDER BY a.seq DESC
           LIMIT {limit:UInt32}`,
          { ...params, ...matching.params },
        );
  return withStates(store, filter.tenant, rows);
}

/** One alert, or undefined. */
export async function readAlert(store: Store, tenant: string, alert_id: string): Promise<AlertRow | undefined> {
  const rows = await store.rows<StoredAlert>(
    `SELECT ${COLUMNS} FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} AND alert_id = {alert_id:String} ${BY_KEY}`,
    { tenant, alert_id, ...(await readHeads(store)) },
  );
  return (await withStates(store, tenant, rows))[0];
}

/** Those of the ids that are alerts of a tenant, in the order of the log. */
export async function readAlerts(store: Store, tenant: string, alert_ids: readonly string[]): Promise<AlertRow[]> {
  const rows = await store.rows<StoredAlert>(
    `SELECT ${COLUMNS} FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} AND alert_id IN {alert_ids:Array(String)} ORDER BY seq`,
    { tenant, alert_ids, ...(await readHeads(store)) },
  );
  return withStates(store, tenant, rows);
}

/** The states of a page are read by their ids: a join would read those of all alerts. */
async function withStates(store: Store, tenant: string, rows: readonly StoredAlert[]): Promise<AlertRow[]> {
  if (rows.length === 0) return [];
  const states = await store.rows<AlertState & { alert_id: string }>(
    `SELECT x.alert_id AS alert_id, ${STATE}
     FROM v_alert_actions AS x
     WHERE x.tenant = {tenant:String} AND x.alert_id IN {alert_ids:Array(String)}
     GROUP BY x.alert_id`,
    { tenant, alert_ids: rows.map((row) => row.alert_id) },
  );
  const known = new Map(states.map((state) => [state.alert_id, state]));
  return rows.map((row) => {
    const state = known.get(row.alert_id);
    return { ...row, ...UNTOUCHED, ...(state && { ...state, status: state.status || 'new' }) };
  });
}

/** What is evidence of its own in alerts, see `SessionSummary`: the part that is summed over them. */
export const RISK_SUM = `sumIf(log(1 - risk / 100), alert_id NOT IN (
       SELECT alert_id FROM v_alert_actions WHERE tenant = {tenant:String} GROUP BY alert_id
       HAVING argMaxIf(toString(status), seq, status != '') = 'closed'
         AND argMaxIf(toString(verdict), seq, status != '') IN ('false_positive', 'benign', 'test', 'duplicate')))`;

const RISKS_AT_ONCE = 250;

/** The risk of the sessions of some alerts, 0 to 100, as their alerts stand now. */
export async function readSessionRisks(
  store: Store,
  alerts: readonly { tenant: string; session_id: string }[],
): Promise<(of: { tenant: string; session_id: string }) => number> {
  const sessions = new Map<string, { session_id: string }[]>();
  for (const alert of alerts) {
    const others = sessions.get(alert.tenant);
    if (others === undefined) sessions.set(alert.tenant, [alert]);
    else others.push(alert);
  }
  const risks = new Map<string, number>();
  for (const [tenant, of_tenant] of sessions) {
    const ids = [...new Set(of_tenant.map(({ session_id }) => session_id))];
    for (let from = 0; from < ids.length; from += RISKS_AT_ONCE) {
      const session_ids = ids.slice(from, from + RISKS_AT_ONCE);
      const rows = await store.rows<{ session_id: string; session_risk: number }>(
        `SELECT session_id, toUInt8(round(100 * (1 - exp(${RISK_SUM})))) AS session_risk
         FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} AND session_id IN {session_ids:Array(String)}
         GROUP BY session_id`,
        { tenant, session_ids, ...(await readHeads(store)) },
      );
      for (const { session_id, session_risk } of rows) risks.set(`${tenant}\0${session_id}`, session_risk);
    }
  }
  return ({ tenant, session_id }) => risks.get(`${tenant}\0${session_id}`) ?? 0;
}

/** What the alerts of one session amount to. */
export interface SessionAlerts {
  /** 0 to 100. */
  risk: number;
  /** How many there are. */
  count: number;
  /** The newest of them. */
  newest: AlertRow[];
}

/** The alerts of a session: the newest `limit`, with the number and the risk of all. */
export async function readSessionAlerts(
  store: Store,
  tenant: string,
  session_id: string,
  limit: number,
): Promise<SessionAlerts> {
  const params = { tenant, session_id, limit, ...(await readHeads(store)) };
  // Most sessions have none, and to find out costs half as much.
  const any = await store.rows(
    `SELECT seq FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} AND session_id = {session_id:String} LIMIT 1 ${BY_KEY}`,
    params,
  );
  if (any.length === 0) return { risk: 0, count: 0, newest: [] };
  const rows = await store.rows<StoredAlert & { all_alerts: number; all_risk: number }>(
    `SELECT ${COLUMNS}, count() OVER () AS all_alerts, toUInt8(round(100 * (1 - exp(${RISK_SUM} OVER ())))) AS all_risk
     FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} AND session_id = {session_id:String}
     ORDER BY seq DESC
     LIMIT {limit:UInt32}
     ${BY_KEY}`,
    params,
  );
  const stored = rows.map(({ all_alerts: _, all_risk: __, ...alert }) => alert);
  const newest = await withStates(store, tenant, stored);
  return { risk: rows[0]?.all_risk ?? 0, count: rows[0]?.all_alerts ?? 0, newest };
}
