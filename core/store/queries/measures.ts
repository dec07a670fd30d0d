/** What happened in a tenant in a stretch of time, as named numbers: what indicators and controls refer to. */
import type { Store } from '../store.ts';
import { COMMITTED_ALERTS, COMMITTED_EVENTS, readHeads } from './committed.ts';

export interface Period {
  tenant: string;
  log: string;
  /** From this time of arrival up to another, in milliseconds. */
  from_ms: number;
  to_ms: number;
}

export type Measures = Record<string, number>;

const ARRIVED = `received_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')`;
const RAISED = `raised_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND raised_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')`;
/** Between the producer's time and ours, in milliseconds. */
const BEHIND = 'toUnixTimestamp64Milli(received_at) - toUnixTimestamp64Milli(time)';

const EVENTS = `SELECT count() AS "events.total", uniqExact(session_id) AS "sessions.total",
       countIf(type = 'tool.call') AS "events.calls", uniqExactIf(user_id, user_id != '') AS "events.users",
       countIf(user_id = '') AS "events.without_user", countIf(${BEHIND} > 3600000) AS "events.late",
       countIf(${BEHIND} < -60000) AS "events.ahead", countIf(position(what, '"capture"') > 0) AS "events.redacted",
       countIf(type IN ('token.issued', 'token.revoked')) AS "events.token_records",
       uniqExactIf(agent, agent != '') AS "inventory.agents", uniqExactIf(server, server != '') AS "inventory.servers",
       uniqExactIf((server, tool), tool != '') AS "inventory.tools",
       countIf(type = 'policy.decision') AS "policy.decisions",
       countIf(type = 'policy.decision' AND JSONExtractString(what, 'decision', 'action') = 'deny') AS "policy.denied",
       countIf(type = 'approval') AS "approvals.calls",
       countIf(type = 'tool.approval' AND JSONExtractString(detail, 'tool_approval', 'decision') = 'approved') AS "approvals.tools_approved",
       countIf(type = 'tool.approval' AND JSONExtractString(detail, 'tool_approval', 'decision') = 'rejected') AS "approvals.tools_rejected"
     FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND log = {log:String} AND kind = 'event' AND ${ARRIVED}`;

const RECORDS = `SELECT countIf(kind = 'rejected') AS "records.rejected", countIf(kind = 'duplicate') AS "records.duplicate",
       countIf(kind = 'conflict') AS "records.conflict",
       countIf(kind = 'action' AND type = 'key.changed' AND (tenant != '*' OR JSONExtractString(detail, 'tenant') IN ({tenant:String}, '*'))) AS "actions.keys",
       countIf(kind = 'config') AS "actions.config",
       countIf(type IN ('session.read', 'event.read', 'alert.read', 'content.searched', 'rejected.read') AND kind = 'action') AS "actions.reads",
       countIf(type = 'evidence.exported' AND kind = 'action') AS "actions.exports",
       countIf(type = 'access.login' AND kind = 'action') AS "actions.logins",
       uniqExactIf(JSONExtractString(detail, 'alert_id'), kind = 'action' AND type = 'alert.closed') AS "alerts.judged",
       uniqExactIf(JSONExtractString(detail, 'alert_id'), kind = 'action' AND type = 'alert.closed' AND JSONExtractString(detail, 'verdict') = 'false_positive') AS "alerts.false_positives",
       uniqExactIf(JSONExtractString(detail, 'alert_id'), kind = 'action' AND type = 'alert.assigned') AS "alerts.assigned",
       countIf(kind = 'action' AND type = 'subscription.changed') AS "deliveries.subscriptions",
       countIf(kind = 'action' AND type = 'enforcement.requested' AND JSONExtractString(detail, 'command', 'action') = 'suspend') AS "suspensions.requested",
       countIf(kind = 'action' AND type = 'enforcement.applied' AND JSONExtractString(detail, 'command', 'action') = 'suspend') AS "suspensions.applied",
       countIf(kind = 'action' AND type IN ('hold.added', 'evidence.held')) AS "lifecycle.holds",
       countIf(kind = 'action' AND type = 'erasure') AS "lifecycle.erasures",
       countIf(kind = 'action' AND type = 'expiry') AS "lifecycle.expiries"
     FROM ${COMMITTED_EVENTS} AND tenant IN ({tenant:String}, '*') AND log = {log:String} AND kind != 'event' AND ${ARRIVED}`;

const ALERTS = `SELECT count() AS "alerts.raised", uniqExact(session_id) AS "alerts.sessions",
       countIf(severity IN ('high', 'critical')) AS "alerts.high", countIf(has(tags, 'LLM01')) AS "alerts.injection",
       countIf(rule_id IN ('secret_to_other_tool', 'destination_from_result', 'markdown_exfiltration', 'three_systems_joined', 'canary_used')) AS "alerts.exfiltration",
       countIf(rule_id = 'pii_disclosed') AS "alerts.personal_data",
       countIf(rule_id IN ('token_shared', 'token_after_revocation', 'audience_mismatch')) AS "alerts.tokens",
       countIf(rule_id = 'sandbox_escape') AS "alerts.sandbox",
       countIf(rule_id IN ('definition_changed', 'poisoned_description', 'server_binary_changed', 'server_version_rollback', 'server_version_vulnerable', 'tool_shadowing', 'configuration_drift', 'tool_used_before_approval')) AS "alerts.supply_chain"
     FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} AND log = {log:String} AND ${RAISED}`;

const CONTAINED = `SELECT if(count() = 0, NULL, round(quantileExact(0.5)(toUnixTimestamp64Milli(done) - toUnixTimestamp64Milli(asked)) / 1000, 1)) AS "suspensions.median_seconds"
     FROM
     (
         SELECT JSONExtractString(detail, 'command_id') AS command_id, minIf(received_at, type = 'enforcement.requested') AS asked,
                minIf(received_at, type = 'enforcement.applied') AS done,
                countIf(type = 'enforcement.requested') AS requests, countIf(type = 'enforcement.applied') AS answers
         FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND log = {log:String} AND kind = 'action'
           AND type IN ('enforcement.requested', 'enforcement.applied') AND ${ARRIVED}
           AND JSONExtractString(detail, 'command', 'action') = 'suspend'
         GROUP BY command_id
     )
     WHERE requests > 0 AND answers > 0`;

const SIGNED = `SELECT count() AS "checkpoints.signed",
       round(max(gap_ms) / 1000, 1) AS "checkpoints.longest_gap_seconds"
     FROM
     (
         SELECT signed_at, size, toUnixTimestamp64Milli(signed_at) - lagInFrame(toUnixTimestamp64Milli(signed_at), 1, toUnixTimestamp64Milli(signed_at)) OVER (ORDER BY size ASC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS gap_ms
         FROM checkpoints FINAL
         WHERE log = {log:String} AND signed_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND signed_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
           AND {tenant:String} != ''
     )`;

const EDGES = `SELECT count() AS "lineage.edges" FROM v_edges
     WHERE tenant = {tenant:String} AND log = {log:String} AND to_seq IN
       (SELECT seq FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND log = {log:String} AND kind = 'event' AND type = 'tool.call' AND ${ARRIVED})`;

const SOURCES = `SELECT uniqExact(source) AS "inventory.data_sources" FROM
     (
         SELECT arrayJoin(JSONExtractArrayRaw(what, 'data_sources')) AS source
         FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND log = {log:String} AND kind = 'event' AND ${ARRIVED}
           AND position(what, '"data_sources"') > 0
     )`;

const AGE = `SELECT round((toInt64({to_ms:Int64}) - toUnixTimestamp64Milli(min(received_at))) / 86400000, 1) AS "log.age_days"
     FROM ${COMMITTED_EVENTS} AND tenant IN ({tenant:String}, '*') AND log = {log:String}`;

/** The statements that measures are made of, for who wants to know or to repeat them. */
export const MEASURE_QUERIES: Readonly<Record<string, string>> = {
  events: EVENTS,
  records: RECORDS,
  alerts: ALERTS,
  contained: CONTAINED,
  signed: SIGNED,
  edges: EDGES,
  sources: SOURCES,
  age: AGE,
};

/** All measures of a period. One that nothing was counted for is 0; a median of nothing is absent. */
export async function readMeasures(store: Store, period: Period): Promise<Measures> {
  const params = { ...period, ...(await readHeads(store)) };
  const found: Measures = {};
  for (const sql of Object.values(MEASURE_QUERIES)) {
    const [row = {}] = await store.rows<Record<string, number | null>>(sql, params);
    for (const [name, value] of Object.entries(row)) {
      const number = value === null ? Number.NaN : Number(value);
      if (Number.isFinite(number)) found[name] = number;
    }
  }
  return found;
}

/** What agents used, by how often. */
export interface InventoryRow {
  kind: 'agent' | 'server' | 'tool';
  name: string;
  events: number;
  sessions: number;
  first_ms: number;
  last_ms: number;
}

/** Agents, servers and tools of a period, those that were used most first. */
export async function readInventory(store: Store, period: Period, limit: number): Promise<InventoryRow[]> {
  return store.rows<InventoryRow>(
    `SELECT used_kind AS kind, used_name AS name, count() AS events, uniqExact(session_id) AS sessions,
            toUnixTimestamp64Milli(min(time)) AS first_ms, toUnixTimestamp64Milli(max(time)) AS last_ms
     FROM
     (
         SELECT session_id, time, arrayJoin([('agent', toString(agent)), ('server', toString(server)),
                ('tool', if(tool = '', '', concat(toString(server), ' ', toString(tool))))]) AS used, used.1 AS used_kind, used.2 AS used_name
         FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND log = {log:String} AND kind = 'event' AND ${ARRIVED}
     )
     WHERE used_name != ''
     GROUP BY used_kind, used_name
     ORDER BY kind, events DESC, name
     LIMIT {limit:UInt32}`,
    { ...period, limit, ...(await readHeads(store)) },
  );
}
