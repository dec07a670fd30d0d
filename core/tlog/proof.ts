/** Inclusion and consistency proofs of RFC 6962 section 2.1: which subtrees make one, and how one is checked. */
import { AppError } from '../errors.ts';
import {
  bitAt,
  highestBit,
  isCount,
  levelsUntilEqual,
  popcount,
  shiftRight,
  splitPoint,
  trailingZeros,
} from './bits.ts';
import { bytesToHex, equalBytes } from './bytes.ts';
import { type Hasher, isHash } from './hasher.ts';

/** A claim that the leaf hash is at `index` (from 0) of the tree of `size` leaves with this root. Hashes: 32 bytes. */
export type InclusionProof = {
  index: number;
  size: number;
  leaf_hash: Uint8Array;
  proof: readonly Uint8Array[];
  root: Uint8Array;
};

/** A claim that the tree of `old_size` leaves is the beginning of the tree of `new_size` leaves. */
export type ConsistencyProof = {
  old_size: number;
  new_size: number;
  old_root: Uint8Array;
  new_root: Uint8Array;
  proof: readonly Uint8Array[];
};

/** A complete subtree: 2^level leaves from leaf index * 2^level on. Level 0 is a leaf hash. */
export type NodeCoordinate = { level: number; index: number };

/**
 * Returns only if the proof holds (RFC 6962 section 2.1.1, RFC 9162 section 2.1.3.2). Throws `inclusion_proof_invalid`
 * with the reason if the index is outside the tree, a hash is not 32 bytes, the count of hashes is not the one that
 * this index and size need, or the computed root differs.
 */
export function verifyInclusion(hasher: Hasher, claim: InclusionProof): void {
  const { index, size, leaf_hash, proof, root } = claim;
  const fail = (reason: string) =>
    new AppError('inclusion_proof_invalid', `inclusion of leaf ${index} in a tree of ${size}: ${reason}`);
  if (!isCount(size) || !isCount(index)) throw fail('index and size must be whole numbers from 0 to 2^53 - 1');
  if (index >= size) throw fail('the index is not below the size');
  if (!isHash(leaf_hash) || !isHash(root)) throw fail('leaf hash and root must be 32 bytes');
  const inner = levelsUntilEqual(index, size - 1);
  const wanted = inner + popcount(shiftRight(index, inner));
  if (proof.length !== wanted) throw fail(`the proof needs ${wanted} hashes, got ${proof.length}`);
  let hash = leaf_hash;
  for (const [at, sibling] of proof.entries()) {
    if (!isHash(sibling)) throw fail(`proof hash ${at} is not 32 bytes`);
    hash = at < inner && !bitAt(index, at) ? hasher.node(hash, sibling) : hasher.node(sibling, hash);
  }
  if (!equalBytes(hash, root)) throw fail(`computed root ${bytesToHex(hash)} is not ${bytesToHex(root)}`);
}

/**
 * Returns only if the proof holds against both roots (RFC 6962 section 2.1.2, RFC 9162 section 2.1.4.2). Throws
 * `consistency_proof_invalid` with the reason. An old size of 0 is always refused, since such a proof says nothing;
 * a caller that starts from an empty tree has nothing to verify. Equal sizes need equal roots and no hashes.
 */
export function verifyConsistency(hasher: Hasher, claim: ConsistencyProof): void {
  const { old_size, new_size, old_root, new_root, proof } = claim;
  const fail = (reason: string) =>
    new AppError('consistency_proof_invalid', `consistency of ${old_size} with ${new_size} leaves: ${reason}`);
  if (!isCount(old_size) || !isCount(new_size)) throw fail('sizes must be whole numbers from 0 to 2^53 - 1');
  if (old_size === 0) throw fail('a proof from the empty tree says nothing');
  if (old_size > new_size) throw fail('the old size is above the new size');
  if (!isHash(old_root) || !isHash(new_root)) throw fail('both roots must be 32 bytes');
  const wrong = proof.findIndex((hash) => !isHash(hash));
  if (wrong >= 0) throw fail(`proof hash ${wrong} is not 32 bytes`);
  const wanted = consistencyLength(old_size, new_size);
  if (proof.length !== wanted) throw fail(`the proof needs ${wanted} hashes, got ${proof.length}`);
  const roots = old_size === new_size ? { old: new_root, new: new_root } : rootsOfConsistency(hasher, claim);
  if (!equalBytes(roots.old, old_root)) {
    throw fail(`computed old root ${bytesToHex(roots.old)} is not ${bytesToHex(old_root)}`);
  }
  if (!equalBytes(roots.new, new_root)) {
    throw fail(`computed new root ${bytesToHex(roots.new)} is not ${bytesToHex(new_root)}`);
  }
}

/** How the hashes of a consistency proof divide; 0 < old_size < new_size. */
function consistencyShape(old_size: number, new_size: number) {
  const start = trailingZeros(old_size); // level of the last complete subtree of the old tree
  const inner = levelsUntilEqual(old_size - 1, new_size - 1) - start;
  const border = popcount(shiftRight(old_size - 1, inner + start));
  const seed = old_size === 2 ** start ? 0 : 1; // a power of two: that subtree is the old root itself
  return { start, inner, border, seed };
}

function consistencyLength(old_size: number, new_size: number): number {
  if (old_size === new_size) return 0;
  const { inner, border, seed } = consistencyShape(old_size, new_size);
  return seed + inner + border;
}

/** Both roots as the proof (of the right length) gives them; 0 < old_size < new_size. */
function rootsOfConsistency(hasher: Hasher, { old_size, new_size, old_root, proof }: ConsistencyProof) {
  const { start, inner, seed } = consistencyShape(old_size, new_size);
  const mask = shiftRight(old_size - 1, start);
  const first = seed === 0 ? old_root : (proof[0] ?? old_root);
  let old_hash = first;
  let new_hash = first;
  for (const [at, sibling] of proof.slice(seed).entries()) {
    const left = at >= inner || bitAt(mask, at);
    if (left) old_hash = hasher.node(sibling, old_hash);
    new_hash = left ? hasher.node(sibling, new_hash) : hasher.node(new_hash, sibling);
  }
  return { old: old_hash, new: new_hash };
}

/**
 * What an inclusion proof is made of: one entry for each proof hash, in proof order. Each entry lists the complete
 * subtrees, left to right, that `foldSubtrees` turns into that hash (RFC 6962 section 2.1.1, PATH). Throws
 * `tree_range_invalid` unless 0 <= index < size <= 2^53 - 1.
 */
export function inclusionCoordinates(index: number, size: number): NodeCoordinate[][] {
  if (!isCount(index) || !isCount(size) || index >= size) {
    throw new AppError('tree_range_invalid', `index ${index} is not in a tree of ${size} leaves`);
  }
  const entries: NodeCoordinate[][] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      entries.push(rangeCoordinates(middle, end));
      end = middle;
    } else {
      entries.push(rangeCoordinates(start, middle));
      start = middle;
    }
  }
  return entries.reverse();
}

/**
 * What a consistency proof is made of, in the form of `inclusionCoordinates` (RFC 6962 section 2.1.2, PROOF). From an
 * old size of 0, and between equal sizes, the proof is empty. Throws `tree_range_invalid` unless
 * 0 <= old_size <= new_size <= 2^53 - 1.
 */
export function consistencyCoordinates(old_size: number, new_size: number): NodeCoordinate[][] {
  if (!isCount(old_size) || !isCount(new_size) || old_size > new_size) {
    throw new AppError('tree_range_invalid', `a tree of ${old_size} leaves is not the beginning of one of ${new_size}`);
  }
  if (old_size === 0) return [];
  const entries: NodeCoordinate[][] = [];
  let start = 0;
  let end = new_size;
  while (end !== old_size) {
    const middle = start + splitPoint(end - start);
    if (old_size <= middle) {
      entries.push(rangeCoordinates(middle, end));
      end = middle;
    } else {
      entries.push(rangeCoordinates(start, middle));
      start = middle;
    }
  }
  if (start > 0) entries.push(rangeCoordinates(start, end)); // the verifier knows the old root only if it is all of it
  return entries.reverse();
}

/**
 * The complete subtrees of a tree of `size` leaves, largest first: one for each 1 bit, none for the empty tree.
 * `foldSubtrees` turns their hashes into the root. Throws `tree_range_invalid` unless 0 <= size <= 2^53 - 1.
 */
export function rootCoordinates(size: number): NodeCoordinate[] {
  if (!isCount(size))
    throw new AppError('tree_range_invalid', `tree size ${size} is not a whole number up to 2^53 - 1`);
  return rangeCoordinates(0, size);
}

/** The complete subtrees that cover leaves start to end (not included), where start is a split point of the tree. */
function rangeCoordinates(start: number, end: number): NodeCoordinate[] {
  const subtrees: NodeCoordinate[] = [];
  for (let at = start; at < end; ) {
    const level = highestBit(end - at);
    subtrees.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return subtrees;
}

/**
 * One hash from the hashes of complete subtrees, left to right: node(h1, node(h2, ... hn)). One hash is itself (not
 * copied); none is the root of the empty tree.
 */
export function foldSubtrees(hasher: Hasher, hashes: readonly Uint8Array[]): Uint8Array {
  let folded = hashes.at(-1);
  if (folded === undefined) return hasher.empty();
  for (let i = hashes.length - 2; i >= 0; i--) folded = hasher.node(hashes[i] as Uint8Array, folded);
  return folded;
}

/**
 * The hashes of a proof from its coordinates; `nodeAt` looks up the 32-byte hash of a complete subtree. Throws
 * `node_hash_invalid` if it gives something else, and lets its errors pass.
 */
export function buildProof(
  hasher: Hasher,
  coordinates: readonly (readonly NodeCoordinate[])[],
  nodeAt: (level: number, index: number) => Uint8Array,
): Uint8Array[] {
  const lookUp = ({ level, index }: NodeCoordinate) => {
    const hash = nodeAt(level, index);
    if (!isHash(hash)) throw new AppError('node_hash_invalid', `node ${index} of level ${level} is not 32 bytes`);
    return hash;
  };
  return coordinates.map((subtrees) => foldSubtrees(hasher, subtrees.map(lookUp)));
}
