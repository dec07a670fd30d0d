/** Encodes a sequenced batch as rows of the store's tables. Pure but for the writers that it fills. */
import { Buffer } from 'node:buffer';
import { SEVERITY_RISK, type Severity } from '../core/alert.ts';
import { canonicalJson } from '../core/json/canonical.ts';
import type { SessionState } from '../core/session.ts';
import { RowWriter } from '../core/store/row_binary.ts';
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
  access_keys: RowWriter;
}

/** The tables of a batch. Whatever part of them a crash leaves behind lies above the head and is removed. */
export const BATCH_TABLES = ['events', 'content', 'sessions', 'nodes', 'alerts', 'access_keys', 'leaves'] as const;

export function newBatchRows(): BatchRows {
  return {
    leaves: new RowWriter(),
    events: new RowWriter(1 << 22),
    content: new RowWriter(1 << 23),
    sessions: new RowWriter(),
    nodes: new RowWriter(4096),
    alerts: new RowWriter(4096),
    access_keys: new RowWriter(4096),
  };
}

export function clearRows(rows: BatchRows): void {
  for (const table of BATCH_TABLES) rows[table].clear();
}

export function encodeRecord(rows: BatchRows, log: string, record: SequencedRecord): void {
  rows.leaves.string(log).u64(record.seq).fixed(record.leaf_hash).u64(record.seq);
  encodeEvent(rows.events, log, record);
  encodeContent(rows.content, log, record);
  if (record.kind === 'alert') encodeAlert(rows.alerts, log, record);
  if (record.kind === 'action' && record.type === 'key.changed') {
    encodeKey(rows.access_keys, record.seq, record.internal as unknown as KeyDetail);
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
  to.string(detail.rule_id).u32(detail.rule_version).string(detail.severity).u8(SEVERITY_RISK[detail.severity]);
  to.string(detail.title).string(detail.reason).string(detail.session_id).string(detail.user_id).string(detail.agent);
  to.i64(record.time_ms).i64(record.received_at_ms).strings(detail.tags).string(canonicalJson(detail.evidence));
}

/** A key as the log and the store know it: never the key itself, only its digest. */
export interface KeyDetail {
  key_id: string;
  name: string;
  role: string;
  tenant: string;
  sha256: string;
  created_at_ms: number;
  expires_at_ms: number;
  revoked: boolean;
}

export function encodeKey(to: RowWriter, seq: number, key: KeyDetail): void {
  to.string(key.key_id).u64(seq).string(key.name).string(key.role).string(key.tenant);
  to.fixed(Buffer.from(key.sha256, 'hex'))
    .i64(key.created_at_ms)
    .i64(key.expires_at_ms)
    .u8(key.revoked ? 1 : 0);
}
