/** The detectors and rules in operation, as the API shows them and lets people try others. */
import type { Detector } from '../detectors/detector.ts';
import type { LoadedRules } from '../detectors/load_rules.ts';
import type { RuleError } from '../detectors/sigma/issues.ts';

export interface Rulebook {
  detectors: readonly Detector[];
  /** Ids of those that are off. */
  off: ReadonlySet<string>;
  /** The YAML rules in operation. */
  rules(): LoadedRules;
  /** What is wrong with files of the operator's folder; their rules are not in operation. */
  refused(): readonly RuleError[];
  /** The rules in operation with those of a text in the place of those with the same ids, and the ids of the text's. */
  withText(text: string): Promise<LoadedRules & { own: readonly string[] }>;
}
