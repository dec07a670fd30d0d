/** The sketch of a long text changes nothing but the time. */
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { expect, it } from 'vitest';
import { record, setOf } from '../../test/rule_kit.ts';
import { FieldTable, FieldView } from './field_view.ts';
import { foldCase } from './fold.ts';
import type { BaseRule } from './ir.ts';
import { compileBase, type Predicate } from './matcher.ts';

const RUNS = Number(process.env.FC_RUNS ?? 2_000);
const letters = [
  'a',
  'b',
  'c',
  'A',
  'B',
  's',
  'S',
  'ſ',
  'k',
  '\u212a',
  'K',
  'İ',
  'i',
  'Σ',
  'σ',
  'ς',
  'ß',
  '😀',
  '\ud83d',
  '-',
];
const text = fc.array(fc.constantFrom(...letters), { minLength: 3, maxLength: 5 }).map((parts) => parts.join(''));
// Long enough for a sketch, and full of pieces of what is looked for.
const long = fc.array(fc.constantFrom(...letters), { minLength: 130, maxLength: 160 }).map((parts) => parts.join(''));

/** A rule that looks for texts, or expressions, all in one field. */
function predicateOf(selection: object, table: FieldTable): Predicate {
  const rule = {
    title: 'r',
    name: 'r',
    logsource: { product: 'tracewarden' },
    detection: { s: selection, condition: 's' },
  };
  return compileBase(setOf(JSON.stringify(rule)).rules[0] as BaseRule, table);
}

it('of literals, in any case or in exact case', () => {
  let held = 0;
  let sketched = 0;
  fc.assert(
    fc.property(fc.array(text, { minLength: 4, maxLength: 4 }), long, fc.boolean(), (wanted, content, cased) => {
      const table = new FieldTable();
      const matches = predicateOf({ [cased ? 'content|contains|cased' : 'content|contains']: wanted }, table);
      const view = new FieldView(table);
      view.look(record({ seq: 1, content }));
      const fold = cased ? (each: string) => each : foldCase;
      const expected = wanted.some((each) => fold(content).includes(fold(each)));
      if (expected) held++;
      expect(matches(view)).toBe(expected);
      if (view.sketch(table.slot('content')) !== undefined) sketched++;
    }),
    { numRuns: RUNS },
  );
  expect(sketched).toBeGreaterThan(RUNS / 2);
  expect(held).toBeGreaterThan(RUNS / 50);
  expect(held).toBeLessThan(RUNS);
});

it('of expressions, with and without case', () => {
  let held = 0;
  const plain = fc.array(fc.constantFrom('a', 'b', 's', 'S', 'k', 'K', 'i', 'c'), { minLength: 3, maxLength: 3 });
  const four = fc.array(
    plain.map((parts) => parts.join('')),
    { minLength: 4, maxLength: 4 },
  );
  fc.assert(
    fc.property(four, long, fc.boolean(), (wanted, content, ignore_case) => {
      const table = new FieldTable();
      const pattern = `(${wanted.join('|')})`;
      const matches = predicateOf({ [ignore_case ? 'content|re|i' : 'content|re']: pattern }, table);
      const view = new FieldView(table);
      view.look(record({ seq: 1, content }));
      const expected = RE2JS.compile(pattern, ignore_case ? RE2JS.CASE_INSENSITIVE : 0).test(content);
      if (expected) held++;
      expect(matches(view)).toBe(expected);
    }),
    { numRuns: RUNS },
  );
  expect(held).toBeGreaterThan(RUNS / 50);
  expect(held).toBeLessThan(RUNS);
});

it('and it is made anew for every event', () => {
  const table = new FieldTable();
  const matches = predicateOf({ 'content|contains': ['first thing', 'second', 'third', 'fourth'] }, table);
  const view = new FieldView(table);
  const look = (content: string) => {
    view.look(record({ seq: 1, content }));
    return matches(view);
  };
  const filler = 'x'.repeat(200);
  expect([look(`${filler} first thing`), look(filler), look(`${filler} fourth`), look('third'), look('')]).toEqual([
    true,
    false,
    true,
    true,
    false,
  ]);
});
