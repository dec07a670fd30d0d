/**
 * What a session's texts told somebody to do: the sentences of its results by their words, what its prompts ask for,
 * and where each word and value was seen. Bounded; the oldest sentences go first.
 */
import type { ContentView } from '../content/content_view.ts';
import type { EventRef } from '../lineage/edge.ts';
import { directiveOf } from './directive.ts';
import type { Lexeme } from './lexicon.ts';
import { type Asks, emptyAsks, readAsks } from './prompt_asks.ts';
import { type Block, Sentence } from './sentence.ts';
import { type Cut, sentencesOf } from './sentence_cut.ts';
import { type Holders, SentenceWords } from './sentence_words.ts';
import { readTerms, type Term, termsOf } from './terms.ts';
import { WordMarks } from './word_marks.ts';

/** Where a word was seen, as bits. */
export const SEEN_PROMPT = 1;
export const SEEN_FIELD = 2;
export const SEEN_TEXT = 4;
export const SEEN_DIRECTIVE = 8;
export const SEEN_CALL = 16;

const IN_SENTENCES = SEEN_TEXT | SEEN_DIRECTIVE;

export interface IndexLimits {
  instruction_sentences_max: number;
  instruction_terms_max: number;
}

export interface PromptView {
  asks: Readonly<Asks>;
  texts: readonly string[];
}

/** Where some words stand at the time they were looked for. */
export interface WordSights {
  /** In what kinds of text the word was seen, as bits; sentences count only for a word that was seen nowhere else. */
  seen(key: number): number;
  /** Ids of sentences that hold it. */
  holding(key: number): readonly number[];
}

export interface InstructionIndex {
  addPrompt(text: string): void;
  /** `asked`: the terms of the call that this answers. */
  addResult(from: EventRef, content: ContentView, asked: readonly Lexeme[], evidence: number): void;
  addCall(words: readonly Lexeme[]): void;
  inPrompt(key: number): boolean;
  /** Looks for words in all texts so far. What it yields knows nothing of other words. */
  look(words: Iterable<Lexeme>): WordSights;
  sentence(id: number): Sentence | undefined;
  readonly prompt: PromptView;
}

const NO_IDS: readonly number[] = [];
const FIELD_CHARS_MAX = 120;
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
  private readonly marks: WordMarks;
  private readonly words = new SentenceWords();
  private readonly asks = emptyAsks();
  private readonly prompts: string[] = [];
  private waiting: Waiting[] = [];
  /** Those that `words` knows. */
  private sentences: Sentence[] = [];

  constructor(limits: IndexLimits) {
    this.limits = limits;
    this.marks = new WordMarks(limits.instruction_terms_max);
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
    for (const { key } of words) this.marks.mark(key, SEEN_CALL);
  }

  inPrompt(key: number): boolean {
    return (this.marks.seen(key) & SEEN_PROMPT) !== 0;
  }

  look(words: Iterable<Lexeme>): WordSights {
    this.readWaiting();
    const holders = this.words.holding(words);
    return {
      seen: (key) => this.marks.seen(key) || this.seenInSentences(holders, key),
      holding: (key) => holders.get(key) ?? NO_IDS,
    };
  }

  sentence(id: number): Sentence | undefined {
    const at = id - this.words.first_id;
    return at < this.sentences.length - this.limits.instruction_sentences_max ? undefined : this.sentences[at];
  }

  get prompt(): PromptView {
    return { asks: this.asks, texts: this.prompts };
  }

  /** What the sentences say that hold a word; read only as far as they can still tell something new. */
  private seenInSentences(holders: Holders, key: number): number {
    let seen = 0;
    for (const id of holders.get(key) ?? NO_IDS) {
      seen |= bitOf(this.sentences[id - this.words.first_id] as Sentence);
      if (seen === IN_SENTENCES) break;
    }
    return seen;
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
    if (field && text.length <= FIELD_CHARS_MAX && this.addValue(text, cuts)) return;
    const own = { ...block };
    for (const cut of cuts) {
      readTerms(text, cut.start, cut.end, this);
      this.words.end();
      this.sentences.push(new Sentence(own, text, cut));
      const beyond = this.sentences.length - this.limits.instruction_sentences_max;
      if (beyond >= FORGOTTEN_AT_ONCE) this.forget(beyond);
    }
  }

  /** A word of the sentence that is being read. */
  take(lex: Lexeme): void {
    if (lex.weight > 0) this.words.add(lex);
  }

  /** Marks the words of a short field, unless it orders something. */
  private addValue(text: string, cuts: readonly Cut[]): boolean {
    const terms = cuts.map(({ start, end }) => termsOf(text, start, end));
    if (terms.some(isClearOrder)) return false;
    for (const of_sentence of terms) this.markAll(of_sentence, SEEN_FIELD);
    return true;
  }

  /** That its words were seen is kept of a sentence. */
  private forget(count: number): void {
    for (const sentence of this.sentences.splice(0, count)) this.markAll(sentence.terms, bitOf(sentence));
    this.words.forget(count);
  }

  private markAll(terms: readonly Term[], bit: number): void {
    for (const { lex } of terms) if (lex.weight > 0) this.marks.mark(lex.key, bit);
  }

  private shareInPrompts(words: readonly Lexeme[]): number {
    let all = 0;
    let named = 0;
    for (const { key, weight } of words) {
      all += weight;
      if (this.inPrompt(key)) named += weight;
    }
    return all === 0 ? 0 : named / all;
  }
}

function bitOf(sentence: Sentence): number {
  return sentence.said.directive > 0.45 ? SEEN_DIRECTIVE : SEEN_TEXT;
}

/** In a short field only a sentence that orders clearly is more than a value. */
function isClearOrder(terms: readonly Term[]): boolean {
  return terms.length >= 4 && directiveOf(terms) >= 0.9;
}
