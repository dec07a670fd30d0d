/** The program's own records as they were committed: what people and programs did, and alerts by their ids. */
import { type Fields, groupFields } from '../../groups.ts';
import type { Store } from '../store.ts';
import type { StoredAlert } from './alerts.ts';
import { COMMITTED_ALERTS, COMMITTED_EVENTS, readHeads } from './committed.ts';

/** A record of kind `action`, with what it says. */
export interface ActionRecordRow {
  tenant: string;
  session_id: string;
  seq: number;
  type: string;
  event_id: string;
  user_id: string;
  received_at_ms: number;
  detail: Fields;
}

type RawRow = Omit<ActionRecordRow, 'detail'> & { detail: string };

const withDetail = (rows: readonly RawRow[]): ActionRecordRow[] =>
  rows.map((row) => ({ ...row, detail: groupFields(row.detail) }));

const COLUMNS = `toString(tenant) AS tenant, session_id, seq, toString(type) AS type, event_id, user_id,
            toUnixTimestamp64Milli(received_at) AS received_at_ms, detail`;

/** Records of kind `action` and these types in [from, to), in the order of the log. */
export async function readActions(
  store: Store,
  of: { log: string; types: readonly string[]; from: number; to: number; limit: number },
): Promise<ActionRecordRow[]> {
  const rows = await store.rows<RawRow>(
    `SELECT ${COLUMNS}
     FROM ${COMMITTED_EVENTS} AND kind = 'action' AND log = {log:String} AND type IN {types:Array(String)}
       AND seq >= {from:UInt64} AND seq < {to:UInt64}
     ORDER BY seq
     LIMIT {limit:UInt32}`,
    { ...of, ...(await readHeads(store)) },
  );
  return withDetail(rows);
}

const ALERT_COLUMNS = `toString(tenant) AS tenant, alert_id, toString(log) AS log, seq, toString(rule_id) AS rule_id, rule_version,
            toString(severity) AS severity, risk, title, reason, session_id, user_id, toString(agent) AS agent,
            toUnixTimestamp64Milli(time) AS time_ms, toUnixTimestamp64Milli(raised_at) AS raised_at_ms, tags, evidence`;

export type TenantAlert = StoredAlert & { tenant: string };

/** Alerts of all tenants in [from, to), in the order of the log. */
export async function readAlertsBetween(
  store: Store,
  of: { log: string; from: number; to: number; limit: number },
): Promise<TenantAlert[]> {
  return store.rows<TenantAlert>(
    `SELECT ${ALERT_COLUMNS}
     FROM ${COMMITTED_ALERTS} AND log = {log:String} AND seq >= {from:UInt64} AND seq < {to:UInt64}
     ORDER BY seq
     LIMIT {limit:UInt32}`,
    { ...of, ...(await readHeads(store)) },
  );
}

/** Alerts of one tenant by their ids. */
export async function readAlertsById(
  store: Store,
  of: { tenant: string; alert_ids: readonly string[] },
): Promise<TenantAlert[]> {
  return store.rows<TenantAlert>(
    `SELECT ${ALERT_COLUMNS} FROM ${COMMITTED_ALERTS} AND tenant = {tenant:String} AND alert_id IN {alert_ids:Array(String)}`,
    { ...of, ...(await readHeads(store)) },
  );
}

/** Actions of one tenant by the sessions that they are about and their places in the log. */
export async function readActionsAt(
  store: Store,
  of: { tenant: string; log: string; session_ids: readonly string[]; seqs: readonly number[] },
): Promise<ActionRecordRow[]> {
  const rows = await store.rows<RawRow>(
    `SELECT ${COLUMNS}
     FROM ${COMMITTED_EVENTS} AND kind = 'action' AND tenant = {tenant:String} AND log = {log:String}
       AND session_id IN {session_ids:Array(String)} AND seq IN {seqs:Array(UInt64)}`,
    { ...of, ...(await readHeads(store)) },
  );
  return withDetail(rows);
}

/** The last records of one tenant of kind `action` and these types, newest first. */
export async function readLastActions(
  store: Store,
  of: { log: string; tenant: string; types: readonly string[]; limit: number },
): Promise<(ActionRecordRow & { actor: string })[]> {
  const rows = await store.rows<RawRow & { actor: string }>(
    `SELECT ${COLUMNS}, JSONExtractString(who, 'accepted_by') AS actor
     FROM ${COMMITTED_EVENTS} AND kind = 'action' AND tenant = {tenant:String} AND log = {log:String} AND type IN {types:Array(String)}
     ORDER BY seq DESC
     LIMIT {limit:UInt32}`,
    { ...of, ...(await readHeads(store)) },
  );
  return rows.map((row) => ({ ...row, detail: groupFields(row.detail) }));
}
