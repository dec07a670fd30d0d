/**
 * The words of a session's sentences, one after the other, so that taking a text in costs little more than reading it.
 * Which sentences hold a word is asked far less often than words arrive; it is found by one walk over all of them.
 */
import type { Lexeme } from './lexicon.ts';

const NOTHING = new Int32Array(0);
const WORDS_MIN = 256;
const SENTENCES_MIN = 32;
/** A word of more sentences says nothing. */
const SENTENCES_OF_WORD_MAX = 256;
const NO_IDS: readonly number[] = [];
const TWO_TO_32 = 2 ** 32;

/** Which places of this table are set says which low bits a wanted word has; empty but during a walk. */
const WANTED_PLACES = 1 << 13;
const wanted = new Uint8Array(WANTED_PLACES);

/** Ids of sentences by the key of the word that they hold. */
export type Holders = ReadonlyMap<number, readonly number[]>;

/** Sentences with ids that only grow; each holds its words from `begin` to the next `begin`. */
export class SentenceWords {
  /** The id of the first sentence that is kept. */
  first_id = 0;
  private sentences = 0;
  private words = 0;
  /** Of each word the low 32 bits of its key, and those above. */
  private low: Int32Array<ArrayBuffer> = NOTHING;
  private high: Int32Array<ArrayBuffer> = NOTHING;
  /** Of each sentence the place after its last word. */
  private ends: Int32Array<ArrayBuffer> = NOTHING;

  /** Adds a word to the sentence that is being read. */
  add(word: Lexeme): void {
    if (this.words === this.low.length) {
      this.low = grown(this.low, WORDS_MIN);
      this.high = grown(this.high, WORDS_MIN);
    }
    this.low[this.words] = word.key_low;
    this.high[this.words++] = word.key_high;
  }

  /** Ends the sentence that is being read; yields its id. */
  end(): number {
    if (this.sentences === this.ends.length) this.ends = grown(this.ends, SENTENCES_MIN);
    this.ends[this.sentences] = this.words;
    return this.first_id + this.sentences++;
  }

  /** Forgets the oldest sentences. */
  forget(count: number): void {
    const words = this.ends[count - 1] as number;
    this.low.copyWithin(0, words, this.words);
    this.high.copyWithin(0, words, this.words);
    for (let at = count; at < this.sentences; at++) this.ends[at - count] = (this.ends[at] as number) - words;
    this.words -= words;
    this.sentences -= count;
    this.first_id += count;
  }

  /** The sentences that hold each of some words, the oldest first. */
  holding(words: Iterable<Lexeme>): Holders {
    const found = new Map<number, number[]>();
    for (const { key, key_low } of words) {
      found.set(key, NO_IDS as number[]);
      wanted[key_low & (WANTED_PLACES - 1)] = 1;
    }
    if (found.size > 0) this.walk(found);
    for (const { key_low } of words) wanted[key_low & (WANTED_PLACES - 1)] = 0;
    return found;
  }

  private walk(found: Map<number, number[]>): void {
    const { low, high, ends, words } = this;
    let sentence = 0;
    for (let at = 0; at < words; at++) {
      const bits = low[at] as number;
      if (wanted[bits & (WANTED_PLACES - 1)] === 0) continue;
      const key = (high[at] as number) * TWO_TO_32 + (bits >>> 0);
      const ids = found.get(key);
      if (ids === undefined || ids.length >= SENTENCES_OF_WORD_MAX) continue;
      while ((ends[sentence] as number) <= at) sentence++;
      const id = this.first_id + sentence;
      if (ids.length === 0) found.set(key, [id]);
      else if (ids[ids.length - 1] !== id) ids.push(id);
    }
  }
}

function grown(from: Int32Array, min: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(Math.max(min, from.length * 2));
  to.set(from);
  return to;
}
