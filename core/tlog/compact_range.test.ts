import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from './bytes.ts';
import { CompactRange } from './compact_range.ts';
import { nobleHasher } from './noble_hasher.ts';
import { nodeHasher } from './node_hasher.ts';
import { foldSubtrees, rootCoordinates } from './proof.ts';
import { referenceRoot } from './reference_tree.ts';

const coded = (code: string) => expect.objectContaining({ name: 'AppError', code });
const leaf = (n: number) => nodeHasher.leaf(new TextEncoder().encode(`leaf ${n}`));
const LEAVES = Array.from({ length: 300 }, (_, n) => leaf(n));

function rangeOf(leaves: readonly Uint8Array[]): CompactRange {
  const range = new CompactRange(nodeHasher);
  for (const hash of leaves) range.append(hash);
  return range;
}

describe('the eight-leaf tree of the Certificate Transparency reference implementation', () => {
  const INPUTS = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const ROOTS = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];

  it.each([nodeHasher, nobleHasher])('has the published root at every size', (hasher) => {
    const range = new CompactRange(hasher);
    expect(bytesToHex(range.root())).toBe(ROOTS[0]);
    for (const [at, input] of INPUTS.entries()) {
      range.append(hasher.leaf(new Uint8Array(Buffer.from(input, 'hex'))));
      expect(range.size).toBe(at + 1);
      expect(bytesToHex(range.root())).toBe(ROOTS[at + 1]);
    }
  });

  it('reports each inner node once, lowest level first, with the published hashes', () => {
    const nodes: string[] = [];
    const range = new CompactRange(nodeHasher);
    for (const input of INPUTS) {
      range.append(nodeHasher.leaf(Buffer.from(input, 'hex')), (level, index, hash) =>
        nodes.push(`${level}/${index} ${bytesToHex(hash).slice(0, 16)}`),
      );
    }
    expect(nodes).toEqual([
      '1/0 fac54203e7cc696c',
      '1/1 5f083f0a1a33ca07',
      '2/0 d37ee418976dd957',
      '1/2 0ebc5d3437fbe2db',
      '1/3 ca854ea128ed050b',
      '2/1 6b47aaf29ee3c2af',
      '3/0 5dc9da79a70659a9',
    ]);
  });
});

describe('CompactRange', () => {
  it('has the root of RFC 6962 at every size up to 300', () => {
    const range = new CompactRange(nodeHasher);
    for (const [at, hash] of LEAVES.entries()) {
      range.append(hash);
      if (at % 7 === 0 || at < 40) {
        expect(bytesToHex(range.root())).toBe(bytesToHex(referenceRoot(nodeHasher, LEAVES.slice(0, at + 1))));
      }
    }
  });

  it('reports every complete subtree of level 1 and up, each with its hash', () => {
    fc.assert(
      fc.property(fc.nat(300), (size) => {
        const nodes = new Map<string, string>();
        const range = new CompactRange(nodeHasher);
        for (const hash of LEAVES.slice(0, size)) {
          range.append(hash, (level, index, node) => nodes.set(`${level}/${index}`, bytesToHex(node)));
        }
        let expected = 0;
        for (let width = 2, level = 1; width <= size; width *= 2, level++) expected += Math.floor(size / 2 ** level);
        expect(nodes.size).toBe(expected);
        for (const [key, hash] of nodes) {
          const [level = 0, index = 0] = key.split('/').map(Number);
          const leaves = LEAVES.slice(index * 2 ** level, (index + 1) * 2 ** level);
          expect(hash).toBe(bytesToHex(referenceRoot(nodeHasher, leaves)));
        }
      }),
      { numRuns: 20 },
    );
  });

  it('goes on from its saved hashes as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), (a, b) => {
        const [stop, end] = [Math.min(a, b), Math.max(a, b)];
        const saved = rangeOf(LEAVES.slice(0, stop));
        const loaded = CompactRange.from(nodeHasher, stop, saved.hashes());
        for (const hash of LEAVES.slice(stop, end)) loaded.append(hash);
        expect(bytesToHex(loaded.root())).toBe(bytesToHex(rangeOf(LEAVES.slice(0, end)).root()));
      }),
      { numRuns: 50 },
    );
  });

  it('lists its hashes in the order of rootCoordinates', () => {
    const range = rangeOf(LEAVES.slice(0, 13));
    const hashes = rootCoordinates(13).map(({ level, index }) =>
      referenceRoot(nodeHasher, LEAVES.slice(index * 2 ** level, (index + 1) * 2 ** level)),
    );
    expect(range.hashes().map(bytesToHex)).toEqual(hashes.map(bytesToHex));
    expect(bytesToHex(foldSubtrees(nodeHasher, hashes))).toBe(bytesToHex(range.root()));
  });

  it('shares no bytes with its caller or its clones', () => {
    const input = new Uint8Array(leaf(0));
    const range = new CompactRange(nodeHasher);
    range.append(input);
    const before = bytesToHex(range.root());
    input.fill(0);
    range.root().fill(0);
    for (const hash of range.hashes()) hash.fill(0);
    const copy = range.clone();
    copy.append(leaf(1));
    expect(bytesToHex(range.root())).toBe(before);
    expect([range.size, copy.size]).toEqual([1, 2]);
  });

  it('counts beyond 2^32 leaves', () => {
    const size = 2 ** 40 + 2 ** 33 + 1;
    const hashes = [leaf(1), leaf(2), leaf(3)];
    const range = CompactRange.from(nodeHasher, size, hashes);
    const nodes: [number, number][] = [];
    range.append(leaf(4), (level, index) => nodes.push([level, index]));
    expect(nodes).toEqual([[1, 2 ** 39 + 2 ** 32]]);
    expect(range.size).toBe(size + 1);
    expect(range.hashes().length).toBe(3);
  });

  it('refuses a state that no tree has', () => {
    const hashes = [leaf(0), leaf(1)];
    for (const size of [-1, 1.5, Number.NaN, 2 ** 53, 1, 7, 0]) {
      expect(() => CompactRange.from(nodeHasher, size, hashes), String(size)).toThrow(coded('compact_range_invalid'));
    }
    expect(() => CompactRange.from(nodeHasher, 3, [leaf(0), new Uint8Array(31)])).toThrow(
      coded('compact_range_invalid'),
    );
    expect(CompactRange.from(nodeHasher, 3, hashes).size).toBe(3);
  });

  it('refuses a leaf hash of another length and the leaf after 2^53 - 1, and stays as it was', () => {
    const range = rangeOf(LEAVES.slice(0, 3));
    const before = bytesToHex(range.root());
    expect(() => range.append(new Uint8Array(33))).toThrow(coded('tree_hash_invalid'));
    expect([range.size, bytesToHex(range.root())]).toEqual([3, before]);
    const full = CompactRange.from(nodeHasher, Number.MAX_SAFE_INTEGER, LEAVES.slice(0, 53));
    expect(() => full.append(leaf(0))).toThrow(coded('tree_full'));
  });
});
