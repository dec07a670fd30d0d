/** Seeded chance for the population: every place has a generator of its own, so that a change in one leaves the others alone. */
import { seeded } from '../generate.ts';

export interface Chance {
  /** From 0 up to 1. */
  next(): number;
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** True in this share of cases. */
  hit(share: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** An index, by weights. */
  weighted(weights: readonly number[]): number;
  /** Normally distributed. */
  normal(mean: number, deviation: number): number;
  /** Log-normally distributed around a median. */
  spread(median: number, sigma: number): number;
  /** A small index out of many: the first ones far more often. */
  popular(count: number): number;
  /** How often something of this mean rate happens. */
  times(rate: number): number;
}

/** Chance at a place, named by numbers and words. */
export function chanceAt(...place: readonly (number | string)[]): Chance {
  const next = seeded(hashOf(place.join('/')));
  const chance: Chance = {
    next,
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    hit: (share) => next() < share,
    pick: <T>(list: readonly T[]) => list[Math.floor(next() * list.length)] as T,
    weighted(weights) {
      let left = next() * weights.reduce((sum, weight) => sum + weight, 0);
      const at = weights.findIndex((weight) => {
        left -= weight;
        return left < 0;
      });
      return at < 0 ? weights.length - 1 : at;
    },
    normal: (mean, deviation) =>
      mean + deviation * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    spread: (median, sigma) => median * Math.exp(chance.normal(0, sigma)),
    popular: (count) => Math.floor(count * next() ** 3),
    times(rate) {
      let left = Math.exp(-rate);
      let count = 0;
      for (let product = next(); product > left && count < 1_000; product *= next()) count++;
      left = 0;
      return count;
    },
  };
  return chance;
}

/** FNV-1a, with a last mix. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
