/** The state that an append-only Merkle tree needs to go on growing: the roots of its complete subtrees, no leaves. */
import { AppError } from '../errors.ts';
import { isCount, popcount } from './bits.ts';
import { type Hasher, isHash } from './hasher.ts';
import { foldSubtrees } from './proof.ts';

/**
 * Called for each complete subtree of level 1 or more: its 2^level leaves start at index * 2^level. The hash is the
 * range's own array: keep it, but do not write to it.
 */
export type OnNode = (level: number, index: number, hash: Uint8Array) => void;

/**
 * A compact range from leaf 0: one hash for each 1 bit of the size, largest subtree first. Append costs less than one
 * node hash on average past the leaf itself. Tree shape as in RFC 6962 section 2.1.
 */
export class CompactRange {
  readonly #hasher: Hasher;
  #size = 0;
  #hashes: Uint8Array[] = [];

  /** The empty tree. */
  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  /**
   * The range of a tree of `size` leaves whose complete subtrees have these roots, largest first. Throws
   * `compact_range_invalid` unless the size is a whole number up to 2^53 - 1, there is one hash for each 1 bit of the
   * size, and each is 32 bytes. It cannot know whether the hashes are right: compare `root()` with a signed root.
   */
  static from(hasher: Hasher, size: number, hashes: readonly Uint8Array[]): CompactRange {
    if (!isCount(size)) {
      throw new AppError('compact_range_invalid', `tree size ${size} is not a whole number from 0 to 2^53 - 1`);
    }
    const expected = popcount(size);
    if (hashes.length !== expected) {
      throw new AppError('compact_range_invalid', `a tree of ${size} has ${expected} subtrees, got ${hashes.length}`);
    }
    const wrong = hashes.findIndex((hash) => !isHash(hash));
    if (wrong >= 0) throw new AppError('compact_range_invalid', `subtree hash ${wrong} is not 32 bytes`);
    const range = new CompactRange(hasher);
    range.#size = size;
    range.#hashes = hashes.map((hash) => new Uint8Array(hash));
    return range;
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds one leaf by its 32-byte leaf hash (copied) and reports each subtree that it completes, lowest first. Throws
   * `tree_hash_invalid` on another length and `tree_full` at 2^53 - 1 leaves; the range is then unchanged. If `onNode`
   * throws, the range is no longer usable.
   */
  append(leaf_hash: Uint8Array, onNode?: OnNode): void {
    if (!isHash(leaf_hash)) throw new AppError('tree_hash_invalid', `leaf hash ${this.#size} is not 32 bytes`);
    if (this.#size >= Number.MAX_SAFE_INTEGER) throw new AppError('tree_full', 'a tree holds at most 2^53 - 1 leaves');
    let index = this.#size;
    let hash = leaf_hash;
    for (let level = 1; index % 2 === 1; level++) {
      hash = this.#hasher.node(this.#hashes.pop() as Uint8Array, hash); // a 1 bit of the size has its hash
      index = (index - 1) / 2;
      onNode?.(level, index, hash);
    }
    this.#hashes.push(hash === leaf_hash ? new Uint8Array(hash) : hash);
    this.#size++;
  }

  /** The root of the whole tree, 32 bytes: a fresh copy. The empty tree has the root SHA-256(""). */
  root(): Uint8Array {
    return new Uint8Array(foldSubtrees(this.#hasher, this.#hashes));
  }

  /** Copies of the subtree roots, largest subtree first: what `from` takes. */
  hashes(): Uint8Array[] {
    return this.#hashes.map((hash) => new Uint8Array(hash));
  }

  /** An independent copy: appends to one do not show in the other. */
  clone(): CompactRange {
    return CompactRange.from(this.#hasher, this.#size, this.#hashes);
  }
}
