/**
 * The risk of sessions, users, agents and servers as of a moment, added up from what is stored of them: alerts, signals
 * and what people said of the alerts. Computed when it is asked for.
 *
 * What was found weighs risk 2^(-age / half-life), and nothing once it was closed as harmless or as a duplicate. A rule
 * counts once in a session, with its greatest; for one user, agent or server its sessions count 1/n^1.5, the gravest
 * first, so that a rule that is often a little wrong ends below 2.7 times its risk. Rules are independent evidence:
 * 100 (1 - product of (1 - points/100)), as for the risk of a session.
 */
import type { Store } from '../store.ts';
import { COMMITTED_ALERTS, COMMITTED_EVENTS, readHeads } from './committed.ts';

export const RISK_KINDS = ['user', 'agent', 'server', 'session'] as const;
export type RiskKind = (typeof RISK_KINDS)[number];

export interface RiskScope {
  [param: string]: string | number;
  tenant: string;
  kind: RiskKind;
  /** What came to light between these counts. */
  from_ms: number;
  at_ms: number;
  half_life_ms: number;
}

const IN_TIME = `time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND time <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')`;

/** Alerts with what people last said of them, and signals. */
const FOUND = `SELECT a.tenant AS tenant, 'alert' AS source, a.id AS id, a.session_id AS session_id, a.user_id AS user_id, a.agent AS agent,
         a.rule_id AS rule_id, a.severity AS severity, a.risk AS risk, a.title AS title, a.time_ms AS time_ms, a.evidence AS evidence,
         if(x.last_status = '', 'new', x.last_status) AS status, if(x.last_status = 'closed', x.last_verdict, '') AS verdict
       FROM
       (
           SELECT toString(tenant) AS tenant, alert_id AS id, session_id, user_id, toString(agent) AS agent, toString(rule_id) AS rule_id,
                  toString(severity) AS severity, toFloat64(risk) AS risk, title, toUnixTimestamp64Milli(time) AS time_ms, evidence
           FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} AND ${IN_TIME}
       ) AS a
       LEFT JOIN
       (
           SELECT alert_id, argMaxIf(toString(status), seq, status != '') AS last_status, argMaxIf(toString(verdict), seq, status != '') AS last_verdict
           FROM v_alert_actions WHERE tenant = {tenant:String} GROUP BY alert_id
       ) AS x ON a.id = x.alert_id
       UNION ALL
       SELECT toString(tenant), 'signal', finding_id, session_id, user_id, toString(agent), toString(rule_id), toString(severity),
              toFloat64(risk), title, toUnixTimestamp64Milli(time), evidence, '', ''
       FROM v_signals WHERE tenant = {tenant:String} AND ${IN_TIME}`;

/** The events that prove findings, where servers are asked for. */
const PLACES = `SELECT id, arrayJoin(JSONExtract(evidence, 'Array(Tuple(log String, seq UInt64))')) AS place
       FROM (${FOUND}) WHERE {kind:String} = 'server' AND tenant = {tenant:String}`;
const SERVERS = `SELECT DISTINCT p.id AS id, e.server AS server
       FROM (${PLACES}) AS p
       INNER JOIN
       (
           SELECT toString(log) AS log, seq, toString(server) AS server
           FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND server != '' AND seq IN (SELECT place.2 FROM (${PLACES}))
       ) AS e ON p.place.1 = e.log AND p.place.2 = e.seq`;

/** Each finding beside whom it speaks of. One that several servers took part in speaks of each of them. */
const OF_KIND = `SELECT f.*, multiIf({kind:String} = 'server', s.server, {kind:String} = 'user', f.user_id, {kind:String} = 'agent', f.agent, f.session_id) AS entity
       FROM (${FOUND}) AS f LEFT JOIN (${SERVERS}) AS s ON f.id = s.id
       WHERE f.tenant = {tenant:String} AND entity != '' AND ({entity:String} = '' OR entity = {entity:String})`;

/** With its weight, its place among the findings of its rule and session, and that session's place among others. */
const WEIGHED = `SELECT *, exp2(-({at_ms:Int64} - time_ms) / {half_life_ms:Float64}) AS decay,
         if(verdict IN ('false_positive', 'benign', 'test', 'duplicate'), 0, risk * decay) AS weighed,
         row_number() OVER (PARTITION BY entity, rule_id, session_id ORDER BY weighed DESC, id) AS of_session
       FROM (${OF_KIND}) WHERE tenant = {tenant:String}`;
const POINTS = `SELECT *, row_number() OVER (PARTITION BY entity, rule_id, of_session = 1 ORDER BY weighed DESC, id) AS nth,
         if(of_session = 1, weighed / pow(nth, 1.5), 0) AS points
       FROM (${WEIGHED}) WHERE tenant = {tenant:String}`;

export interface RiskRow {
  id: string;
  /** 0 to 100. */
  risk: number;
  alerts: number;
  open_alerts: number;
  signals: number;
  rules: number;
  sessions: number;
  last_ms: number;
}

/** Those with a risk, the greatest first; with an entity, that one alone. */
export async function readRisks(store: Store, scope: RiskScope, limit: number, entity = ''): Promise<RiskRow[]> {
  return store.rows<RiskRow>(
    `SELECT entity AS id, round(100 * (1 - exp(sum(log(1 - points / 100)))), 1) AS risk, countIf(source = 'alert') AS alerts,
            countIf(source = 'alert' AND status != 'closed') AS open_alerts, countIf(source = 'signal') AS signals,
            uniqExact(rule_id) AS rules, uniqExact(session_id) AS sessions, max(time_ms) AS last_ms
     FROM (${POINTS})
     WHERE tenant = {tenant:String}
     GROUP BY entity
     ORDER BY risk DESC, last_ms DESC, entity
     LIMIT {limit:UInt32}`,
    { ...scope, limit, entity, ...(await readHeads(store)) },
  );
}

export interface RiskContribution {
  source: 'alert' | 'signal';
  id: string;
  rule_id: string;
  severity: string;
  title: string;
  session_id: string;
  user_id: string;
  time_ms: number;
  /** As it was found. */
  risk: number;
  /** 0 to 1, for its age. */
  decay: number;
  /** Of an alert; empty for a signal. */
  status: string;
  verdict: string;
  /** Which session of its rule it counts for, the gravest first; 0 where another finding of the rule counts for its session. */
  nth: number;
  points: number;
}

/** What adds up to the risk of one, what adds most first. */
export async function readRiskContributions(
  store: Store,
  scope: RiskScope,
  entity: string,
  limit: number,
): Promise<RiskContribution[]> {
  return store.rows<RiskContribution>(
    `SELECT source, id, rule_id, severity, title, session_id, user_id, time_ms, risk, round(decay, 4) AS decay, status, verdict,
            if(of_session = 1, nth, 0) AS nth, round(points, 2) AS points
     FROM (${POINTS}) AS p
     WHERE p.tenant = {tenant:String}
     ORDER BY p.points DESC, time_ms DESC, id
     LIMIT {limit:UInt32}`,
    { ...scope, limit, entity, ...(await readHeads(store)) },
  );
}
