/** Rows that are projected from records of the program's own, for comparing them with those records. */
import { type RowReader, streamRows } from '../row_binary.ts';
import type { Store } from '../store.ts';

/** An alert's row with every column, in the order of the table. */
export interface AlertProjection {
  tenant: string;
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

function readAlert(row: RowReader): AlertProjection {
  return {
    tenant: row.string(),
    alert_id: row.string(),
    log: row.string(),
    seq: row.u64(),
    rule_id: row.string(),
    rule_version: row.u32(),
    severity: row.string(),
    risk: row.u8(),
    title: row.string(),
    reason: row.string(),
    session_id: row.string(),
    user_id: row.string(),
    agent: row.string(),
    time_ms: row.i64(),
    raised_at_ms: row.i64(),
    tags: row.strings(),
    evidence: row.string(),
  };
}

/** All alert rows of a log below a size, in the order of their records. */
export function streamAlertRows(store: Store, log: string, size: number): AsyncGenerator<AlertProjection[]> {
  const pieces = store.stream(
    `SELECT toString(tenant), alert_id, toString(log), seq, toString(rule_id), rule_version, toString(severity), risk, title, reason,
            session_id, user_id, toString(agent), time, raised_at, arrayMap(x -> toString(x), tags), evidence
     FROM alerts FINAL
     WHERE log = {log:String} AND seq < {size:UInt64}
     ORDER BY seq, tenant, alert_id`,
    { log, size },
  );
  return streamRows(pieces, readAlert);
}

export interface KeyProjection {
  key_id: string;
  version: number;
  name: string;
  role: string;
  tenant: string;
  sha256: string;
  created_at_ms: number;
  expires_at_ms: number;
  revoked: boolean;
}

function readKey(row: RowReader): KeyProjection {
  return {
    key_id: row.string(),
    version: row.u64(),
    name: row.string(),
    role: row.string(),
    tenant: row.string(),
    sha256: row.fixed(32).toString('hex'),
    created_at_ms: row.i64(),
    expires_at_ms: row.i64(),
    revoked: row.u8() === 1,
  };
}

/** All access keys in their newest version. */
export function streamKeyRows(store: Store): AsyncGenerator<KeyProjection[]> {
  const pieces = store.stream(
    `SELECT key_id, version, name, toString(role), tenant, sha256, created_at, expires_at, revoked
     FROM access_keys FINAL ORDER BY key_id`,
  );
  return streamRows(pieces, readKey);
}
