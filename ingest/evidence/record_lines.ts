/** Stored records as lines of a bundle, and the blocks of leaves that prove them. */
import { Buffer } from 'node:buffer';
import { BLOCK_LEAVES, BlockTree, blockLine, blocksOf, leavesOf, rootOfLeaves } from '../../core/bundle/block.ts';
import type { BundleRecord } from '../../core/bundle/record_line.ts';
import { fieldSalt, SALT_BYTES } from '../../core/commitment.ts';
import { type Group, parseCore } from '../../core/core_record.ts';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { readLeaves, readNodesOfLevel } from '../../core/store/queries/tree.ts';
import type { Store } from '../../core/store/store.ts';
import { HASH_BYTES } from '../../core/tlog/hasher.ts';
import { nodeHasher } from '../../core/tlog/node_hasher.ts';
import { saltsOf } from '../verify/record_check.ts';

/** A record as it is stored. */
export interface StoredParts extends Record<Group, string> {
  core: string;
  state: string;
  salt: Buffer;
}

/** The line of a record. What it discloses are these parts, each with a salt that opens nothing else. */
export function recordLine(stored: StoredParts, parts: readonly Group[]): string {
  const core = parseCore(stored.core);
  const kept = stored.state === 'kept' && stored.salt.length === SALT_BYTES;
  const left = kept ? {} : saltsOf(stored.salt);
  const record: BundleRecord = { seq: core.seq, core: stored.core, salts: {} };
  if (!kept && Object.keys(core.commit).length > 0) record.state = stored.state || 'unknown';
  for (const group of parts) {
    if (core.commit[group] === undefined) continue;
    // Of what was erased `params` and `content` are gone, whatever salt may be left.
    const gone = !kept && (group === 'params' || group === 'content');
    const salt = kept ? fieldSalt(stored.salt, group) : left === 'malformed' || gone ? undefined : left[group];
    if (salt === undefined) continue;
    record[group] = stored[group];
    record.salts[group] = salt.toString('base64');
  }
  return `${JSON.stringify(record)}\n`;
}

const LEVEL_OF_BLOCKS = 8;
/** Blocks whose leaves are read at once. */
const RUN_BLOCKS = 256;

/**
 * The lines of `proofs.ndjson` for some blocks, given in order, in the tree of this size. Throws `export_too_large`
 * beyond `verify_window_max` leaves, and `tree_hash_missing`.
 */
export async function* blockLines(
  store: Store,
  log: string,
  size: number,
  blocks: readonly number[],
): AsyncGenerator<string> {
  if (blocks.length * BLOCK_LEAVES > LIMITS.verify_window_max || blocksOf(size) > LIMITS.verify_window_max) {
    throw new AppError(
      'export_too_large',
      'the records lie in more leaves than a checker holds; take a shorter period',
    );
  }
  const tree = new BlockTree(nodeHasher, await rootsOfBlocks(store, log, size));
  for (let at = 0; at < blocks.length; ) {
    const first = blocks[at] as number;
    const run = blocks.slice(at, at + RUN_BLOCKS).filter((index) => index < first + RUN_BLOCKS);
    const leaves = await readRun(store, log, first, run.at(-1) as number, size);
    for (const index of run) {
      const from = HASH_BYTES * BLOCK_LEAVES * (index - first);
      const own = leaves.subarray(from, from + HASH_BYTES * leavesOf(index, size));
      yield blockLine({ index, leaves: own }, tree.path(index));
    }
    at += run.length;
  }
}

/** Roots of all blocks of a tree, the last one computed where it is not complete. */
async function rootsOfBlocks(store: Store, log: string, size: number): Promise<Uint8Array[]> {
  const complete = Math.floor(size / BLOCK_LEAVES);
  const roots: Uint8Array[] = await readNodesOfLevel(store, log, LEVEL_OF_BLOCKS, complete);
  if (complete < blocksOf(size)) {
    roots.push(rootOfLeaves(nodeHasher, await readRun(store, log, complete, complete, size)));
  }
  return roots;
}

/** Leaf hashes of the blocks from `first` to `last`, one behind the other. */
async function readRun(store: Store, log: string, first: number, last: number, size: number): Promise<Uint8Array> {
  const from = first * BLOCK_LEAVES;
  const to = last * BLOCK_LEAVES + leavesOf(last, size);
  const leaves = await readLeaves(store, log, from, to);
  if (leaves.length !== to - from || leaves.some(({ seq }, i) => seq !== from + i)) {
    throw new AppError('tree_hash_missing', `the store has not one hash for each leaf from ${from} to ${to}`);
  }
  return Buffer.concat(leaves.map(({ hash }) => hash));
}
