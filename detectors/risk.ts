/** A session's risk from 0 to 100, added up from what its rules said. */

/** Notes that a rule gave some risk; a rule counts once, with its greatest. */
export function addRisk(by_rule: Map<string, number>, rule_id: string, risk: number): void {
  const bounded = Math.min(100, Math.max(0, risk));
  if (bounded > (by_rule.get(rule_id) ?? 0)) by_rule.set(rule_id, bounded);
}

/** Several rules make a session more suspicious than the worst of them: 100 (1 - product of (1 - risk/100)). */
export function sessionRisk(by_rule: ReadonlyMap<string, number>): number {
  let innocence = 1;
  for (const risk of by_rule.values()) innocence *= 1 - risk / 100;
  return Math.round((1 - innocence) * 10_000) / 100;
}
