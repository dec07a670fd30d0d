/** SQL over what is stored and the stream find the same: the same findings, whatever the rules and the events are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRuleFile } from '../detectors/sigma/rule_file.ts';
import { baseRule, definedOnly, LOGSOURCE, parityLog, type Sent, setOfRules } from './rule_sql_kit.ts';

const RUNS = Number(process.env.FC_RUNS ?? 10);

const { stored, expectSame } = parityLog('rule-sql');

/** Texts that lower case, JSON, expressions and numbers see in their own ways. */
const TEXTS = [
  'Key',
  'key',
  '\u212aey',
  'STOP',
  '\u017ftop',
  'ΟΔΟΣ',
  'οδος',
  'İx',
  'a"b\\c',
  'line\nbreak',
  'tab\tand \u0001',
  '10.1.2.3',
  '10.01.2.3',
  '2001:db8::1',
  '5',
  '5.0',
  '-3e2',
  'true',
  'TRUE',
  '😀 end',
  'a*b?c',
  '2026-03-01T10:20:30Z',
];
const NUMBERS = [0, 5, -3, 0.1, 1e21, 2 ** 53 - 1, 1e-7];
const text = fc.constantFrom(...TEXTS);
const scalar = fc.oneof(text, fc.constantFrom(...NUMBERS), fc.boolean(), fc.constantFrom('', null));
const value = fc.oneof(
  { weight: 5, arbitrary: scalar },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 2, arbitrary: fc.dictionary(fc.constantFrom('b', 'c.d', 'e"f'), scalar, { maxKeys: 2 }) },
  {
    weight: 1,
    arbitrary: fc.array(fc.dictionary(fc.constantFrom('b', 'c'), scalar, { maxKeys: 2 }), { maxLength: 2 }),
  },
);

const anything = fc
  .record({
    type: fc.constantFrom('tool.call', 'tool.call', 'tool.result', 'prompt', 'session.end'),
    server: fc.constantFrom('x', 'Y', undefined),
    tool: fc.constantFrom('read_file', 'SEND_email', 'οδος'),
    user_id: fc.constantFrom('ana', 'Ben', undefined),
    params: fc.option(fc.dictionary(fc.constantFrom('a', 'b', 'to'), value, { maxKeys: 3 }), { nil: undefined }),
    content: fc.option(text, { nil: undefined }),
    own: fc.option(value, { nil: undefined }),
    other: fc.option(value, { nil: undefined }),
    row_count: fc.constantFrom(undefined, 0, 5, 12),
    duration_ms: fc.constantFrom(undefined, 0.1, 5, 1e21),
    is_error: fc.constantFrom(undefined, true, false),
    reason: fc.option(text, { nil: undefined }),
    decision: fc.constantFrom(undefined, { action: 'deny', reason: 'Key' }, { action: 'allow' }),
    session: fc.nat({ max: 1 }),
    step_ms: fc.constantFrom(0, 1_000, 3_600_000),
  })
  .map(({ session, ...fields }) => ({ ...fields, session_id: `s${session}` }));

function timed(events: readonly (Record<string, unknown> & { step_ms: number })[]): Sent[] {
  let time_ms = 0;
  return events.map(({ step_ms, ...fields }) => {
    time_ms += step_ms;
    return { ...fields, time_ms };
  });
}

const FIELDS = [
  'type',
  'tool',
  'server',
  'user_id',
  'content',
  'params',
  'params.a',
  'params.a.b',
  'params.b',
  'params.to.c.d',
  'extra',
  'extra.own',
  'extra.own.b',
  'extra.other',
  'row_count',
  'duration_ms',
  'is_error',
  'reason',
  'decision.action',
  'decision',
  'session_seq',
  'received_at',
  'event_id.inside',
];
const field = fc.constantFrom(...FIELDS);
const word = fc.constantFrom(...TEXTS, 'ke', 'O', 'σ', 'b"', '\\n', 'e', '.', '5', 'X', 'deny');
const wild = fc.constantFrom('K?y', '*e*y', '?', '*', 's*p', '*\\**', 'a"*c', '*οδο?', 'i?x');
const pattern = fc.constantFrom(
  '^k',
  'y$',
  'e.',
  'a.b',
  '^l[a-z]+.b',
  '(key|stop)',
  '\\bend\\b',
  '^\\d+$',
  'ο',
  'deny|"',
);

const testOf = fc.oneof(
  fc
    .tuple(field, fc.oneof(word, wild, fc.constantFrom(5, 0, 0.1, true, false, 1e21)))
    .map(([name, each]) => ({ [name]: each })),
  fc
    .tuple(
      field,
      fc.constantFrom(
        'contains',
        'startswith',
        'endswith',
        'cased',
        'contains|cased',
        'endswith|cased',
        'neq',
        'windash',
      ),
      word,
    )
    .map(([name, modifier, each]) => ({ [`${name}|${modifier}`]: each })),
  fc
    .tuple(
      field,
      fc.constantFrom('contains', 'startswith', 'endswith', 'cased', 'neq'),
      fc.uniqueArray(word, { minLength: 2, maxLength: 4 }),
    )
    .map(([name, modifier, list]) => ({ [`${name}|${modifier}`]: list })),
  fc
    .tuple(field, fc.constantFrom('re', 're|i', 're|m', 're|s', 're|i|m|s'), pattern)
    .map(([name, modifier, each]) => ({ [`${name}|${modifier}`]: each })),
  fc
    .tuple(field, fc.constantFrom('gt', 'gte', 'lt', 'lte', 'neq'), fc.constantFrom(5, 0, 0.1, -3, 1e21))
    .map(([name, modifier, each]) => ({ [`${name}|${modifier}`]: each })),
  fc.tuple(field, fc.boolean()).map(([name, exists]) => ({ [`${name}|exists`]: exists })),
  fc
    .tuple(field, fc.constantFrom('10.0.0.0/8', '10.1.2.3', '10.1.0.0/13', '2001:db8::/32', '0.0.0.0/0'))
    .map(([name, each]) => ({ [`${name}|cidr`]: each })),
  fc
    .tuple(field, field, fc.constantFrom('fieldref', 'fieldref|cased', 'fieldref|neq'))
    .map(([name, other, modifier]) => ({ [`${name}|${modifier}`]: other })),
  fc
    .tuple(
      fc.constantFrom('time', 'received_at', 'params.a', 'content'),
      fc.constantFrom('minute', 'hour', 'day', 'week', 'month', 'year'),
      fc.constantFrom(2, 10, 11, 2026),
    )
    .map(([name, part, each]) => ({ [`${name}|${part}`]: each })),
  fc.tuple(field, fc.constantFrom(null)).map(([name, each]) => ({ [name]: each })),
  fc.uniqueArray(word, { minLength: 1, maxLength: 2 }),
);

const matching = fc
  .record({
    first: testOf,
    second: testOf,
    condition: fc.constantFrom(
      'first',
      'not first',
      'first and second',
      'first or second',
      'first and not second',
      'not (first or second)',
    ),
  })
  .map(({ first, second, condition }) => ({
    title: 'rule',
    name: 'rule',
    logsource: LOGSOURCE,
    detection: { first, ...(condition.includes('second') && { second }), condition },
  }));

describe('base rules', () => {
  it('match the same events, whatever they compare and whatever the events hold', { timeout: 300_000 }, async () => {
    const seen = { found: 0, brought: 0, there: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(anything, { minLength: 30, maxLength: 50 }),
        fc.array(matching, { minLength: 30, maxLength: 30 }),
        async (events, rules) => {
          const tenant = await stored(timed(events));
          const usable = rules.flatMap((rule) => {
            const parsed = parseRuleFile(JSON.stringify(rule), 'generated.yaml');
            return parsed.errors.length === 0 ? [rule] : [];
          });
          for (const rule of usable) {
            const { found, brought } = await expectSame(setOfRules([rule]), tenant);
            seen.found += found.length;
            seen.brought += brought;
            seen.there += events.length + 1;
          }
        },
      ),
      { numRuns: Math.ceil(RUNS / 10), endOnFailure: true },
    );
    expect(seen.found).toBeGreaterThan(100);
    expect(seen.brought).toBeLessThan(seen.there * 0.7);
  });
});

const TOOLS = ['a', 'b', 'c', 'd'];
/** `ab` matches two kinds, so that an event can be a row of several sources; `inside` looks into the parameters. */
const bases = [
  ...TOOLS.map((tool) => baseRule(tool, { tool })),
  baseRule('ab', { tool: ['a', 'b'] }),
  baseRule('inside', { 'params.to|contains': 'me' }),
];
const names = [...TOOLS, 'ab', 'inside'];

const call = fc
  .record({
    tool: fc.constantFrom(...TOOLS),
    server: fc.constantFrom('x', 'y', 'z', undefined),
    user_id: fc.constantFrom('ana', 'ana', 'ana', 'ben', undefined),
    row_count: fc.constantFrom(0, 1, 2, 5, undefined),
    params: fc.constantFrom({ to: 'me' }, { to: ['you', 'me'] }, { to: 'them' }, {}, undefined),
    step_ms: fc.constantFrom(0, 0, 1_000, 1_000, 2_000, 5_000, 20_000),
    session: fc.nat({ max: 2 }),
  })
  .map(({ session, ...fields }) => ({ type: 'tool.call', ...fields, session_id: `s${session}` }));

/** Times that do not go back, with ties; and the order in which the events come. */
const calls = fc
  .tuple(fc.array(call, { minLength: 40, maxLength: 60 }), fc.infiniteStream(fc.nat()), fc.boolean())
  .map(([list, ranks, in_order]) => {
    const events = timed(list);
    if (in_order) return events;
    return events
      .map((event) => ({ event, rank: ranks.next().value as number }))
      .sort((one, other) => one.rank - other.rank)
      .map(({ event }) => event);
  });

const groupBy = fc.constantFrom(['user_id'], ['?user_id'], ['session_id'], ['server', 'user_id'], [], ['params.to']);
const timespan = fc.constantFrom('1s', '2s', '5s', '10s', '1m');
const suppression = fc.constantFrom(undefined, 'none', 'none', { by: ['user_id'] }, { by: ['server'], timespan: '3s' });
const window = fc.constantFrom(undefined, undefined, { session_chain: 1 }, { session_chain: 2 });
const NUMERIC = ['value_sum', 'value_avg', 'value_percentile'];

const counting = fc
  .record({
    type: fc.constantFrom('event_count', 'event_count', 'value_count', 'value_count', ...NUMERIC, 'temporal'),
    rules: fc.subarray(names, { minLength: 1 }),
    group_by: groupBy,
    timespan,
    operator: fc.constantFrom('gt', 'gte', 'gte', 'gte', 'lt', 'lte', 'eq', 'neq'),
    bound: fc.nat({ max: 4 }),
    field: fc.constantFrom('server', ['server', 'tool'], 'params.to', 'row_count'),
    extension: fc.record({ suppression, window }),
  })
  .map(({ type, rules, group_by, operator, bound, field: counted, extension, ...rest }) => ({
    title: 'rule',
    name: 'rule',
    correlation: {
      type,
      rules,
      'group-by': group_by,
      timespan: rest.timespan,
      condition: {
        [operator]: bound,
        ...(type === 'value_count' && { field: counted }),
        ...(NUMERIC.includes(type) && { field: 'row_count' }),
        ...(type === 'value_percentile' && { percentile: 50 }),
      },
      'x-tracewarden': definedOnly(extension),
    },
  }));

const step = fc.record({
  rule: fc.constantFrom(...names),
  absent: fc.boolean(),
  min_count: fc.constantFrom(1, 1, 1, 2),
});

const sequence = fc
  .record({
    steps: fc.array(step, { minLength: 1, maxLength: 4 }),
    first: fc.nat({ max: 3 }),
    ends_absent: fc.boolean(),
    group_by: groupBy,
    timespan,
    until: fc.constantFrom(undefined, undefined, 'd'),
    max_gap: fc.constantFrom(undefined, undefined, '2s'),
    max_gap_events: fc.constantFrom(undefined, undefined, 1),
    distinct: fc.constantFrom(undefined, undefined, ['server']),
    same: fc.constantFrom(undefined, undefined, ['user_id']),
    suppression,
    window,
  })
  .map(({ steps: given, first, ends_absent, group_by, timespan: span, ...extension }) => {
    const steps = given.map(({ rule, absent, min_count }, at) => {
      const present = at === first % given.length || (at === given.length - 1 && !ends_absent) || !absent;
      return { rule, name: `step${at}`, ...(present ? { min_count } : { absent: true }) };
    });
    const rules = [...new Set(steps.filter((each) => !('absent' in each)).map((each) => each.rule))];
    return {
      title: 'rule',
      name: 'rule',
      correlation: {
        type: 'temporal_ordered',
        rules,
        'group-by': group_by,
        timespan: span,
        'x-tracewarden': definedOnly({ ...extension, steps }),
      },
    };
  });

/** A correlation on top of another one, whose matches are known with their last event. */
const chained = fc
  .record({
    below: fc.oneof(
      counting,
      sequence.filter(({ correlation }) => {
        const { steps } = correlation['x-tracewarden'] as { steps: object[] };
        return !('absent' in (steps.at(-1) as object));
      }),
    ),
    type: fc.constantFrom('temporal', 'temporal_ordered', 'event_count'),
    other: fc.constantFrom(...names),
    group_by: fc.constantFrom(['user_id'], [], ['session_id']),
    timespan,
  })
  .map(({ below, type, other, group_by, timespan: span }) => [
    { ...below, name: 'below' },
    {
      title: 'rule',
      name: 'rule',
      correlation: {
        type,
        rules: ['below', other],
        'group-by': group_by,
        timespan: span,
        ...(type === 'event_count' && { condition: { gte: 2 } }),
      },
    },
  ]);

/** Rules of one kind over events that come in order or late: what stands in the end is the same. */
async function expectSameOfAll(rules: fc.Arbitrary<readonly object[]>): Promise<{ found: number; brought: number }> {
  const seen = { found: 0, brought: 0 };
  await fc.assert(
    fc.asyncProperty(calls, fc.array(rules, { minLength: 20, maxLength: 20 }), async (events, sets) => {
      const tenant = await stored(events);
      for (const set of sets) {
        const { found, brought } = await expectSame(setOfRules([...bases, ...set]), tenant);
        seen.found += found.length;
        seen.brought += brought;
      }
    }),
    { numRuns: Math.ceil(RUNS / 10), endOnFailure: true },
  );
  return seen;
}

describe('correlations', { timeout: 300_000 }, () => {
  it('of counts and values find the same', async () => {
    const { found } = await expectSameOfAll(counting.map((rule) => [rule]));
    expect(found).toBeGreaterThan(100);
  });

  it('of sequences find the same: order, ties, gaps, absence, until, distinct, same', async () => {
    const { found } = await expectSameOfAll(sequence.map((rule) => [rule]));
    expect(found).toBeGreaterThan(20);
  });

  it('of correlations find the same', async () => {
    const { found } = await expectSameOfAll(chained);
    expect(found).toBeGreaterThan(20);
  });
});
