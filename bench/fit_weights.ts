/** Fits the weights of the two sums by gradient descent on the logistic loss of each session's worst call. */
import { SCORE_TERMS, type WeightedSum } from '../detectors/instructions/followed_score.ts';

/** A session with the term values of its calls. */
export interface LabelledSession {
  attack: boolean;
  /** Share of this session in the loss. */
  weight: number;
  calls: readonly (readonly number[])[];
}

const STEPS = 900;
const RATE = 2;
const SHRINK = 0.002; // L2
const START: Readonly<Record<string, number>>[] = [
  { aligned_new_directive: 3, delegated_named: -1, target_prompt: -1 },
  { unasked: 1.5, unasked_aligned: 1, aligned: 1, target_prompt: -1 },
];

/** Weights whose signs are those of their terms. */
export function fitWeights(sessions: readonly LabelledSession[]): WeightedSum[] {
  const width = SCORE_TERMS.length;
  const constants = [-2, -2.3];
  const sums = START.map((start) => SCORE_TERMS.map((term) => start[term.name] ?? 0));
  const used = sessions.filter((session) => session.calls.length > 0);
  for (let step = 0; step < STEPS; step++) {
    const rate = step < (STEPS * 2) / 3 ? RATE : RATE / 2;
    const gradients = sums.map(() => new Float64Array(width + 1));
    for (const session of used) addGradient(session, sums, constants, gradients);
    for (const [k, weights] of sums.entries()) move(weights, gradients[k] as Float64Array, rate);
    for (const k of sums.keys())
      constants[k] = (constants[k] as number) - rate * ((gradients[k] as Float64Array)[width] as number);
  }
  return sums.map((weights, k) => ({ constant: round(constants[k] as number), weights: named(weights) }));
}

/** The score of the worst call, with which call and which sum it was. */
function worst(calls: LabelledSession['calls'], sums: readonly number[][], constants: readonly number[]) {
  let score = Number.NEGATIVE_INFINITY;
  let values = calls[0] as readonly number[];
  let sum = 0;
  for (const call of calls) {
    for (const [k, weights] of sums.entries()) {
      let z = constants[k] as number;
      for (let at = 0; at < weights.length; at++) z += (weights[at] as number) * (call[at] as number);
      if (z > score) [score, values, sum] = [z, call, k];
    }
  }
  return { score, values, sum };
}

function addGradient(
  session: LabelledSession,
  sums: readonly number[][],
  constants: readonly number[],
  gradients: readonly Float64Array[],
): void {
  const { score, values, sum } = worst(session.calls, sums, constants);
  const error = (1 / (1 + Math.exp(-score)) - (session.attack ? 1 : 0)) * session.weight;
  const gradient = gradients[sum] as Float64Array;
  for (let at = 0; at < values.length; at++) gradient[at] = (gradient[at] as number) + error * (values[at] as number);
  gradient[values.length] = (gradient[values.length] as number) + error;
}

function move(weights: number[], gradient: Float64Array, rate: number): void {
  for (const [at, term] of SCORE_TERMS.entries()) {
    const before = weights[at] as number;
    const moved = before - rate * ((gradient[at] as number) + SHRINK * before);
    weights[at] = term.sign * moved < 0 ? 0 : moved;
  }
}

function named(weights: readonly number[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const [at, term] of SCORE_TERMS.entries()) {
    const weight = round(weights[at] as number);
    if (weight !== 0) all[term.name] = weight;
  }
  return all;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
