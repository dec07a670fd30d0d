/** Cases of correlations over what is stored that are known beforehand, each beside one that comes close. */
import { describe, expect, it } from 'vitest';
import { baseRule, parityLog, type Sent, setOfRules } from './rule_sql_kit.ts';

const { stored, expectSame } = parityLog('rule-sql-cases');

const BASES = ['a', 'b', 'c'].map((tool) => baseRule(tool, { tool }));

/** A call of a tool at a second. */
function at(seconds: number, tool: string, fields: Record<string, unknown> = {}): Sent {
  return { time_ms: seconds * 1_000, type: 'tool.call', server: 'x', tool, session_id: 's', user_id: 'ana', ...fields };
}

function correlation(members: Record<string, unknown>): object {
  return {
    title: 'rule',
    name: 'rule',
    correlation: {
      type: 'temporal_ordered',
      rules: ['a', 'b', 'c'],
      'group-by': ['session_id'],
      timespan: '10s',
      ...members,
    },
  };
}

/** How many findings both back ends have. */
async function findings(rule: Record<string, unknown>, events: readonly Sent[]): Promise<number> {
  const { found } = await expectSame(setOfRules([...BASES, correlation(rule)]), await stored(events));
  return found.length;
}

describe('over a store as in the stream', { timeout: 60_000 }, () => {
  it('order counts: A, C, B is not A, B, C', async () => {
    expect(await findings({}, [at(1, 'a'), at(2, 'b'), at(3, 'c')])).toBe(1);
    expect(await findings({}, [at(1, 'a'), at(2, 'c'), at(3, 'b')])).toBe(0);
  });

  it('of events at one time the one that was stored first is the earlier one', async () => {
    expect(await findings({}, [at(1, 'a'), at(1, 'b'), at(1, 'c')])).toBe(1);
    expect(await findings({}, [at(1, 'b'), at(1, 'a'), at(1, 'c')])).toBe(0);
  });

  it('an event that came late stands where its time says', async () => {
    expect(await findings({}, [at(3, 'c'), at(2, 'b'), at(1, 'a')])).toBe(1);
    expect(await findings({}, [at(1, 'c'), at(2, 'b'), at(3, 'a')])).toBe(0);
  });

  it('another group has its own rows', async () => {
    const events = [at(1, 'a'), at(2, 'b', { session_id: 'other' }), at(3, 'c')];
    expect(await findings({}, events)).toBe(0);
    expect(await findings({ 'group-by': ['user_id'] }, events)).toBe(1);
  });

  it('an event without a key is no row, unless the key is optional', async () => {
    const events = [
      at(1, 'a', { user_id: undefined }),
      at(2, 'b', { user_id: undefined }),
      at(3, 'c', { user_id: undefined }),
    ];
    expect(await findings({ 'group-by': ['user_id'] }, events)).toBe(0);
    expect(await findings({ 'group-by': ['?user_id'] }, events)).toBe(1);
  });

  it('a window reaches as far as the timespan, wherever in time it lies', async () => {
    for (const start of [0, 1, 5, 9, 13]) {
      expect(await findings({}, [at(start, 'a'), at(start + 4, 'b'), at(start + 10, 'c')])).toBe(1);
      expect(await findings({}, [at(start, 'a'), at(start + 4, 'b'), at(start + 11, 'c')])).toBe(0);
    }
  });

  it('a count is taken over the window, wherever in time it lies', async () => {
    const rule = { type: 'event_count', rules: ['a'], condition: { gte: 4 } };
    const values = { type: 'value_count', rules: ['a'], condition: { gte: 4, field: 'server' } };
    for (const start of [0, 1, 5, 9, 13]) {
      const calls = (gap: number) =>
        [0, 1, 2, 3].map((number) => at(start + number * gap, 'a', { server: `server${number}` }));
      expect(await findings(rule, calls(3))).toBe(1);
      expect(await findings(rule, calls(4))).toBe(0);
      expect(await findings(values, calls(3))).toBe(1);
      expect(await findings(values, calls(4))).toBe(0);
      expect(
        await findings(
          values,
          calls(3).map((call) => ({ ...call, server: 'x' })),
        ),
      ).toBe(0);
    }
  });

  it('what is absent at the end is looked for up to the deadline', async () => {
    const steps = [{ rule: 'a' }, { rule: 'b' }, { rule: 'c', absent: true }];
    const rule = { rules: ['a', 'b'], 'x-tracewarden': { steps } };
    for (const start of [0, 1, 5, 9, 13]) {
      expect(await findings(rule, [at(start, 'a'), at(start + 3, 'b'), at(start + 11, 'c')])).toBe(1);
      expect(await findings(rule, [at(start, 'a'), at(start + 3, 'b'), at(start + 10, 'c')])).toBe(0);
    }
  });

  it('a match silences those of its key for the timespan, or for as long as the rule says', async () => {
    const pairs = [at(1, 'a'), at(2, 'b'), at(3, 'a'), at(4, 'b'), at(20, 'a'), at(21, 'b')];
    const rule = (suppression?: unknown) => ({
      rules: ['a', 'b'],
      ...(suppression !== undefined && { 'x-tracewarden': { suppression } }),
    });
    expect(await findings(rule(), pairs)).toBe(2);
    expect(await findings(rule('none'), pairs)).toBe(3);
    expect(await findings(rule({ by: ['user_id'] }), pairs)).toBe(1);
    expect(await findings(rule({ by: ['server'], timespan: '1s' }), pairs)).toBe(3);
  });

  it('a value must have gone from the one to the other', async () => {
    const rule = (min_len: number) => ({
      rules: ['a', 'b'],
      'x-tracewarden': { carry: { from: 'a', to: 'b', match: 'value', min_len } },
    });
    const events = (sent: string) => [
      at(1, 'a', { call_id: 'k' }),
      at(2, 'a', { type: 'tool.result', call_id: 'k', content: 'Write to mira.holt@example.org about it.' }),
      at(3, 'b', { params: { to: sent } }),
    ];
    expect(await findings(rule(8), events('mira.holt@example.org'))).toBe(1);
    expect(await findings(rule(200), events('mira.holt@example.org'))).toBe(0);
    expect(await findings(rule(8), events('jon.berg@example.org'))).toBe(0);
  });

  it('what cannot be part of a match stays in the store', async () => {
    const strangers = Array.from({ length: 40 }, (_, number) => at(number, 'a', { session_id: `alone${number}` }));
    const tenant = await stored([...strangers, at(100, 'a'), at(101, 'b'), at(102, 'c')]);
    const { found, brought } = await expectSame(setOfRules([...BASES, correlation({})]), tenant);
    expect([found.length, brought]).toEqual([1, 3]);
  });
});
