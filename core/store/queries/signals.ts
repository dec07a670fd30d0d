/** Stored signals: findings that are no alerts. */
import type { Evidence } from '../../alert.ts';
import { canonicalJson } from '../../json/canonical.ts';
import type { RowWriter } from '../row_binary.ts';
import type { Store } from '../store.ts';

/** A signal as it is stored. */
export interface SignalRow {
  tenant: string;
  session_id: string;
  finding_id: string;
  log: string;
  rule_id: string;
  rule_version: number;
  severity: string;
  risk: number;
  title: string;
  reason: string;
  user_id: string;
  agent: string;
  time_ms: number;
  tags: readonly string[];
  evidence: readonly Evidence[];
  late: boolean;
}

/** Appends a signal in the order of the table's columns. */
export function encodeSignal(rows: RowWriter, signal: SignalRow): void {
  const { evidence } = signal;
  const seq = evidence.reduce((last, each) => Math.max(last, each.seq), 0);
  rows.string(signal.tenant).string(signal.session_id).string(signal.finding_id).u8(0).string(signal.log).u64(seq);
  rows.string(signal.rule_id).u32(signal.rule_version).string(signal.severity).u8(signal.risk);
  rows.string(signal.title).string(signal.reason).string(signal.user_id).string(signal.agent);
  rows.i64(signal.time_ms).strings(signal.tags).string(canonicalJson(evidence));
  rows.u8(signal.late ? 1 : 0);
}

/** A signal as it is read. */
export interface StoredSignal {
  finding_id: string;
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
  tags: string[];
  evidence: string;
  late: number;
}

/** Signals of a session after a place, in the order of the events that complete them. */
export async function listSignals(
  store: Store,
  scope: { tenant: string; session_id: string; after_seq: number; after_id: string; limit: number },
): Promise<StoredSignal[]> {
  return store.rows<StoredSignal>(
    `SELECT finding_id, toString(log) AS log, seq, toString(rule_id) AS rule_id, rule_version, toString(severity) AS severity,
            risk, title, reason, session_id, user_id, toString(agent) AS agent, toUnixTimestamp64Milli(time) AS time_ms,
            tags, evidence, late
     FROM v_signals AS s
     WHERE s.tenant = {tenant:String} AND s.session_id = {session_id:String}
       AND (toInt64(s.seq), s.finding_id) > ({after_seq:Int64}, {after_id:String})
     ORDER BY s.seq, s.finding_id
     LIMIT {limit:UInt32}`,
    scope,
  );
}
