import { describe, expect, it } from 'vitest';
import { SCENARIOS, STRENGTHS } from './attacks.ts';
import { judge, truthOf, type Verdict } from './judge.ts';
import { plainVerdicts } from './plain_baselines.ts';
import { makePopulation, type Population } from './population.ts';
import { ROLES } from './world.ts';

const small = (seed: number, primed = true) => makePopulation({ seed, people: 80, attacks_each: 1, primed });
const textOf = (population: Population, take = (_: { attack?: string }) => true) =>
  [...population.events()].filter(take).map(({ event }) => `${event.time_ms} ${event.event_id} ${event.tool}`);

describe('the population', () => {
  it('is the same for the same seed and another for another', () => {
    const first = textOf(small(7)).join('\n');
    expect(textOf(small(7)).join('\n')).toBe(first);
    expect(textOf(small(8)).join('\n')).not.toBe(first);
  });

  it('has 400 people in eight roles unless told otherwise', () => {
    const { people } = makePopulation({ seed: 1 });
    expect(people).toHaveLength(400);
    expect(new Set(people.map(({ role }) => role.name)).size).toBe(ROLES.length);
    expect(ROLES).toHaveLength(8);
  });

  it('yields events in the order of their times, over sixty days', () => {
    const times = [...small(7).events()].map(({ event }) => event.time_ms);
    expect(times.every((time, at) => at === 0 || time >= (times[at - 1] as number))).toBe(true);
    expect(((times.at(-1) as number) - (times[0] as number)) / 86_400_000).toBeGreaterThan(56);
  });

  it('has each scenario in each strength, with people of its own', () => {
    const { attacks, look_alikes } = small(7);
    const kinds = new Set(attacks.map(({ scenario, strength }) => `${scenario} ${strength}`));
    expect(kinds.size).toBe(SCENARIOS.length * STRENGTHS.length);
    const victims = attacks.flatMap(({ people }) => people);
    expect(new Set(victims).size).toBe(victims.length);
    for (const { person } of look_alikes) expect(victims).not.toContain(person);
  });

  it('without its preparation differs from its twin in what prepares poisoning alone', () => {
    const poisoning = ({ attack }: { attack?: string }) => attack?.includes('poisoning') === true;
    const other = (each: { attack?: string }) => !poisoning(each);
    const [primed, plain] = [small(7), small(7, false)];
    expect(textOf(primed, poisoning).length).toBeGreaterThan(textOf(plain, poisoning).length);
    expect(textOf(primed, other)).toEqual(textOf(plain, other));
  });

  it('holds more of a stronger attack', () => {
    const count = new Map<string, number>();
    for (const { attack } of small(7).events()) if (attack) count.set(attack, (count.get(attack) ?? 0) + 1);
    const of = (strength: number) =>
      [...count].filter(([id]) => id.includes(`-${strength}-`)).reduce((sum, [, events]) => sum + events, 0);
    expect(of(5)).toBeGreaterThan(of(2));
    expect(of(2)).toBeGreaterThan(of(1.2));
  });
});

describe('judging', () => {
  const population = small(7);
  const truth = truthOf(population);
  const verdictAt = (key: string, score: number): Verdict => {
    const [user_id = '', day = ''] = key.split(' ');
    return { user_id, day: Number(day), score, time_ms: Date.UTC(2026, 0, 5) + Number(day) * 86_400_000 + 86_399_000 };
  };

  it('finds everything with a detector that knows the truth, and no look-alike', () => {
    const verdicts = [...truth.active].map((key) => verdictAt(key, truth.attacked.has(key) ? 1 : 0));
    const outcome = judge(population, truth, verdicts, 1);
    expect(outcome.recall).toBe(1);
    expect(outcome.look_alikes.flagged).toBe(0);
  });

  it('gives a detector that says the same of everybody nothing', () => {
    const verdicts = [...truth.active].map((key) => verdictAt(key, 1));
    expect(judge(population, truth, verdicts, 1).recall).toBe(0);
  });

  it('has no scenario that a mean and three deviations of each user solve', () => {
    const outcome = judge(population, truth, plainVerdicts(population).user_mean_3_sigma, 1);
    const solved = SCENARIOS.filter((scenario) => {
      const steps = [...outcome.found].filter(([name]) => name.startsWith(scenario));
      return steps.every(([, { found, of }]) => found === of);
    });
    expect(solved).toEqual([]);
  });
});
