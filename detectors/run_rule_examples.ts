/** Runs the examples that rules carry through the whole engine, lineage and catalog included. */
import type { Detector } from './detector.ts';
import { createEngine } from './engine.ts';
import { exampleRecords, type RawEvent, toProvenance } from './example_events.ts';
import type { LinkedRules } from './sigma/link.ts';

export interface RuleOutcome {
  rule_id: string;
  example: string;
  fires: boolean;
  /** Why the example is wrong; absent when it holds. */
  problem?: string;
}

/** The outcome of every example of a set of rules. */
export function runRulesExamples({ set, examples }: LinkedRules, detectors: readonly Detector[]): RuleOutcome[] {
  return [...examples].flatMap(([rule_id, own]) =>
    own.map((example): RuleOutcome => {
      const engine = createEngine({ detectors, rules: set });
      const records = exampleRecords('example', example.events as RawEvent[]);
      const detected = records.map((record, at) => engine.observe(toProvenance(record, at)));
      const findings = [...detected, engine.flush()].flatMap((step) => step.findings);
      const fires = findings.some((finding) => finding.rule_id === rule_id);
      const outcome = { rule_id, example: example.name, fires };
      if (fires === example.fires) return outcome;
      return { ...outcome, problem: fires ? 'should not fire' : 'should fire and does not' };
    }),
  );
}
