/**
 * In what kinds of text the words of a session were seen, as bits. A hash table over plain arrays of numbers, since a
 * session meets hundreds of words and there are many sessions.
 */

const SLOTS_MIN = 32;
/** No key: keys are whole numbers. */
const FREE = -0.5;
const NONE = -1;

/** The words of one session. */
export class WordMarks {
  private readonly words_max: number;
  private words = 0;
  private keys: number[] = filled(SLOTS_MIN, FREE);
  private bits: number[] = filled(SLOTS_MIN, 0);

  /** What comes beyond `words_max` words is not noted. */
  constructor(words_max: number) {
    this.words_max = words_max;
  }

  /** The bits of a word; 0 for one that was not seen. */
  seen(key: number): number {
    const slot = this.slotOf(key);
    return this.keys[slot] === key ? (this.bits[slot] as number) : 0;
  }

  mark(key: number, bit: number): void {
    const slot = this.slotFor(key);
    if (slot !== NONE) this.bits[slot] = (this.bits[slot] as number) | bit;
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
    const { keys, bits } = this;
    const slots = keys.length * 2;
    this.keys = filled(slots, FREE);
    this.bits = filled(slots, 0);
    for (let from = 0; from < keys.length; from++) {
      const key = keys[from] as number;
      if (key === FREE) continue;
      const slot = this.slotOf(key);
      this.keys[slot] = key;
      this.bits[slot] = bits[from] as number;
    }
  }
}

function filled(length: number, value: number): number[] {
  return new Array<number>(length).fill(value);
}
