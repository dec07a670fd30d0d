/** Runs the examples of detectors through the schema and the whole engine, and says what went otherwise than promised. */
import { type Finding, type Severity, severityRank } from '../core/alert.ts';
import type { Detector, DetectorExample } from './detector.ts';
import { createEngine } from './engine.ts';
import { exampleRecords, toProvenance } from './example_events.ts';

export interface ExampleOutcome {
  detector_id: string;
  example: string;
  fires: boolean;
  /** Of this detector's findings, the worst. */
  severity?: Severity;
  findings: Finding[];
  /** Why the example is wrong; absent when it holds. */
  problem?: string;
}

/** The outcome of one example with a set of detectors running; only the findings of `detector_id` count. */
export function runExample(
  detectors: readonly Detector[],
  detector_id: string,
  example: DetectorExample,
): ExampleOutcome {
  const engine = createEngine({ detectors });
  const records = exampleRecords('example', example.events);
  const detected = records.map((record, at) => engine.observe(toProvenance(record, at)));
  const findings = [...detected, engine.flush()]
    .flatMap((step) => step.findings)
    .filter((finding) => finding.rule_id === detector_id);
  const severity = findings[0]?.severity;
  const outcome = { detector_id, example: example.name, fires: findings.length > 0, findings };
  const problem = problemOf(example, findings, engine.errors.length);
  return { ...outcome, ...(severity && { severity }), ...(problem && { problem }) };
}

/** The outcomes of all examples of all detectors. */
export function runExamples(detectors: readonly Detector[]): ExampleOutcome[] {
  return detectors.flatMap((detector) =>
    detector.examples.map((example) => runExample(detectors, detector.metadata.id, example)),
  );
}

function problemOf(example: DetectorExample, findings: readonly Finding[], errors: number): string | undefined {
  if (errors > 0) return 'a detector failed';
  if (example.fires && findings.length === 0) return 'should fire and does not';
  const ceiling = example.at_most === undefined ? -1 : severityRank(example.at_most);
  const worst = findings.find((finding) => severityRank(finding.severity) > ceiling);
  if (!example.fires && worst !== undefined) return `should not fire: ${worst.severity}: ${worst.reason}`;
  const expected = example.severity;
  if (expected !== undefined && !findings.some((finding) => finding.severity === expected)) {
    return `should be ${expected}, is ${findings.map((finding) => finding.severity).join(', ')}`;
  }
  return undefined;
}
