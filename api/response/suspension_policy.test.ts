import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf, messageOf } from '../../core/errors.ts';
import { decide, type JudgedAlert, type StandingFacts, SuspensionBudget } from './suspension_decision.ts';
import { parseSuspensionPolicy } from './suspension_policy.ts';
import { tryPolicy } from './suspension_trial.ts';

const MINUTE_MS = 60_000;
const policyOf = (text: string) => parseSuspensionPolicy(text, 'p.yaml');
const fault = (text: string) => {
  try {
    policyOf(text);
  } catch (error) {
    expect(codeOf(error)).toBe('policy_invalid');
    return messageOf(error);
  }
  return '';
};

const alertOf = (more: Partial<JudgedAlert> = {}): JudgedAlert => ({
  alert_id: 'a-1',
  tenant: 'default',
  rule_id: 'secret_to_other_tool',
  severity: 'critical',
  session_id: 's-1',
  user_id: 'ana@example.com',
  agent: 'assistant',
  time_ms: 0,
  raised_at_ms: 0,
  ...more,
});
const facts = (more: Partial<StandingFacts> = {}): StandingFacts => ({
  now_ms: 1_000,
  session_risk: 95,
  newestOf: () => undefined,
  full: false,
  ...more,
});
const commandOf = (more: object) => ({
  command_id: 'c',
  tenant: 'default',
  action: 'suspend' as const,
  target: { kind: 'session' as const, id: 's-1', user_id: '' },
  alert_id: '',
  reason: '',
  requested_at_ms: 0,
  expires_at_ms: 10_000,
  state: 'applied' as const,
  state_at_ms: 0,
  ...more,
});

const POLICY = `
suspend:
  - name: secrets out
    severity_min: high
    rules: [secret_to_other_tool]
    risk_min: 80
    tenants: [default]
allow:
  - reason: on call
    user_id: oncall@example.com
    agent: assistant
`;

describe('a policy of suspension', () => {
  it('that is empty suspends nothing, and has limits nevertheless', () => {
    expect(policyOf('')).toEqual({
      dry_run: false,
      suspend: [],
      allow: [],
      limit: { per_tenant: 5, overall: 20, seconds: 3_600 },
      age_seconds_max: 900,
    });
    expect(decide(policyOf(''), alertOf(), facts())).toBeUndefined();
  });

  it.each([
    ['suspend:\n  - name: a\n    severty_min: high', 'p.yaml:2', 'severty_min'],
    ['suspend:\n  - name: a\n    severity_min: grave', 'p.yaml:3', 'suspend[0].severity_min'],
    ['suspend:\n  - severity_min: high', 'p.yaml:2', 'suspend[0].name'],
    ['suspend:\n  - name: a\n  - name: a', 'p.yaml:1', 'two entries of one name'],
    ['suspend:\n  - name: "a\\nb"', 'p.yaml:2', 'control'],
    ['suspend:\n  - name: a\n    risk_min: 101', 'p.yaml:3', 'risk_min'],
    ['suspend:\n  - name: a\n    expires_in_seconds: 0', 'p.yaml:3', 'expires_in_seconds'],
    ['allow:\n  - reason: everybody', 'p.yaml:2', 'must name a tenant'],
    ['allow:\n  - user_id: ana@example.com', 'p.yaml:2', 'reason'],
    ['limit:\n  per_tenant: 0', 'p.yaml:2', 'per_tenant'],
    ['limit:\n  per_tenant: 5000', 'p.yaml:2', 'per_tenant'],
    ['dry_run: "yes"', 'p.yaml:1', 'dry_run'],
    ['--- {}\n--- {}', 'p.yaml:2', 'one document'],
    ['suspend: [', 'p.yaml:', ''],
  ])('is refused with line and reason: %j', (text, place, why) => {
    const said = fault(text);
    expect(said).toContain(place);
    expect(said).toContain(why);
  });

  it('never gets through with a form that is not its own, and never throws anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          expect(policyOf(text).limit.per_tenant).toBeGreaterThan(0);
        } catch (error) {
          expect(codeOf(error)).toBe('policy_invalid');
        }
      }),
    );
  });
});

describe('an alert', () => {
  const policy = policyOf(POLICY);
  const outcome = (alert: Partial<JudgedAlert>, more: Partial<StandingFacts> = {}) =>
    decide(policy, alertOf(alert), facts(more))?.outcome;

  it('that an entry fits suspends its session', () => {
    expect(decide(policy, alertOf({ severity: 'high' }), facts({ session_risk: 80 }))).toMatchObject({
      outcome: 'suspend',
      entry: { name: 'secrets out' },
      target: { kind: 'session', id: 's-1', user_id: '' },
    });
  });

  it('that nearly fits suspends nothing', () => {
    expect(outcome({ severity: 'medium' })).toBeUndefined();
    expect(outcome({ rule_id: 'secret_to_other_tools' })).toBeUndefined();
    expect(outcome({ tenant: 'bravo' })).toBeUndefined();
    expect(outcome({}, { session_risk: 79 })).toBeUndefined();
    expect(outcome({ session_id: '' })).toBeUndefined();
    expect(outcome({ rule_id: 'suspension_limit' })).toBeUndefined();
  });

  it('of somebody on the allow list suspends nothing; all that is named there must agree', () => {
    expect(outcome({ user_id: 'oncall@example.com' })).toBe('allowed');
    expect(outcome({ user_id: 'oncall@example.com', agent: 'other' })).toBe('suspend');
    expect(outcome({ user_id: 'Oncall@example.com' })).toBe('suspend');
  });

  it('that is too old suspends nothing, by either of its times', () => {
    const now_ms = 900_000;
    expect(outcome({}, { now_ms })).toBe('suspend');
    expect(outcome({}, { now_ms: now_ms + 1 })).toBe('old');
    expect(outcome({ raised_at_ms: now_ms }, { now_ms: now_ms + 1 })).toBe('old');
    expect(outcome({ time_ms: 1, raised_at_ms: now_ms }, { now_ms: now_ms + 1 })).toBe('suspend');
  });

  it('of a session that is suspended already asks for nothing; one that could not be is asked for again', () => {
    const of = (more: object) => outcome({ raised_at_ms: 500 }, { newestOf: () => commandOf(more) });
    expect(of({})).toBe('standing');
    expect(of({ state: 'requested' })).toBe('standing');
    expect(of({ state: 'timed_out' })).toBe('standing');
    expect(of({ state: 'failed' })).toBe('suspend');
    expect(of({ expires_at_ms: 1_000 })).toBe('suspend');
  });

  it('from before a person released the session does not take the release back', () => {
    const of = (requested_at_ms: number) =>
      outcome({ raised_at_ms: 500 }, { newestOf: () => commandOf({ action: 'release', requested_at_ms }) });
    expect([of(500), of(499)]).toEqual(['standing', 'suspend']);
  });

  it('suspends an agent only as it acts for its user', () => {
    const agents = policyOf('suspend:\n  - name: a\n    target: agent');
    expect(decide(agents, alertOf(), facts())?.target).toEqual({
      kind: 'agent',
      id: 'assistant',
      user_id: 'ana@example.com',
    });
    expect(decide(agents, alertOf({ user_id: '' }), facts())).toBeUndefined();
    expect(decide(agents, alertOf({ agent: '' }), facts())).toBeUndefined();
  });
});

describe('the limit', () => {
  it('never lets more through within its time, in a tenant and overall, whatever comes when', () => {
    const limit = { per_tenant: 2, overall: 3, seconds: 10 };
    const asked = fc.array(fc.record({ tenant: fc.constantFrom('a', 'b', 'c'), wait_ms: fc.nat(6_000) }));
    fc.assert(
      fc.property(asked, (requests) => {
        const budget = new SuspensionBudget(limit);
        const given: { tenant: string; at_ms: number }[] = [];
        let now_ms = 0;
        for (const { tenant, wait_ms } of requests) {
          now_ms += wait_ms;
          const recent = given.filter(({ at_ms }) => at_ms > now_ms - 10_000);
          const own = recent.filter((each) => each.tenant === tenant);
          const reached = budget.reached(tenant, now_ms) !== undefined;
          expect(reached).toBe(own.length >= 2 || recent.length >= 3);
          if (reached) continue;
          budget.take(tenant, now_ms, 'c');
          given.push({ tenant, at_ms: now_ms });
        }
      }),
    );
  });
});

describe('a trial', () => {
  it('says of stored alerts what would have come of each, by the risk that their session had then', () => {
    const policy = policyOf(
      'suspend:\n  - name: a\n    severity_min: high\n    risk_min: 90\nlimit: {per_tenant: 1, seconds: 60}',
    );
    const at = (minute: number, session_id: string, alert_id: string) => ({
      ...alertOf({ session_id, alert_id, severity: 'high', time_ms: minute * MINUTE_MS }),
      raised_at_ms: minute * MINUTE_MS,
      risk: 75,
    });
    const alerts = [at(0, 's-1', 'a'), at(1, 's-1', 'b'), at(1, 's-1', 'c'), at(1, 's-2', 'd'), at(1, 's-2', 'e')];
    const tried = tryPolicy(policy, [...alerts, at(3, 's-2', 'f')]);
    expect(tried.map(({ alert_id, outcome }) => `${alert_id} ${outcome}`)).toEqual([
      'b suspend',
      'c standing',
      'e limited',
      'f suspend',
    ]);
  });
});
