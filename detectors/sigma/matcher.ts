/** Compiles what a base rule says into a predicate. Cheap comparisons run first; all are free of side effects. */
import { EVENT_TYPES } from '../../core/event.ts';
import { inNetwork, parseNetwork } from './cidr.ts';
import type { FieldTable, FieldView } from './field_view.ts';
import { foldCase } from './fold.ts';
import type { BaseRule, Compare, Condition, Matcher, Test, TimePart } from './ir.ts';
import { type FieldValue, numberOf, textOf } from './record.ts';
import { createRegex } from './regex.ts';
import { runsOf } from './sketch.ts';
import { globFits } from './text_value.ts';

export type Predicate = (view: FieldView) => boolean;

interface Compiled {
  test: Predicate;
  /** A rough measure of time. */
  cost: number;
}

/** A predicate that says whether an event matches the rule. */
export function compileBase(rule: BaseRule, table: FieldTable): Predicate {
  const selections = new Map(
    Object.entries(rule.selections).map(([name, matcher]) => [name, compileMatcher(matcher, table)]),
  );
  const condition = compileCondition(rule.condition, selections);
  if (rule.types === null) return condition.test;
  const type = equalsAny('type', new Set(rule.types.map(foldCase)), table);
  return inTurn('and', [type, condition]).test;
}

/** The event types that a rule can match at all. */
export function possibleTypes(rule: BaseRule): ReadonlySet<string> {
  const within = typesOfCondition(rule.condition, rule.selections);
  return new Set(EVENT_TYPES.filter((type) => (rule.types?.includes(type) ?? true) && (within?.has(type) ?? true)));
}

function compileCondition(condition: Condition, selections: ReadonlyMap<string, Compiled>): Compiled {
  if (condition.op === 'selection') return selections.get(condition.name) as Compiled;
  if (condition.op === 'not') {
    const { test, cost } = compileCondition(condition.of, selections);
    return { test: (view) => !test(view), cost };
  }
  return inTurn(
    condition.op,
    condition.of.map((each) => compileCondition(each, selections)),
  );
}

function compileMatcher(matcher: Matcher, table: FieldTable): Compiled {
  if (matcher.op === 'test') return compileTest(matcher, table);
  if (matcher.op === 'and') {
    return inTurn(
      'and',
      matcher.of.map((each) => compileMatcher(each, table)),
    );
  }
  const { alike, others } = textsByKind(matcher.of);
  return inTurn('or', [
    ...alike.map((tests) => compileTexts(tests, table)),
    ...others.map((each) => compileMatcher(each, table)),
  ]);
}

/** Cheapest first; with or without, the result is the same. */
function inTurn(op: 'and' | 'or', given: readonly Compiled[]): Compiled {
  const parts = [...given].sort((a, b) => a.cost - b.cost);
  const tests = parts.map((part) => part.test);
  const cost = parts.reduce((sum, part) => sum + part.cost, 0);
  const [first, second, third] = tests;
  if (first === undefined) return { test: () => op === 'and', cost: 0 };
  if (second === undefined) return { test: first, cost };
  if (third === undefined) {
    return op === 'and'
      ? { test: (view) => first(view) && second(view), cost }
      : { test: (view) => first(view) || second(view), cost };
  }
  if (op === 'and') return { test: (view) => tests.every((test) => test(view)), cost };
  return { test: (view) => tests.some((test) => test(view)), cost };
}

type TextTest = Test & { compare: Compare & { kind: 'text' } };

/** Texts of one field that are compared alike, which are looked for together. */
function textsByKind(matchers: readonly Matcher[]): { alike: TextTest[][]; others: Matcher[] } {
  const groups = new Map<string, TextTest[]>();
  const others: Matcher[] = [];
  for (const matcher of matchers) {
    if (
      matcher.op !== 'test' ||
      matcher.compare.kind !== 'text' ||
      matcher.quantifier !== 'any' ||
      matcher.part !== null
    ) {
      others.push(matcher);
      continue;
    }
    const key = `${matcher.compare.form} ${matcher.compare.cased} ${matcher.field}`;
    groups.set(key, [...(groups.get(key) ?? []), matcher as TextTest]);
  }
  return { alike: [...groups.values()], others };
}

/** Long texts are likely in these, so they come late. */
const LONG_FIELDS: ReadonlySet<string> = new Set(['content', 'params', 'tools', 'extra']);

function compileTexts(tests: readonly TextTest[], table: FieldTable): Compiled {
  const [{ field, compare }] = tests as [TextTest];
  const { form, cased } = compare;
  const wanted = [...new Set(tests.map((test) => (cased ? test.compare.text : foldCase(test.compare.text))))];
  const slot = table.slot(field);
  const read = cased ? (view: FieldView) => view.texts(slot) : (view: FieldView) => view.folded(slot);
  if (form === 'equals' && !cased) return equalsAny(field, new Set(wanted), table);
  const fits = TEXT_FORMS[form];
  const sought = wanted.map((text) => ({ text, runs: runsOf(foldCase(text)) }));
  table.seeks(slot, sought.length);
  return {
    test: (view) => {
      const texts = read(view);
      if (texts.length === 0) return false;
      const sketch = view.sketch(slot);
      for (const { text: each, runs } of sought) {
        if (sketch !== undefined && !sketch.mayHold(runs)) continue;
        for (const text of texts) if (fits(text, each)) return true;
      }
      return false;
    },
    cost: (LONG_FIELDS.has(field) ? 40 : 4) * wanted.length,
  };
}

const TEXT_FORMS: Record<(Compare & { kind: 'text' })['form'], (text: string, wanted: string) => boolean> = {
  equals: (text, wanted) => text === wanted,
  starts: (text, wanted) => text.startsWith(wanted),
  ends: (text, wanted) => text.endsWith(wanted),
  contains: (text, wanted) => text.includes(wanted),
};

function equalsAny(field: string, folded: ReadonlySet<string>, table: FieldTable): Compiled {
  const slot = table.slot(field);
  return {
    test: (view) => {
      for (const text of view.folded(slot)) if (folded.has(text)) return true;
      return false;
    },
    cost: LONG_FIELDS.has(field) ? 20 : 2,
  };
}

function compileTest(test: Test, table: FieldTable): Compiled {
  const slot = table.slot(test.field);
  const { compare, part, quantifier } = test;
  if (compare.kind === 'exists') {
    const { exists } = compare;
    return { test: (view) => view.values(slot).length > 0 === exists, cost: 1 };
  }
  const { holds, cost } = compileCompare(compare, part, slot, table);
  if (quantifier === 'any') return { test: holds, cost };
  return { test: (view) => view.values(slot).length > 0 && !holds(view), cost: cost + 1 };
}

/** Whether any value of the field satisfies the comparison. */
function compileCompare(
  compare: Exclude<Compare, { kind: 'exists' }>,
  part: TimePart | null,
  slot: number,
  table: FieldTable,
): { holds: Predicate; cost: number } {
  const field = table.fields[slot] as string;
  const long = LONG_FIELDS.has(field) ? 10 : 1;
  switch (compare.kind) {
    case 'text': {
      const { test, cost } = compileTexts([{ op: 'test', field, part: null, quantifier: 'any', compare }], table);
      return { holds: test, cost };
    }
    case 'glob': {
      const { cased } = compare;
      const pieces = cased
        ? compare.pieces
        : compare.pieces.map((piece) => ('literal' in piece ? { literal: foldCase(piece.literal) } : piece));
      const holds: Predicate = (view) =>
        (cased ? view.texts(slot) : view.folded(slot)).some((text) => globFits(text, pieces));
      return { holds, cost: 8 * long };
    }
    case 'regex': {
      const regex = createRegex(compare);
      const runs = regex.literals?.map((literal) => runsOf(foldCase(literal)));
      if (runs !== undefined) table.seeks(slot, runs.length);
      const holds: Predicate = (view) => {
        const sketch = runs && view.sketch(slot);
        if (sketch !== undefined && !runs?.some((each) => sketch.mayHold(each))) return false;
        const folded = regex.ignore_case ? view.folded(slot) : undefined;
        return view.texts(slot).some((text, at) => regex.test(text, folded?.[at]));
      };
      return { holds, cost: 50 * long };
    }
    case 'cidr': {
      const network = parseNetwork(compare.network);
      return {
        holds: (view) => network !== undefined && view.texts(slot).some((text) => inNetwork(text, network)),
        cost: 6,
      };
    }
    case 'number': {
      const { operator, value } = compare;
      const compared = NUMBER_OPERATORS[operator];
      const read = part === null ? numberOf : (each: FieldValue) => timePartOf(each, part);
      const holds: Predicate = (view) =>
        view.values(slot).some((each) => {
          const number = read(each);
          return number !== undefined && compared(number, value);
        });
      return { holds, cost: 3 };
    }
    case 'boolean': {
      const text = String(compare.value);
      return { holds: (view) => view.values(slot).some((each) => textOf(each).toLowerCase() === text), cost: 2 };
    }
    case 'field': {
      const other = table.slot(compare.field);
      const { cased } = compare;
      const holds: Predicate = (view) => {
        const others = cased ? view.texts(other) : view.folded(other);
        return (cased ? view.texts(slot) : view.folded(slot)).some((text) => others.includes(text));
      };
      return { holds, cost: 10 };
    }
  }
}

const NUMBER_OPERATORS: Record<(Compare & { kind: 'number' })['operator'], (a: number, b: number) => boolean> = {
  eq: (a, b) => a === b,
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
};

const TIME = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:\d{2}))?$/;
const DAY_MS = 86_400_000;

/** A part of a time in UTC: of a text as RFC 3339 has it, or of milliseconds. */
export function timePartOf(value: FieldValue, part: TimePart): number | undefined {
  const time_ms =
    typeof value === 'number' ? value : typeof value === 'string' && TIME.test(value) ? Date.parse(value) : Number.NaN;
  const date = new Date(time_ms);
  if (Number.isNaN(date.getTime())) return undefined;
  switch (part) {
    case 'minute':
      return date.getUTCMinutes();
    case 'hour':
      return date.getUTCHours();
    case 'day':
      return date.getUTCDate();
    case 'week':
      return isoWeek(date);
    case 'month':
      return date.getUTCMonth() + 1;
    case 'year':
      return date.getUTCFullYear();
  }
}

/** The week of ISO 8601: week 1 is that of the year's first Thursday. */
function isoWeek(date: Date): number {
  const thursday = new Date(date.getTime() + (3 - ((date.getUTCDay() + 6) % 7)) * DAY_MS);
  const first = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return 1 + Math.floor((thursday.getTime() - first) / (7 * DAY_MS));
}

/** Null stands for any type. */
type Types = ReadonlySet<string> | null;

function typesOfCondition(condition: Condition, selections: Record<string, Matcher>): Types {
  if (condition.op === 'not') return null;
  if (condition.op === 'selection') {
    const matcher = selections[condition.name];
    return matcher === undefined ? null : typesOfMatcher(matcher);
  }
  return joinTypes(
    condition.op,
    condition.of.map((each) => typesOfCondition(each, selections)),
  );
}

function typesOfMatcher(matcher: Matcher): Types {
  if (matcher.op !== 'test') return joinTypes(matcher.op, matcher.of.map(typesOfMatcher));
  const { field, quantifier, compare } = matcher;
  if (field !== 'type' || quantifier !== 'any' || compare.kind !== 'text' || compare.form !== 'equals') return null;
  const text = foldCase(compare.text);
  return new Set(EVENT_TYPES.filter((type) => type === text));
}

function joinTypes(op: 'and' | 'or', each: readonly Types[]): Types {
  const known = each.filter((types) => types !== null);
  if (op === 'or') return known.length < each.length ? null : new Set(known.flatMap((types) => [...types]));
  const [first, ...rest] = known;
  if (first === undefined) return null;
  return new Set([...first].filter((type) => rest.every((types) => types.has(type))));
}
