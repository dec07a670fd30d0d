/** `npm run bench -- baselines`: what baselines find in populations of seeds that nothing was built with. */
import { judge, type Outcome, together, truthOf } from './population/judge.ts';
import { type PlainName, plainVerdicts } from './population/plain_baselines.ts';
import { makePopulation } from './population/population.ts';
import { median, type Report } from './report.ts';

/** Alerts on a hundred users a day. */
const BUDGETS = [0.2, 1, 5];
/** Seeds 1 to 99 are for building; these are for judging. */
const JUDGING_SEEDS = [101, 102, 103];

/** Measures on each seed, and says what was found over all of them. */
export async function baselinesBench(report: Report, count?: number): Promise<void> {
  const seeds = count === undefined ? JUDGING_SEEDS : [count];
  const outcomes = new Map<string, Outcome[]>();
  for (const seed of seeds) {
    const population = makePopulation({ seed });
    const truth = truthOf(population);
    for (const [name, verdicts] of Object.entries(plainVerdicts(population))) {
      for (const budget of BUDGETS) {
        const key = `${name as PlainName} at ${budget}`;
        outcomes.set(key, [...(outcomes.get(key) ?? []), judge(population, truth, verdicts, budget)]);
      }
    }
  }
  for (const [name, each] of outcomes) tell(report, name, together(each), name.endsWith(' at 1'));
}

function tell(report: Report, name: string, outcome: Outcome, detailed: boolean): void {
  const { recall, look_alikes, found } = outcome;
  report({ name: `${name}: recall`, value: recall, unit: 'share' });
  report({ name: `${name}: look-alikes flagged`, value: look_alikes.flagged / look_alikes.of, unit: 'share' });
  if (!detailed) return;
  for (const [scenario, { found: hits, of, delays_h }] of found) {
    report({
      name: `${name}: ${scenario}`,
      value: hits / of,
      unit: `of ${of}, median delay ${median(delays_h).toFixed(1)} h`,
    });
  }
}
