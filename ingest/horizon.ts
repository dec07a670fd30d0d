/**
 * Which event ids were seen within the last N sequence numbers of a log. Exact: an id counts as seen if and only if
 * its first record lies inside the horizon of the record that asks, whatever was restarted or evicted in between.
 * Open addressing over typed arrays: 24 bytes a slot, no garbage.
 */
import { hash } from 'node:crypto';

const KEY_WORDS = 4;
const LOAD_MAX = 0.6;

export class Horizon {
  private readonly length_max: number;
  private keys: Uint32Array;
  private seqs: Float64Array;
  private used = 0;

  constructor(length_max: number, slots = 1 << 14) {
    this.length_max = length_max;
    this.keys = new Uint32Array(slots * KEY_WORDS);
    this.seqs = new Float64Array(slots).fill(-1);
  }

  /** The first sequence number of this id as seen by a record at `seq`, or undefined. */
  find(id: Uint8Array, seq: number): number | undefined {
    const first = this.seqs[this.slotOf(words(id))] as number;
    return first >= 0 && first >= seq - this.length_max ? first : undefined;
  }

  /** Remembers an id at its first sequence number; an older record outside the horizon is replaced. */
  add(id: Uint8Array, seq: number): void {
    if (this.used >= this.seqs.length * LOAD_MAX) this.rebuild(seq);
    const key = words(id);
    const slot = this.slotOf(key);
    if ((this.seqs[slot] as number) < 0) this.used++;
    this.keys.set(key, slot * KEY_WORDS);
    this.seqs[slot] = seq;
  }

  /** The slot that holds the key, or the empty one where it belongs. */
  private slotOf(key: Uint32Array): number {
    const mask = this.seqs.length - 1;
    let slot = (key[0] as number) & mask;
    while ((this.seqs[slot] as number) >= 0) {
      const at = slot * KEY_WORDS;
      if (
        this.keys[at] === key[0] &&
        this.keys[at + 1] === key[1] &&
        this.keys[at + 2] === key[2] &&
        this.keys[at + 3] === key[3]
      ) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** Drops what has left the horizon and grows when what is left still fills half. */
  private rebuild(seq: number): void {
    const { keys, seqs } = this;
    const oldest = seq - this.length_max;
    let live = 0;
    for (const first of seqs) if (first >= 0 && first >= oldest) live++;
    const slots = live > (seqs.length * LOAD_MAX) / 2 ? seqs.length * 2 : seqs.length;
    this.keys = new Uint32Array(slots * KEY_WORDS);
    this.seqs = new Float64Array(slots).fill(-1);
    this.used = live;
    for (let i = 0; i < seqs.length; i++) {
      const first = seqs[i] as number;
      if (first < 0 || first < oldest) continue;
      const key = keys.subarray(i * KEY_WORDS, (i + 1) * KEY_WORDS);
      const slot = this.slotOf(key);
      this.keys.set(key, slot * KEY_WORDS);
      this.seqs[slot] = first;
    }
  }
}

const scratch = new Uint32Array(KEY_WORDS);

function words(id: Uint8Array): Uint32Array {
  for (let i = 0; i < KEY_WORDS; i++) {
    const at = i * 4;
    scratch[i] =
      ((id[at] as number) |
        ((id[at + 1] as number) << 8) |
        ((id[at + 2] as number) << 16) |
        ((id[at + 3] as number) << 24)) >>>
      0;
  }
  return scratch;
}

/**
 * The id as the horizon knows it: the first 16 bytes of SHA-256. What producers send and what the program writes have
 * separate spaces, so that nobody can take the id of an alert before it is raised.
 */
export function horizonId(space: 'event' | 'internal', tenant: string, event_id: string): Uint8Array {
  return hash('sha256', `${space}\0${tenant}\0${event_id}`, 'buffer');
}
