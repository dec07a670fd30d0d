/** The names of a labelled set's suites, tasks and goals as a report shows them: their own, or numbers in their place. */
import type { Label } from './labelled.ts';

export interface ShownNames {
  suite(label: Label): string;
  /** What the user asked for, with its suite. */
  task(label: Label): string;
  /** What the attacker wanted, with its suite. */
  goal(label: Label): string;
}

/** The names as they are. */
export const OWN_NAMES: ShownNames = {
  suite: ({ suite }) => suite,
  task: ({ suite, user_task }) => `${suite}/${user_task}`,
  goal: ({ suite, injection_task }) => `${suite}/${injection_task ?? 'none'}`,
};

const ORDER = new Intl.Collator('en', { numeric: true });

/** Numbers instead of names, in the order of the names: the same labels give the same numbers, in whatever order. */
export function numberedNames(labels: readonly Label[]): ShownNames {
  const suites = numbersOf(labels.map(({ suite }) => suite));
  const within = (nameOf: (label: Label) => string) =>
    new Map(
      [...suites.keys()].map((suite) => [
        suite,
        numbersOf(labels.filter((label) => label.suite === suite).map((label) => nameOf(label))),
      ]),
    );
  const goal = ({ injection_task }: Label) => injection_task ?? '';
  const tasks = within(({ user_task }) => user_task);
  const goals = within(goal);
  const suiteOf = ({ suite }: Label) => `suite ${suites.get(suite)}`;
  return {
    suite: suiteOf,
    task: (label) => `${suiteOf(label)}, task ${tasks.get(label.suite)?.get(label.user_task)}`,
    goal: (label) =>
      label.injection_task
        ? `${suiteOf(label)}, goal ${goals.get(label.suite)?.get(goal(label))}`
        : `${suiteOf(label)}, no goal named`,
  };
}

/** From 1 on; an empty name has no number. */
function numbersOf(names: readonly string[]): ReadonlyMap<string, number> {
  const sorted = [...new Set(names)].filter(Boolean).sort((a, b) => ORDER.compare(a, b) || (a < b ? -1 : 1));
  return new Map(sorted.map((name, at) => [name, at + 1]));
}
