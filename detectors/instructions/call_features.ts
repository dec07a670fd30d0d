/**
 * What a call has to do with what a session's texts told somebody to do and with what the user asked for. Each
 * feature lies between 0 and 1 and means more suspicion, or less where its name says so.
 */
import type { ToolDefinition } from '../../core/event.ts';
import type { CallProfile } from '../catalog/capabilities.ts';
import type { VerbClass } from '../catalog/words.ts';
import type { Leaf } from '../lineage/leaves.ts';
import {
  type InstructionIndex,
  SEEN_CALL,
  SEEN_DIRECTIVE,
  SEEN_FIELD,
  SEEN_PROMPT,
  SEEN_TEXT,
  type WordSights,
} from './instruction_index.ts';
import { type Lexeme, lexemeOf, verbBit } from './lexicon.ts';
import type { Sentence } from './sentence.ts';
import { termsOf } from './terms.ts';
import { type ToolWords, toolWordsOf } from './tool_words.ts';

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
  /** The same, and a prompt speaks of pages. */
  fetch_asked: number;
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
/** What a verb of the tool's kind adds to a sentence. */
const VERB_SCORE = 0.7;
const PAGES = 'website webpage page site link url article blog web internet online'.split(' ').map(lexemeOf);
const ACTING = new Set(['send', 'write', 'destroy', 'remember', 'authenticate']);

/** The words by which a call is compared. */
export interface CallTerms extends ToolWords {
  /** The words and values of its short parameters. */
  targets: readonly Lexeme[];
  /** Those of its long ones. */
  bodies: readonly Lexeme[];
}

/** Takes a call apart: the words of its tool, its short parameters and its long ones. */
export function callTermsOf(tool: string, leaves: readonly Leaf[], definition?: ToolDefinition): CallTerms {
  const words = toolWordsOf(tool, definition);
  const targets: Lexeme[] = [];
  const bodies: Lexeme[] = [];
  for (const { text } of leaves) {
    const into = text.length > TARGET_CHARS_MAX ? bodies : targets;
    if (into.length >= TARGET_TERMS_MAX) continue;
    for (const { lex } of termsOf(text, 0, Math.min(text.length, BODY_CHARS_MAX))) if (lex.weight > 0) into.push(lex);
  }
  if (targets.length > TARGET_TERMS_MAX) targets.length = TARGET_TERMS_MAX;
  return { ...words, targets, bodies };
}

/** A word of the call. */
interface Weighed {
  key: number;
  weight: number;
  in_prompt: boolean;
  /** Ids of sentences that hold it. */
  ids: readonly number[];
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
  const sights = index.look([...terms.verbs, ...terms.objects, ...terms.targets]);
  const weighed = weigh(index, sights, terms);
  const verb = call.fetch ? 'fetch' : (terms.verb ?? (call.verb === 'unknown' ? undefined : call.verb));
  const { sentence, held } = bestSentence(index, weighed, verb);
  const aligned = alignment(weighed, held);
  const said = sentence?.said;
  const targets = originsOf(sights, terms.targets);
  const acting = ACTING.has(verb ?? 'unknown') || (call.egress && !call.fetch) ? 1 : 0;
  const features: CallFeatures = {
    aligned: aligned.aligned,
    aligned_new: aligned.aligned_new,
    directive: said?.directive ?? 0,
    target_directive_only: targets.directive_only,
    target_text_only: targets.text_only,
    target_field: targets.field,
    target_prompt: targets.prompt,
    target_nowhere: targets.nowhere,
    verb_in_sentence: said && verb && (said.verbs & verbBit(verb)) !== 0 ? 1 : 0,
    verb_in_prompt: verb && asks.kinds.has(verb) ? 1 : 0,
    exact_verb_in_prompt: terms.verbs.some(({ stem }) => asks.verbs.has(stem)) ? 1 : 0,
    asked_nothing: asks.acts ? 0 : 1,
    asked_open: asks.open ? 1 : 0,
    acting,
    unknown: verb === undefined ? 1 : 0,
    executes: verb === 'execute' ? 1 : 0,
    unasked: asks.acts ? 0 : acting,
    object_in_prompt: shareOf(terms.objects, (key) => index.inPrompt(key)),
    object_in_sentence: shareOf(terms.objects, (key) => held.has(key)),
    delegated: asks.delegates ? 1 : 0,
    delegated_named: asks.delegates ? (sentence?.block.source_named ?? 0) : 0,
    destructive: call.capabilities.has('destructive') ? 1 : 0,
    empowers: call.capabilities.has('auth') || call.capabilities.has('persist') ? 1 : 0,
    evidence: sentence?.block.evidence ?? 0,
    egress: call.egress && !call.fetch ? 1 : 0,
    fetch: call.fetch ? 1 : 0,
    fetch_asked: call.fetch && PAGES.some(({ key }) => index.inPrompt(key)) ? 1 : 0,
    reads: call.verb === 'read' && !call.egress ? 1 : 0,
    other_server: sentence && sentence.block.from.server !== server ? 1 : 0,
    addresses: said?.addresses ? 1 : 0,
    names_agent: said?.names_agent ? 1 : 0,
    names_tool: said?.names.includes(tool.toLowerCase()) ? 1 : 0,
    unrelated: 0,
    field_unasked: 0,
    field_in_sentence: 0,
    named_and_acts: asks.acts ? (sentence?.block.source_named ?? 0) : 0,
    defers: asks.defers ? 1 : 0,
    restricted: 0,
  };
  features.unrelated =
    features.acting *
    (1 - Math.max(features.exact_verb_in_prompt, features.verb_in_prompt * 0.7, features.object_in_prompt * 0.7));
  const fields = [...terms.verbs, ...terms.objects].map((lex) => lex.fields).filter((bits) => bits !== 0);
  const unasked = fields.filter((bits) => (bits & asks.fields) === 0);
  features.field_unasked = fields.length === 0 ? 0 : (features.acting * unasked.length) / fields.length;
  features.field_in_sentence = unasked.some((bits) => (bits & (said?.fields ?? 0)) !== 0) ? features.acting : 0;
  features.restricted = asks.restricts ? features.acting : 0;
  return { features, sentence };
}

function weigh(index: InstructionIndex, sights: WordSights, terms: CallTerms): Weighed[] {
  const weights = new Map<number, number>();
  for (const { key } of terms.verbs) weights.set(key, 1);
  for (const { key } of terms.objects) if (!terms.vague || sights.seen(key) !== 0) weights.set(key, 0.7);
  for (const { key, weight } of terms.targets) weights.set(key, Math.max(weight, weights.get(key) ?? 0));
  const weighed: Weighed[] = [];
  for (const [key, weight] of weights) {
    weighed.push({ key, weight, in_prompt: index.inPrompt(key), ids: sights.holding(key) });
  }
  return weighed;
}

/** How much of the call some words of it say, and how much of that no prompt says. */
function alignment(weighed: readonly Weighed[], held: ReadonlySet<number>) {
  let all = 0;
  let aligned = 0;
  let aligned_new = 0;
  for (const { key, weight, in_prompt } of weighed) {
    all += weight;
    if (!held.has(key)) continue;
    aligned += weight;
    if (!in_prompt) aligned_new += weight;
  }
  const total = all || 1;
  return { aligned: aligned / total, aligned_new: aligned_new / total };
}

interface Candidate {
  score: number;
  /** The word that counted last: each counts once. */
  last: Weighed | undefined;
}

/** The sentence, with its neighbours in the same text, that says most of the call; and the words they hold. */
function bestSentence(index: InstructionIndex, weighed: readonly Weighed[], verb: VerbClass | undefined) {
  const verb_bit = verb === undefined ? 0 : verbBit(verb);
  let best: Sentence | undefined;
  let best_id = 0;
  let best_score = 0;
  let best_nth = 0;
  const found = [...candidates(index, weighed)].map(([id, { score }], nth) => ({ id, score, nth }));
  // The greatest first: what a sentence says is read only while it could still be the best.
  for (const { id, score, nth } of found.sort((a, b) => b.score - a.score)) {
    if (score + VERB_SCORE < best_score) break;
    const sentence = index.sentence(id) as Sentence;
    const { verbs, directive } = sentence.said;
    const said = (verbs & verb_bit) !== 0 ? score + VERB_SCORE : score;
    const directed = said * (0.2 + 0.8 * directive);
    if (directed < best_score || (directed === best_score && (best === undefined || nth > best_nth))) continue;
    best_score = directed;
    best_id = id;
    best_nth = nth;
    best = sentence;
  }
  const held = new Set<number>();
  const near = (id: number) => Math.abs(id - best_id) <= WINDOW && index.sentence(id)?.block === best?.block;
  if (best !== undefined) for (const { key, ids } of weighed) if (ids.some(near)) held.add(key);
  return { sentence: best, held };
}

/** The sentences near which a word of the call stands, with the weights of such words. */
function candidates(index: InstructionIndex, weighed: readonly Weighed[]): Map<number, Candidate> {
  const found = new Map<number, Candidate>();
  for (const word of weighed) {
    const weight = word.in_prompt ? word.weight * 0.3 : word.weight;
    for (const id of word.ids) {
      const block = index.sentence(id)?.block;
      if (block === undefined) continue;
      for (let near = id - WINDOW; near <= id + WINDOW; near++) {
        if (index.sentence(near)?.block !== block) continue;
        let candidate = found.get(near);
        if (candidate === undefined) {
          candidate = { score: 0, last: undefined };
          found.set(near, candidate);
        }
        if (candidate.last === word) continue;
        candidate.last = word;
        candidate.score += weight;
      }
    }
  }
  return found;
}

function originsOf(sights: WordSights, targets: readonly Lexeme[]) {
  let directive = 0;
  let text = 0;
  let field = 0;
  let prompt = 0;
  let nowhere = 0;
  let total = 0;
  const counted = new Set<number>();
  for (const { key, weight } of targets) {
    if (counted.has(key)) continue;
    counted.add(key);
    total += weight;
    const seen = sights.seen(key);
    if ((seen & SEEN_PROMPT) !== 0) prompt += weight;
    else if ((seen & SEEN_FIELD) !== 0) field += weight;
    else if ((seen & SEEN_CALL) !== 0) nowhere += weight;
    else if ((seen & SEEN_DIRECTIVE) !== 0 && (seen & SEEN_TEXT) === 0) directive += weight;
    else if ((seen & (SEEN_TEXT | SEEN_DIRECTIVE)) !== 0) text += weight;
    else nowhere += weight;
  }
  const all = total || 1;
  return {
    directive_only: directive / all,
    text_only: text / all,
    field: field / all,
    prompt: prompt / all,
    nowhere: nowhere / all,
  };
}

function shareOf(words: readonly Lexeme[], holds: (key: number) => boolean): number {
  return words.length === 0 ? 0 : words.filter(({ key }) => holds(key)).length / words.length;
}
