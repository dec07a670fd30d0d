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
}

/** Weight of a severity in a session's risk of 0 to 100. */
export const SEVERITY_RISK: Record<Severity, number> = { info: 5, low: 20, medium: 45, high: 75, critical: 95 };
