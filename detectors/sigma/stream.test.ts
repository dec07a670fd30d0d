/** Which events make up a match: the cases that `docs/rules.md` decides, one at a time. */
import { describe, expect, it } from 'vitest';
import { type RecordFields, record, rulesOf, run as runAll, shown, toolRules } from '../../test/rule_kit.ts';
import type { CompileOptions } from './compile.ts';

/** What the rule `r` tells; base rules that it does not refer to are told as well, and left out here. */
const run: typeof runAll = (compiled, list) => runAll(compiled, list).filter((match) => match.startsWith('r:'));

const TOOLS = toolRules('a', 'b', 'c', 'x');

interface Correlation {
  type?: string;
  rules?: string[];
  by?: string[];
  timespan?: string;
  condition?: object;
  aliases?: object;
  extension?: object;
}

/** A rule `r` over the base rules `a`, `b`, `c` and `x`. Without suppression, unless the extension has one. */
function correlation(given: Correlation): string {
  const { type = 'temporal_ordered', rules = ['a', 'b', 'c'], by = ['session_id'], timespan = '10s' } = given;
  const { condition, aliases, extension } = given;
  const own = { suppression: 'none', ...extension };
  const body = { type, rules, 'group-by': by, timespan, condition, aliases, 'x-tracewarden': own };
  return TOOLS + JSON.stringify({ title: 'r', name: 'r', correlation: body });
}

const rules = (given: Correlation, options?: CompileOptions) => rulesOf(correlation(given), options);

/** Events a second apart, named by their tools; `.` is an event that no rule knows. */
function events(tools: string, fields: Record<string, unknown> = {}): ReturnType<typeof record>[] {
  return [...tools].map((tool, at) => record({ seq: at + 1, tool, ...fields }));
}

/** The matches of a rule over events that are named by their tools. */
const found = (given: Correlation, tools: string) => run(rules(given), events(tools));

const made = (...list: Omit<RecordFields, 'seq'>[]) => list.map((fields, at) => record({ seq: at + 1, ...fields }));

describe('events in order', () => {
  it('match when they come in this order, with others between', () => {
    expect(found({}, 'a.b.c')).toEqual(['r: e1 e3 e5']);
  });

  it.each(['acb', 'bac', 'cba', 'bca', 'cab', 'ab', 'bc'])('do not match as %s', (tools) => {
    expect(found({}, tools)).toEqual([]);
  });

  it('are the latest that still let the rest come true', () => {
    expect(found({}, 'aabbac')).toEqual(['r: e2 e4 e6']);
    expect(found({}, 'abcab')).toEqual(['r: e1 e2 e3']);
  });

  it('are found for each anchor, once', () => {
    expect(found({}, 'abcc')).toEqual(['r: e1 e2 e3', 'r: e1 e2 e4']);
  });

  it('do not take one event for two steps', () => {
    expect(found({ rules: ['a'], extension: { steps: [{ rule: 'a' }, { rule: 'a' }] } }, 'a')).toEqual([]);
    expect(found({ rules: ['a'], extension: { steps: [{ rule: 'a' }, { rule: 'a' }] } }, 'aa')).toEqual(['r: e1 e2']);
  });

  it('count for one group only', () => {
    const list = made({ tool: 'a' }, { tool: 'b', session_id: 'other' }, { tool: 'c' });
    expect(run(rules({}), list)).toEqual([]);
    expect(run(rules({ by: [] }), list)).toEqual(['r: e1 e2 e3']);
  });

  it('never join tenants, whatever the group is', () => {
    expect(run(rules({ by: [] }), made({ tool: 'a' }, { tool: 'b', tenant: 'other' }, { tool: 'c' }))).toEqual([]);
  });

  it('at the same time have the order of log and seq', () => {
    const at = (tool: string, log: string, seq: number) => record({ tool, log, seq, time_ms: 5_000 });
    expect(run(rules({}), [at('a', 'log', 1), at('b', 'log', 2), at('c', 'log', 3)])).toEqual(['r: e1 e2 e3']);
    expect(run(rules({}), [at('a', 'log', 1), at('c', 'log', 2), at('b', 'log', 3)])).toEqual([]);
    expect(run(rules({}), [at('a', 'log1', 9), at('b', 'log2', 1), at('c', 'log3', 0)])).toEqual(['r: e9 e1 e0']);
    expect(run(rules({}), [at('a', 'log9', 1), at('b', 'log2', 2), at('c', 'log3', 3)])).toEqual([]);
  });

  it('lie within the timespan, which slides and has both ends in it', () => {
    const apart = (ms: number) =>
      made({ tool: 'a', time_ms: 500 }, { tool: 'b', time_ms: 900 }, { tool: 'c', time_ms: 500 + ms });
    expect(run(rules({}), apart(10_000))).toEqual(['r: e1 e2 e3']);
    expect(run(rules({}), apart(10_001))).toEqual([]);
  });

  it('do not lose the first step to a later harmless one that does not fit', () => {
    const list = made({ tool: 'a', server: 'x' }, { tool: 'a', server: 'y' }, { tool: 'b', server: 'y' });
    expect(run(rules({ rules: ['a', 'b'], extension: { distinct: ['server'] } }), list)).toEqual(['r: e1 e3']);
  });
});

describe('keys', () => {
  const who = (tool: string, user_id?: string) => ({ tool, ...(user_id && { user_id }) });

  it('that are missing drop the event, unless the field is marked', () => {
    const list = made(who('a'), who('b'), who('c'));
    expect(run(rules({ by: ['user_id'] }), list)).toEqual([]);
    expect(run(rules({ by: ['?user_id'] }), list)).toEqual(['r: e1 e2 e3']);
    expect(run(rules({ by: ['?user_id'] }), made(who('a', 'ana'), who('b'), who('c', 'ana')))).toEqual([]);
  });

  it('are compared in exact case', () => {
    expect(run(rules({ by: ['user_id'] }), made(who('a', 'ana'), who('b', 'Ana'), who('c', 'ana')))).toEqual([]);
  });

  it('of a list are its elements, each for itself', () => {
    const list = made(
      { tool: 'a', destination: ['x.test', 'y.test'] },
      { tool: 'b', destination: ['y.test', 'z.test'] },
      { tool: 'c', destination: ['y.test'] },
    );
    const compiled = rules({ by: ['destination'] });
    const [match, ...more] = list.flatMap((each) => compiled.observe(each));
    expect(match?.key).toEqual({ destination: 'y.test' });
    expect(more).toEqual([]);
  });

  it('beyond 16 of one field are left out, and beyond 256 of one event drop it', () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => `v${at}`);
    const wide = { type: 'event_count', rules: ['a'], condition: { gte: 1 } };
    const of_one = rules({ ...wide, by: ['destination'] });
    expect(of_one.observe(record({ seq: 1, tool: 'a', destination: many(20) })).length).toBe(16);
    const of_three = rules({ ...wide, by: ['destination', 'capability', 'signal'] });
    const fields = { destination: many(16), capability: many(16), signal: many(2) };
    expect(of_three.observe(record({ seq: 1, tool: 'a', ...fields }))).toEqual([]);
    expect(of_three.counters.dropped_rows).toBe(1);
  });

  it('that are long are shown by their digest', () => {
    const compiled = rules({ type: 'event_count', rules: ['a'], condition: { gte: 2 }, by: ['content'] });
    const content = 'secret '.repeat(100);
    const matches = made({ tool: 'a', content }, { tool: 'a', content }).flatMap((each) => compiled.observe(each));
    expect(matches.map((match) => match.key.content)).toEqual([expect.stringMatching(/^sha256:[0-9a-f]{64}$/)]);
  });

  it('may have other names in other rules', () => {
    const aliases = { who: { a: 'params.from', b: 'params.to' } };
    const given = { type: 'temporal', rules: ['a', 'b'], by: ['who'], aliases };
    const list = (to: string) => made({ tool: 'a', params: { from: 'ana' } }, { tool: 'b', params: { to } });
    expect(run(rules(given), list('ana'))).toEqual(['r: e1 e2']);
    expect(run(rules(given), list('ben'))).toEqual([]);
  });
});

describe('the extension', () => {
  const steps = (...list: object[]) => ({ extension: { steps: list } });
  const [a, b] = ['a', 'b'].map((rule) => ({ rule }));
  const no_x = { rule: 'x', absent: true };

  it('absent between: nothing of it may come between', () => {
    const given = { rules: ['a', 'b'], ...steps(a as object, no_x, b as object) };
    expect(found(given, 'a.b')).toEqual(['r: e1 e3']);
    expect(found(given, 'axb')).toEqual([]);
    expect(found(given, 'xabx')).toEqual(['r: e2 e3']);
    expect(found(given, 'axab')).toEqual(['r: e3 e4']);
  });

  it('absent before: nothing of it may come before in the window', () => {
    const given = { rules: ['a'], ...steps(no_x, a as object) };
    expect(found(given, '..a')).toEqual(['r: e3']);
    expect(found(given, 'x.a')).toEqual([]);
    const long_ago = made({ tool: 'x', time_ms: 0 }, { tool: 'a', time_ms: 10_001 });
    expect(run(rules(given), long_ago)).toEqual(['r: e2']);
  });

  describe('absent at the end', () => {
    const given = { rules: ['a', 'b'], ...steps(a as object, b as object, no_x), timespan: '5s' };

    it('fires only when a later event closes the window', () => {
      const compiled = rules(given);
      expect(run(compiled, events('ab'))).toEqual([]);
      expect(run(compiled, [record({ seq: 10, tool: '.', time_ms: 6_000 })])).toEqual([]); // the deadline itself
      const [match] = compiled.observe(record({ seq: 11, tool: '.', session_id: 'any', time_ms: 6_001 }));
      expect(match && shown(match)).toBe('r: e1 e2');
      expect(match?.anchor.event_id).toBe('e2');
      expect(compiled.observe(record({ seq: 12, tool: '.', time_ms: 60_000 }))).toEqual([]);
    });

    it('or a flush does', () => {
      const compiled = rules(given);
      run(compiled, events('ab'));
      expect(compiled.flush(6_000)).toEqual([]);
      expect(compiled.flush(6_001).map(shown)).toEqual(['r: e1 e2']);
      expect(compiled.flush(60_000)).toEqual([]);
    });

    it('does not fire when it comes in time, up to the deadline', () => {
      for (const time_ms of [2_500, 6_000]) {
        const compiled = rules(given);
        run(compiled, [...events('ab'), record({ seq: 3, tool: 'x', time_ms })]);
        expect(compiled.flush(60_000)).toEqual([]);
      }
      const compiled = rules(given);
      run(compiled, [...events('ab'), record({ seq: 3, tool: 'x', time_ms: 6_001 })]);
      expect(compiled.flush(60_000)).toEqual([]); // told with the event that closed the window
      expect(compiled.counters.matches).toBe(1);
    });

    it('is not closed by the time of another tenant', () => {
      const compiled = rules(given);
      run(compiled, [...events('ab'), record({ seq: 3, tool: '.', tenant: 'other', time_ms: 60_000 })]);
      expect(compiled.counters.matches).toBe(0);
    });

    it('ends with `until` as well', () => {
      const compiled = rules({ ...given, extension: { ...given.extension, until: 'c' } });
      run(compiled, events('abc'));
      expect(compiled.flush(60_000)).toEqual([]);
    });
  });

  it('min_count: so many events one after the other', () => {
    const given = { rules: ['a', 'b'], ...steps({ rule: 'a', min_count: 3 }, b as object) };
    expect(found(given, 'aab')).toEqual([]);
    expect(found(given, 'aaaab')).toEqual(['r: e2 e3 e4 e5']);
    const at_end = { rules: ['a', 'b'], ...steps(a as object, { rule: 'b', min_count: 2 }) };
    expect(found(at_end, 'abab')).toEqual(['r: e1 e2 e4']);
  });

  it('until discards what began before it, and nothing else', () => {
    const given = { rules: ['a', 'b'], extension: { until: 'x' } };
    expect(found(given, 'axb')).toEqual([]);
    expect(found(given, 'xab')).toEqual(['r: e2 e3']);
    expect(found(given, 'axab')).toEqual(['r: e3 e4']);
    expect(found(given, 'abx')).toEqual(['r: e1 e2']);
  });

  it('max_gap and max_gap_events bound the way between neighbours', () => {
    expect(found({ rules: ['a', 'b'], extension: { max_gap: '2s' } }, 'a.b')).toEqual(['r: e1 e3']);
    expect(found({ rules: ['a', 'b'], extension: { max_gap: '2s' } }, 'a..b')).toEqual([]);
    expect(found({ extension: { max_gap: '2s' } }, 'a.b.c')).toEqual(['r: e1 e3 e5']);
    expect(found({ rules: ['a', 'b'], extension: { max_gap_events: 1 } }, 'a.b')).toEqual(['r: e1 e3']);
    expect(found({ rules: ['a', 'b'], extension: { max_gap_events: 1 } }, 'a..b')).toEqual([]);
    expect(found({ rules: ['a', 'b'], extension: { max_gap_events: 0 } }, 'a.ab')).toEqual(['r: e3 e4']);
    const two_sessions = made({ tool: 'a' }, { tool: 'b', session_id: 'other' });
    expect(run(rules({ rules: ['a', 'b'], by: [], extension: { max_gap_events: 5 } }), two_sessions)).toEqual([]);
  });

  it('distinct: each step at another server', () => {
    const at = (...servers: (string | undefined)[]) =>
      servers.map((server, i) => record({ seq: i + 1, tool: 'abc'[i], ...(server && { server }) }));
    const given = { extension: { distinct: ['server'] } };
    expect(run(rules(given), at('x', 'y', 'z'))).toEqual(['r: e1 e2 e3']);
    expect(run(rules(given), at('x', 'y', 'x'))).toEqual([]);
    expect(run(rules(given), at('x', undefined, 'z'))).toEqual([]);
  });

  it('same: a value that all have', () => {
    const at = (...lists: string[][]) =>
      lists.map((destination, i) => record({ seq: i + 1, tool: 'abc'[i], destination }));
    const given = { extension: { same: ['destination'] } };
    expect(run(rules(given), at(['p', 'q'], ['q'], ['q', 'r']))).toEqual(['r: e1 e2 e3']);
    expect(run(rules(given), at(['p'], ['p', 'q'], ['q']))).toEqual([]);
  });

  it('carry: a value must have gone from the one event to the other', () => {
    const carry = { from: 'a', to: 'c', match: 'secret', min_len: 12 };
    const given = { extension: { carry } };
    const asked: string[] = [];
    const withEdge = (from: number, kind: string, chars?: number) =>
      rules(given, {
        edgesBetween: (start, end) => {
          asked.push(`${start.event_id}-${end.event_id}`);
          return start.seq === from ? [{ kind, ...(chars && { chars }) }] : [];
        },
      });
    expect(run(withEdge(1, 'secret', 20), events('aabc'))).toEqual(['r: e1 e3 e4']);
    expect(asked).toEqual(['e2-e4', 'e1-e4']);
    expect(run(withEdge(1, 'secret', 11), events('aabc'))).toEqual([]);
    expect(run(withEdge(1, 'secret'), events('aabc'))).toEqual([]);
    expect(run(withEdge(1, 'email', 20), events('aabc'))).toEqual([]);
    expect(run(rules(given), events('aabc'))).toEqual([]);
  });

  it('session_chain: no more than so many sessions in the window', () => {
    const given = { by: ['user_id'], timespan: '1h' };
    const over = (...sessions: string[]) =>
      sessions.map((session_id, i) => record({ seq: i + 1, tool: 'abxc'[i], session_id, user_id: 'ana' }));
    const chain = (session_chain: number) => rules({ ...given, extension: { window: { session_chain } } });
    expect(run(chain(2), over('s1', 's2', 's2', 's2'))).toEqual(['r: e1 e2 e4']);
    expect(run(chain(2), over('s1', 's2', 's3', 's3'))).toEqual([]);
    expect(run(chain(3), over('s1', 's2', 's3', 's3'))).toEqual(['r: e1 e2 e4']);
    const counts = { ...given, type: 'event_count', rules: ['a', 'b', 'c'], condition: { gte: 3 } };
    const counting = (session_chain: number) => rules({ ...counts, extension: { window: { session_chain } } });
    expect(run(counting(1), over('s1', 's2', 's2', 's2'))).toEqual([]);
    expect(run(counting(2), over('s1', 's2', 's2', 's2'))).toEqual(['r: e1 e2 e4']);
  });

  it('a signal is a step like a rule', () => {
    const text = `${TOOLS}${JSON.stringify({
      title: 'r',
      name: 'r',
      correlation: {
        type: 'temporal_ordered',
        rules: ['signal:secret_seen', 'b'],
        'group-by': ['session_id'],
        timespan: '10s',
        'x-tracewarden': { steps: [{ signal: 'secret_seen' }, { rule: 'b' }] },
      },
    })}`;
    const list = (signal: string[]) => made({ tool: '.', signal }, { tool: 'b' });
    expect(run(rulesOf(text), list(['other', 'secret_seen']))).toEqual(['r: e1 e2']);
    expect(run(rulesOf(text), list(['other']))).toEqual([]);
  });
});

describe('counts and values', () => {
  const of = (type: string, condition: object, more: Correlation = {}) =>
    rules({ type, rules: ['a'], condition, timespan: '3s', ...more });
  const values = (compiled: ReturnType<typeof rules>, ...list: Omit<RecordFields, 'seq'>[]) =>
    made(...list.map((fields) => ({ tool: 'a', ...fields })))
      .flatMap((each) => compiled.observe(each))
      .map(({ value }) => value);

  it('event_count counts the events of the sliding window', () => {
    expect(values(of('event_count', { gte: 2 }), {}, {}, {}, {}, {})).toEqual([2, 3, 4, 4]);
    expect(values(of('event_count', { gt: 1, lt: 4 }), {}, {}, {}, {}, {})).toEqual([2, 3]);
    expect(values(of('event_count', { eq: 3 }), {}, {}, {}, {})).toEqual([3]);
    expect(values(of('event_count', { neq: 1 }), {}, {})).toEqual([2]);
    expect(values(of('event_count', { lte: 1 }), {}, {}, { time_ms: 90_000 })).toEqual([1, 1]);
  });

  it('an event that several rules match counts once', () => {
    const both = `${TOOLS}title: any\nname: any\nlogsource: { product: tracewarden }\ndetection: { is: { tool: '*' }, condition: is }\n---\n`;
    const text = `${both}${JSON.stringify({ title: 'r', name: 'r', correlation: { type: 'event_count', rules: ['a', 'any'], 'group-by': [], timespan: '1m', condition: { gte: 2 } } })}`;
    expect(run(rulesOf(text), events('a'))).toEqual([]);
    expect(run(rulesOf(text), events('ab'))).toEqual(['r: e1 e2']);
  });

  it('value_count counts different values, and leaves out events without one', () => {
    const servers = (...names: (string | undefined)[]) => names.map((server) => (server ? { server } : {}));
    const compiled = () => of('value_count', { field: 'server', gte: 2 }, { timespan: '1m' });
    expect(values(compiled(), ...servers('x', 'x', 'y', undefined, 'Y'))).toEqual([2, 3]);
    const pairs = of('value_count', { field: ['server', 'user_id'], gte: 2 }, { timespan: '1m' });
    expect(values(pairs, { server: 'x', user_id: 'u' }, { server: 'x', user_id: 'v' }, { server: 'x' })).toEqual([2]);
    const lists = of('value_count', { field: 'destination', gte: 3 }, { timespan: '1m' });
    expect(values(lists, { destination: ['p', 'q'] }, { destination: ['q', 'r'] })).toEqual([3]);
  });

  it('value_sum, value_avg and value_percentile look at numbers', () => {
    const rows = [4, 'many', 6, 0.5, '2'].map((row_count) => ({ row_count }));
    expect(values(of('value_sum', { field: 'row_count', gte: 0 }, { timespan: '1m' }), ...rows)).toEqual([
      4, 10, 10.5, 12.5,
    ]);
    expect(values(of('value_sum', { field: 'row_count', gt: 9 }, { timespan: '1s' }), ...rows)).toEqual([]);
    expect(values(of('value_avg', { field: 'row_count', gte: 5 }, { timespan: '1m' }), ...rows)).toEqual([5]);
    const percentile = (percent: number) =>
      of('value_percentile', { field: 'row_count', percentile: percent, gte: 0 }, { timespan: '1m' });
    expect(values(percentile(50), ...rows)).toEqual([4, 4, 4, 2]);
    expect(values(percentile(100), ...rows)).toEqual([4, 6, 6, 6]);
    expect(values(percentile(1), ...rows)).toEqual([4, 4, 0.5, 0.5]);
  });

  it('temporal needs all rules in any order, or as many as it says', () => {
    expect(found({ type: 'temporal' }, 'cxab')).toEqual(['r: e1 e3 e4']);
    expect(found({ type: 'temporal' }, 'ccab')).toEqual(['r: e2 e3 e4']);
    expect(found({ type: 'temporal', timespan: '2s' }, 'a..bc')).toEqual([]);
    expect(found({ type: 'temporal', condition: { gte: 2 } }, 'a.ab')).toEqual(['r: e3 e4']);
  });

  it('list the latest 100 events of a larger window, with the whole number', () => {
    const compiled = of('event_count', { gte: 150 }, { timespan: '1h' });
    const [match] = events('a'.repeat(150)).flatMap((each) => compiled.observe(each));
    expect(match?.value).toBe(150);
    expect(match?.events.length).toBe(100);
    expect(match?.events.at(-1)?.point.event_id).toBe('e150');
  });
});

describe('correlations of correlations', () => {
  const many = {
    title: 'many',
    name: 'many',
    correlation: {
      type: 'event_count',
      rules: ['a'],
      'group-by': ['user_id', 'server'],
      timespan: '10s',
      condition: { gte: 3 },
    },
  };
  const then = {
    title: 'r',
    name: 'r',
    correlation: { type: 'temporal_ordered', rules: ['many', 'b'], 'group-by': ['user_id'], timespan: '10s' },
  };
  const text = `${TOOLS}${JSON.stringify(many)}\n---\n${JSON.stringify(then)}`;
  const from = (tools: string, server: string) => events(tools, { user_id: 'ana', server });

  it('name the events of the lower match in its place', () => {
    expect(run(rulesOf(text), from('aaab', 'x'))).toEqual(['r: e1 e2 e3 e4']);
    expect(run(rulesOf(text), from('aab', 'x'))).toEqual([]);
    expect(run(rulesOf(text), from('aaba', 'x'))).toEqual([]);
  });

  it('use their own group only', () => {
    const list = [...from('aaa', 'x'), record({ seq: 4, tool: 'b', user_id: 'ana', server: 'y' })];
    expect(run(rulesOf(text), list)).toEqual(['r: e1 e2 e3 e4']);
    const other = [...from('aaa', 'x'), record({ seq: 4, tool: 'b', user_id: 'ben', server: 'x' })];
    expect(run(rulesOf(text), other)).toEqual([]);
  });

  it('see matches that are not told', () => {
    // `many` is told once in 10 seconds; its later matches are rows all the same.
    const later = from('aaaa', 'x').map((each, at) =>
      at === 3 ? record({ seq: 4, tool: 'a', user_id: 'ana', server: 'x', time_ms: 9_000 }) : each,
    );
    const end = record({ seq: 5, tool: 'b', user_id: 'ana', server: 'x', time_ms: 18_500 });
    expect(run(rulesOf(text), [...later, end])).toEqual(['r: e1 e2 e3 e4 e5']);
  });
});

it('the window is that of the longest pile of timespans, with the time of suppression', () => {
  expect(rules({ timespan: '10s' }).window_ms).toBe(10_000);
  expect(rules({ timespan: '10s', extension: { suppression: { timespan: '1h' } } }).window_ms).toBe(3_610_000);
  expect(rulesOf(TOOLS).window_ms).toBe(0);
});

describe('suppression', () => {
  const count = { type: 'event_count', rules: ['a'], condition: { gte: 1 }, timespan: '3s', by: ['user_id'] };
  const told = (extension: object, ...list: Omit<RecordFields, 'seq'>[]) => {
    const compiled = rulesOf(correlation({ ...count, extension: { suppression: undefined, ...extension } }));
    const matches = run(compiled, made(...list.map((fields) => ({ tool: 'a', user_id: 'ana', ...fields }))));
    return { matches, suppressed: compiled.counters.suppressed };
  };

  it('tells a correlation once for each key and timespan when nothing is said', () => {
    expect(told({}, {}, {}, {}, {}, {})).toEqual({ matches: ['r: e1', 'r: e1 e2 e3 e4'], suppressed: 3 });
    expect(told({}, {}, { user_id: 'ben' }).suppressed).toBe(0);
  });

  it('has a key and a window of its own', () => {
    const by = (suppression: unknown) =>
      told({ suppression }, { server: 'x' }, { server: 'y' }, { server: 'x' }, { user_id: 'ben', server: 'x' });
    expect(by({ by: ['server'] }).matches.length).toBe(2);
    expect(by({ by: ['server'], timespan: '2s' }).matches.length).toBe(3);
    expect(by({ by: ['user_id', 'server'] }).matches.length).toBe(3);
    expect(by({ by: [] }).matches.length).toBe(1);
    expect(by('none').suppressed).toBe(0);
  });

  it('tells a base rule every time, unless it says otherwise', () => {
    const base = (own: object) =>
      JSON.stringify({
        title: 'r',
        name: 'r',
        logsource: { product: 'tracewarden' },
        detection: { s: { tool: 'a' }, condition: 's' },
        'x-tracewarden': own,
      });
    const list = made({ tool: 'a', user_id: 'ana' }, { tool: 'a', user_id: 'ana' }, { tool: 'a', user_id: 'ben' });
    expect(run(rulesOf(base({})), list).length).toBe(3);
    expect(run(rulesOf(base({ suppression: { by: ['user_id'] } })), list)).toEqual(['r: e1', 'r: e3']);
    expect(run(rulesOf(base({ suppression: { timespan: '2s' } })), list)).toEqual(['r: e1', 'r: e3']);
  });
});

describe('late events', () => {
  it('are put in their place and what they complete is marked', () => {
    const compiled = rules({});
    const [e1, e2, e3] = events('abc') as [
      ReturnType<typeof record>,
      ReturnType<typeof record>,
      ReturnType<typeof record>,
    ];
    expect(run(compiled, [e1, e3])).toEqual([]);
    const [match] = compiled.observe(e2);
    expect(match && shown(match)).toBe('r: e1 e2 e3');
    expect(match).toMatchObject({ late: true, anchor: { event_id: 'e3' } });
    expect(compiled.counters.late_events).toBe(1);
  });

  it('do not tell an anchor again', () => {
    const compiled = rules({});
    const list = events('abbc');
    const [late] = list.splice(1, 1);
    expect(run(compiled, list)).toEqual(['r: e1 e3 e4']);
    expect(compiled.observe(late as ReturnType<typeof record>)).toEqual([]);
  });

  it('can keep a waiting match from being told', () => {
    const compiled = rules({
      rules: ['a'],
      timespan: '5s',
      extension: { steps: [{ rule: 'a' }, { rule: 'x', absent: true }] },
    });
    run(compiled, made({ tool: 'a', time_ms: 0 }, { tool: '.', time_ms: 5_000 }));
    run(compiled, [record({ seq: 9, tool: 'x', time_ms: 3_000 })]);
    expect(compiled.flush(60_000)).toEqual([]);
  });

  it('can make an event that was seen the anchor of a lower match, and so of an upper one', () => {
    const many = { type: 'event_count', rules: ['a'], 'group-by': [], timespan: '10s', condition: { gte: 3 } };
    const both = { type: 'temporal', rules: ['many', 'a'], 'group-by': [], timespan: '10s' };
    const documents = [
      { title: 'many', name: 'many', correlation: many },
      { title: 'r', name: 'r', correlation: both },
    ];
    const compiled = rulesOf(TOOLS + documents.map((each) => JSON.stringify(each)).join('\n---\n'));
    const [e1, e2, e3] = events('aaa');
    expect(run(compiled, [e1, e3] as ReturnType<typeof record>[])).toEqual([]);
    expect(run(compiled, [e2] as ReturnType<typeof record>[])).toEqual(['r: e1 e2 e3']);
  });

  it('of which the deadline has passed are judged at once', () => {
    const given = { rules: ['a'], timespan: '5s', extension: { steps: [{ rule: 'a' }, { rule: 'x', absent: true }] } };
    const late = record({ seq: 9, tool: 'a', time_ms: 1_000 });
    expect(run(rules(given), [record({ seq: 1, tool: '.', time_ms: 60_000 }), late])).toEqual(['r: e9']);
    const list = made({ tool: 'x', time_ms: 3_000 }, { tool: '.', time_ms: 60_000 });
    expect(run(rules(given), [...list, late])).toEqual([]);
  });

  it('that are repeated change nothing', () => {
    const compiled = rules({ type: 'event_count', rules: ['a'], condition: { gte: 2 } });
    const [first] = events('a') as [ReturnType<typeof record>];
    expect(run(compiled, [first, first, first])).toEqual([]);
  });

  it('beyond what rows are kept for are counted', () => {
    const compiled = rules({});
    run(
      compiled,
      made({ tool: 'a', time_ms: 100_000 }, { tool: 'b', time_ms: 39_999 }, { tool: 'c', time_ms: 99_000 }),
    );
    expect(compiled.counters).toMatchObject({ late_events: 2, too_late_events: 1 });
  });
});

describe('limits', () => {
  const count = { type: 'event_count', rules: ['a'], by: ['user_id'], timespan: '1h', condition: { gte: 1_000 } };

  it('of rows for a key let the oldest go, counted', () => {
    const compiled = rules({ ...count, condition: { gte: 10 } }, { limits: { rows_per_key_max: 10 } });
    const matches = events('a'.repeat(25), { user_id: 'ana' }).flatMap((each) => compiled.observe(each));
    expect(matches.map((match) => match.value)).toEqual(new Array(16).fill(10));
    expect(compiled.counters).toMatchObject({ rows: 10, keys: 1, evicted_rows: 15 });
  });

  it('of rows in all let the key go that was unused longest', () => {
    const compiled = rules({ ...count, condition: { gte: 3 } }, { limits: { rows_max: 4 } });
    const user = (user_id: string, seq: number) => record({ seq, tool: 'a', user_id });
    run(compiled, [user('ana', 1), user('ben', 2), user('ben', 3), user('ana', 4), user('cy', 5)]);
    expect(compiled.counters).toMatchObject({ rows: 3, keys: 2, evicted_keys: 1 });
    expect(run(compiled, [user('ana', 6)])).toEqual(['r: e1 e4 e6']);
    expect(run(compiled, [user('ben', 7)])).toEqual([]);
  });

  it('of a search give no match, counted', () => {
    // Eight different servers are asked for and there are seven: every way to take them would have to be tried.
    const steps = Array.from({ length: 8 }, (_, at) => ({ rule: 'a', name: `step${at}` }));
    const compiled = rules({ rules: ['a'], timespan: '1h', extension: { distinct: ['server'], steps } });
    const list = Array.from({ length: 80 }, (_, at) => record({ seq: at, tool: 'a', server: `s${at % 7}` }));
    const started = performance.now();
    expect(run(compiled, list)).toEqual([]);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(compiled.counters.cut_searches).toBeGreaterThan(10);
    // Without such a constraint nothing has to be tried twice.
    const plain = rules({
      rules: ['b', 'a'],
      timespan: '1h',
      extension: { steps: [{ rule: 'b' }, { rule: 'a', min_count: 16 }] },
    });
    expect(run(plain, [...list.slice(1), record({ seq: 99, tool: 'b' }), record({ seq: 100, tool: 'a' })])).toEqual([]);
    expect(plain.counters.cut_searches).toBe(0);
  });

  it('of waiting matches let the earliest go, counted', () => {
    const compiled = rules(
      { rules: ['a'], by: ['user_id'], extension: { steps: [{ rule: 'a' }, { rule: 'x', absent: true }] } },
      { limits: { pending_max: 3 } },
    );
    run(
      compiled,
      Array.from({ length: 5 }, (_, at) => record({ seq: at, tool: 'a', user_id: `u${at}`, time_ms: at })),
    );
    expect(compiled.flush(60_000).length).toBe(3);
    expect(compiled.counters.dropped_pending).toBe(2);
  });

  it('of suppression keys forget the oldest, counted', () => {
    const compiled = rules(
      { ...count, condition: { gte: 1 }, extension: { suppression: { by: ['user_id'] } } },
      { limits: { suppressions_per_rule_max: 2 } },
    );
    const users = ['u1', 'u2', 'u3', 'u1'].map((user_id, at) => record({ seq: at, tool: 'a', user_id }));
    expect(run(compiled, users).length).toBe(4);
    expect(compiled.counters.evicted_suppressions).toBe(2);
  });

  it('old rows and keys go by themselves', () => {
    const compiled = rules({ ...count, timespan: '1m' });
    for (let at = 0; at < 5_000; at++) compiled.observe(record({ seq: at, tool: 'a', user_id: `u${at % 7}` }));
    expect(compiled.counters.rows).toBeLessThan(500);
    for (let at = 5_000; at < 5_400; at++) compiled.observe(record({ seq: at, tool: 'a', user_id: 'ana' }));
    expect(compiled.counters.keys).toBe(1);
    expect(compiled.counters).toMatchObject({ evicted_rows: 0, evicted_keys: 0 });
    compiled.flush(1e9);
    expect(compiled.counters).toMatchObject({ rows: 0, keys: 0 });
  });

  it('a stream of one key stays fast', () => {
    for (const type of ['event_count', 'value_count', 'value_sum', 'value_percentile', 'temporal']) {
      const field = type.startsWith('value') && { field: type === 'value_count' ? 'event_id' : 'row_count' };
      const condition = { gte: 9_000, ...field, ...(type === 'value_percentile' && { percentile: 90 }) };
      const compiled = rules({
        type,
        rules: type === 'temporal' ? ['a', 'b'] : ['a'],
        by: [],
        timespan: '30d',
        condition,
      });
      const started = performance.now();
      for (let at = 0; at < 20_000; at++) compiled.observe(record({ seq: at, tool: 'a', row_count: at % 97 }));
      expect(performance.now() - started, type).toBeLessThan(15_000);
    }
  });
});
