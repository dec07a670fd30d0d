/** What happened in a stretch of time, counted: the numbers of the overview. */
import type { QueryParams } from '../bind.ts';
import type { Store } from '../store.ts';
import { RISK_SUM } from './alerts.ts';
import { COMMITTED_ALERTS, COMMITTED_EVENTS, readHeads } from './committed.ts';

export interface OverviewScope {
  tenant: string;
  from_ms: number;
  to_ms: number;
  /** Of one bar of the histogram. */
  bucket_ms: number;
  /** Of each list of the riskiest. */
  top: number;
}

/** Alerts of one severity in one bucket. */
export interface AlertBucket {
  from_ms: number;
  severity: string;
  alerts: number;
}

/** A user, an agent or a server with what was found in its sessions. */
export interface Risky {
  name: string;
  alerts: number;
  /** The highest of its sessions, 0 to 100. */
  risk: number;
  sessions: number;
}

/** How much of what agents do is seen. */
export interface Coverage {
  sessions: number;
  without_user: number;
  without_prompt: number;
  /** Whose id was derived from the time between events. */
  derived_session: number;
  without_calls: number;
}

export interface Indicators {
  /** Alerts tagged as prompt injection, OWASP LLM01. */
  injection_attempts: number;
  /** Alerts tagged as tool misuse, OWASP ASI02. */
  tool_misuse: number;
  /** Decisions of policy points that denied. */
  denied_by_policy: number;
  /** Secrets that went from a result into a call, by the server that gave them. */
  secrets_moved: { server: string; secrets: number }[];
}

export interface OverviewCounts {
  buckets: AlertBucket[];
  users: Risky[];
  agents: Risky[];
  servers: Risky[];
  coverage: Coverage;
  indicators: Indicators;
}

const IN_TIME = `time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')`;
const ACTIVE = `last_time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND first_time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')`;
/** Risk of each session from its alerts, see `SessionSummary`. */
const BY_SESSION = `SELECT session_id, toUInt8(round(100 * (1 - exp(${RISK_SUM})))) AS risk, count() AS alerts
       FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} AND ${IN_TIME} GROUP BY session_id`;
const TOTALS = `sum(a.alerts) AS alerts, max(a.risk) AS risk, count() AS sessions`;
const ORDER = `GROUP BY name ORDER BY risk DESC, alerts DESC, name LIMIT {top:UInt32}`;

const BUCKETS = `SELECT toInt64({from_ms:Int64} + intDiv(toUnixTimestamp64Milli(time) - {from_ms:Int64}, {bucket_ms:Int64}) * {bucket_ms:Int64}) AS from_ms,
       toString(severity) AS severity, count() AS alerts
     FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} AND ${IN_TIME} GROUP BY from_ms, severity ORDER BY from_ms, severity`;
const USERS = `SELECT s.user_id AS name, ${TOTALS} FROM (SELECT session_id, user_id FROM sessions FINAL WHERE tenant = {tenant:String} AND ${ACTIVE}) AS s
     INNER JOIN (${BY_SESSION}) AS a ON s.session_id = a.session_id ${ORDER}`;
const AGENTS = `SELECT toString(s.agent) AS name, ${TOTALS} FROM (SELECT session_id, agent FROM sessions FINAL WHERE tenant = {tenant:String} AND ${ACTIVE}) AS s
     INNER JOIN (${BY_SESSION}) AS a ON s.session_id = a.session_id ${ORDER}`;
const SERVERS = `SELECT toString(s.server) AS name, ${TOTALS} FROM (SELECT session_id, arrayJoin(servers) AS server FROM sessions FINAL WHERE tenant = {tenant:String} AND ${ACTIVE}) AS s
     INNER JOIN (${BY_SESSION}) AS a ON s.session_id = a.session_id ${ORDER}`;
const COVERAGE = `SELECT count() AS sessions, countIf(user_id = '') AS without_user, countIf(prompts = 0) AS without_prompt,
       countIf(session_source = 'gap') AS derived_session, countIf(calls = 0) AS without_calls
     FROM sessions FINAL WHERE tenant = {tenant:String} AND ${ACTIVE}`;
const TAGGED = `SELECT countIf(has(tags, 'LLM01')) AS injection_attempts, countIf(has(tags, 'ASI02')) AS tool_misuse
     FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} AND ${IN_TIME}`;
const DENIED = `SELECT countIf(JSONExtractString(what, 'decision', 'action') = 'deny') AS denied_by_policy
     FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND type = 'policy.decision' AND ${IN_TIME}`;
const SECRETS = `SELECT toString(from_server) AS server, uniqExact(digest) AS secrets FROM v_edges
     WHERE tenant = {tenant:String} AND kind = 'secret' AND session_id IN (SELECT session_id FROM sessions FINAL WHERE tenant = {tenant:String} AND ${ACTIVE})
     GROUP BY server ORDER BY secrets DESC, server LIMIT {top:UInt32}`;

/** When the first session of a tenant began; undefined without sessions. */
export async function readFirstTime(store: Store, tenant: string): Promise<number | undefined> {
  const rows = await store.rows<{ first_ms: number }>(
    'SELECT toUnixTimestamp64Milli(min(first_time)) AS first_ms FROM sessions FINAL WHERE tenant = {tenant:String} HAVING count() > 0',
    { tenant },
  );
  return rows[0]?.first_ms;
}

/** Counts what happened from one time up to another. Each list has at most `top` entries, the riskiest first. */
export async function readOverview(store: Store, scope: OverviewScope): Promise<OverviewCounts> {
  const params = { ...scope, ...(await readHeads(store)) };
  const rows = <T>(sql: string) => store.rows<T>(sql, params);
  const [buckets, users, agents, servers, coverage, indicators] = await Promise.all([
    rows<AlertBucket>(BUCKETS),
    rows<Risky>(USERS),
    rows<Risky>(AGENTS),
    rows<Risky>(SERVERS),
    rows<Coverage>(COVERAGE),
    readIndicators(store, params),
  ]);
  return { buckets, users, agents, servers, coverage: coverage[0] as Coverage, indicators };
}

async function readIndicators(store: Store, params: QueryParams): Promise<Indicators> {
  const [tagged, denied, secrets_moved] = await Promise.all([
    store.rows<Pick<Indicators, 'injection_attempts' | 'tool_misuse'>>(TAGGED, params),
    store.rows<Pick<Indicators, 'denied_by_policy'>>(DENIED, params),
    store.rows<{ server: string; secrets: number }>(SECRETS, params),
  ]);
  return { ...(tagged[0] as (typeof tagged)[0]), ...(denied[0] as (typeof denied)[0]), secrets_moved };
}
