/** Which rules a rule stands on, and which fields they all ask for. */
import type { Matcher, RuleIr, RuleSet } from '../ir.ts';

/** A rule with all rules that it refers to, in the order of the set. Only the rule itself is told. */
export function closureOf(set: RuleSet, rule_id: string): RuleSet {
  const by_id = new Map(set.rules.map((rule) => [rule.rule_id, rule]));
  const wanted = new Set<string>();
  const visit = (id: string): void => {
    const rule = by_id.get(id);
    if (rule === undefined || wanted.has(id)) return;
    wanted.add(id);
    if (rule.kind === 'correlation') for (const source of rule.sources) if (source.kind === 'rule') visit(source.id);
  };
  visit(rule_id);
  const rules = set.rules
    .filter((rule) => wanted.has(rule.rule_id))
    .map((rule) => ({ ...rule, emit: rule.rule_id === rule_id }));
  return { ...set, rules };
}

/** The fields that a rule reads of an event. */
export function fieldsOf(rule: RuleIr): ReadonlySet<string> {
  const fields = new Set<string>(rule.suppression?.by ?? []);
  if (rule.kind === 'base') {
    for (const matcher of Object.values(rule.selections)) addFields(matcher, fields);
    return fields;
  }
  // Names that stand for fields of their own are no fields.
  for (const { name } of rule.group_by) fields.delete(name);
  for (const group of rule.group_by) for (const field of group.fields) fields.add(field);
  for (const field of rule.threshold?.fields ?? []) fields.add(field);
  for (const field of rule.sequence?.distinct ?? []) fields.add(field);
  for (const field of rule.sequence?.same ?? []) fields.add(field);
  if (rule.sources.some(({ kind }) => kind === 'signal')) fields.add('signal');
  return fields;
}

function addFields(matcher: Matcher, into: Set<string>): void {
  if (matcher.op !== 'test') {
    for (const each of matcher.of) addFields(each, into);
    return;
  }
  into.add(matcher.field);
  if (matcher.compare.kind === 'field') into.add(matcher.compare.field);
}
