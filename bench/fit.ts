/**
 * `npm run bench -- fit NAME=EVENTS,EVENTS:LABELS ... [--write]`: fits the weights and cut-offs of `instruction_followed`
 * on labelled sessions, and says how they do on sessions that they were not fitted on. It fits no code. A set whose name
 * begins with `try:` is only tried.
 */
import { writeFileSync } from 'node:fs';
import type { Detector } from '../detectors/detector.ts';
import type { WeightedSum } from '../detectors/instructions/followed_score.ts';
import instruction_followed from '../detectors/rules/instruction_followed.ts';
import {
  cutOff,
  FALSE_ALARMS,
  fitAll,
  TRIAL_FALSE_ALARMS,
  type Trial,
  trialsOfSets,
  trialsWithoutOne,
  usedForFit,
} from './fit_trials.ts';
import { type LabelledCalls, readExamples, readLabelled, setFilesOf } from './labelled.ts';

const TRY = 'try:';
const WEIGHTS_FILE = 'detectors/instructions/weights.ts';

/** Runs the fit and prints what it found. */
export async function fitBench(args: readonly string[]): Promise<void> {
  const sets = args.filter((each) => !each.startsWith('--'));
  const sessions = (await Promise.all(sets.filter((each) => !each.startsWith(TRY)).map(readSet))).flat();
  sessions.push(...readExamples(instruction_followed as Detector));
  const apart = (await Promise.all(sets.filter((each) => each.startsWith(TRY)).map(readSet))).flat();
  const used = usedForFit(sessions);
  for (const trial of trialsWithoutOne(used)) tell(trial);
  const sums = fitAll(used);
  for (const trial of trialsOfSets(sums, used, apart)) tell(trial);
  if (args.includes('--write')) write(sums, used);
}

function readSet(arg: string): Promise<LabelledCalls[]> {
  return readLabelled(setFilesOf(arg));
}

const TITLES: Record<Trial['kind'], (group: string) => string> = {
  without: (group) => `fitted without ${group}, tried on it`,
  only: (group) => `fitted on ${group} alone, tried on the others`,
  on_all: (group) => `fitted on all, set ${group}`,
  apart: (group) => `set ${group}, not fitted on`,
};

function tell({ kind, group, attacks, benign, detected, carried }: Trial): void {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const at = TRIAL_FALSE_ALARMS.map((each, i) => `${percent(detected[i] ?? 0)} at ${100 * each} %`);
  const with_carried =
    carried === undefined
      ? ''
      : `; with the cut-off of the others ${percent(carried.detected)} at ${percent(carried.false_alarms)}`;
  process.stdout.write(
    `${TITLES[kind](group)}: ${attacks} attacks, ${benign} benign; ${at.join(', ')}${with_carried}\n`,
  );
}

function write(sums: readonly WeightedSum[], sessions: readonly LabelledCalls[]): void {
  const cut = (share: number) => Math.round(cutOff(sums, sessions, share) * 100) / 100;
  const cuts = { low: cut(FALSE_ALARMS.low), medium: cut(FALSE_ALARMS.medium), high: cut(FALSE_ALARMS.high) };
  writeFileSync(
    WEIGHTS_FILE,
    `/** Fitted by \`npm run bench -- fit\`; see bench/fit.ts. Only these numbers are fitted. */
import type { WeightedSum } from './followed_score.ts';

export const WEIGHTS: readonly WeightedSum[] = ${JSON.stringify(sums, null, 2)};

/** Scores from which a call is a signal, and a finding of medium and of high severity. */
export const CUTS = ${JSON.stringify(cuts, null, 2)};
`,
  );
}
