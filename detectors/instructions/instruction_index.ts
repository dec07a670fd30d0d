/**
 * What a session's texts told somebody to do: the sentences of its results by their words, what its prompts ask for,
 * and where each word and value was seen. Bounded; the oldest sentences go first.
 */
import type { VerbClass } from '../catalog/words.ts';
import type { EventRef } from '../lineage/edge.ts';
import type { Segment } from '../lineage/segments.ts';
import { directiveOf } from './directive.ts';
import { type Lexeme, PART } from './lexicon.ts';
import { type Asks, emptyAsks, readAsks } from './prompt_asks.ts';
import { sentencesOf } from './sentence_cut.ts';
import { type Term, termsOf } from './terms.ts';

/** Where a word was seen, as bits. */
export const SEEN_PROMPT = 1;
export const SEEN_FIELD = 2;
export const SEEN_TEXT = 4;
export const SEEN_DIRECTIVE = 8;
export const SEEN_CALL = 16;

export interface Sentence {
  id: number;
  /** 1 for an order, `PLAIN` for any sentence. */
  directive: number;
  text: string;
  from: EventRef;
  /** The text it stands in: neighbours have the same. */
  block: number;
  /** How many other sentences its text has. */
  verbs: ReadonlySet<VerbClass>;
  /** Says "you" or "your". */
  addresses: boolean;
  /** Speaks of assistants, agents, models or clients. */
  names_agent: boolean;
  /** Words that hold an underscore or an inner capital, as names of tools do. */
  names: readonly string[];
  /** How much its result speaks to the model that reads it, 0 to 1. */
  evidence: number;
  /** The fields of life of its words, as bits. */
  fields: number;
  /** How much of what the agent asked for, to get this text, a prompt names: 0 to 1. */
  source_named: number;
}

export interface IndexLimits {
  instruction_sentences_max: number;
  instruction_terms_max: number;
}

export interface PromptView {
  asks: Readonly<Asks>;
  texts: readonly string[];
}

export interface InstructionIndex {
  addPrompt(text: string): void;
  /** `asked`: the terms of the call that this answers. */
  addResult(from: EventRef, segments: readonly Segment[], asked: readonly Lexeme[], evidence: number): void;
  addCall(words: readonly Lexeme[]): void;
  seen(stem: string): number;
  sentence(id: number): Sentence | undefined;
  /** Ids of sentences that hold a stem. */
  holding(stem: string): readonly number[];
  readonly prompt: PromptView;
}

const NAMES_MAX = 8;
const FIELD_CHARS_MAX = 120;
const SHOWN_CHARS_MAX = 300;
const POSTINGS_MAX = 256; // a word of more sentences says nothing

/** An empty index. */
export function createInstructionIndex(limits: IndexLimits): InstructionIndex {
  const seen = new Map<string, number>();
  const postings = new Map<string, number[]>();
  const sentences = new Map<number, Sentence>();
  const asks = emptyAsks();
  const prompts: string[] = [];
  let next_id = 0;
  let about_evidence = 0;
  let next_block = 0;

  function mark(stem: string, bit: number): void {
    const before = seen.get(stem);
    if (before === undefined && seen.size >= limits.instruction_terms_max) return;
    seen.set(stem, (before ?? 0) | bit);
  }

  function markAll(terms: readonly Term[], bit: number): void {
    for (const { lex } of terms) if (lex.weight > 0) mark(lex.stem, bit);
  }

  function addSentence(terms: readonly Term[], text: string, from: EventRef, block: number, named: number): void {
    const directive = directiveOf(terms);
    const bit = directive > 0.45 ? SEEN_DIRECTIVE : SEEN_TEXT;
    const id = next_id++;
    const verbs = new Set<VerbClass>();
    let addresses = false;
    let names_agent = false;
    const names: string[] = [];
    let fields = 0;
    for (const { lex } of terms) {
      if ((lex.parts & PART.agent) !== 0) names_agent = true;
      if (lex.word === 'you' || lex.word === 'your') addresses = true;
      if (lex.weight === 0) continue;
      if (names.length < NAMES_MAX && lex.word.includes('_')) names.push(lex.word);
      mark(lex.stem, bit);
      fields |= lex.fields;
      if (lex.verb !== undefined) verbs.add(lex.verb);
      const list = postings.get(lex.stem);
      if (list === undefined) postings.set(lex.stem, [id]);
      else if (list.length < POSTINGS_MAX && list.at(-1) !== id) list.push(id);
    }
    const shown = text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX - 1)}…` : text;
    sentences.set(id, {
      id,
      directive,
      text: shown,
      from,
      block,
      verbs,
      addresses,
      names_agent,
      names,
      fields,
      evidence: about_evidence,
      source_named: named,
    });
    if (sentences.size <= limits.instruction_sentences_max) return;
    for (const oldest of sentences.keys()) {
      sentences.delete(oldest);
      break;
    }
  }

  function shareInPrompts(words: readonly Lexeme[]): number {
    let all = 0;
    let named = 0;
    for (const { stem, weight } of words) {
      all += weight;
      if (((seen.get(stem) ?? 0) & SEEN_PROMPT) !== 0) named += weight;
    }
    return all === 0 ? 0 : named / all;
  }

  return {
    addPrompt(text) {
      if (prompts.includes(text)) return;
      prompts.push(text.slice(0, 8_192));
      if (prompts.length > 32) prompts.shift();
      markAll(termsOf(text), SEEN_PROMPT);
      readAsks(asks, text);
    },
    addResult(from, segments, asked, evidence) {
      about_evidence = evidence;
      const named = shareInPrompts(asked);
      for (const { text, field } of segments) {
        const block = next_block++;
        const cuts = sentencesOf(text);
        const terms = cuts.map(({ start, end }) => termsOf(text, start, end));
        if (field && text.length <= FIELD_CHARS_MAX && !terms.some(isClearOrder)) {
          for (const of_sentence of terms) markAll(of_sentence, SEEN_FIELD);
          continue;
        }
        for (const [at, { start, end }] of cuts.entries()) {
          addSentence(terms[at] as Term[], text.slice(start, end), from, block, named);
        }
      }
    },
    addCall(words) {
      for (const { stem } of words) mark(stem, SEEN_CALL);
    },
    seen: (stem) => seen.get(stem) ?? 0,
    sentence: (id) => sentences.get(id),
    holding: (stem) => postings.get(stem) ?? [],
    get prompt() {
      return { asks, texts: prompts };
    },
  };
}

/** In a short field only a sentence that orders clearly is more than a value. */
function isClearOrder(terms: readonly Term[]): boolean {
  return terms.length >= 4 && directiveOf(terms) >= 0.9;
}
