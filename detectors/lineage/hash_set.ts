/** A set of hashes in one typed array: a few bytes each, where a Set takes some dozens. */

const EMPTY = new Int32Array(0);
const START_SLOTS = 128;

export class HashSet {
  size = 0;
  private slots = EMPTY; // zero means none, so zero itself goes in as one

  get bytes(): number {
    return this.slots.byteLength;
  }

  has(hash: number): boolean {
    return this.size > 0 && this.slots[this.slotOf(hash)] !== 0;
  }

  add(hash: number): void {
    if (this.size * 2 >= this.slots.length) this.grow();
    const slot = this.slotOf(hash);
    if (this.slots[slot] !== 0) return;
    this.slots[slot] = hash === 0 ? 1 : hash;
    this.size++;
  }

  clear(): void {
    this.size = 0;
    this.slots = EMPTY;
  }

  /** Where a hash stands, or would. At least half of the slots are free, and the hashes are mixed. */
  private slotOf(hash: number): number {
    const kept = hash === 0 ? 1 : hash;
    const last = this.slots.length - 1;
    let slot = kept & last;
    while (this.slots[slot] !== 0 && this.slots[slot] !== kept) slot = (slot + 1) & last;
    return slot;
  }

  private grow(): void {
    const before = this.slots;
    this.slots = new Int32Array(Math.max(START_SLOTS, before.length * 2));
    for (const hash of before) if (hash !== 0) this.slots[this.slotOf(hash)] = hash;
  }
}
