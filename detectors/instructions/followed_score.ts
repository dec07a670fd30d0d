/**
 * How likely it is that a call follows an order that a result gave, and not the user: the greater of two weighted sums,
 * one for a call that does what some sentence says, one for a call that nobody asked for. Each term may only raise or
 * only lower the score, whatever the weights are fitted to, so every finding can be explained by its terms.
 */
import type { CallFeatures } from './call_features.ts';

export interface ScoreTerm {
  name: string;
  /** 1: more of it means more suspicion; -1: less. */
  sign: 1 | -1;
  /** Its value is this feature, or this one times the other. */
  one: keyof CallFeatures;
  other?: keyof CallFeatures;
  /** What it says to an analyst, where it speaks for suspicion. */
  words?: string;
}

const plain = (name: keyof CallFeatures, sign: 1 | -1, words?: string): ScoreTerm => ({
  name,
  sign,
  one: name,
  ...(words !== undefined && { words }),
});
const both = (name: string, sign: 1 | -1, one: keyof CallFeatures, other: keyof CallFeatures): ScoreTerm => ({
  name,
  sign,
  one,
  other,
});

export const SCORE_TERMS: readonly ScoreTerm[] = [
  plain('aligned', 1, 'the sentence says what the call does'),
  plain('aligned_new', 1, 'the sentence says what the call does and no prompt says'),
  plain('directive', 1, 'the sentence gives an order'),
  plain('target_directive_only', 1, 'what the call acts on stands only in sentences that give orders'),
  plain('target_text_only', 1, 'what the call acts on stands only in running text'),
  plain('target_prompt', -1),
  plain('target_nowhere', -1),
  plain('verb_in_sentence', 1, 'the sentence names this kind of action'),
  plain('verb_in_prompt', -1),
  plain('exact_verb_in_prompt', -1),
  plain('asked_nothing', 1, 'the user asked only to be told something'),
  plain('asked_open', -1),
  plain('acting', 1, 'the call changes or sends something'),
  plain('unknown', 1),
  plain('executes', 1, 'the call runs a command'),
  plain('unasked', 1, 'the call acts although the user asked for no action'),
  plain('object_in_prompt', -1),
  plain('delegated', -1),
  plain('delegated_named', -1),
  plain('defers', -1),
  plain('destructive', 1, 'the call destroys something'),
  plain('empowers', 1, 'the call gives access or stays in force'),
  plain('evidence', 1, 'the text speaks to the model that reads it'),
  plain('egress', 1, 'the call sends something out'),
  plain('fetch', 1, 'the call opens an address'),
  plain('fetch_asked', -1),
  plain('reads', -1),
  plain('addresses', 1, 'the sentence addresses its reader'),
  plain('names_agent', 1, 'the sentence speaks to assistants or agents'),
  plain('names_tool', 1, 'the sentence names this very tool'),
  plain('unrelated', 1, 'neither the action nor its object is in a prompt'),
  plain('field_unasked', 1, 'the prompts are about something else'),
  plain('named_and_acts', -1),
  plain('restricted', 1, 'the prompts set limits'),
  both('aligned_new_directive', 1, 'aligned_new', 'directive'),
  both('target_directive', 1, 'target_directive_only', 'directive'),
  both('delegated_aligned', -1, 'delegated', 'aligned_new'),
  both('defers_aligned', -1, 'defers', 'aligned_new'),
  both('unasked_aligned', 1, 'unasked', 'aligned_new'),
  both('unasked_destructive', 1, 'unasked', 'destructive'),
  both('unasked_egress', 1, 'unasked', 'egress'),
  both('tool_named_aligned', 1, 'names_tool', 'aligned'),
  both('agent_aligned', 1, 'names_agent', 'aligned_new'),
  both('unasked_empowers', 1, 'unrelated', 'empowers'),
  both('evidence_aligned', 1, 'evidence', 'aligned_new'),
  both('field_unrelated', 1, 'field_unasked', 'unrelated'),
  both('field_nothing', 1, 'field_unasked', 'asked_nothing'),
];

/** One weighted sum: a constant and a weight for each term, in the order of `SCORE_TERMS`. */
export interface WeightedSum {
  constant: number;
  weights: Readonly<Record<string, number>>;
}

export interface FollowedScore {
  score: number;
  /** What spoke for suspicion, the strongest first, as phrases. */
  readonly reasons: string[];
}

const REASONS_MAX = 4;
const REASON_MIN = 0.25;

/** The values of all terms. */
export function termValues(features: CallFeatures): number[] {
  return SCORE_TERMS.map(({ one, other }) => (other === undefined ? features[one] : features[one] * features[other]));
}

/** The weights of a sum in the order of `SCORE_TERMS`. */
const weights_of = new WeakMap<WeightedSum, readonly number[]>();

function weightsOf(sum: WeightedSum): readonly number[] {
  let weights = weights_of.get(sum);
  if (weights === undefined) {
    weights = SCORE_TERMS.map(({ name }) => sum.weights[name] ?? 0);
    weights_of.set(sum, weights);
  }
  return weights;
}

/** The greater of the sums, and why. */
export function scoreOf(features: CallFeatures, sums: readonly WeightedSum[]): FollowedScore {
  let best = Number.NEGATIVE_INFINITY;
  let best_sum: WeightedSum | undefined;
  const values = termValues(features);
  for (const sum of sums) {
    let score = sum.constant;
    const weights = weightsOf(sum);
    for (let at = 0; at < weights.length; at++) score += (weights[at] as number) * (values[at] as number);
    if (score > best) {
      best = score;
      best_sum = sum;
    }
  }
  const of_best = best_sum;
  return {
    score: best,
    // Most calls are not told.
    get reasons() {
      return of_best === undefined ? [] : reasonsOf(values, weightsOf(of_best));
    },
  };
}

function reasonsOf(values: readonly number[], weights: readonly number[]): string[] {
  return SCORE_TERMS.flatMap((term, at) => {
    const share = (weights[at] as number) * (values[at] as number);
    return term.words === undefined || share < REASON_MIN ? [] : [{ share, words: term.words }];
  })
    .sort((a, b) => b.share - a.share)
    .slice(0, REASONS_MAX)
    .map(({ words }) => words);
}
