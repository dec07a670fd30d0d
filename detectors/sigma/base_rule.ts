/** Reads a rule over single events: its log source, its selections and its condition. */
import { EVENT_TYPES, type EventType } from '../../core/event.ts';
import { joinedConditions, parseCondition } from './condition.ts';
import { joined, parseFieldTest } from './field_test.ts';
import type { BaseRule, Condition, Matcher } from './ir.ts';
import { type Issues, join, member } from './issues.ts';
import { RULE_LIMITS } from './rule_limits.ts';
import { quoted, type Tree, type TreeMap } from './yaml_tree.ts';

/** What a base rule detects, or undefined when something was noted. */
export function parseBase(
  map: TreeMap,
  issues: Issues,
): Pick<BaseRule, 'types' | 'selections' | 'condition'> | undefined {
  const logsource = member(map, 'logsource');
  const detection = member(map, 'detection');
  if (logsource === undefined) issues.add(map.place, 'logsource', 'is missing');
  const types = logsource && parseLogsource(logsource, issues);
  const detected = detection && issues.map(detection, 'detection');
  if (types === undefined || detected === undefined) return undefined;
  const selections = parseSelections(detected, issues);
  const condition = selections && parseConditions(detected, Object.keys(selections), issues);
  return selections && condition && { types: types.types, selections, condition };
}

function parseLogsource(tree: Tree, issues: Issues): { types: EventType[] | null } | undefined {
  const map = issues.map(tree, 'logsource');
  if (map === undefined) return undefined;
  issues.onlyKeys(map, 'logsource', ['product', 'category', 'service', 'definition']);
  const product = member(map, 'product');
  if (product === undefined) return issues.add(map.place, 'logsource.product', 'is missing; it must be tracewarden');
  if (product.kind !== 'scalar' || product.value !== 'tracewarden') {
    return issues.at(
      product,
      'logsource.product',
      'is a log source of another product; only tracewarden is known here',
    );
  }
  const service = member(map, 'service');
  if (service !== undefined) return issues.at(service, 'logsource.service', 'is not known; use the field `server`');
  const category = member(map, 'category');
  if (category === undefined) return { types: null };
  const type = EVENT_TYPES.find((each) => category.kind === 'scalar' && category.value === each);
  if (type === undefined) {
    return issues.at(category, 'logsource.category', `is not an event type; there are ${EVENT_TYPES.join(', ')}`);
  }
  return { types: [type] };
}

function parseSelections(map: TreeMap, issues: Issues): Record<string, Matcher> | undefined {
  const entries = [...map.entries].filter(([name]) => name !== 'condition');
  if (entries.length > RULE_LIMITS.selections_max) {
    return issues.at(map, 'detection', `has more than ${RULE_LIMITS.selections_max} selections`);
  }
  const budget: Budget = { values: RULE_LIMITS.values_max, tests: RULE_LIMITS.tests_max };
  const selections: [string, Matcher][] = [];
  for (const [name, { value, place }] of entries) {
    const path = join('detection', name);
    if (name === 'timeframe') {
      issues.add(place, path, 'is a form that Sigma has given up; use a correlation rule');
      continue;
    }
    const matcher = parseSelection(value, path, issues, budget);
    if (matcher === undefined) continue;
    budget.tests -= testsIn(matcher);
    if (budget.tests < 0) return issues.at(value, path, `takes the rule beyond ${RULE_LIMITS.tests_max} comparisons`);
    selections.push([name, matcher]);
  }
  return selections.length === entries.length ? Object.fromEntries(selections) : undefined;
}

/** What a rule may still have. */
interface Budget {
  values: number;
  tests: number;
}

function testsIn(matcher: Matcher): number {
  return matcher.op === 'test' ? 1 : matcher.of.reduce((sum, each) => sum + testsIn(each), 0);
}

function parseSelection(tree: Tree, path: string, issues: Issues, budget: Budget): Matcher | undefined {
  if (tree.kind === 'map') return parseFields(tree, path, issues, budget);
  if (tree.kind === 'scalar') return issues.at(tree, path, 'must be a map of fields or a list');
  if (tree.items.length === 0) return issues.at(tree, path, 'must not be empty');
  const each = tree.items.map((item, at) => {
    const item_path = `${path}[${at}]`;
    if (item.kind === 'map') return parseFields(item, item_path, issues, budget);
    if (item.kind === 'list') return issues.at(item, item_path, 'must be a text or a map');
    if (item.value === null) return issues.at(item, item_path, 'must be a text or a map');
    return spend(item, item_path, issues, budget) ? parseFieldTest('', item.place, item, item_path, issues) : undefined;
  });
  return each.every((matcher) => matcher !== undefined) ? joined('or', each) : undefined;
}

function parseFields(map: TreeMap, path: string, issues: Issues, budget: Budget): Matcher | undefined {
  if (map.entries.size === 0) return issues.at(map, path, 'must not be empty');
  const each = [...map.entries].map(([key, { place, value }]) => {
    const field_path = join(path, key);
    if (!spend(value, field_path, issues, budget)) return undefined;
    return parseFieldTest(key, place, value, field_path, issues);
  });
  return each.every((matcher) => matcher !== undefined) ? joined('and', each) : undefined;
}

/** Takes the values of one line out of what a rule may have. */
function spend(tree: Tree, path: string, issues: Issues, budget: Budget): boolean {
  budget.values -= tree.kind === 'list' ? tree.items.length : 1;
  if (budget.values >= 0) return true;
  issues.at(tree, path, `takes the rule beyond ${RULE_LIMITS.values_max} values`);
  return false;
}

function parseConditions(map: TreeMap, selections: readonly string[], issues: Issues): Condition | undefined {
  const tree = member(map, 'condition');
  const path = 'detection.condition';
  if (tree === undefined) return issues.add(map.place, path, 'is missing');
  const items = tree.kind === 'list' ? tree.items : [tree];
  if (items.length === 0) return issues.at(tree, path, 'must not be empty');
  const conditions = items.slice(0, RULE_LIMITS.list_items_max).map((item) => {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') return issues.at(item, path, 'must be a text');
    const condition = parseCondition(item.value, selections);
    return 'problem' in condition ? issues.add(item.place, path, condition.problem, quoted(item.value)) : condition;
  });
  return conditions.every((condition) => condition !== undefined) ? joinedConditions('or', conditions) : undefined;
}
