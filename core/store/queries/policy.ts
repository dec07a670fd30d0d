/** What a role, or one user, did with tools in a stretch of time: what a policy is suggested from, and tried on. */
import { type RowReader, streamRows } from '../row_binary.ts';
import type { Store } from '../store.ts';
import { COMMITTED_ALERTS, COMMITTED_CONTENT, COMMITTED_EVENTS, readHeads } from './committed.ts';

/** Calls of one tenant by the times of their producers. An empty role or user stands for all of them. */
export interface CallScope {
  tenant: string;
  role: string;
  user: string;
  from_ms: number;
  to_ms: number;
}

/** A tool of a server, as two lists that stand beside each other. */
export interface ToolPairs {
  servers: readonly string[];
  tools: readonly string[];
}

/** Which events of the tenant are looked at. */
const CALL = `kind = 'event' AND type = 'tool.call'
       AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
       AND ({role:String} = '' OR user_role = {role:String}) AND ({user:String} = '' OR user_id = {user:String})`;

/** Sessions with an alert that nobody found harmless: what happened there is no evidence of a need. */
const ALERTED = `SELECT a.session_id FROM (SELECT alert_id, session_id FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} AND session_id != '') AS a
       LEFT JOIN
       (
           SELECT alert_id, argMaxIf(toString(status), seq, status != '') AS last_status, argMaxIf(toString(verdict), seq, status != '') AS last_verdict
           FROM v_alert_actions WHERE tenant = {tenant:String} GROUP BY alert_id
       ) AS x ON a.alert_id = x.alert_id
       WHERE x.last_status != 'closed' OR x.last_verdict NOT IN ('false_positive', 'benign', 'test')`;

const PAIRS = 'SELECT arrayJoin(arrayZip({servers:Array(String)}, {tools:Array(String)}))';

/** What was counted of some calls. */
export interface CallCounts {
  calls: number;
  sessions: number;
  users: number;
  first_ms: number;
  last_ms: number;
  example: string;
}

export interface UsedTool extends CallCounts {
  server: string;
  tool: string;
  /** With those in sessions with alerts, which the other numbers leave out. */
  all_calls: number;
  /** One of all calls. */
  any_example: string;
}

/** Each tool that was called, by server and name. */
export async function readUsedTools(store: Store, scope: CallScope, limit: number): Promise<UsedTool[]> {
  return store.rows<UsedTool>(
    `SELECT server, tool, count() AS all_calls, countIf(alerted = 0) AS calls, uniqExactIf(session_id, alerted = 0) AS sessions,
            uniqExactIf(user_id, alerted = 0 AND user_id != '') AS users,
            toUnixTimestamp64Milli(minIf(time, alerted = 0)) AS first_ms, toUnixTimestamp64Milli(maxIf(time, alerted = 0)) AS last_ms,
            argMaxIf(event_id, seq, alerted = 0) AS example, argMax(event_id, seq) AS any_example
     FROM
     (
         SELECT toString(server) AS server, toString(tool) AS tool, session_id, user_id, time, event_id, seq,
                session_id IN (${ALERTED}) AS alerted
         FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND ${CALL}
     )
     GROUP BY server, tool
     ORDER BY server, tool
     LIMIT {limit:UInt32}`,
    { ...scope, limit, ...(await readHeads(store)) },
  );
}

export interface CallTotals {
  calls: number;
  sessions: number;
  users: number;
  alerted_calls: number;
  alerted_sessions: number;
}

/** All calls, and those of them in sessions with alerts. */
export async function readCallTotals(store: Store, scope: CallScope): Promise<CallTotals> {
  const rows = await store.rows<CallTotals>(
    `SELECT count() AS calls, uniqExact(session_id) AS sessions, uniqExactIf(user_id, user_id != '') AS users,
            countIf(alerted) AS alerted_calls, uniqExactIf(session_id, alerted) AS alerted_sessions
     FROM (SELECT session_id, user_id, session_id IN (${ALERTED}) AS alerted FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND ${CALL})`,
    { ...scope, ...(await readHeads(store)) },
  );
  return rows[0] as CallTotals;
}

/** The newest calls of some tools. */
const NEWEST = `${COMMITTED_EVENTS} AND tenant = {tenant:String} AND ${CALL} AND (toString(server), toString(tool)) IN (${PAIRS}) ORDER BY time DESC, seq DESC LIMIT {limit:UInt32}`;

/** A call with its parameters as canonical JSON; empty where they were never sent, or are gone. */
export interface CallRow {
  event_id: string;
  session_id: string;
  user_id: string;
  server: string;
  tool: string;
  time_ms: number;
  alerted: boolean;
  params: string;
}

/** The newest calls of some tools, with what was passed to them. */
export async function* streamCalls(
  store: Store,
  scope: CallScope & ToolPairs,
  limit: number,
): AsyncGenerator<CallRow[]> {
  yield* streamRows(
    store.stream(
      `SELECT e.event_id, e.session_id, e.user_id, e.server, e.tool, e.time_ms, e.alerted, x.params
       FROM
       (
           SELECT event_id, session_id, user_id, toString(server) AS server, toString(tool) AS tool, toString(log) AS log, seq,
                  toUnixTimestamp64Milli(time) AS time_ms, session_id IN (${ALERTED}) AS alerted
           FROM ${NEWEST}
       ) AS e
       LEFT JOIN
       (
           SELECT session_id, toString(log) AS log, seq, params
           FROM ${COMMITTED_CONTENT} AND tenant = {tenant:String} AND (session_id, toString(log), seq) IN (SELECT session_id, toString(log), seq FROM ${NEWEST})
       ) AS x ON e.session_id = x.session_id AND e.log = x.log AND e.seq = x.seq
       ORDER BY e.time_ms DESC, e.seq DESC`,
      { ...scope, limit, ...(await readHeads(store)) },
    ),
    (row: RowReader): CallRow => ({
      event_id: row.string(),
      session_id: row.string(),
      user_id: row.string(),
      server: row.string(),
      tool: row.string(),
      time_ms: row.i64(),
      alerted: row.u8() === 1,
      params: row.string(),
    }),
  );
}

/** Calls of a tool that a policy does not name. */
export interface UnnamedTool {
  server: string;
  tool: string;
  calls: number;
  alerted_calls: number;
  users: number;
  sessions: number;
  examples: string[];
}

export interface UserCalls {
  user_id: string;
  calls: number;
  /** Of tools that the policy does not name. */
  unnamed: number;
}

export interface UnnamedTotals {
  calls: number;
  unnamed: number;
  unnamed_alerted: number;
}

/** Of the tools that are not among the pairs: calls by tool, and of each user, those with most of them first. */
export async function readUnnamedCalls(
  store: Store,
  scope: CallScope & ToolPairs,
  limit: number,
): Promise<{ tools: UnnamedTool[]; users: UserCalls[]; totals: UnnamedTotals }> {
  const params = { ...scope, limit, ...(await readHeads(store)) };
  const tools = await store.rows<UnnamedTool>(
    `SELECT server, tool, count() AS calls, countIf(alerted) AS alerted_calls, uniqExactIf(user_id, user_id != '') AS users,
            uniqExact(session_id) AS sessions, arrayMap(each -> each.2, groupArraySorted(5)((-toInt64(seq), event_id))) AS examples
     FROM
     (
         SELECT toString(server) AS server, toString(tool) AS tool, session_id, user_id, event_id, seq, session_id IN (${ALERTED}) AS alerted
         FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND ${CALL}
     )
     WHERE (server, tool) NOT IN (${PAIRS})
     GROUP BY server, tool
     ORDER BY calls DESC, server, tool
     LIMIT {limit:UInt32}`,
    params,
  );
  const users = await store.rows<UserCalls>(
    `SELECT user_id, count() AS calls, countIf((toString(server), toString(tool)) NOT IN (${PAIRS})) AS unnamed
     FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND ${CALL} GROUP BY user_id ORDER BY unnamed DESC, calls DESC, user_id LIMIT {limit:UInt32}`,
    params,
  );
  const totals = await store.rows<UnnamedTotals>(
    `SELECT count() AS calls, countIf(NOT is_named) AS unnamed, countIf(NOT is_named AND session_id IN (${ALERTED})) AS unnamed_alerted
     FROM (SELECT session_id, (toString(server), toString(tool)) IN (${PAIRS}) AS is_named FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND ${CALL})`,
    params,
  );
  return { tools, users, totals: totals[0] as UnnamedTotals };
}

/** The newest calls of tools that are not among the pairs, without what was passed to them. */
export async function readUnnamedEvents(
  store: Store,
  scope: CallScope & ToolPairs,
  limit: number,
): Promise<Omit<CallRow, 'params'>[]> {
  const rows = await store.rows<Omit<CallRow, 'params' | 'alerted'> & { is_alerted: number }>(
    `SELECT event_id, session_id, user_id, toString(server) AS server, toString(tool) AS tool,
            toUnixTimestamp64Milli(time) AS time_ms, session_id IN (${ALERTED}) AS is_alerted
     FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND ${CALL} AND (toString(server), toString(tool)) NOT IN (${PAIRS})
     ORDER BY time DESC, seq DESC LIMIT {limit:UInt32}`,
    { ...scope, limit, ...(await readHeads(store)) },
  );
  return rows.map(({ is_alerted, ...row }) => ({ ...row, alerted: is_alerted === 1 }));
}
