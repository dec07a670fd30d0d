/**
 * What a session's texts told somebody to do: the sentences of its results by their words, what its prompts ask for,
 * and where each word and value was seen. Bounded; the oldest sentences go first.
 */
import type { ContentView } from '../content/content_view.ts';
import type { EventRef } from '../lineage/edge.ts';
import { directiveOf } from './directive.ts';
import { type Lexeme, PART } from './lexicon.ts';
import { type Asks, emptyAsks, readAsks } from './prompt_asks.ts';
import { type Cut, sentencesOf } from './sentence_cut.ts';
import { type Term, termsOf } from './terms.ts';
import { WordPlaces } from './word_places.ts';

/** Where a word was seen, as bits. */
export const SEEN_PROMPT = 1;
export const SEEN_FIELD = 2;
export const SEEN_TEXT = 4;
export const SEEN_DIRECTIVE = 8;
export const SEEN_CALL = 16;

/** What the sentences of one text share. */
export interface Block {
  from: EventRef;
  /** How much its result speaks to the model that reads it, 0 to 1. */
  evidence: number;
  /** How much of what the agent asked for, to get this text, a prompt names: 0 to 1. */
  source_named: number;
}

export interface Sentence {
  /** 1 for an order, `PLAIN` for any sentence. */
  directive: number;
  text: string;
  /** The text it stands in: neighbours have the same. */
  block: Block;
  /** The kinds of action that it names, as bits of `verbBit`. */
  verbs: number;
  /** Says "you" or "your". */
  addresses: boolean;
  /** Speaks of assistants, agents, models or clients. */
  names_agent: boolean;
  /** Words that hold an underscore or an inner capital, as names of tools do. */
  names: readonly string[];
  /** The fields of life of its words, as bits. */
  fields: number;
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
  addResult(from: EventRef, content: ContentView, asked: readonly Lexeme[], evidence: number): void;
  addCall(words: readonly Lexeme[]): void;
  /** In what kinds of text a word was seen, as bits. */
  seen(key: number): number;
  sentence(id: number): Sentence | undefined;
  /** Ids of sentences that hold a word. */
  holding(key: number): readonly number[];
  readonly prompt: PromptView;
}

const NAMES_MAX = 8;
const NO_NAMES: readonly string[] = [];
const FIELD_CHARS_MAX = 120;
const SHOWN_CHARS_MAX = 300;
const FORGOTTEN_AT_ONCE = 256; // sentences beyond the maximum
/** Results that wait to be read until a call comes: most sessions end with some that no call follows. */
const WAITING_MAX = 4;
const WAITING_CHARS_MAX = 32_768;

interface Waiting {
  content: ContentView;
  block: Block;
}

/** An empty index. */
export function createInstructionIndex(limits: IndexLimits): InstructionIndex {
  return new SessionIndex(limits);
}

class SessionIndex implements InstructionIndex {
  private readonly limits: IndexLimits;
  private readonly words: WordPlaces;
  private readonly asks = emptyAsks();
  private readonly prompts: string[] = [];
  private waiting: Waiting[] = [];
  private sentences: Sentence[] = [];
  /** The id of the first of `sentences`. */
  private first_id = 0;

  constructor(limits: IndexLimits) {
    this.limits = limits;
    this.words = new WordPlaces(limits.instruction_terms_max);
  }

  addPrompt(text: string): void {
    const { prompts } = this;
    if (prompts.includes(text)) return;
    prompts.push(text.slice(0, 8_192));
    if (prompts.length > 32) prompts.shift();
    const terms = termsOf(text);
    this.markAll(terms, SEEN_PROMPT);
    readAsks(this.asks, text, terms);
  }

  addResult(from: EventRef, content: ContentView, asked: readonly Lexeme[], evidence: number): void {
    const block = { from, evidence, source_named: this.shareInPrompts(asked) };
    this.waiting.push({ content, block });
    if (this.waiting.length > WAITING_MAX || content.text.length > WAITING_CHARS_MAX) this.readWaiting();
  }

  addCall(words: readonly Lexeme[]): void {
    for (const { key } of words) this.words.mark(key, SEEN_CALL);
  }

  seen(key: number): number {
    this.readWaiting();
    return this.words.seen(key);
  }

  sentence(id: number): Sentence | undefined {
    const at = id - this.first_id;
    return at < this.sentences.length - this.limits.instruction_sentences_max ? undefined : this.sentences[at];
  }

  holding(key: number): readonly number[] {
    this.readWaiting();
    return this.words.holding(key);
  }

  get prompt(): PromptView {
    return { asks: this.asks, texts: this.prompts };
  }

  private readWaiting(): void {
    if (this.waiting.length === 0) return;
    const waiting = this.waiting;
    this.waiting = [];
    for (const { content, block } of waiting) {
      for (const { text, field } of content.segments) this.addText(text, field, block);
    }
  }

  private addText(text: string, field: boolean, block: Block): void {
    const cuts = sentencesOf(text);
    const terms: Term[][] = [];
    let value = field && text.length <= FIELD_CHARS_MAX;
    for (const { start, end } of cuts) {
      const of_sentence = termsOf(text, start, end);
      terms.push(of_sentence);
      value &&= !isClearOrder(of_sentence);
    }
    if (value) {
      for (const of_sentence of terms) this.markAll(of_sentence, SEEN_FIELD);
      return;
    }
    const own = { ...block };
    for (let at = 0; at < cuts.length; at++) {
      const { start, end } = cuts[at] as Cut;
      this.addSentence(terms[at] as Term[], text.slice(start, Math.min(end, start + SHOWN_CHARS_MAX + 1)), own);
    }
  }

  private addSentence(terms: readonly Term[], text: string, block: Block): void {
    const directive = directiveOf(terms);
    const bit = directive > 0.45 ? SEEN_DIRECTIVE : SEEN_TEXT;
    const id = this.first_id + this.sentences.length;
    let verbs = 0;
    let addresses = false;
    let names_agent = false;
    let names = NO_NAMES;
    let fields = 0;
    for (const { lex } of terms) {
      if ((lex.parts & PART.agent) !== 0) names_agent = true;
      if (lex.word === 'you' || lex.word === 'your') addresses = true;
      if (lex.weight === 0) continue;
      if (lex.word.includes('_') && names.length < NAMES_MAX) names = [...names, lex.word];
      this.words.note(lex.key, bit, id);
      fields |= lex.fields;
      verbs |= lex.verb_bit;
    }
    const shown = text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX - 1)}…` : text;
    const sentence = { directive, text: shown, block, verbs, addresses, names_agent, names, fields };
    this.sentences.push(sentence);
    const beyond = this.sentences.length - this.limits.instruction_sentences_max;
    if (beyond >= FORGOTTEN_AT_ONCE) this.forget(beyond);
  }

  private forget(count: number): void {
    this.sentences = this.sentences.slice(count);
    this.first_id += count;
    this.words.forgetBefore(this.first_id);
  }

  private markAll(terms: readonly Term[], bit: number): void {
    for (const { lex } of terms) if (lex.weight > 0) this.words.mark(lex.key, bit);
  }

  private shareInPrompts(words: readonly Lexeme[]): number {
    let all = 0;
    let named = 0;
    for (const { key, weight } of words) {
      all += weight;
      if ((this.words.seen(key) & SEEN_PROMPT) !== 0) named += weight;
    }
    return all === 0 ? 0 : named / all;
  }
}

/** In a short field only a sentence that orders clearly is more than a value. */
function isClearOrder(terms: readonly Term[]): boolean {
  return terms.length >= 4 && directiveOf(terms) >= 0.9;
}
