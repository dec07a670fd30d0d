/**
 * What verdicts teach: a rule that was wrong for somebody weighs less for them, for a time and within bounds. Pure.
 *
 * Every false positive that counts has a weight of 2^(-age / half-life); W is their sum. The risk of the next alert of the
 * same rule, in the same version, for the same user is risk / (1 + W/2), never below 40 % of it, and for a critical alert
 * never below the risk of a high one. Its severity stays, and it is raised all the same: who asks for severities sees it.
 * A true positive ends what was learnt before it; a verdict counts for 90 days, and not once its alert was reopened.
 */
import { type Finding, SEVERITY_RISK, type Severity } from './alert.ts';

const DAY_MS = 86_400_000;
const HALF_LIFE_MS = 30 * DAY_MS;
/** For so long a verdict counts. */
export const FEEDBACK_KEPT_MS = 90 * DAY_MS;
const FACTOR_MIN = 0.4;

/** The verdicts that teach. Others say nothing of whether the rule is right. */
export type TeachingVerdict = 'false_positive' | 'true_positive';

export const teaches = (verdict: string | undefined): verdict is TeachingVerdict =>
  verdict === 'false_positive' || verdict === 'true_positive';

/** One alert that was judged. */
export interface Judgement {
  verdict: TeachingVerdict;
  /** When its verdict's record arrived. */
  at_ms: number;
}

export interface Judged {
  tenant: string;
  rule_id: string;
  rule_version: number;
  user_id: string;
  agent: string;
}

/** What is judged alike: a rule in one version, for one user, or for one agent where no user is known. */
export function feedbackKey({ tenant, rule_id, rule_version, user_id, agent }: Judged): string {
  return JSON.stringify([tenant, rule_id, rule_version, user_id === '' ? 'agent' : 'user', user_id || agent]);
}

export interface Weighed {
  risk: number;
  /** How many verdicts lowered it. */
  false_positives: number;
}

/** The risk of an alert of a severity, after the judgements of its key. */
export function weighedRisk(severity: Severity, judgements: Iterable<Judgement>, now_ms: number): Weighed {
  const risk = SEVERITY_RISK[severity];
  const counted = [...judgements].filter(({ at_ms }) => at_ms <= now_ms && now_ms - at_ms < FEEDBACK_KEPT_MS);
  const proven_ms = counted.reduce(
    (last, each) => (each.verdict === 'true_positive' ? Math.max(last, each.at_ms) : last),
    0,
  );
  const wrong = counted.filter(({ verdict, at_ms }) => verdict === 'false_positive' && at_ms > proven_ms);
  if (wrong.length === 0) return { risk, false_positives: 0 };
  const weight = wrong.reduce((sum, { at_ms }) => sum + 2 ** ((at_ms - now_ms) / HALF_LIFE_MS), 0);
  const lowered = Math.round(risk * Math.max(FACTOR_MIN, 1 / (1 + weight / 2)));
  const least = severity === 'critical' ? SEVERITY_RISK.high : 0;
  return { risk: Math.max(least, lowered), false_positives: wrong.length };
}

/** A finding whose alert is to have another risk than its severity has. */
export type WeighedFinding = Finding & { weighed_risk?: number };

/** The finding with its risk lowered and its reason saying so; without judgements that count, as it is. */
export function weighedFinding(finding: Finding, judgements: Iterable<Judgement>, now_ms: number): WeighedFinding {
  const { risk, false_positives } = weighedRisk(finding.severity, judgements, now_ms);
  const before = SEVERITY_RISK[finding.severity];
  if (risk === before) return finding;
  const whom = finding.user_id === '' ? 'agent' : 'user';
  const alerts = false_positives === 1 ? '1 alert' : `${false_positives} alerts`;
  const why = `Its risk is ${risk} and not ${before}: ${alerts} of this rule for this ${whom} within 90 days turned out false.`;
  return { ...finding, weighed_risk: risk, reason: `${finding.reason} ${why}` };
}
