/**
 * The SQL back end: a rule becomes one statement that brings the events it can be about, in order, and no others as far
 * as SQL can tell. The matches among them are then chosen by the code of the stream (`compileRules`), so both back ends
 * find the same ones. What cannot be asked of the store is refused by name.
 */
import { type BaseRule, type CorrelationRule, IR_VERSION, type RuleSet } from '../ir.ts';
import { possibleTypes } from '../matcher.ts';
import { Binds, type SqlParams } from './binds.ts';
import { anyOf, FALSE, TRUE } from './bounds.ts';
import { type Surroundings, signalBounds } from './field_bounds.ts';
import { type FieldPlace, type Group, groupOfField, placeOfField } from './field_place.ts';
import { ruleBounds } from './rule_bounds.ts';
import { closureOf, fieldsOf } from './rule_fields.ts';
import { type EventColumns, eventsStatement, type Support } from './statement.ts';
import { thinningOf } from './thinning.ts';
import type { ToolVariants } from './tool_bounds.ts';

export interface QueryOptions {
  /** What the tools of the store can amount to; without it rules that ask for it are refused. */
  tools?: readonly ToolVariants[];
  /** Ids of the detectors of sessions: what they found is what rules see as signals. */
  detectors: readonly string[];
  /** Empty for all. */
  tenant: string;
  /** Events at or after this time, and before the other one. */
  from_ms: number;
  to_ms: number;
}

/** What else has to be read for the events that come back, since rules ask for it. */
export interface QueryNeeds {
  params: boolean;
  content: boolean;
  signals: boolean;
  destinations: boolean;
  /** Edges that lead into the event. */
  edges: boolean;
  /** What the called tool can do. */
  calls: boolean;
  /** Events of the session that say so, which are among those that come back without being rows of the rule. */
  support: Support;
}

export interface RuleQuery {
  /** The rule, and what it refers to: to be run over the events that come back. */
  set: RuleSet;
  /** Rows are as `EVENT_COLUMNS` of the statement lists them, in the order of events. */
  sql: string;
  params: SqlParams;
  needs: QueryNeeds;
  /** False: SQL can tell nothing, and every event of the time comes back. */
  filters: boolean;
}

/** A part of a rule that this back end does not do. */
export interface Refusal {
  rule_id: string;
  file: string;
  line: number;
  construct: string;
  problem: string;
}

/** Servers read statements up to a length; values are not part of it. */
const SQL_CHARS_MAX = 200_000;

/** The statement of one rule, or why there is none. Throws nothing: `set` is a linked set. */
export function queryOfRule(set: RuleSet, rule_id: string, options: QueryOptions): RuleQuery | { refused: Refusal[] } {
  const closure = closureOf(set, rule_id);
  const refused = refusalsOf(closure, options);
  if (refused.length > 0) return { refused };
  const fields = new Set(closure.rules.flatMap((rule) => [...fieldsOf(rule)]));
  const binds = new Binds();
  const content: string[] = [];
  const around: Surroundings = {
    binds,
    tools: options.tools,
    detectors: options.detectors,
    placeOf: (field) => placeOfField(field) as FieldPlace,
    ofContent(sql) {
      if (!content.includes(sql)) content.push(sql);
      return `c.f${content.indexOf(sql)} = 1`;
    },
  };
  const conditions = sourceConditions(closure, around);
  const wanted = anyOf([...conditions.values()]);
  const needs = needsOf(closure, fields);
  const target = closure.rules.at(-1) as BaseRule | CorrelationRule;
  const alone = closure.rules.filter((rule) => rule.kind === 'correlation').length === 1;
  const thinning =
    target.kind === 'correlation' && alone
      ? thinningOf(
          target,
          target.sources.map(({ kind, id }) => conditions.get(`${kind} ${id}`) ?? FALSE),
          around.placeOf,
          binds,
        )
      : undefined;
  const sql = eventsStatement({
    wanted,
    support: needs.support,
    content,
    thinning,
    columns: columnsOf(fields, needs),
    tenant: binds.text(options.tenant),
    from_ms: binds.whole(options.from_ms),
    to_ms: binds.whole(options.to_ms),
    binds,
  });
  if (sql.length > SQL_CHARS_MAX) {
    const problem = `make a statement of ${sql.length} characters, and ${SQL_CHARS_MAX} are allowed`;
    return { refused: [refusal(target, 'its comparisons', problem)] };
  }
  return { set: closure, sql, params: binds.params, needs, filters: wanted !== TRUE };
}

/** By kind and id of a source: a condition that holds of every event that is a row of it. */
function sourceConditions(closure: RuleSet, around: Surroundings): Map<string, string> {
  const conditions = new Map<string, string>();
  for (const rule of closure.rules) {
    if (rule.kind === 'base') {
      conditions.set(`rule ${rule.rule_id}`, ruleBounds(rule, around).may);
      continue;
    }
    for (const { kind, id } of rule.sources) {
      if (kind === 'signal') conditions.set(`signal ${id}`, signalBounds(id, around).may);
    }
  }
  return conditions;
}

function refusalsOf(closure: RuleSet, options: QueryOptions): Refusal[] {
  const refused: Refusal[] = [];
  for (const rule of closure.rules) {
    if (closure.ir_version !== IR_VERSION) {
      refused.push(refusal(rule, `intermediate form ${closure.ir_version}`, 'is not known to this back end'));
    }
    for (const field of fieldsOf(rule)) {
      const place = placeOfField(field);
      if (place === undefined) refused.push(refusal(rule, `the field "${field}"`, 'is not kept in the store'));
      else if (place.kind === 'tool' && options.tools === undefined) {
        refused.push(refusal(rule, `the field "${field}"`, 'needs the tools of the store, which were not looked up'));
      }
    }
  }
  return refused;
}

function refusal(
  { rule_id, source }: Pick<BaseRule | CorrelationRule, 'rule_id' | 'source'>,
  construct: string,
  problem: string,
): Refusal {
  return { rule_id, file: source.file, line: source.line, construct, problem };
}

function needsOf(closure: RuleSet, fields: ReadonlySet<string>): QueryNeeds {
  const tops = new Set([...fields].map((field) => field.split('.')[0] as string));
  const calls = tops.has('capability') || tops.has('egress');
  return {
    // Whether a call sends something out depends on what its parameters name.
    params: tops.has('params') || tops.has('egress'),
    content: tops.has('content'),
    signals: tops.has('signal') || tops.has('severity'),
    destinations: tops.has('destination'),
    edges: closure.rules.some((rule) => rule.kind === 'correlation' && (rule.sequence?.carry.length ?? 0) > 0),
    calls,
    support: calls ? supportOf(closure) : 'nothing',
  };
}

/** Events that are no rows of the rule, without which it cannot be said what a call can do. */
function supportOf(closure: RuleSet): Support {
  const looks_at_results = closure.rules.some((rule) =>
    rule.kind === 'base' ? possibleTypes(rule).has('tool.result') : rule.sources.some(({ kind }) => kind === 'signal'),
  );
  return looks_at_results ? 'calls' : 'definitions';
}

function columnsOf(fields: ReadonlySet<string>, needs: QueryNeeds): EventColumns {
  const groups = new Set<Group>();
  for (const field of fields) {
    const group = groupOfField(field);
    if (group !== undefined && placeOfField(field)?.kind === 'json') groups.add(group);
  }
  return { groups, core: [...fields].some((field) => field === 'time'), definitions: needs.calls };
}
