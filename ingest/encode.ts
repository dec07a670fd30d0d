/** Encodes a sequenced batch as rows of the store's tables. Pure but for the writers that it fills. */
import { Buffer } from 'node:buffer';
import { SEVERITY_RISK, type Severity } from '../core/alert.ts';
import { type AlertActionRow, alertActionRow, isAlertAction } from '../core/alert_action.ts';
import { groupFields } from '../core/groups.ts';
import { canonicalJson } from '../core/json/canonical.ts';
import type { SessionState } from '../core/session.ts';
import type { AccessKey } from '../core/store/queries/access_keys.ts';
import { RowWriter } from '../core/store/row_binary.ts';
import { SUPPRESSED_FINDING, type SuppressedFindingRow, suppressedFindingRow } from '../core/suppression.ts';
import type { SequencedRecord } from './record.ts';
import type { SequencedBatch, TreeNode } from './sequencer.ts';

/** The rows of one batch, a writer a table. Reused from batch to batch. */
export interface BatchRows {
  leaves: RowWriter;
  events: RowWriter;
  content: RowWriter;
  sessions: RowWriter;
  nodes: RowWriter;
  alerts: RowWriter;
  alert_actions: RowWriter;
  suppressed_findings: RowWriter;
  access_keys: RowWriter;
}

/** The tables of a batch. Whatever part of them a crash leaves behind lies above the head and is removed. */
export const BATCH_TABLES = [
  'events',
  'content',
  'sessions',
  'nodes',
  'alerts',
  'alert_actions',
  'suppressed_findings',
  'access_keys',
  'leaves',
] as const;

export function newBatchRows(): BatchRows {
  return {
    leaves: new RowWriter(),
    events: new RowWriter(1 << 22),
    content: new RowWriter(1 << 23),
    sessions: new RowWriter(),
    nodes: new RowWriter(4096),
    alerts: new RowWriter(4096),
    alert_actions: new RowWriter(4096),
    suppressed_findings: new RowWriter(4096),
    access_keys: new RowWriter(4096),
  };
}

export function clearRows(rows: BatchRows): void {
  for (const table of BATCH_TABLES) rows[table].clear();
}

export function encodeRecord(rows: BatchRows, log: string, record: SequencedRecord): void {
  rows.leaves.string(log).u64(record.seq).fixed(record.leaf_hash).u64(record.offset);
  encodeEvent(rows.events, log, record);
  encodeContent(rows.content, log, record);
  if (record.kind === 'alert') encodeAlert(rows.alerts, log, record);
  if (record.kind === 'action') encodeAction(rows, log, record);
}

function encodeAction(rows: BatchRows, log: string, record: SequencedRecord): void {
  const { type, seq, internal: detail = {} } = record;
  if (type === 'key.changed') encodeKey(rows.access_keys, seq, detail as unknown as KeyDetail);
  if (isAlertAction(type)) {
    const row = alertActionRow({ ...record, who: groupFields(record.who), detail }, log);
    encodeAlertAction(rows.alert_actions, row);
  }
  if (type === SUPPRESSED_FINDING) {
    encodeSuppressedFinding(rows.suppressed_findings, suppressedFindingRow({ ...record, detail }, log));
  }
}

export function encodeBatchEnd(rows: BatchRows, log: string, batch: SequencedBatch): void {
  for (const session of batch.touched.values()) encodeSession(rows.sessions, log, session);
  for (const node of batch.nodes) encodeNode(rows.nodes, log, node);
}

function encodeEvent(to: RowWriter, log: string, record: SequencedRecord): void {
  to.string(record.tenant).string(record.session_id).string(log).u64(record.seq).u8(0);
  to.string(record.kind).string(record.type).string(record.event_id).u32(record.session_seq);
  to.i64(record.time_ms).i64(record.received_at_ms);
  to.string(record.user_id).string(record.user_role).string(record.agent);
  to.string(record.server)
    .string(record.tool)
    .string(record.call_id)
    .u8(record.is_error ? 1 : 0);
  to.string(record.reason).string(record.core).string(record.who).string(record.what).string(record.detail);
}

function encodeContent(to: RowWriter, log: string, record: SequencedRecord): void {
  to.string(record.tenant).string(record.session_id).string(log).u64(record.seq).u8(0).string('kept');
  to.string(record.params).string(record.content).string(record.salt);
}

export function encodeSession(to: RowWriter, log: string, session: SessionState): void {
  to.string(session.tenant).string(session.session_id).string(log).u64(session.last_seq);
  to.fixed(Buffer.from(session.last_leaf, 'base64'));
  to.u32(session.events).u32(session.calls).u32(session.errors).u32(session.prompts);
  to.i64(session.first_time_ms).i64(session.last_time_ms);
  to.i64(session.first_received_ms).i64(session.last_received_ms);
  to.string(session.session_source).string(session.user_id).string(session.user_role);
  to.string(session.agent).string(session.client).strings(session.servers).strings(session.tools);
}

function encodeNode(to: RowWriter, log: string, node: TreeNode): void {
  to.string(log).u8(node.level).u64(node.index).fixed(node.hash);
}

/** The row of an alert, from the fields that its record committed to. */
export interface AlertDetail {
  rule_id: string;
  rule_version: number;
  severity: Severity;
  /** Where verdicts on earlier alerts made it another one than the severity's. */
  risk?: number;
  title: string;
  reason: string;
  session_id: string;
  user_id: string;
  agent: string;
  tags: string[];
  evidence: unknown[];
}

function encodeAlert(to: RowWriter, log: string, record: SequencedRecord): void {
  const detail = record.internal as unknown as AlertDetail;
  to.string(record.tenant).string(record.event_id).string(log).u64(record.seq);
  to.string(detail.rule_id).u32(detail.rule_version);
  to.string(detail.severity).u8(detail.risk ?? SEVERITY_RISK[detail.severity]);
  to.string(detail.title).string(detail.reason).string(detail.session_id).string(detail.user_id).string(detail.agent);
  to.i64(record.time_ms).i64(record.received_at_ms).strings(detail.tags).string(canonicalJson(detail.evidence));
}

function encodeAlertAction(to: RowWriter, row: AlertActionRow): void {
  to.string(row.tenant).string(row.alert_id).string(row.log).u64(row.seq).string(row.action_id).string(row.type);
  to.string(row.status).string(row.verdict).string(row.duplicate_of).string(row.note);
  to.string(row.actor).string(row.actor_name).i64(row.acted_at_ms);
  to.string(row.scope).string(row.reason).i64(row.expires_at_ms);
  to.string(row.owner_id).string(row.owner_name);
  to.strings(row.tags_added).strings(row.tags_removed).strings(row.tags);
}

function encodeSuppressedFinding(to: RowWriter, row: SuppressedFindingRow): void {
  to.string(row.tenant).string(row.suppression_id).string(row.log).u64(row.seq).string(row.finding_id);
  to.string(row.severity).string(row.session_id).i64(row.suppressed_at_ms);
}

/** A key, as its record committed to it. */
export type KeyDetail = AccessKey;

export function encodeKey(to: RowWriter, seq: number, key: KeyDetail): void {
  to.string(key.key_id).u64(seq).string(key.name).string(key.role).string(key.tenant);
  to.fixed(Buffer.from(key.sha256, 'hex'))
    .i64(key.created_at_ms)
    .i64(key.expires_at_ms)
    .u8(key.revoked ? 1 : 0);
}
