/**
 * Suppressions: findings that somebody decided, for a time and a reason, not to be told of again. Pure: which findings
 * are within a suppression, and the row of one that was held back.
 */
import { type Finding, type Severity, severityRank } from './alert.ts';
import type { Fields } from './groups.ts';

/** What a suppression covers: one rule, and of its findings those that agree with every member that is there. */
export interface SuppressionScope {
  rule_id: string;
  user_id?: string | undefined;
  agent?: string | undefined;
  server?: string | undefined;
  tool?: string | undefined;
  /** The finding's `sink_digest`. */
  sink_digest?: string | undefined;
  /** The severity of the alert that it was made from: a graver finding is told nevertheless. Absent in old ones. */
  severity_max?: Severity | undefined;
}

const SCOPE_MEMBERS = ['rule_id', 'user_id', 'agent', 'server', 'tool', 'sink_digest'] as const;

export interface Suppression {
  /** Id of the action that made it. */
  suppression_id: string;
  tenant: string;
  /** The alert that it was made from. */
  alert_id: string;
  scope: SuppressionScope;
  /** When its record arrived: it covers nothing before. */
  from_ms: number;
  /** When it expires, or when its alert was reopened if that came first; it covers nothing from here on. */
  until_ms: number;
}

/** A finding as far as suppressions look at it. A member that a finding does not know agrees with no scope. */
export interface SuppressibleFinding extends Pick<Finding, 'tenant' | 'rule_id' | 'user_id' | 'agent' | 'severity'> {
  server?: string;
  tool?: string;
  sink_digest?: string;
}

/**
 * The first suppression that covers a finding, or undefined. `now_ms` is when the event that completed the finding was
 * received: with the log's own clock a replay decides as the first run did, and no producer can choose the time.
 */
export function suppressionOf(
  finding: SuppressibleFinding,
  suppressions: readonly Suppression[],
  now_ms: number,
): Suppression | undefined {
  return suppressions.find((each) => covers(each, finding) && each.from_ms <= now_ms && now_ms < each.until_ms);
}

/** Whether a finding is to be held back; see `suppressionOf`. */
export function isSuppressed(
  finding: SuppressibleFinding,
  suppressions: readonly Suppression[],
  now_ms: number,
): boolean {
  return suppressionOf(finding, suppressions, now_ms) !== undefined;
}

function covers({ tenant, scope }: Suppression, finding: SuppressibleFinding): boolean {
  if (scope.rule_id !== finding.rule_id || tenant !== finding.tenant) return false;
  const { severity_max } = scope;
  if (severity_max !== undefined && severityRank(finding.severity) > severityRank(severity_max)) return false;
  return SCOPE_MEMBERS.every((member) => scope[member] === undefined || scope[member] === finding[member]);
}

/** Whether a record of kind `action` and this type makes or ends a suppression. */
export function changesSuppressions(type: string): boolean {
  return type === 'alert.suppressed' || type === 'alert.reopened';
}

/** Type of the record, of kind `action`, of a finding that was held back. */
export const SUPPRESSED_FINDING = 'finding.suppressed';

/** A row of `suppressed_findings`, in the order of its columns. */
export interface SuppressedFindingRow {
  tenant: string;
  suppression_id: string;
  log: string;
  seq: number;
  finding_id: string;
  severity: string;
  session_id: string;
  suppressed_at_ms: number;
}

/** The row that the record of a finding that was held back projects to. */
export function suppressedFindingRow(
  record: { tenant: string; seq: number; event_id: string; received_at_ms: number; detail: Fields },
  log: string,
): SuppressedFindingRow {
  const { suppression_id, severity, session_id } = record.detail as Record<string, string>;
  return {
    tenant: record.tenant,
    suppression_id: suppression_id ?? '',
    log,
    seq: record.seq,
    finding_id: record.event_id,
    severity: severity ?? '',
    session_id: session_id ?? '',
    suppressed_at_ms: record.received_at_ms,
  };
}
