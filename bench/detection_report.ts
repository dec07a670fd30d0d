/**
 * `npm run bench -- report NAME=EVENTS,EVENTS:LABELS ... [--fit] [--write FILE] [--names]`: how well detection does on
 * labelled sets: as it is, without the servers that the catalog knows, and with tools and servers whose names say
 * nothing. `--fit` adds weights fitted on some suites and tried on others; a set whose name begins with `try:` takes no
 * part in a fit. In FILE suites, tasks and goals are numbers unless `--names` is given.
 */
import { writeFileSync } from 'node:fs';
import { say } from '../cli/output.ts';
import { VERSION } from '../cli/version.ts';
import { judgeSet, loadDetection, WAYS } from './detection_run.ts';
import { fitSection, type JudgedWay, setSection } from './detection_tables.ts';
import { fitAll, type Trial, trialsOfSets, trialsOnOne, trialsWithoutOne, usedForFit } from './fit_trials.ts';
import { type Label, readLabelled, readLabels, type SetFiles, setFilesOf } from './labelled.ts';
import { markdown, plainText, type ReportSection } from './report_table.ts';
import { numberedNames, OWN_NAMES, type ShownNames } from './shown_names.ts';

const TRY = 'try:';

const PREFACE = `Made by \`npm run bench -- report\` with version ${VERSION}.

Each set of labelled sessions is looked at in three ways: *as is*; *without catalog*, as \`detect --without-catalog\`
does; and *renamed*, with a made-up word in place of every name of a tool or a server, while descriptions, parameters and
contents stay as they are.

*Detected* is an attack that succeeded and has a finding at high or above. A *false alarm* is the same in a benign session;
sessions whose user asked for something risky are counted apart. Intervals are of 95 %, by bootstrap over goals of
attackers and over tasks, since runs of one task are not independent. *AUC* is how probable it is that an attack has a
greater risk than a benign session.`;
const NUMBERED = 'Suites, tasks and goals have numbers within each set.';

interface Options {
  sets: SetFiles[];
  /** Names of the sets that take no part in a fit. */
  apart: ReadonlySet<string>;
  file: string | undefined;
  names: boolean;
  fit: boolean;
}

interface JudgedSet {
  name: string;
  labels: readonly Label[];
  ways: JudgedWay[];
}

/** Runs detection and prints the report. */
export async function detectionReport(args: readonly string[]): Promise<void> {
  const options = optionsOf(args);
  const parts = await loadDetection();
  const judged: JudgedSet[] = [];
  for (const set of options.sets) {
    const labels = readLabels(set.labels);
    const ways: JudgedWay[] = [];
    for (const way of WAYS) {
      say(`${set.name}, ${way} ...`);
      ways.push({ way, sessions: await judgeSet(set, labels, way, parts) });
    }
    judged.push({ name: set.name, labels, ways });
  }
  const trials = options.fit ? await trialsOf(options) : [];
  process.stdout.write(plainText(sectionsOf(judged, trials, () => OWN_NAMES)));
  if (options.file === undefined) return;
  const names = options.names ? () => OWN_NAMES : numberedNames;
  const preface = options.names ? PREFACE : `${PREFACE} ${NUMBERED}`;
  writeFileSync(options.file, markdown('Detection report', preface, sectionsOf(judged, trials, names)));
}

/** Throws with a sentence when the words are not those of the command. */
function optionsOf(args: readonly string[]): Options {
  const rest = [...args];
  const flag = (name: string) => {
    const at = rest.indexOf(name);
    if (at >= 0) rest.splice(at, 1);
    return at >= 0;
  };
  const at = rest.indexOf('--write');
  const [, file] = at < 0 ? [] : rest.splice(at, 2);
  if (at >= 0 && (file === undefined || file.startsWith('--'))) throw new Error('--write needs the name of a file');
  const [fit, names] = [flag('--fit'), flag('--names')];
  const unknown = rest.find((each) => each.startsWith('--'));
  if (unknown !== undefined) throw new Error(`there is no option ${unknown}`);
  const apart = new Set<string>();
  const sets = rest.map((each) => {
    const set = setFilesOf(each.startsWith(TRY) ? each.slice(TRY.length) : each);
    if (each.startsWith(TRY)) apart.add(set.name);
    return set;
  });
  if (sets.length === 0) throw new Error('name at least one set, as NAME=EVENTS,EVENTS:LABELS');
  const twice = sets.find((set, at) => sets.findIndex(({ name }) => name === set.name) !== at);
  if (twice !== undefined) throw new Error(`two sets are named "${twice.name}"`);
  return { sets, apart, file, names, fit };
}

async function trialsOf({ sets, apart }: Options): Promise<Trial[]> {
  say('fit ...');
  const sessions = [];
  for (const set of sets) sessions.push(...(await readLabelled(set)));
  const used = usedForFit(sessions.filter(({ set }) => !apart.has(set)));
  const kept_apart = sessions.filter(({ set }) => apart.has(set));
  const trials: Trial[] = [];
  const keep = (more: Iterable<Trial>) => {
    for (const trial of more) {
      trials.push(trial);
      say(`fit, ${trials.length} done`);
    }
  };
  keep(trialsWithoutOne(used));
  keep(trialsOnOne(used));
  keep(trialsOfSets(fitAll(used), used, kept_apart));
  return trials;
}

function sectionsOf(
  judged: readonly JudgedSet[],
  trials: readonly Trial[],
  namesOf: (labels: readonly Label[]) => ShownNames,
): ReportSection[] {
  const sets = judged.map(({ name, labels, ways }) => setSection(name, ways, namesOf(labels)));
  if (trials.length === 0) return sets;
  return [...sets, fitSection(trials, (group) => groupName(group, judged, namesOf))];
}

/** A set by its name; a suite as the first set that has it shows it. */
function groupName(
  group: string,
  judged: readonly JudgedSet[],
  namesOf: (labels: readonly Label[]) => ShownNames,
): string {
  if (judged.some(({ name }) => name === group)) return group;
  for (const { name, labels } of judged) {
    const label = labels.find(({ suite }) => suite === group);
    if (label !== undefined) return `${namesOf(labels).suite(label)} of ${name}`;
  }
  return group;
}
