/**
 * What a call has to do with what a session's texts told somebody to do and with what the user asked for. Each
 * feature lies between 0 and 1 and means more suspicion, or less where its name says so.
 */
import type { CallProfile } from '../catalog/capabilities.ts';
import { type VerbClass, verbsOf, wordsOf } from '../catalog/words.ts';
import type { Leaf } from '../lineage/leaves.ts';
import {
  type InstructionIndex,
  SEEN_CALL,
  SEEN_DIRECTIVE,
  SEEN_FIELD,
  SEEN_PROMPT,
  SEEN_TEXT,
  type Sentence,
} from './instruction_index.ts';
import { type Lexeme, lexemeOf } from './lexicon.ts';
import { termsOf } from './terms.ts';

export interface CallFeatures {
  /** How much of the call the best directive sentence says, counting only what no prompt says. */
  aligned_new: number;
  /** The same with what prompts say too. */
  aligned: number;
  directive: number;
  /** The share of the targets that occur in directive sentences and nowhere else. */
  target_directive_only: number;
  /** The share of the targets that occur in running text and nowhere as a field or in a prompt. */
  target_text_only: number;
  /** The share of the targets that are a data field of a result. */
  target_field: number;
  /** The share of the targets that a prompt names. */
  target_prompt: number;
  /** The share of the targets that nobody named. */
  target_nowhere: number;
  /** Whether the sentence uses a verb of the tool's kind. */
  verb_in_sentence: number;
  /** Whether a prompt does. */
  verb_in_prompt: number;
  exact_verb_in_prompt: number;
  /** The prompts ask for no action at all, only to be told something. */
  asked_nothing: number;
  asked_open: number;
  /** The call changes or sends something. */
  acting: number;
  unknown: number;
  executes: number;
  /** It acts although the prompts ask for no action. */
  unasked: number;
  /** The share of the tool's other words that prompts hold. */
  object_in_prompt: number;
  object_in_sentence: number;
  /** A prompt hands the decision to some text. */
  delegated: number;
  /** The same, and the sentence stands in a text that the prompt names. */
  delegated_named: number;
  destructive: number;
  /** It gives access or lets something run again later. */
  empowers: number;
  /** How much the result of the sentence speaks to the model that reads it. */
  evidence: number;
  egress: number;
  fetch: number;
  /** Only reads, without naming a place to fetch from. */
  reads: number;
  other_server: number;
  addresses: number;
  /** The sentence speaks of assistants or agents. */
  names_agent: number;
  /** The sentence names the very tool. */
  names_tool: number;
  /** It acts, and neither its verb nor what it acts on is in a prompt. */
  unrelated: number;
  /** The share of the fields of life of the tool's words that the prompts do not touch, when the call acts. */
  field_unasked: number;
  /** The sentence touches such a field. */
  field_in_sentence: number;
  /** The prompts ask for action and name the text that the sentence stands in. */
  named_and_acts: number;
  /** The prompts name a text as what to go by. */
  defers: number;
  /** The prompts set limits, and the call acts. */
  restricted: number;
}

export interface FollowedCall {
  features: CallFeatures;
  sentence: Sentence | undefined;
}

const TARGET_CHARS_MAX = 100;
const TARGET_TERMS_MAX = 40;
const BODY_CHARS_MAX = 2_000;
const WINDOW = 2;
const ACTING = new Set(['send', 'write', 'destroy', 'remember', 'authenticate']);

/** The words by which a call is compared. */
export interface CallTerms {
  verb: VerbClass | undefined;
  /** The verb of the tool's name. */
  verbs: readonly Lexeme[];
  /** Its other words. */
  objects: readonly Lexeme[];
  /** The words and values of its short parameters. */
  targets: readonly Lexeme[];
  /** Those of its long ones. */
  bodies: readonly Lexeme[];
}

/** Takes a call apart: the words of its tool, its short parameters and its long ones. */
export function callTermsOf(tool: string, leaves: readonly Leaf[]): CallTerms {
  const words = wordsOf(tool);
  const [verb] = verbsOf(words);
  const verbs: Lexeme[] = [];
  const objects: Lexeme[] = [];
  for (const [at, word] of words.entries()) {
    const lex = lexemeOf(word);
    if (at === verb?.at) verbs.push(lex);
    else if (lex.weight > 0) objects.push(lex);
  }
  const targets: Lexeme[] = [];
  const bodies: Lexeme[] = [];
  for (const { text } of leaves) {
    const into = text.length > TARGET_CHARS_MAX ? bodies : targets;
    if (into.length >= TARGET_TERMS_MAX) continue;
    for (const { lex } of termsOf(text, 0, Math.min(text.length, BODY_CHARS_MAX))) if (lex.weight > 0) into.push(lex);
  }
  return { verb: verb?.verb_class, verbs, objects, targets: targets.slice(0, TARGET_TERMS_MAX), bodies };
}

interface Weighed {
  stem: string;
  weight: number;
}

/** Compares a call with the session so far. */
export function compareCall(
  index: InstructionIndex,
  terms: CallTerms,
  call: CallProfile,
  server: string,
  tool: string,
): FollowedCall {
  const { asks } = index.prompt;
  const weighed = weigh(terms);
  const verb = call.fetch ? 'fetch' : terms.verb;
  const total = weighed.reduce((sum, { weight }) => sum + weight, 0) || 1;
  const { sentence, union } = bestSentence(index, weighed, verb);
  const matched = union === undefined ? [] : weighed.filter(({ stem }) => union.has(stem));
  const sum = (list: readonly Weighed[]) => list.reduce((all, { weight }) => all + weight, 0) / total;
  const origin = originsOf(index, terms.targets);
  const features: CallFeatures = {
    aligned: sum(matched),
    aligned_new: sum(matched.filter(({ stem }) => (index.seen(stem) & SEEN_PROMPT) === 0)),
    directive: sentence?.directive ?? 0,
    ...origin,
    verb_in_sentence: sentence && verb && sentence.verbs.has(verb) ? 1 : 0,
    verb_in_prompt: verb && asks.kinds.has(verb) ? 1 : 0,
    exact_verb_in_prompt: terms.verbs.some(({ stem }) => asks.verbs.has(stem)) ? 1 : 0,
    asked_nothing: asks.acts ? 0 : 1,
    asked_open: asks.open ? 1 : 0,
    acting: ACTING.has(verb ?? 'unknown') || (call.egress && !call.fetch) ? 1 : 0,
    unknown: verb === undefined ? 1 : 0,
    executes: verb === 'execute' ? 1 : 0,
    unasked: !asks.acts && (ACTING.has(verb ?? 'unknown') || (call.egress && !call.fetch)) ? 1 : 0,
    object_in_prompt: shareOf(terms.objects, (stem) => (index.seen(stem) & SEEN_PROMPT) !== 0),
    object_in_sentence: shareOf(terms.objects, (stem) => union?.has(stem) === true),
    delegated: asks.delegates ? 1 : 0,
    delegated_named: asks.delegates ? (sentence?.source_named ?? 0) : 0,
    destructive: call.capabilities.has('destructive') ? 1 : 0,
    empowers: call.capabilities.has('auth') || call.capabilities.has('persist') ? 1 : 0,
    evidence: sentence?.evidence ?? 0,
    egress: call.egress && !call.fetch ? 1 : 0,
    fetch: call.fetch ? 1 : 0,
    reads: call.verb === 'read' && !call.egress ? 1 : 0,
    other_server: sentence && sentence.from.server !== server ? 1 : 0,
    addresses: sentence?.addresses ? 1 : 0,
    names_agent: sentence?.names_agent ? 1 : 0,
    names_tool: sentence?.names.includes(tool.toLowerCase()) ? 1 : 0,
    unrelated: 0,
    field_unasked: 0,
    field_in_sentence: 0,
    named_and_acts: asks.acts ? (sentence?.source_named ?? 0) : 0,
    defers: asks.defers ? 1 : 0,
    restricted: 0,
  };
  features.unrelated =
    features.acting *
    (1 - Math.max(features.exact_verb_in_prompt, features.verb_in_prompt * 0.7, features.object_in_prompt * 0.7));
  const fields = [...terms.verbs, ...terms.objects].map((lex) => lex.fields).filter((bits) => bits !== 0);
  const unasked = fields.filter((bits) => (bits & asks.fields) === 0);
  features.field_unasked = fields.length === 0 ? 0 : (features.acting * unasked.length) / fields.length;
  features.field_in_sentence = unasked.some((bits) => (bits & (sentence?.fields ?? 0)) !== 0) ? features.acting : 0;
  features.restricted = asks.restricts ? features.acting : 0;
  return { features, sentence };
}

function weigh(terms: CallTerms): Weighed[] {
  const weights = new Map<string, number>();
  for (const { stem } of terms.verbs) weights.set(stem, 1);
  for (const { stem } of terms.objects) weights.set(stem, 0.7);
  for (const { stem, weight } of terms.targets) weights.set(stem, Math.max(weight, weights.get(stem) ?? 0));
  return [...weights].map(([stem, weight]) => ({ stem, weight }));
}

/** The sentence, with its neighbours in the same text, that says most of the call. */
function bestSentence(index: InstructionIndex, weighed: readonly Weighed[], verb: VerbClass | undefined) {
  const held = new Map<number, Set<string>>();
  for (const { stem } of weighed) {
    for (const id of index.holding(stem)) {
      const block = index.sentence(id)?.block;
      if (block === undefined) continue;
      for (let near = id - WINDOW; near <= id + WINDOW; near++) {
        if (index.sentence(near)?.block !== block) continue;
        const stems = held.get(near);
        if (stems === undefined) held.set(near, new Set([stem]));
        else stems.add(stem);
      }
    }
  }
  let best: Sentence | undefined;
  let best_score = 0;
  let union: Set<string> | undefined;
  for (const [id, stems] of held) {
    const sentence = index.sentence(id) as Sentence;
    let score = 0;
    for (const { stem, weight } of weighed) {
      if (!stems.has(stem)) continue;
      score += (index.seen(stem) & SEEN_PROMPT) === 0 ? weight : weight * 0.3;
    }
    if (verb !== undefined && sentence.verbs.has(verb)) score += 0.7;
    score *= 0.2 + 0.8 * sentence.directive;
    if (score > best_score) {
      best_score = score;
      best = sentence;
      union = stems;
    }
  }
  return { sentence: best, union };
}

function originsOf(index: InstructionIndex, targets: readonly Lexeme[]) {
  let directive = 0;
  let text = 0;
  let field = 0;
  let prompt = 0;
  let nowhere = 0;
  let total = 0;
  const counted = new Set<string>();
  for (const { stem, weight } of targets) {
    if (counted.has(stem)) continue;
    counted.add(stem);
    total += weight;
    const seen = index.seen(stem);
    if ((seen & SEEN_PROMPT) !== 0) prompt += weight;
    else if ((seen & SEEN_FIELD) !== 0) field += weight;
    else if ((seen & SEEN_CALL) !== 0) nowhere += weight;
    else if ((seen & SEEN_DIRECTIVE) !== 0 && (seen & SEEN_TEXT) === 0) directive += weight;
    else if ((seen & (SEEN_TEXT | SEEN_DIRECTIVE)) !== 0) text += weight;
    else nowhere += weight;
  }
  const all = total || 1;
  return {
    target_directive_only: directive / all,
    target_text_only: text / all,
    target_field: field / all,
    target_prompt: prompt / all,
    target_nowhere: nowhere / all,
  };
}

function shareOf(words: readonly Lexeme[], holds: (stem: string) => boolean): number {
  return words.length === 0 ? 0 : words.filter(({ stem }) => holds(stem)).length / words.length;
}
