/** Runs the examples that rules carry, and says what went otherwise than promised. */
import { messageOf } from '../../core/errors.ts';
import type { ProvenanceEvent } from '../../core/event.ts';
import { exampleRecords, type RawEvent, toProvenance } from '../example_events.ts';
import type { CarriedValue } from './chain.ts';
import { compileRules } from './compile.ts';
import type { RuleSet } from './ir.ts';
import { type DerivedFields, type EventPoint, eventRecord } from './record.ts';
import type { RuleMatch } from './rows.ts';
import type { RuleExample } from './rule_meta.ts';

export interface RuleExampleOutcome {
  rule_id: string;
  example: string;
  fires: boolean;
  matches: RuleMatch[];
  /** Why the example is wrong; absent when it holds. */
  problem?: string;
}

/**
 * What is known beside the events. An example may say it itself: `derived` of an event holds derived fields, `carried`
 * a list of `{ from, kind, chars }` with the number of an earlier event, counted from 1.
 */
export interface ExampleKnowledge {
  /** Called once for each event, in order. */
  derive?(event: ProvenanceEvent): DerivedFields;
  edgesBetween?(from: EventPoint, to: EventPoint): readonly CarriedValue[];
}

/** The outcomes of all examples of a set. `know` makes what is known anew for each example. */
export function runRuleExamples(
  set: RuleSet,
  examples: ReadonlyMap<string, readonly RuleExample[]>,
  know: () => ExampleKnowledge = () => ({}),
): RuleExampleOutcome[] {
  return [...examples].flatMap(([rule_id, own]) =>
    own.map((example) => {
      const { matches, error } = runExample(set, rule_id, example, know());
      const fires = matches.length > 0;
      const problem =
        error ?? (fires === example.fires ? undefined : fires ? 'should not fire' : 'should fire and does not');
      return { rule_id, example: example.name, fires, matches, ...(problem !== undefined && { problem }) };
    }),
  );
}

/** The matches of one rule, which is told here even when it is only there for others. */
function runExample(
  set: RuleSet,
  rule_id: string,
  example: RuleExample,
  knowledge: ExampleKnowledge,
): { matches: RuleMatch[]; error?: string } {
  try {
    const carried = new Map<string, CarriedValue[]>();
    const events = example.events.map(({ derived: _derived, carried: edges, ...event }, at) => {
      for (const edge of Array.isArray(edges) ? (edges as (CarriedValue & { from: number })[]) : []) {
        const key = `${edge.from - 1} ${at}`;
        carried.set(key, [...(carried.get(key) ?? []), edge]);
      }
      return event as RawEvent;
    });
    const rules = compileRules(
      { ...set, rules: set.rules.map((rule) => (rule.rule_id === rule_id ? { ...rule, emit: true } : rule)) },
      {
        edgesBetween: (from, to) => [
          ...(carried.get(`${from.seq} ${to.seq}`) ?? []),
          ...(knowledge.edgesBetween?.(from, to) ?? []),
        ],
      },
    );
    const matches = exampleRecords('example', events).flatMap((record, at) => {
      const event = toProvenance(record, at);
      const derived = { ...knowledge.derive?.(event), ...(example.events[at]?.derived as DerivedFields | undefined) };
      return rules.observe(eventRecord(event, derived));
    });
    // Time goes on after the last event: what has not come by then is absent.
    matches.push(...rules.flush(Number.MAX_SAFE_INTEGER));
    return { matches: matches.filter((match) => match.rule_id === rule_id) };
  } catch (error) {
    return { matches: [], error: `cannot run: ${messageOf(error).slice(0, 300)}` };
  }
}
