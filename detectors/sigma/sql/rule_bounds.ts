/** What a base rule says of an event, in SQL. */
import { EVENT_TYPES } from '../../../core/event.ts';
import type { BaseRule, Compare, Condition, Matcher, Test } from '../ir.ts';
import { possibleTypes } from '../matcher.ts';
import { allOf, type Bounds, joinBounds, negateBounds } from './bounds.ts';
import { type FieldTest, type Surroundings, testBounds } from './field_bounds.ts';

/** Bounds of a rule over rows of events under the name `e`. */
export function ruleBounds(rule: BaseRule, around: Surroundings): Bounds {
  const condition = conditionBounds(rule.condition, rule.selections, around);
  const types = possibleTypes(rule);
  if (types.size === EVENT_TYPES.length) return condition;
  const of_type = `e.type IN ${around.binds.texts([...types])}`;
  return { may: allOf([of_type, condition.may]), must: allOf([of_type, condition.must]) };
}

function conditionBounds(
  condition: Condition,
  selections: Readonly<Record<string, Matcher>>,
  around: Surroundings,
): Bounds {
  if (condition.op === 'selection') return matcherBounds(selections[condition.name] as Matcher, around);
  if (condition.op === 'not') return negateBounds(conditionBounds(condition.of, selections, around));
  return joinBounds(
    condition.op,
    condition.of.map((each) => conditionBounds(each, selections, around)),
  );
}

function matcherBounds(matcher: Matcher, around: Surroundings): Bounds {
  if (matcher.op === 'test') return testBounds(matcher, around);
  if (matcher.op === 'and') {
    return joinBounds(
      'and',
      matcher.of.map((each) => matcherBounds(each, around)),
    );
  }
  const { alike, others } = alikeTexts(matcher.of, around);
  return joinBounds('or', [
    ...alike.map((test) => testBounds(test, around)),
    ...others.map((each) => matcherBounds(each, around)),
  ]);
}

type TextTest = Test & { compare: Compare & { kind: 'text' } };

/** Comparisons of one field that differ in their texts alone, joined: a rule may have thousands. */
function alikeTexts(matchers: readonly Matcher[], around: Surroundings): { alike: FieldTest[]; others: Matcher[] } {
  const groups = new Map<string, TextTest[]>();
  const others: Matcher[] = [];
  for (const matcher of matchers) {
    if (!isTextTest(matcher) || around.placeOf(matcher.field).kind === 'tool') {
      others.push(matcher);
      continue;
    }
    const key = `${matcher.compare.form} ${matcher.compare.cased} ${matcher.field}`;
    groups.set(key, [...(groups.get(key) ?? []), matcher]);
  }
  const alike = [...groups.values()].map((tests): FieldTest => {
    const [{ compare, ...test }] = tests as [TextTest];
    const texts = tests.map((each) => each.compare.text);
    return { ...test, compare: { kind: 'texts', form: compare.form, texts, cased: compare.cased } };
  });
  return { alike, others };
}

function isTextTest(matcher: Matcher): matcher is TextTest {
  return (
    matcher.op === 'test' && matcher.compare.kind === 'text' && matcher.quantifier === 'any' && matcher.part === null
  );
}
