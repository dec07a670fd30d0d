/** The stream finds what the definitions say, whatever the rules and the events are: compared with a brute force. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allMatches, type PlainMatch, toldMatches } from '../../test/rule_brute_force.ts';
import { compileRules } from './compile.ts';
import type { RuleSet } from './ir.ts';
import { formatRuleError } from './issues.ts';
import { linkRules } from './link.ts';
import { comparePoints, type RuleRecord } from './record.ts';
import type { RuleMatch } from './rows.ts';
import { parseRuleFile } from './rule_file.ts';

const RUNS = Number(process.env.FC_RUNS ?? 1_500);

interface Fields {
  tool: string;
  server: string | undefined;
  user_id: string | undefined;
  row_count: number | undefined;
  capability: string[];
}

type Made = Fields & { log: string; step_ms: number; session: number; tenant: string };

const made: fc.Arbitrary<Made> = fc.record({
  tool: fc.constantFrom('a', 'b', 'c', 'd'),
  server: fc.constantFrom('x', 'y', 'z', undefined),
  user_id: fc.constantFrom('ana', 'ana', 'ana', 'ben', undefined),
  row_count: fc.constantFrom(0, 1, 2, 5, 0.5, -3, undefined),
  capability: fc.subarray(['read', 'write', 'send']),
  log: fc.constantFrom('one', 'two'),
  step_ms: fc.constantFrom(0, 0, 1_000, 1_000, 2_000, 5_000),
  session: fc.nat({ max: 2 }),
  tenant: fc.constantFrom('t', 't', 't', 't', 'u'),
});

/** Events with times that do not go back, as records. */
function recordsOf(list: readonly Made[]): RuleRecord[] {
  let time_ms = 0;
  return list.map(({ log, step_ms, session, tenant, ...fields }, seq) => {
    time_ms += step_ms;
    const point = {
      tenant,
      log,
      seq,
      event_id: `e${seq}`,
      time_ms,
      session_id: `s${session}`,
      session_seq: seq,
      type: 'tool.call',
      server: fields.server ?? '',
      tool: fields.tool,
      call_id: '',
    };
    const all: Record<string, unknown> = { ...point, ...fields };
    return { ...point, get: (field: string) => all[field] };
  });
}

const TOOLS = ['a', 'b', 'c', 'd'];

/** Documents as JSON, which is YAML. */
const bases = TOOLS.map((tool) => ({
  title: tool,
  name: tool,
  logsource: { product: 'tracewarden' },
  // `ab` below matches two kinds, so that an event can be a row of several sources.
  detection: { is: { tool }, condition: 'is' },
}));
const both = {
  title: 'ab',
  name: 'ab',
  logsource: { product: 'tracewarden' },
  detection: { is: { tool: ['a', 'b'] }, condition: 'is' },
};
const names = [...TOOLS, 'ab'];

const groupBy = fc.constantFrom(['user_id'], ['?user_id'], ['session_id'], ['server', 'user_id'], [], ['capability']);
const timespan = fc.constantFrom('1s', '2s', '5s', '10s');
const bound = fc.record({
  operator: fc.constantFrom('gt', 'gte', 'lt', 'lte', 'eq', 'neq'),
  value: fc.nat({ max: 4 }),
});
const suppression = fc.constantFrom(undefined, 'none', 'none', { by: ['user_id'] }, { by: ['server'], timespan: '3s' });
const window = fc.constantFrom(undefined, undefined, { session_chain: 1 }, { session_chain: 2 });

const counting = fc
  .record({
    type: fc.constantFrom('event_count', 'value_count', 'value_sum', 'value_avg', 'value_percentile', 'temporal'),
    rules: fc.subarray(names, { minLength: 1 }),
    group_by: groupBy,
    timespan,
    bound,
    field: fc.constantFrom('row_count', 'server', 'capability'),
    suppression,
    window,
  })
  .map(({ type, rules, group_by, bound: { operator, value }, field, ...rest }) => ({
    title: 'rule',
    name: 'rule',
    correlation: {
      type,
      rules,
      'group-by': group_by,
      timespan: rest.timespan,
      condition: {
        [operator]: value,
        ...(type === 'value_count' && { field: field === 'server' ? ['server', 'capability'] : field }),
        ...(['value_sum', 'value_avg', 'value_percentile'].includes(type) && { field: 'row_count' }),
        ...(type === 'value_percentile' && { percentile: 50 }),
      },
      'x-tracewarden': definedOnly({ suppression: rest.suppression, window: rest.window }),
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
    until: fc.constantFrom(undefined, undefined, 'd', 'c'),
    max_gap: fc.constantFrom(undefined, undefined, '1s', '2s'),
    max_gap_events: fc.constantFrom(undefined, undefined, 0, 1),
    distinct: fc.constantFrom(undefined, undefined, ['server'], ['capability']),
    same: fc.constantFrom(undefined, undefined, ['user_id'], ['capability']),
    match: fc.constantFrom(undefined, undefined, 'any', 'secret', 'value'),
    suppression,
    window,
  })
  .map(({ steps: given, first, ends_absent, match, ...rest }) => {
    // One step at least is present, and the last one is absent now and then only.
    const steps = given.map(({ rule, absent, min_count }, at) => {
      const present = at === first % given.length || (at === given.length - 1 && !ends_absent) || !absent;
      return { rule, name: `step${at}`, ...(present ? { min_count } : { absent: true }) };
    });
    const single = steps.filter((each) => 'min_count' in each && each.min_count === 1).map((each) => each.name);
    const carry = match && single.length > 1 ? { from: single[0], to: single.at(-1), match } : undefined;
    const rules = [...new Set(steps.filter((each) => !('absent' in each)).map((each) => each.rule))];
    const { group_by, timespan: span, ...extension } = rest;
    return {
      title: 'rule',
      name: 'rule',
      correlation: {
        type: 'temporal_ordered',
        rules,
        'group-by': group_by,
        timespan: span,
        'x-tracewarden': definedOnly({ ...extension, steps, carry }),
      },
    };
  });

/** Those whose matches are known with their last event. */
const immediate = sequence.filter(
  ({ correlation }) => !('absent' in ((correlation['x-tracewarden'].steps as object[]).at(-1) as object)),
);

/** A correlation on top of another one. */
const chained = fc
  .record({
    below: fc.oneof(counting, immediate),
    type: fc.constantFrom('temporal', 'temporal_ordered', 'event_count'),
    other: fc.constantFrom(...names),
    last: fc.boolean(),
    group_by: fc.constantFrom(['user_id'], [], ['session_id']),
    timespan,
  })
  .map(({ below, type, other, last, group_by, timespan: span }) => [
    { ...below, name: 'below' },
    {
      title: 'rule',
      name: 'rule',
      correlation: {
        type,
        rules: last ? [other, 'below'] : ['below', other],
        'group-by': group_by,
        timespan: span,
        ...(type === 'event_count' && { condition: { gte: 2 } }),
      },
    },
  ]);

function definedOnly(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function setOf(...rules: readonly object[]): RuleSet {
  const text = [...bases, both, ...rules].map((rule) => JSON.stringify(rule)).join('\n---\n');
  const parsed = parseRuleFile(text, 'generated.yaml');
  const linked = linkRules(parsed.rules);
  expect([...parsed.errors, ...linked.errors].map(formatRuleError)).toEqual([]);
  return linked.set;
}

/** An edge now and then, the same for the same two events. */
function carried(from: { seq: number }, to: { seq: number }): { kind: string }[] {
  const mark = (from.seq * 7 + to.seq * 3) % 4;
  return mark === 0 ? [{ kind: 'secret' }] : mark === 1 ? [{ kind: 'email' }] : [];
}

const NOW_MS = 1_000_000;

function plain(match: RuleMatch | PlainMatch): string {
  const key = Array.isArray(match.key) ? match.key : Object.values(match.key);
  const events = match.events.map((event) => ('point' in event ? event.point.event_id : event.event_id));
  // A sum of fractions may differ in its last digits.
  const value = match.value === null ? null : Math.round(match.value * 1e6) / 1e6;
  return JSON.stringify([match.rule_id, key, match.anchor.event_id, events, value]);
}

function streamed(set: RuleSet, records: readonly RuleRecord[]): RuleMatch[] {
  const rules = compileRules(set, { edgesBetween: carried });
  const matches = [...records.flatMap((record) => rules.observe(record)), ...rules.flush(NOW_MS)];
  expect({ ...rules.counters, events: 0, matches: 0, suppressed: 0, late_events: 0, rows: 0, keys: 0 }).toEqual({
    events: 0,
    late_events: 0,
    too_late_events: 0,
    matches: 0,
    suppressed: 0,
    rows: 0,
    keys: 0,
    evicted_rows: 0,
    evicted_keys: 0,
    evicted_suppressions: 0,
    evicted_tenants: 0,
    dropped_rows: 0,
    dropped_pending: 0,
    cut_searches: 0,
  });
  return matches;
}

function withoutSuppression(set: RuleSet): RuleSet {
  return { ...set, rules: set.rules.map((rule) => ({ ...rule, suppression: null })) };
}

const defined = (set: RuleSet, records: readonly RuleRecord[]) =>
  allMatches(set, records, { now_ms: NOW_MS, carried }).filter((match) => match.rule_id === 'rule');

function expectAllMatches(rules: readonly object[], list: readonly Made[]): void {
  const records = recordsOf(list).sort(comparePoints);
  const set = withoutSuppression(setOf(...rules));
  const found = streamed(set, records).filter((match) => match.rule_id === 'rule');
  expect(found.map(plain).sort()).toEqual(defined(set, records).map(plain).sort());
}

const session = fc.array(made, { maxLength: 14 });

describe('in order, the stream finds exactly the defined matches', () => {
  it('of counts and values', () => {
    fc.assert(
      fc.property(counting, session, (rule, list) => expectAllMatches([rule], list)),
      { numRuns: RUNS },
    );
  });

  it('of sequences with all that the extension adds', () => {
    fc.assert(
      fc.property(sequence, session, (rule, list) => expectAllMatches([rule], list)),
      { numRuns: RUNS },
    );
  });

  it('of correlations of correlations', () => {
    fc.assert(
      fc.property(chained, session, (rules, list) => expectAllMatches(rules, list)),
      { numRuns: RUNS },
    );
  });

  it('and tells those that are not suppressed', () => {
    fc.assert(
      fc.property(fc.oneof(counting, sequence), session, (rule, list) => {
        const records = recordsOf(list).sort(comparePoints);
        const set = setOf(rule);
        const expected = toldMatches(set, defined(set, records));
        const told = streamed(set, records).filter((match) => match.rule_id === 'rule');
        // Each tenant has its own time, so only its own matches are in order.
        for (const tenant of ['t', 'u']) {
          const own = expected.filter((match) => match.anchor.tenant === tenant).map(plain);
          expect(told.filter((match) => match.tenant === tenant).map(plain)).toEqual(own);
        }
      }),
      { numRuns: RUNS },
    );
  });
});

describe('out of order, the stream misses no anchor', () => {
  it('of any correlation over base rules', () => {
    fc.assert(
      fc.property(fc.oneof(counting, sequence), session, fc.infiniteStream(fc.nat()), (rule, list, order) => {
        const records = recordsOf(list);
        const set = withoutSuppression(setOf(rule));
        const anchorOf = (match: RuleMatch | PlainMatch) => JSON.stringify(JSON.parse(plain(match)).slice(0, 3));
        const arrivals = records
          .map((record) => ({ record, rank: order.next().value as number }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ record }) => record);
        const found = streamed(set, arrivals).filter((match) => match.rule_id === 'rule');
        const anchors = found.map(anchorOf);
        expect(new Set(anchors).size).toBe(anchors.length);
        for (const match of defined(set, records)) expect(anchors).toContain(anchorOf(match));
      }),
      { numRuns: RUNS },
    );
  });
});
