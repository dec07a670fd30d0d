/** Rows that are projected from records of the program's own, for comparing them with those records. */
import type { AlertActionRow } from '../../alert_action.ts';
import type { SuppressedFindingRow } from '../../suppression.ts';
import { type RowReader, streamRows } from '../row_binary.ts';
import type { Store } from '../store.ts';
import type { AccessKey } from './access_keys.ts';
import type { StoredAlert } from './alerts.ts';

/** An alert's row with every column. */
interface AlertProjection extends StoredAlert {
  tenant: string;
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

function readAction(row: RowReader): AlertActionRow {
  return {
    tenant: row.string(),
    alert_id: row.string(),
    log: row.string(),
    seq: row.u64(),
    action_id: row.string(),
    type: row.string(),
    status: row.string(),
    verdict: row.string(),
    duplicate_of: row.string(),
    note: row.string(),
    actor: row.string(),
    actor_name: row.string(),
    acted_at_ms: row.i64(),
    scope: row.string(),
    reason: row.string(),
    expires_at_ms: row.i64(),
    owner_id: row.string(),
    owner_name: row.string(),
    tags_added: row.strings(),
    tags_removed: row.strings(),
    tags: row.strings(),
  };
}

/** All actions on alerts of a log below a size, in the order of their records. */
export function streamActionRows(store: Store, log: string, size: number): AsyncGenerator<AlertActionRow[]> {
  const pieces = store.stream(
    `SELECT toString(tenant), alert_id, toString(log), seq, action_id, toString(type), toString(status), toString(verdict),
            duplicate_of, note, actor, actor_name, acted_at, scope, reason, expires_at,
            owner_id, owner_name, tags_added, tags_removed, tags
     FROM alert_actions FINAL
     WHERE log = {log:String} AND seq < {size:UInt64}
     ORDER BY seq, tenant, alert_id`,
    { log, size },
  );
  return streamRows(pieces, readAction);
}

function readSuppressed(row: RowReader): SuppressedFindingRow {
  return {
    tenant: row.string(),
    suppression_id: row.string(),
    log: row.string(),
    seq: row.u64(),
    finding_id: row.string(),
    severity: row.string(),
    session_id: row.string(),
    suppressed_at_ms: row.i64(),
  };
}

/** All findings of a log below a size that a suppression held back, in the order of their records. */
export function streamSuppressedRows(store: Store, log: string, size: number): AsyncGenerator<SuppressedFindingRow[]> {
  const pieces = store.stream(
    `SELECT toString(tenant), suppression_id, toString(log), seq, finding_id, toString(severity), session_id, suppressed_at
     FROM suppressed_findings FINAL
     WHERE log = {log:String} AND seq < {size:UInt64}
     ORDER BY seq, tenant, suppression_id`,
    { log, size },
  );
  return streamRows(pieces, readSuppressed);
}

/** A key's row with every column. */
export interface KeyProjection extends AccessKey {
  version: number;
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
