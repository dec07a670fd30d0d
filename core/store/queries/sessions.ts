/** Sessions as lists and pages show them. */
import { ANYTHING, type Condition } from '../../query/compile.ts';
import { RowReader } from '../row_binary.ts';
import type { Store } from '../store.ts';
import { RISK_SUM, readSessionAlerts, type SessionAlerts } from './alerts.ts';
import { BY_KEY, COMMITTED_ALERTS, readHeads } from './committed.ts';

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
  /** A query over the list's rows `s` and what their alerts amount to, `a`. */
  matching?: Condition | undefined;
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

const COLUMNS = `session_id, session_source, user_id, user_role, agent, client, servers, tools, events, calls, errors, prompts,
            toUnixTimestamp64Milli(first_time) AS first_time_ms, toUnixTimestamp64Milli(last_time) AS last_time_ms,
            toUnixTimestamp64Milli(last_received) AS last_received_ms`;
/** The same for one session, whose id is known, with nothing to compute. */
const STORED_COLUMNS = `session_source, user_id, user_role, agent, client, servers, tools, events, calls, errors, prompts,
            first_time, last_time, last_received`;
const ALERTS = `SELECT session_id, toUInt8(round(100 * (1 - exp(${RISK_SUM})))) AS risk, count() AS alerts
            FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} GROUP BY session_id`;

/** Sessions of a tenant, the one that moved last first. An empty filter field matches everything. */
export async function listSessions(store: Store, filter: SessionFilter): Promise<SessionSummary[]> {
  const { matching = ANYTHING, ...bound } = filter;
  return store.rows<SessionSummary>(
    `SELECT s.*, a.risk AS risk, a.alerts AS alerts
     FROM
     (
         SELECT ${COLUMNS} FROM sessions FINAL
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
     WHERE a.risk >= {risk_min:UInt8} AND ${matching.sql}
     ORDER BY last_received_ms DESC, session_id DESC
     LIMIT {limit:UInt32}`,
    { ...bound, ...matching.params, ...(await readHeads(store)) },
  );
}

/** One session's summary, or undefined. */
export async function readSession(
  store: Store,
  tenant: string,
  session_id: string,
): Promise<SessionSummary | undefined> {
  return (await readSessionStory(store, tenant, session_id, 1))?.session;
}

/** One session's summary with its newest alerts, or undefined. */
export async function readSessionStory(
  store: Store,
  tenant: string,
  session_id: string,
  alerts_max: number,
): Promise<{ session: SessionSummary; alerts: SessionAlerts['newest'] } | undefined> {
  const [bytes, alerts] = await Promise.all([
    store.binary(
      `SELECT ${STORED_COLUMNS}
       FROM sessions FINAL WHERE tenant = {tenant:String} AND session_id = {session_id:String} ${BY_KEY}`,
      { tenant, session_id },
      { bounded: true },
    ),
    readSessionAlerts(store, tenant, session_id, alerts_max),
  ]);
  if (bytes.length === 0) return undefined;
  const session = { session_id, ...readSummary(new RowReader(bytes)), risk: alerts.risk, alerts: alerts.count };
  return { session, alerts: alerts.newest };
}

/** The log in which a session's events stand, or undefined. */
export async function readSessionLog(store: Store, tenant: string, session_id: string): Promise<string | undefined> {
  const [row] = await store.rows<{ log: string }>(
    `SELECT log FROM sessions FINAL WHERE tenant = {tenant:String} AND session_id = {session_id:String}
     ORDER BY events DESC LIMIT 1`,
    { tenant, session_id },
  );
  return row?.log;
}

const USERS_AT_ONCE = 250;

/** Whose sessions they are; '' where that is not known. */
export async function readSessionUsers(
  store: Store,
  sessions: readonly { tenant: string; session_id: string }[],
): Promise<(of: { tenant: string; session_id: string }) => string> {
  const users = new Map<string, string>();
  for (const tenant of new Set(sessions.map((each) => each.tenant))) {
    const own = sessions.filter((each) => each.tenant === tenant);
    const ids = [...new Set(own.map(({ session_id }) => session_id))];
    for (let from = 0; from < ids.length; from += USERS_AT_ONCE) {
      const rows = await store.rows<{ session_id: string; user_id: string }>(
        `SELECT session_id, user_id FROM sessions FINAL
         WHERE tenant = {tenant:String} AND session_id IN {session_ids:Array(String)}`,
        { tenant, session_ids: ids.slice(from, from + USERS_AT_ONCE) },
      );
      for (const { session_id, user_id } of rows) users.set(`${tenant}\0${session_id}`, user_id);
    }
  }
  return ({ tenant, session_id }) => users.get(`${tenant}\0${session_id}`) ?? '';
}

function readSummary(row: RowReader) {
  return {
    session_source: row.string(),
    user_id: row.string(),
    user_role: row.string(),
    agent: row.string(),
    client: row.string(),
    servers: row.strings(),
    tools: row.strings(),
    events: row.u32(),
    calls: row.u32(),
    errors: row.u32(),
    prompts: row.u32(),
    first_time_ms: row.i64(),
    last_time_ms: row.i64(),
    last_received_ms: row.i64(),
  };
}
