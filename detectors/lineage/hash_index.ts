/**
 * Where hashes occurred: a hash table in one typed array, so that a session's memory is known to the byte. Each entry
 * is a hash, the number of a source, a place in it, and the entry before it in the same slot. Entries of sources that
 * are gone are dropped when it is full.
 */

const ENTRY = 4;
const SOURCE = 1;
const PLACE = 2;
const BEFORE = 3; // one more than the number of an entry; zero means none
const START_CAPACITY = 64;
/** Entries of one slot that a look-up goes through; there are more only in texts made to collide. */
const STEPS_MAX = 64;
/** Bytes of an entry with its slot. */
export const ENTRY_BYTES = (ENTRY + 1) * 4;

const EMPTY = new Int32Array(0);

export class HashIndex {
  /** Entries held, those of sources that are gone included. */
  size = 0;
  /** Entries looked at in all: what a test of the bound counts. */
  steps = 0;
  private capacity = 0;
  /** The entries, and after them the slots. */
  private memory = EMPTY;

  get bytes(): number {
    return this.memory.byteLength;
  }

  get full(): boolean {
    return this.size === this.capacity;
  }

  add(hash: number, source: number, place: number): void {
    if (this.size === this.capacity) this.resize(Math.max(START_CAPACITY, this.capacity * 2));
    const { memory } = this;
    const number = this.size++;
    const at = number * ENTRY;
    const slot = this.slotOf(hash);
    memory[at] = hash;
    memory[at + SOURCE] = source;
    memory[at + PLACE] = place;
    memory[at + BEFORE] = memory[slot] as number;
    memory[slot] = number + 1;
  }

  /** The latest entry with a hash, or -1. */
  first(hash: number): number {
    return this.size === 0 ? -1 : this.find(this.memory[this.slotOf(hash)] as number, hash);
  }

  /** The entry with the same hash before this one, or -1. */
  before(number: number): number {
    const at = number * ENTRY;
    return this.find(this.memory[at + BEFORE] as number, this.memory[at] as number);
  }

  sourceAt(number: number): number {
    return this.memory[number * ENTRY + SOURCE] as number;
  }

  placeAt(number: number): number {
    return this.memory[number * ENTRY + PLACE] as number;
  }

  /** Drops the entries whose source is gone. */
  compact(isLive: (source: number) => boolean): void {
    const { memory } = this;
    let kept = 0;
    for (let number = 0; number < this.size; number++) {
      if (!isLive(this.sourceAt(number))) continue;
      memory.copyWithin(kept * ENTRY, number * ENTRY, (number + 1) * ENTRY);
      kept++;
    }
    this.size = kept;
    this.relink();
  }

  private slotOf(hash: number): number {
    return this.capacity * ENTRY + (hash & (this.capacity - 1));
  }

  private find(from: number, hash: number): number {
    const { memory } = this;
    let next = from;
    for (let step = 0; next !== 0 && step < STEPS_MAX; step++) {
      this.steps++;
      const at = (next - 1) * ENTRY;
      if (memory[at] === hash) return next - 1;
      next = memory[at + BEFORE] as number;
    }
    return -1;
  }

  private resize(capacity: number): void {
    const memory = new Int32Array(capacity * (ENTRY + 1));
    memory.set(this.memory.subarray(0, this.size * ENTRY));
    this.memory = memory;
    this.capacity = capacity;
    this.relink();
  }

  private relink(): void {
    const { memory } = this;
    memory.fill(0, this.capacity * ENTRY);
    for (let number = 0; number < this.size; number++) {
      const at = number * ENTRY;
      const slot = this.slotOf(memory[at] as number);
      memory[at + BEFORE] = memory[slot] as number;
      memory[slot] = number + 1;
    }
  }
}
