/** What a policy of suspension says of one alert. Pure: the time, the session's risk and what stands are passed in. */
import { type Severity, severityRank } from '../../core/alert.ts';
import type { EnforcementTarget, StandingCommand } from '../../core/enforcement.ts';
import type { SuspensionEntry, SuspensionPolicy } from './suspension_policy.ts';

/** Rule of the alert that tells of what the limit held back; no policy looks at it. */
export const LIMIT_RULE = 'suspension_limit';

/** An alert as far as a policy looks at it. */
export interface JudgedAlert {
  alert_id: string;
  tenant: string;
  rule_id: string;
  severity: string;
  session_id: string;
  user_id: string;
  agent: string;
  time_ms: number;
  raised_at_ms: number;
}

export interface StandingFacts {
  now_ms: number;
  /** Of the alert's session. */
  session_risk: number;
  /** The newest command for a target. */
  newestOf: (target: EnforcementTarget) => StandingCommand | undefined;
  /** Whether the limit of the alert's tenant, or of all, is reached. */
  full: boolean;
}

/**
 * `suspend`: ask gateways. `limited`: it would be asked for but for the limit. `allowed`: the allow list names it.
 * `standing`: it is suspended already, or was released by a person after the alert. `old`: too long ago.
 */
export type Outcome = 'suspend' | 'limited' | 'allowed' | 'standing' | 'old';

export interface Decision {
  outcome: Outcome;
  entry: SuspensionEntry;
  target: EnforcementTarget;
}

/** Whether some entry asks for the risk of sessions. */
export const asksForRisk = ({ suspend }: SuspensionPolicy) => suspend.some(({ risk_min }) => risk_min > 0);

/** What follows from an alert; undefined where no entry fits it. */
export function decide(policy: SuspensionPolicy, alert: JudgedAlert, facts: StandingFacts): Decision | undefined {
  if (alert.rule_id === LIMIT_RULE) return undefined;
  const entry = policy.suspend.find((each) => fits(each, alert, facts.session_risk));
  const target = entry && targetOf(entry, alert);
  if (entry === undefined || target === undefined) return undefined;
  return { outcome: outcomeOf(policy, alert, target, facts), entry, target };
}

function fits(entry: SuspensionEntry, alert: JudgedAlert, session_risk: number): boolean {
  if (severityRank(alert.severity as Severity) < severityRank(entry.severity_min)) return false;
  if (entry.rules.length > 0 && !entry.rules.includes(alert.rule_id)) return false;
  if (entry.tenants.length > 0 && !entry.tenants.includes(alert.tenant)) return false;
  return session_risk >= entry.risk_min;
}

/** Without a session or an agent there is nothing to name. An agent without a user would be everybody's: never by policy. */
function targetOf(entry: SuspensionEntry, alert: JudgedAlert): EnforcementTarget | undefined {
  const { session_id, agent, user_id } = alert;
  if (entry.target === 'session')
    return session_id === '' ? undefined : { kind: 'session', id: session_id, user_id: '' };
  return agent === '' || user_id === '' ? undefined : { kind: 'agent', id: agent, user_id };
}

function outcomeOf(
  policy: SuspensionPolicy,
  alert: JudgedAlert,
  target: EnforcementTarget,
  facts: StandingFacts,
): Outcome {
  if (facts.now_ms - Math.min(alert.time_ms, alert.raised_at_ms) > policy.age_seconds_max * 1000) return 'old';
  if (policy.allow.some((each) => covers(each, alert))) return 'allowed';
  if (stands(facts.newestOf(target), alert, facts.now_ms)) return 'standing';
  return facts.full ? 'limited' : 'suspend';
}

function covers(allowed: SuspensionPolicy['allow'][number], alert: JudgedAlert): boolean {
  const { reason: _, ...members } = allowed;
  return Object.entries(members).every(([member, value]) => alert[member as keyof typeof members] === value);
}

function stands(newest: StandingCommand | undefined, alert: JudgedAlert, now_ms: number): boolean {
  if (newest === undefined) return false;
  // What a person let go is not taken back for what was known then.
  if (newest.action === 'release') return newest.requested_at_ms >= alert.raised_at_ms;
  return newest.expires_at_ms > now_ms && newest.state !== 'failed' && newest.state !== 'not_found';
}

/** Counts suspensions by policy within the last so many seconds. */
export class SuspensionBudget {
  private readonly limit: SuspensionPolicy['limit'];
  /** In the order of their times; never more than may be within the window. */
  private taken: { tenant: string; at_ms: number; command_id: string }[] = [];

  constructor(limit: SuspensionPolicy['limit']) {
    this.limit = limit;
  }

  take(tenant: string, at_ms: number, command_id: string): void {
    this.taken.push({ tenant, at_ms, command_id });
  }

  /** Whether a tenant's limit or that of all is reached, and if so, the newest suspension that is counted. */
  reached(tenant: string, now_ms: number): { scope: 'tenant' | 'overall'; newest: string } | undefined {
    const { per_tenant, overall, seconds } = this.limit;
    this.taken = this.taken.filter(({ at_ms }) => at_ms > now_ms - seconds * 1000);
    const own = this.taken.filter((each) => each.tenant === tenant);
    if (own.length >= per_tenant) return { scope: 'tenant', newest: own.at(-1)?.command_id ?? '' };
    if (this.taken.length >= overall) return { scope: 'overall', newest: this.taken.at(-1)?.command_id ?? '' };
    return undefined;
  }
}
