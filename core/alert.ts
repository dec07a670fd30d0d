/** What detection yields: a finding that people work on. Its id depends only on what was found, so a replay finds the same. */

export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** One event that proves a finding, with the part it plays in an analyst's words. */
export interface Evidence {
  log: string;
  seq: number;
  event_id: string;
  role: string;
}

/** A finding as a detector yields it. No raw secret is ever part of it. */
export interface Finding {
  finding_id: string;
  rule_id: string;
  rule_version: number;
  severity: Severity;
  title: string;
  reason: string;
  tenant: string;
  session_id: string;
  user_id: string;
  agent: string;
  /** The producer's time of the event that completed the finding. */
  time_ms: number;
  tags: string[];
  evidence: Evidence[];
  /** The server and tool of the event that completed it, and the digest of what arrived there; empty when not known. */
  server: string;
  tool: string;
  sink_digest: string;
  /** What it adds to the session's risk, 0 to 100. */
  risk: number;
  /** Found only when an event came that was older than what had been looked at. */
  late: boolean;
}

/** Findings from here on become alerts; weaker ones are signals, which add to a session's risk and feed rules. */
export const ALERT_SEVERITY_MIN: Severity = 'medium';

const RANKS = new Map<Severity, number>(SEVERITIES.map((severity, rank) => [severity, rank]));

/** 0 for `info` up to 4 for `critical`. */
export function severityRank(severity: Severity): number {
  return RANKS.get(severity) ?? 0;
}

/** Weight of a severity in a session's risk of 0 to 100. */
export const SEVERITY_RISK: Record<Severity, number> = { info: 5, low: 20, medium: 45, high: 75, critical: 95 };
