/** What a policy of suspension would have done: each alert is looked at as if at the time when it was raised. Pure. */
import type { EnforcementTarget, StandingCommand } from '../../core/enforcement.ts';
import { targetKey } from '../../core/enforcement.ts';
import { decide, type JudgedAlert, type Outcome, SuspensionBudget } from './suspension_decision.ts';
import type { SuspensionPolicy } from './suspension_policy.ts';

/** With what it adds to its session's risk. */
export type TriedAlert = JudgedAlert & { risk: number };

/** An alert that an entry fits, and what would have come of it. */
export interface Tried {
  alert_id: string;
  raised_at: string;
  outcome: Outcome;
  entry: string;
  target: EnforcementTarget;
}

/**
 * Looks at alerts, oldest first. It supposes that gateways apply what they are asked, and that nobody releases. The
 * risk of a session is that of its alerts so far, as far as they are among these.
 */
export function tryPolicy(policy: SuspensionPolicy, alerts: readonly TriedAlert[]): Tried[] {
  const budget = new SuspensionBudget(policy.limit);
  const newest = new Map<string, StandingCommand>();
  const innocence = new Map<string, number>();
  const tried: Tried[] = [];
  for (const alert of alerts) {
    const { tenant, alert_id, session_id, raised_at_ms: now_ms } = alert;
    const left = (innocence.get(session_id) ?? 1) * (1 - alert.risk / 100);
    innocence.set(session_id, left);
    const decision = decide(policy, alert, {
      now_ms,
      session_risk: Math.round(100 * (1 - left)),
      newestOf: (target) => newest.get(targetKey(tenant, target)),
      full: budget.reached(tenant, now_ms) !== undefined,
    });
    if (decision === undefined) continue;
    const { outcome, entry, target } = decision;
    tried.push({ alert_id, raised_at: new Date(now_ms).toISOString(), outcome, entry: entry.name, target });
    if (outcome !== 'suspend') continue;
    budget.take(tenant, now_ms, alert_id);
    newest.set(targetKey(tenant, target), {
      command_id: alert_id,
      tenant,
      action: 'suspend',
      target,
      alert_id,
      reason: '',
      requested_at_ms: now_ms,
      expires_at_ms: now_ms + entry.expires_in_seconds * 1000,
      state: 'applied',
      state_at_ms: now_ms,
    });
  }
  return tried;
}
