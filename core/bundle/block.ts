/**
 * Inclusion of many records in one tree, in little room: leaves in blocks of 256, and for each block that holds a
 * record all of its leaf hashes and one path from the block's root to the root of the tree. A tree over blocks has the
 * same shape as the upper part of the tree over leaves, so the path is an ordinary inclusion proof of RFC 6962.
 */
import { AppError, messageOf } from '../errors.ts';
import { fromBase64, toBase64 } from '../tlog/bytes.ts';
import { CompactRange } from '../tlog/compact_range.ts';
import { HASH_BYTES, type Hasher } from '../tlog/hasher.ts';
import { foldSubtrees, inclusionCoordinates, verifyInclusion } from '../tlog/proof.ts';

/** Leaves of a block; the last block of a tree may have fewer. */
export const BLOCK_LEAVES = 256;

export interface Block {
  /** Which block of the tree, from 0. */
  index: number;
  /** Hashes of its leaves, one behind the other. */
  leaves: Uint8Array;
}

export const blocksOf = (size: number): number => Math.ceil(size / BLOCK_LEAVES);

/** How many leaves a block has in a tree of this size. */
export const leavesOf = (index: number, size: number): number => Math.min(BLOCK_LEAVES, size - index * BLOCK_LEAVES);

/** The root over some leaf hashes. */
export function rootOfLeaves(hasher: Hasher, leaves: Uint8Array): Uint8Array {
  const range = new CompactRange(hasher);
  for (let at = 0; at < leaves.length; at += HASH_BYTES) range.append(leaves.subarray(at, at + HASH_BYTES));
  return range.root();
}

/** Paths from the roots of blocks, given in order, to the root of the tree. */
export class BlockTree {
  private readonly hasher: Hasher;
  private readonly levels: Uint8Array[][];

  constructor(hasher: Hasher, roots: readonly Uint8Array[]) {
    this.hasher = hasher;
    this.levels = [[...roots]];
    // Complete subtrees alone: what is left over at the right edge is folded when a path asks for it.
    for (let below = this.levels[0] ?? []; below.length > 1; ) {
      const level: Uint8Array[] = [];
      for (let i = 0; i + 1 < below.length; i += 2) {
        level.push(hasher.node(below[i] as Uint8Array, below[i + 1] as Uint8Array));
      }
      this.levels.push(level);
      below = level;
    }
  }

  /** The hashes from a block's sibling up. */
  path(index: number): Uint8Array[] {
    const size = this.levels[0]?.length ?? 0;
    return inclusionCoordinates(index, size).map((subtrees) => {
      const hashes = subtrees.map((each) => this.levels[each.level]?.[each.index] as Uint8Array);
      return foldSubtrees(this.hasher, hashes);
    });
  }
}

/** The line of `proofs.ndjson` for a block. */
export function blockLine({ index, leaves }: Block, path: readonly Uint8Array[]): string {
  return `${JSON.stringify({ block: index, leaves: base64(leaves), path: path.map(toBase64) })}\n`;
}

/** In pieces that encode without padding, since a block is longer than what `toBase64` is made for. */
function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3_072) text += toBase64(bytes.subarray(at, at + 3_072));
  return text;
}

/** Reads a line and proves the block. Throws `block_not_proven` with the reason. */
export function proveBlock(hasher: Hasher, line: string, tree: { size: number; root: Uint8Array }): Block {
  const fail = (why: string) => new AppError('block_not_proven', why);
  let read: { block?: unknown; leaves?: unknown; path?: unknown };
  try {
    read = Object(JSON.parse(line)) as typeof read;
  } catch {
    throw fail('it is not JSON');
  }
  const { block: index, leaves: text, path } = read;
  if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0 || index >= blocksOf(tree.size)) {
    throw fail('it names no block of the tree');
  }
  const leaves = typeof text === 'string' ? fromBase64(text) : undefined;
  if (leaves?.length !== HASH_BYTES * leavesOf(index, tree.size))
    throw fail(`block ${index} has not all of its leaves`);
  if (!Array.isArray(path)) throw fail(`block ${index} has no path`);
  const proof = path.map((each) => fromBase64(String(each)) ?? new Uint8Array(0));
  try {
    const leaf_hash = rootOfLeaves(hasher, leaves);
    verifyInclusion(hasher, { index, size: blocksOf(tree.size), leaf_hash, proof, root: tree.root });
  } catch (error) {
    throw fail(`block ${index}: ${messageOf(error)}`);
  }
  return { index, leaves };
}

/** The leaf hash at a place of the log, if its block was proven. */
export function leafAt(blocks: ReadonlyMap<number, Uint8Array>, seq: number): Uint8Array | undefined {
  const at = HASH_BYTES * (seq % BLOCK_LEAVES);
  return blocks.get(Math.floor(seq / BLOCK_LEAVES))?.subarray(at, at + HASH_BYTES);
}
