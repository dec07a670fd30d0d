import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SEVERITIES } from './alert.ts';
import {
  isSuppressed,
  type SuppressibleFinding,
  type Suppression,
  type SuppressionScope,
  suppressionOf,
} from './suppression.ts';

const FROM = 1_000;
const UNTIL = 2_000;
const finding: SuppressibleFinding = {
  tenant: 'default',
  rule_id: 'secret_to_other_tool',
  user_id: 'ana@example.com',
  agent: 'assistant',
  severity: 'high',
  server: 'mail',
  tool: 'send_email',
  sink_digest: 'ab'.repeat(32),
};
const made = (scope: Partial<SuppressionScope> = {}, more: Partial<Suppression> = {}): Suppression => ({
  suppression_id: 'action-1',
  tenant: 'default',
  alert_id: 'alert-1',
  scope: { rule_id: 'secret_to_other_tool', ...scope },
  from_ms: FROM,
  until_ms: UNTIL,
  ...more,
});

describe('a suppression', () => {
  it('of a rule alone covers all findings of that rule, of any user, tool and value', () => {
    expect(isSuppressed(finding, [made()], FROM)).toBe(true);
    expect(isSuppressed({ ...finding, user_id: 'ben@example.com', tool: 'post' }, [made()], FROM)).toBe(true);
  });

  it('of another rule or another tenant covers nothing', () => {
    expect(isSuppressed(finding, [made({ rule_id: 'secret_to_other' })], FROM)).toBe(false);
    expect(isSuppressed(finding, [made({}, { tenant: 'acme' })], FROM)).toBe(false);
  });

  it.each(['user_id', 'agent', 'server', 'tool', 'sink_digest'] as const)(
    'that names a %s covers findings with exactly this one',
    (member) => {
      const own = finding[member] ?? '';
      expect(isSuppressed(finding, [made({ [member]: own })], FROM)).toBe(true);
      for (const other of [`${own}x`, own.toUpperCase(), own.slice(1)]) {
        expect(isSuppressed(finding, [made({ [member]: other })], FROM)).toBe(false);
      }
    },
  );

  it('that names a member does not cover a finding that does not know it', () => {
    const { server: _, ...unknown } = finding;
    expect(isSuppressed(unknown, [made({ server: 'mail' })], FROM)).toBe(false);
    expect(isSuppressed({ ...finding, user_id: '' }, [made({ user_id: 'ana@example.com' })], FROM)).toBe(false);
  });

  it('that names several members covers only findings that agree with all of them', () => {
    const scope = { user_id: 'ana@example.com', tool: 'send_email' };
    expect(isSuppressed(finding, [made(scope)], FROM)).toBe(true);
    expect(isSuppressed({ ...finding, tool: 'post' }, [made(scope)], FROM)).toBe(false);
    expect(isSuppressed({ ...finding, user_id: 'ben@example.com' }, [made(scope)], FROM)).toBe(false);
  });

  it('holds back what is at most as grave as the alert that it was made from, and tells what is graver', () => {
    const told = SEVERITIES.filter(
      (severity) => !isSuppressed({ ...finding, severity }, [made({ severity_max: 'medium' })], FROM),
    );
    expect(told).toEqual(['high', 'critical']);
    // Those of an earlier version know no severity and hold back all.
    expect(SEVERITIES.every((severity) => isSuppressed({ ...finding, severity }, [made()], FROM))).toBe(true);
  });

  it('holds from its record on and no longer when it has ended', () => {
    const at = (now_ms: number) => isSuppressed(finding, [made()], now_ms);
    expect([FROM - 1, FROM, UNTIL - 1, UNTIL].map(at)).toEqual([false, true, true, false]);
  });

  it('that comes first is the one that is hit', () => {
    const ended = made({}, { suppression_id: 'ended', until_ms: FROM });
    const wide = made({}, { suppression_id: 'wide' });
    const narrow = made({ tool: 'send_email' }, { suppression_id: 'narrow' });
    expect(suppressionOf(finding, [ended, narrow, wide], FROM)?.suppression_id).toBe('narrow');
    expect(suppressionOf(finding, [], FROM)).toBeUndefined();
  });

  it('never covers more with one member more', () => {
    const word = fc.constantFrom('a', 'b');
    const members = fc.record(
      { user_id: word, agent: word, server: word, tool: word, sink_digest: word },
      { requiredKeys: [] },
    );
    const found = fc.record({
      tenant: word,
      rule_id: word,
      user_id: word,
      agent: word,
      server: word,
      tool: word,
      sink_digest: word,
      severity: fc.constantFrom(...SEVERITIES),
    });
    fc.assert(
      fc.property(
        found,
        word,
        members,
        fc.constantFrom('user_id', 'agent', 'server', 'tool', 'sink_digest'),
        word,
        (some, rule_id, scope, member, value) => {
          const { [member as 'agent']: _, ...wider } = scope;
          const suppression = (of: object) => made({ rule_id, ...of }, { tenant: some.tenant });
          const narrow = isSuppressed(some, [suppression({ ...wider, [member]: value })], FROM);
          expect(narrow && !isSuppressed(some, [suppression(wider)], FROM)).toBe(false);
        },
      ),
    );
  });
});
