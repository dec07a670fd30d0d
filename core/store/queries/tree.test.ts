import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CompactRange } from '../../tlog/compact_range.ts';
import { nodeHasher } from '../../tlog/node_hasher.ts';
import {
  buildProof,
  consistencyCoordinates,
  inclusionCoordinates,
  rootCoordinates,
  verifyConsistency,
  verifyInclusion,
} from '../../tlog/proof.ts';
import { migrate } from '../migrate.ts';
import { RowWriter } from '../row_binary.ts';
import { openEmbeddedStore, type Store } from '../store.ts';
import { readLeaves, readProof } from './tree.ts';

const coded = (code: string) => expect.objectContaining({ name: 'AppError', code });
const folder = mkdtempSync(join(tmpdir(), 'tracewarden-tree-'));
/** More than 256^2 leaves, so that nodes of level 16 are stored and used. */
const LEAVES = 132_000;
let store: Store;
const levels: Uint8Array[][] = [];
const roots = new Map<number, Uint8Array>();
const SIZES = [1, 2, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537, 65_792, 131_072, 131_073, LEAVES];

const nodeAt = (level: number, index: number): Uint8Array => levels[level]?.[index] ?? expect.unreachable();

beforeAll(async () => {
  store = await openEmbeddedStore(folder);
  await migrate(store);
  const range = new CompactRange(nodeHasher);
  const [leaves, nodes] = [new RowWriter(1 << 23), new RowWriter()];
  for (let seq = 0; seq < LEAVES; seq++) {
    const hash = nodeHasher.leaf(Buffer.from(`leaf ${seq}`));
    keep(0, seq, hash);
    leaves.string('log').u64(seq).fixed(hash).u64(seq);
    range.append(hash, (level, index, node) => {
      keep(level, index, node);
      if (level % 8 === 0) nodes.string('log').u8(level).u64(index).fixed(node);
    });
    if (SIZES.includes(seq + 1)) roots.set(seq + 1, range.root());
  }
  await store.insert('leaves', leaves);
  await store.insert('nodes', nodes);
  // A repeated insert leaves the rows twice until they merge, and another log has leaves of its own.
  await store.insert('leaves', new RowWriter().string('log').u64(3).fixed(nodeAt(0, 3)).u64(3));
  await store.insert('leaves', new RowWriter().string('other').u64(3).fixed(Buffer.alloc(32)).u64(3));
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

function keep(level: number, index: number, hash: Uint8Array): void {
  levels[level] ??= [];
  (levels[level] as Uint8Array[])[index] = hash;
}

const rootOf = (size: number) => roots.get(size) ?? expect.unreachable();
const hex = (hashes: readonly Uint8Array[]) => hashes.map((hash) => Buffer.from(hash).toString('hex'));

describe('proofs from a stored tree', () => {
  it('of inclusion are those of the tree in memory, and verify', async () => {
    for (const size of SIZES) {
      for (const index of new Set([0, 1, 254, 255, 256, 65_535, 65_536, size >> 1, size - 2, size - 1])) {
        if (index < 0 || index >= size) continue;
        const coordinates = inclusionCoordinates(index, size);
        const proof = await readProof(store, 'log', nodeHasher, coordinates);
        expect(hex(proof)).toEqual(hex(buildProof(nodeHasher, coordinates, nodeAt)));
        verifyInclusion(nodeHasher, { index, size, leaf_hash: nodeAt(0, index), proof, root: rootOf(size) });
      }
    }
  });

  it('of consistency are those of the tree in memory, and verify', async () => {
    for (const [at, new_size] of SIZES.entries()) {
      for (const old_size of SIZES.slice(Math.max(0, at - 4), at + 1)) {
        const coordinates = consistencyCoordinates(old_size, new_size);
        const proof = await readProof(store, 'log', nodeHasher, coordinates);
        expect(hex(proof)).toEqual(hex(buildProof(nodeHasher, coordinates, nodeAt)));
        const [old_root, new_root] = [rootOf(old_size), rootOf(new_size)];
        verifyConsistency(nodeHasher, { old_size, new_size, old_root, new_root, proof });
      }
    }
  });

  it('give the root of every size', async () => {
    for (const size of SIZES) {
      const [root] = await readProof(store, 'log', nodeHasher, [rootCoordinates(size)]);
      expect(hex([root ?? Buffer.alloc(0)])).toEqual(hex([rootOf(size)]));
    }
  });

  it('are refused when the store lacks a hash, and never made of those of another log', async () => {
    const beyond = inclusionCoordinates(0, LEAVES + 1);
    await expect(readProof(store, 'log', nodeHasher, beyond)).rejects.toThrow(coded('tree_hash_missing'));
    await expect(readProof(store, 'other', nodeHasher, inclusionCoordinates(2, 4))).rejects.toThrow(
      coded('tree_hash_missing'),
    );
  });

  it('are refused, not chosen at random, where the store has two hashes for one place', async () => {
    const fork = (log: string, seq: number, byte: number) =>
      store.insert('leaves', new RowWriter().string(log).u64(seq).fixed(Buffer.alloc(32, byte)).u64(seq));
    await fork('forked', 0, 1);
    await fork('forked', 1, 1);
    await fork('forked', 1, 2);
    await expect(readProof(store, 'forked', nodeHasher, inclusionCoordinates(0, 2))).rejects.toThrow(
      coded('log_tampered'),
    );
  });
});

describe('leaves', () => {
  it('are read in order, without their neighbours and without repetition', async () => {
    const leaves = await readLeaves(store, 'log', 2, 6);
    expect(leaves.map(({ seq }) => seq)).toEqual([2, 3, 4, 5]);
    expect(hex(leaves.map(({ hash }) => hash))).toEqual(hex([2, 3, 4, 5].map((seq) => nodeAt(0, seq))));
    expect(await readLeaves(store, 'log', LEAVES, LEAVES + 10)).toEqual([]);
  });

  it('of a fork are all there', async () => {
    const leaves = await readLeaves(store, 'forked', 0, 2);
    expect(leaves.map(({ seq, hash }) => [seq, hash[0]])).toEqual([
      [0, 1],
      [1, 1],
      [1, 2],
    ]);
  });
});
