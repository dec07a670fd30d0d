/** Hashes of the log's tree for proofs: leaves, and the stored roots of complete subtrees of 256^n leaves. */
import { Buffer } from 'node:buffer';
import { AppError } from '../../errors.ts';
import type { Hasher } from '../../tlog/hasher.ts';
import { buildProof, type NodeCoordinate } from '../../tlog/proof.ts';
import { RowReader } from '../row_binary.ts';
import type { Store } from '../store.ts';
import { BY_KEY } from './committed.ts';

const LEVEL_STEP = 8;
const CHUNK = 4_096;

/** Leaf hashes in [from, to), in order. A fork shows as more hashes than numbers. */
export async function readLeaves(
  store: Store,
  log: string,
  from: number,
  to: number,
): Promise<{ seq: number; hash: Buffer }[]> {
  const bytes = await store.binary(
    `SELECT DISTINCT seq, leaf_hash
     FROM leaves
     WHERE log = {log:String} AND seq >= {from:UInt64} AND seq < {to:UInt64}
     ORDER BY seq, leaf_hash`,
    { log, from, to },
  );
  const row = new RowReader(bytes);
  const leaves: { seq: number; hash: Buffer }[] = [];
  while (!row.done) leaves.push({ seq: row.u64(), hash: row.fixed(32) });
  return leaves;
}

type Hashes = Map<number, Map<number, Buffer>>;

/** Hashes by level and index. One query for the leaves and one for all levels above them, however many these are. */
async function readStored(
  store: Store,
  log: string,
  wanted: ReadonlyMap<number, ReadonlySet<number>>,
): Promise<Hashes> {
  const found: Hashes = new Map();
  const add = (level: number, index: number, hash: Buffer) => {
    if (wanted.get(level)?.has(index) !== true) return; // an index of one level can be that of another
    const of_level = found.get(level) ?? new Map<number, Buffer>();
    if (of_level.get(index)?.equals(hash) === false) {
      throw new AppError('log_tampered', `the store has two hashes of level ${level}, ${index} of ${log}`, {
        fatal: true,
      });
    }
    found.set(level, of_level.set(index, Buffer.from(hash)));
  };
  const leaves = [...(wanted.get(0) ?? [])];
  const levels = [...wanted.keys()].filter((level) => level > 0);
  const above = [...new Set(levels.flatMap((level) => [...(wanted.get(level) ?? [])]))];
  await Promise.all([
    ...chunksOf(leaves).map(async (indexes) => {
      const sql = `SELECT seq, leaf_hash FROM leaves WHERE log = {log:String} AND seq IN {indexes:Array(UInt64)} ${BY_KEY}`;
      const row = new RowReader(await store.binary(sql, { log, indexes }));
      while (!row.done) add(0, row.u64(), row.fixed(32));
    }),
    ...chunksOf(above).map(async (indexes) => {
      const sql = `SELECT level, idx, hash FROM nodes
        WHERE log = {log:String} AND level IN {levels:Array(UInt8)} AND idx IN {indexes:Array(UInt64)} ${BY_KEY}`;
      const row = new RowReader(await store.binary(sql, { log, levels, indexes }));
      while (!row.done) add(row.u8(), row.u64(), row.fixed(32));
    }),
  ]);
  return found;
}

function chunksOf(indexes: readonly number[]): number[][] {
  return Array.from({ length: Math.ceil(indexes.length / CHUNK) }, (_, i) => indexes.slice(i * CHUNK, (i + 1) * CHUNK));
}

/**
 * Reads what the coordinates of a proof need, and folds it. Throws `tree_hash_missing` when the store lacks a hash, and
 * a fatal `log_tampered` when it has two for one place.
 */
export async function readProof(
  store: Store,
  log: string,
  hasher: Hasher,
  coordinates: readonly (readonly NodeCoordinate[])[],
): Promise<Uint8Array[]> {
  const wanted = new Map<number, Set<number>>();
  for (const { level, index } of coordinates.flat()) {
    const base = Math.floor(level / LEVEL_STEP) * LEVEL_STEP;
    const width = 2 ** (level - base);
    const set = wanted.get(base) ?? new Set<number>();
    for (let i = 0; i < width; i++) set.add(index * width + i);
    wanted.set(base, set);
  }
  const stored = await readStored(store, log, wanted);
  const nodeAt = (level: number, index: number): Uint8Array => {
    if (level % LEVEL_STEP === 0) {
      const hash = stored.get(level)?.get(index);
      if (hash === undefined)
        throw new AppError('tree_hash_missing', `the store has no hash of level ${level}, ${index}`);
      return hash;
    }
    return hasher.node(nodeAt(level - 1, 2 * index), nodeAt(level - 1, 2 * index + 1));
  };
  return buildProof(hasher, coordinates, nodeAt);
}

/** Stored roots of the complete subtrees of one level, from the first one. Throws `tree_hash_missing`, `log_tampered`. */
export async function readNodesOfLevel(store: Store, log: string, level: number, count: number): Promise<Buffer[]> {
  const bytes = await store.binary(
    `SELECT DISTINCT idx, hash FROM nodes
     WHERE log = {log:String} AND level = {level:UInt8} AND idx < {count:UInt64}
     ORDER BY idx, hash`,
    { log, level, count },
  );
  const row = new RowReader(bytes);
  const hashes: Buffer[] = [];
  while (!row.done) {
    const index = row.u64();
    const hash = Buffer.from(row.fixed(32));
    if (index < hashes.length) {
      const message = `the store has two hashes of level ${level}, ${index} of ${log}`;
      throw new AppError('log_tampered', message, { fatal: true });
    }
    if (index > hashes.length) break;
    hashes.push(hash);
  }
  if (hashes.length === count) return hashes;
  throw new AppError('tree_hash_missing', `the store has no hash of level ${level}, ${hashes.length}`);
}
