/** Sessions as lists and pages show them. */
import type { Store } from '../store.ts';

export interface SessionFilter {
  tenant: string;
  user_id: string;
  user_role: string;
  agent: string;
  server: string;
  tool: string;
  from_ms: number;
  to_ms: number;
  risk_min: number;
  /** Only sessions after this one in the order of the list: `last_received_ms` and id of the last one shown. */
  after_ms: number;
  after_id: string;
  limit: number;
}

export interface SessionSummary {
  session_id: string;
  session_source: string;
  user_id: string;
  user_role: string;
  agent: string;
  client: string;
  servers: string[];
  tools: string[];
  events: number;
  calls: number;
  errors: number;
  prompts: number;
  first_time_ms: number;
  last_time_ms: number;
  last_received_ms: number;
  /** 0 to 100: the alerts of the session, taken as independent evidence: 100 (1 - product of (1 - risk/100)). */
  risk: number;
  alerts: number;
}

const COLUMNS = `s.session_id AS session_id, toString(s.session_source) AS session_source, s.user_id AS user_id,
            toString(s.user_role) AS user_role, toString(s.agent) AS agent, toString(s.client) AS client,
            s.servers AS servers, s.tools AS tools, s.events AS events, s.calls AS calls, s.errors AS errors, s.prompts AS prompts,
            toUnixTimestamp64Milli(s.first_time) AS first_time_ms, toUnixTimestamp64Milli(s.last_time) AS last_time_ms,
            toUnixTimestamp64Milli(s.last_received) AS last_received_ms, a.risk AS risk, a.alerts AS alerts`;
const ALERTS = `SELECT session_id, toUInt8(round(100 * (1 - exp(sum(log(1 - risk / 100)))))) AS risk, count() AS alerts
            FROM v_alerts WHERE tenant = {tenant:String} GROUP BY session_id`;

/** Sessions of a tenant, the one that moved last first. An empty filter field matches everything. */
export async function listSessions(store: Store, filter: SessionFilter): Promise<SessionSummary[]> {
  return store.rows<SessionSummary>(
    `SELECT ${COLUMNS}
     FROM
     (
         SELECT * FROM sessions FINAL
         WHERE tenant = {tenant:String}
           AND ({user_id:String} = '' OR user_id = {user_id:String})
           AND ({user_role:String} = '' OR user_role = {user_role:String})
           AND ({agent:String} = '' OR agent = {agent:String})
           AND ({server:String} = '' OR has(servers, {server:String}))
           AND ({tool:String} = '' OR has(tools, {tool:String}))
           AND last_time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
           AND first_time <= fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
           AND (toUnixTimestamp64Milli(last_received), session_id) < ({after_ms:Int64}, {after_id:String})
     ) AS s
     LEFT JOIN (${ALERTS}) AS a ON s.session_id = a.session_id
     WHERE a.risk >= {risk_min:UInt8}
     ORDER BY last_received_ms DESC, session_id DESC
     LIMIT {limit:UInt32}`,
    { ...filter },
  );
}

/** One session's summary, or undefined. */
export async function readSession(
  store: Store,
  tenant: string,
  session_id: string,
): Promise<SessionSummary | undefined> {
  const rows = await store.rows<SessionSummary>(
    `SELECT ${COLUMNS}
     FROM (SELECT * FROM sessions FINAL WHERE tenant = {tenant:String} AND session_id = {session_id:String}) AS s
     LEFT JOIN (${ALERTS}) AS a ON s.session_id = a.session_id`,
    { tenant, session_id },
  );
  return rows[0];
}
