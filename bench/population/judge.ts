/**
 * Judges what a detector said of a population. A detector gives a score to a person's day; the threshold lies where, on
 * days without an attack, so many alerts come on a hundred users a day. Every detector is judged by this one rule.
 */
import { median } from '../report.ts';
import type { Population } from './population.ts';
import { DAY_MS, FIRST_DAY_MS } from './world.ts';

/** The score of one user's day, and when it was reached. */
export interface Verdict {
  user_id: string;
  day: number;
  score: number;
  time_ms: number;
}

export interface Outcome {
  threshold: number;
  /** By scenario and strength, such as `collusion 2x`. */
  found: Map<string, { found: number; of: number; delays_h: number[] }>;
  recall: number;
  look_alikes: { flagged: number; of: number };
}

/** From here on days are judged: before, everybody is new. */
export const JUDGED_FROM = 31;

/** Days of the people who were there, each with the attack that stands in it. */
export interface Truth {
  /** `user day` of days that hold an event of an attack, with its id. */
  attacked: Map<string, string>;
  began_ms: Map<string, number>;
  /** `user day` of all days with an event from `JUDGED_FROM` on. */
  active: Set<string>;
}

export const dayKey = (user_id: string, day: number) => `${user_id} ${day}`;
export const dayAt = (time_ms: number) => Math.floor((time_ms - FIRST_DAY_MS) / DAY_MS);

/** What really happened, by the days of UTC. */
export function truthOf(population: Population): Truth {
  const truth: Truth = { attacked: new Map(), began_ms: new Map(), active: new Set() };
  const from = new Map(population.attacks.map((attack) => [attack.id, attack.from]));
  for (const { event, attack, day } of population.events()) {
    const key = dayKey(event.user_id ?? '', dayAt(event.time_ms));
    if (dayAt(event.time_ms) >= JUDGED_FROM) truth.active.add(key);
    if (attack === undefined) continue;
    truth.attacked.set(key, attack);
    // What prepares a poisoning is not yet what has to be found.
    if (day < (from.get(attack) ?? 0)) continue;
    truth.began_ms.set(attack, Math.min(truth.began_ms.get(attack) ?? Number.POSITIVE_INFINITY, event.time_ms));
  }
  return truth;
}

/** How much is found at a budget of alerts for a hundred users a day. */
export function judge(
  population: Population,
  truth: Truth,
  verdicts: readonly Verdict[],
  per_hundred: number,
): Outcome {
  const best = new Map<string, Verdict>();
  for (const verdict of verdicts) {
    if (verdict.day < JUDGED_FROM) continue;
    const key = dayKey(verdict.user_id, verdict.day);
    const before = best.get(key);
    if (before === undefined || verdict.score > before.score) best.set(key, verdict);
  }
  const calm = [...truth.active].filter((key) => !truth.attacked.has(key));
  const allowed = Math.floor((calm.length * per_hundred) / 100);
  const scores = calm.map((key) => best.get(key)?.score ?? 0).sort((a, b) => b - a);
  const threshold = Math.max(scores[allowed] ?? 0, 0);
  const alerts = [...best.values()].filter(({ score }) => score > threshold);
  return { threshold, ...foundBy(population, truth, alerts), look_alikes: flaggedBy(population, alerts) };
}

function foundBy(population: Population, truth: Truth, alerts: readonly Verdict[]): Pick<Outcome, 'found' | 'recall'> {
  const first = new Map<string, number>();
  for (const { user_id, day, time_ms } of alerts) {
    const attack = truth.attacked.get(dayKey(user_id, day));
    const began = attack === undefined ? undefined : truth.began_ms.get(attack);
    // An alert while a poisoning is prepared finds it before it begins.
    if (attack === undefined || began === undefined) continue;
    first.set(attack, Math.min(first.get(attack) ?? Number.POSITIVE_INFINITY, Math.max(0, time_ms - began)));
  }
  const found: Outcome['found'] = new Map();
  for (const { id, scenario, strength } of population.attacks) {
    const name = `${scenario} ${strength}x`;
    const entry = found.get(name) ?? { found: 0, of: 0, delays_h: [] };
    found.set(name, entry);
    if (!truth.began_ms.has(id)) continue;
    entry.of++;
    const delay = first.get(id);
    if (delay === undefined) continue;
    entry.found++;
    entry.delays_h.push(delay / 3_600_000);
  }
  const all = [...found.values()];
  const sum = (of: 'found' | 'of') => all.reduce((total, entry) => total + entry[of], 0);
  return { found, recall: sum('found') / Math.max(1, sum('of')) };
}

/** A look-alike is flagged when an alert falls on one of its days. */
function flaggedBy(population: Population, alerts: readonly Verdict[]): Outcome['look_alikes'] {
  const days = new Set(alerts.map(({ user_id, day }) => dayKey(user_id, day)));
  const flagged = population.look_alikes.filter(({ person, from, to }) =>
    Array.from({ length: to - from }, (_, at) => from + at).some((day) => days.has(dayKey(person.user_id, day))),
  );
  return { flagged: flagged.length, of: population.look_alikes.length };
}

/** Several outcomes as one. */
export function together(outcomes: readonly Outcome[]): Outcome {
  const found: Outcome['found'] = new Map();
  for (const outcome of outcomes) {
    for (const [name, { found: hits, of, delays_h }] of outcome.found) {
      const entry = found.get(name) ?? { found: 0, of: 0, delays_h: [] };
      found.set(name, { found: entry.found + hits, of: entry.of + of, delays_h: [...entry.delays_h, ...delays_h] });
    }
  }
  const all = [...found.values()];
  const recall = all.reduce((sum, entry) => sum + entry.found, 0) / all.reduce((sum, entry) => sum + entry.of, 0);
  const look_alikes = { flagged: 0, of: 0 };
  for (const outcome of outcomes) {
    look_alikes.flagged += outcome.look_alikes.flagged;
    look_alikes.of += outcome.look_alikes.of;
  }
  return { threshold: median(outcomes.map(({ threshold }) => threshold)), found, recall, look_alikes };
}
