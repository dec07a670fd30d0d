/** Rules as SQL: nothing of a rule's text stands in a statement, and what cannot be asked is refused by name. */
import { describe, expect, it } from 'vitest';
import { ProducerEvent } from '../../../core/event.ts';
import { setOf } from '../../../test/rule_kit.ts';
import { compileRules } from '../compile.ts';
import { DERIVED_FIELDS, fieldProblem } from '../fields.ts';
import type { RuleSet } from '../ir.ts';
import { placeOfField } from './field_place.ts';
import { type QueryOptions, queryOfRule, type RuleQuery } from './rule_query.ts';

const OPTIONS: QueryOptions = { detectors: [], tools: [], tenant: '', from_ms: 0, to_ms: 1_000 };

function queryOf(set: RuleSet, rule_id = 'rule', options: QueryOptions = OPTIONS): RuleQuery {
  const query = queryOfRule(set, rule_id, options);
  if ('refused' in query) throw new Error(JSON.stringify(query.refused));
  return query;
}

function baseOf(selection: object, more: object = {}): RuleSet {
  const rule = {
    title: 'rule',
    name: 'rule',
    logsource: { product: 'tracewarden', ...more },
    detection: { selection, condition: 'selection' },
  };
  return setOf(JSON.stringify(rule));
}

describe('a statement', () => {
  it('holds no value and no name of a rule: they are all parameters', () => {
    const mark = `MARK' OR 1 = 1 --{x:String}`;
    const set = baseOf({
      tool: mark,
      'server|contains': [mark, `other ${mark}`],
      'params.MARK.to|endswith': mark,
      'extra.MARK|re': `MARK.*('|")`,
      'content|contains': mark,
      'user_id|startswith': `${mark}*x?`,
      'extra.MARK.number|gt': 4_242,
    });
    const { sql, params } = queryOf(set, 'rule', { ...OPTIONS, tenant: 'MARK' });
    expect(sql).not.toMatch(/MARK|4242|OR 1 = 1/i);
    expect(JSON.stringify(params)).toContain('MARK');
    expect([...sql.matchAll(/\{(\w+):[A-Za-z()0-9]+\}/g)].every(([, name = '']) => name in params)).toBe(true);
  });

  it('is the same for the same rule', () => {
    const set = () => baseOf({ 'params.to|contains': ['a', 'b'] });
    expect(queryOf(set())).toEqual(queryOf(set()));
  });

  it('reads content only for rules that ask for something in it', () => {
    const reads = (selection: object) => /v_content/.test(queryOf(baseOf(selection)).sql);
    expect([{ tool: 'x' }, { 'extra.x': 5 }, { content: 'x' }, { 'params.x': 'x' }].map(reads)).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('looks for thousands of texts in one go', () => {
    const values = Array.from({ length: 1_900 }, (_, at) => `word${at}`);
    expect(queryOf(baseOf({ 'content|contains': values })).sql.length).toBeLessThan(8_000);
    expect(queryOf(baseOf({ tool: values })).sql.length).toBeLessThan(8_000);
  });

  it('says when SQL can leave nothing out', () => {
    const filters = (selection: object) => queryOf(baseOf(selection)).filters;
    expect([{ 'time|exists': true }, { 'tool|exists': true }].map(filters)).toEqual([false, true]);
  });
});

describe('the rule that comes with a statement', () => {
  it('has what it refers to, and is told alone', () => {
    const set = setOf(`
title: a
name: a
logsource: { product: tracewarden }
detection: { s: { tool: a }, condition: s }
---
title: other
name: other
logsource: { product: tracewarden }
detection: { s: { tool: other }, condition: s }
---
title: rule
name: rule
correlation: { type: event_count, rules: [a], generate: true, group-by: [], timespan: 1m, condition: { gte: 2 } }
`);
    const { rules } = queryOf(set).set;
    expect(rules.map(({ rule_id, emit }) => [rule_id, emit])).toEqual([
      ['a', false],
      ['rule', true],
    ]);
    expect(compileRules(queryOf(set).set).window_ms).toBe(120_000);
  });
});

describe('refused is', () => {
  it('what the catalog says of tools, when nobody looked the tools up', () => {
    const { tools: _, ...without } = OPTIONS;
    const query = queryOfRule(baseOf({ egress: true }), 'rule', without);
    expect(query).toEqual({
      refused: [
        {
          rule_id: 'rule',
          file: 'rules.yml',
          line: 1,
          construct: 'the field "egress"',
          problem: 'needs the tools of the store, which were not looked up',
        },
      ],
    });
  });

  it('a rule of which the statement would be too long, by rule and line', () => {
    const set = baseOf(
      Object.fromEntries(Array.from({ length: 1_500 }, (_, at) => [`extra.field${at}`, `value ${at}`])),
    );
    const query = queryOfRule(set, 'rule', OPTIONS);
    expect(JSON.stringify(query)).toMatch(/"its comparisons","problem":"make a statement of \d+ characters/);
  });

  it('no field that rules may use: the store keeps them all', () => {
    const of_events = ProducerEvent.options.flatMap((option) => Object.keys(option.shape));
    const fields = [...of_events, ...DERIVED_FIELDS, 'log', 'seq', 'session_seq', 'received_at', 'extra.of.theirs'];
    const usable = fields.filter((field) => fieldProblem(field) === undefined);
    expect(usable.length).toBeGreaterThan(50);
    expect(usable.filter((field) => placeOfField(field) === undefined)).toEqual([]);
    expect(placeOfField('no_such_field')).toBeUndefined();
  });
});
