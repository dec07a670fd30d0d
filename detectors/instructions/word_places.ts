/**
 * Where the words of a session were seen: of each word bits that say in what kind of text, and the sentences that hold
 * it. A hash table over plain arrays of numbers, since a session meets hundreds of words and there are many sessions.
 */

const SLOTS_MIN = 32;
/** No key: keys are whole numbers. */
const FREE = -0.5;
const NONE = -1;
/** A word of more sentences says nothing. */
const SENTENCES_OF_WORD_MAX = 256;
/** What is known of a word is its bits, and above them the number of its sentences. */
const BITS = 0xff;
const ONE_SENTENCE = 0x100;
const NO_IDS: readonly number[] = [];

/** The words of one session; sentences have ids that only grow. */
export class WordPlaces {
  private readonly words_max: number;
  private words = 0;
  private keys: number[] = filled(SLOTS_MIN, FREE);
  private known: number[] = filled(SLOTS_MIN, 0);
  /** Of each word the place of its last sentence in `held_by`. */
  private last: number[] = filled(SLOTS_MIN, NONE);
  /** Pairs: the id of a sentence, and the place of the pair before it of the same word. */
  private held_by: number[] = [];

  /** What comes beyond `words_max` words is not noted. */
  constructor(words_max: number) {
    this.words_max = words_max;
  }

  /** The bits of a word; 0 for one that was not seen. */
  seen(key: number): number {
    const slot = this.slotOf(key);
    return this.keys[slot] === key ? (this.known[slot] as number) & BITS : 0;
  }

  mark(key: number, bit: number): void {
    const slot = this.slotFor(key);
    if (slot !== NONE) this.known[slot] = (this.known[slot] as number) | bit;
  }

  /** Marks a word and notes the sentence that holds it. */
  note(key: number, bit: number, sentence: number): void {
    const slot = this.slotFor(key);
    if (slot === NONE) return;
    const known = (this.known[slot] as number) | bit;
    const last = this.last[slot] as number;
    this.known[slot] = known;
    if (known >= SENTENCES_OF_WORD_MAX * ONE_SENTENCE) return;
    if (last !== NONE && this.held_by[last] === sentence) return;
    this.known[slot] = known + ONE_SENTENCE;
    this.last[slot] = this.held_by.length;
    this.held_by.push(sentence, last);
  }

  /** The sentences that hold a word, the oldest first. */
  holding(key: number): readonly number[] {
    const slot = this.slotOf(key);
    if (this.keys[slot] !== key) return NO_IDS;
    const ids: number[] = [];
    for (let at = this.last[slot] as number; at !== NONE; at = this.held_by[at + 1] as number) {
      ids.push(this.held_by[at] as number);
    }
    return ids.reverse();
  }

  /** Forgets the sentences before an id, though not the bits of their words, nor how many sentences held them. */
  forgetBefore(sentence: number): void {
    const { last, held_by } = this;
    this.held_by = [];
    for (let slot = 0; slot < last.length; slot++) {
      const ids: number[] = [];
      for (let at = last[slot] as number; at !== NONE; at = held_by[at + 1] as number) {
        if ((held_by[at] as number) >= sentence) ids.push(held_by[at] as number);
      }
      last[slot] = NONE;
      for (const id of ids.reverse()) {
        const before = last[slot] as number;
        last[slot] = this.held_by.length;
        this.held_by.push(id, before);
      }
    }
  }

  /** The slot that holds a word, or the free one where it belongs. */
  private slotOf(key: number): number {
    const { keys } = this;
    const mask = keys.length - 1;
    let slot = key & mask; // the low 32 bits of the key
    for (let found = keys[slot]; found !== key && found !== FREE; found = keys[slot]) slot = (slot + 1) & mask;
    return slot;
  }

  /** The slot of a word, which is added while there is room. */
  private slotFor(key: number): number {
    const slot = this.slotOf(key);
    if (this.keys[slot] === key) return slot;
    if (this.words >= this.words_max) return NONE;
    this.words++;
    this.keys[slot] = key;
    if (this.words * 4 <= this.keys.length * 3) return slot;
    this.grow();
    return this.slotOf(key);
  }

  private grow(): void {
    const { keys, known, last } = this;
    const slots = keys.length * 2;
    this.keys = filled(slots, FREE);
    this.known = filled(slots, 0);
    this.last = filled(slots, NONE);
    for (let from = 0; from < keys.length; from++) {
      const key = keys[from] as number;
      if (key === FREE) continue;
      const slot = this.slotOf(key);
      this.keys[slot] = key;
      this.known[slot] = known[from] as number;
      this.last[slot] = last[from] as number;
    }
  }
}

function filled(length: number, value: number): number[] {
  return new Array<number>(length).fill(value);
}
