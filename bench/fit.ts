/**
 * `npm run bench -- fit NAME=EVENTS,EVENTS:LABELS ... [--write]`: fits the weights and cut-offs of `instruction_followed`
 * on labelled sessions, and says how they do on sessions that they were not fitted on. It fits no code. A set whose name
 * begins with `try:` is only tried.
 */
import { writeFileSync } from 'node:fs';
import { SCORE_TERMS, type WeightedSum } from '../detectors/instructions/followed_score.ts';
import { fitWeights, type LabelledSession } from './fit_weights.ts';
import { type Label, type LabelledCalls, readLabelled } from './labelled.ts';

const TRY = 'try:';
const FALSE_ALARMS = { high: 0.04, medium: 0.08, low: 0.25 };
const SUITE_SESSIONS_MIN = 200;
const WEIGHTS_FILE = 'detectors/instructions/weights.ts';

const isAttack = ({ label }: Label) => label === 'attack_succeeded' || label === 'metadata_attack';
const isBenign = ({ label, variant }: Label) => label === 'benign' && variant !== 'user_requested_risky';

/** Runs the fit and prints what it found. */
export async function fitBench(args: readonly string[]): Promise<void> {
  const sets = args.filter((each) => !each.startsWith('--'));
  const sessions = (await Promise.all(sets.filter((each) => !each.startsWith(TRY)).map(readSet))).flat();
  const tried = (await Promise.all(sets.filter((each) => each.startsWith(TRY)).map(readSet))).flat();
  const used = sessions.filter(({ label }) => isAttack(label) || isBenign(label));
  const groupOf = groups(used);
  for (const group of new Set(used.map(groupOf))) {
    const own = used.filter((each) => groupOf(each) === group);
    const rest = used.filter((each) => groupOf(each) !== group);
    if (!own.some(({ label }) => isAttack(label)) || !rest.some(({ label }) => isAttack(label))) continue;
    const sums = fitWeights(weighted(rest));
    report(`fitted without ${group}, tried on it`, sums, own, cutOff(sums, rest, FALSE_ALARMS.high));
  }
  const sums = fitWeights(weighted(used));
  for (const set of new Set(used.map((each) => each.set))) {
    report(
      `fitted on all, set ${set}`,
      sums,
      used.filter((each) => each.set === set),
    );
  }
  for (const set of new Set(tried.map((each) => each.set))) {
    report(
      `set ${set}, not fitted on`,
      sums,
      tried.filter((each) => each.set === set),
      cutOff(sums, used, FALSE_ALARMS.high),
    );
  }
  if (args.includes('--write')) write(sums, used);
}

async function readSet(arg: string): Promise<LabelledCalls[]> {
  const [, name = '', events = '', labels = ''] = /^([^=]+)=([^:]+):(.+)$/.exec(arg) ?? [];
  if (labels === '') throw new Error(`"${arg}" is not of the form NAME=EVENTS,EVENTS:LABELS`);
  return readLabelled(name, events.split(','), labels);
}

/** What is held out together: a suite of many sessions, in whatever sets it stands, else the whole set. */
function groups(sessions: readonly LabelledCalls[]): (session: LabelledCalls) => string {
  const counts = countBy(sessions.map(({ set, label }) => `${set} ${label.suite}`));
  return ({ set, label }) => ((counts.get(`${set} ${label.suite}`) ?? 0) < SUITE_SESSIONS_MIN ? set : label.suite);
}

/** Sets count alike, then suites by the root of their tasks, then tasks alike: runs of one task are not independent. */
function weighted(sessions: readonly LabelledCalls[]): LabelledSession[] {
  return [true, false].flatMap((attack) => {
    const side = sessions.filter(({ label }) => isAttack(label) === attack);
    const taskOf = ({ label }: LabelledCalls) =>
      `${label.suite}/${label.user_task}/${attack ? label.injection_task : ''}`;
    const runs = countBy(side.map(taskOf));
    const tasks = countBy(
      [...new Map(side.map((each) => [taskOf(each), each])).values()].map(({ label }) => label.suite),
    );
    const raw = side.map((each) => 1 / Math.sqrt(tasks.get(each.label.suite) ?? 1) / (runs.get(taskOf(each)) ?? 1));
    const of_set = new Map<string, number>();
    for (const [at, each] of side.entries()) of_set.set(each.set, (of_set.get(each.set) ?? 0) + (raw[at] as number));
    return side.map((each, at) => ({
      attack,
      weight: (raw[at] as number) / (of_set.get(each.set) ?? 1) / of_set.size,
      calls: each.calls,
    }));
  });
}

function countBy(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function sessionScore(sums: readonly WeightedSum[], session: LabelledCalls): number {
  let score = Number.NEGATIVE_INFINITY;
  for (const values of session.calls) {
    for (const sum of sums) {
      let z = sum.constant;
      for (const [at, term] of SCORE_TERMS.entries()) z += (sum.weights[term.name] ?? 0) * (values[at] as number);
      score = Math.max(score, z);
    }
  }
  return score;
}

/** The score that a share of the benign sessions exceeds. */
function cutOff(sums: readonly WeightedSum[], sessions: readonly LabelledCalls[], share: number): number {
  const scores = sessions.filter(({ label }) => isBenign(label)).map((session) => sessionScore(sums, session));
  scores.sort((a, b) => b - a);
  return scores[Math.floor(share * scores.length)] ?? 0;
}

function report(
  title: string,
  sums: readonly WeightedSum[],
  sessions: readonly LabelledCalls[],
  carried?: number,
): void {
  const attacks = sessions.filter(({ label }) => isAttack(label)).map((session) => sessionScore(sums, session));
  const benign = sessions.filter(({ label }) => isBenign(label)).map((session) => sessionScore(sums, session));
  const share = (scores: readonly number[], cut: number) =>
    `${((100 * scores.filter((score) => score > cut).length) / Math.max(1, scores.length)).toFixed(1)} %`;
  const at = [0.01, 0.02, 0.03, 0.05].map(
    (each) => `${share(attacks, cutOff(sums, sessions, each))} at ${100 * each} %`,
  );
  const with_carried =
    carried === undefined
      ? ''
      : `; with the cut-off of the others ${share(attacks, carried)} at ${share(benign, carried)}`;
  process.stdout.write(
    `${title}: ${attacks.length} attacks, ${benign.length} benign; ${at.join(', ')}${with_carried}\n`,
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
