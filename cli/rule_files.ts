/** Rules as the commands over them load them: those that come with the program, and a folder of the user's own. */
import { AppError } from '../core/errors.ts';
import type { Detector } from '../detectors/detector.ts';
import { loadDetectors } from '../detectors/load.ts';
import { type LoadedRules, loadRules } from '../detectors/load_rules.ts';
import { formatRuleError } from '../detectors/sigma/issues.ts';
import { inert, say } from './output.ts';

/** Throws `rules_unreadable` when the folder cannot be read; what is wrong with a file stands in the answer. */
export async function loadRuleFiles(
  folder: string | undefined,
): Promise<{ detectors: Detector[]; rules: LoadedRules }> {
  const detectors = await loadDetectors();
  const signals = new Set(detectors.map(({ metadata }) => metadata.id));
  try {
    return { detectors, rules: await loadRules({ folder, signals }) };
  } catch (cause) {
    throw new AppError('rules_unreadable', `the folder of rules "${folder ?? ''}" cannot be read`, { cause });
  }
}

/** Says what is wrong with rule files to a person. */
export function tellRuleErrors(rules: LoadedRules): void {
  for (const error of rules.errors) say(inert(formatRuleError(error)));
}
