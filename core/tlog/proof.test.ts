import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex, fromBase64 } from './bytes.ts';
import { nobleHasher } from './noble_hasher.ts';
import { nodeHasher } from './node_hasher.ts';
import {
  buildProof,
  type ConsistencyProof,
  consistencyCoordinates,
  foldSubtrees,
  type InclusionProof,
  inclusionCoordinates,
  rootCoordinates,
  verifyConsistency,
  verifyInclusion,
} from './proof.ts';
import { referenceConsistency, referenceInclusion, referenceRoot } from './reference_tree.ts';

const coded = (code: string) => expect.objectContaining({ name: 'AppError', code });
const LEAVES = Array.from({ length: 300 }, (_, n) => nodeHasher.leaf(new TextEncoder().encode(`leaf ${n}`)));
const nodeAt = (level: number, index: number) =>
  referenceRoot(nodeHasher, LEAVES.slice(index * 2 ** level, (index + 1) * 2 ** level));
const hexes = (hashes: readonly Uint8Array[]) => hashes.map(bytesToHex);
const rootAt = (size: number) => referenceRoot(nodeHasher, LEAVES.slice(0, size));

function inclusionOf(index: number, size: number): InclusionProof {
  const proof = buildProof(nodeHasher, inclusionCoordinates(index, size), nodeAt);
  return { index, size, leaf_hash: LEAVES[index] ?? new Uint8Array(), proof, root: rootAt(size) };
}

function consistencyOf(old_size: number, new_size: number): ConsistencyProof {
  const proof = buildProof(nodeHasher, consistencyCoordinates(old_size, new_size), nodeAt);
  return { old_size, new_size, old_root: rootAt(old_size), new_root: rootAt(new_size), proof };
}

const refuseInclusion = (claim: InclusionProof, why: string) =>
  expect(() => verifyInclusion(nodeHasher, claim), why).toThrow(coded('inclusion_proof_invalid'));
const refuseConsistency = (claim: ConsistencyProof, why: string) =>
  expect(() => verifyConsistency(nodeHasher, claim), why).toThrow(coded('consistency_proof_invalid'));

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** Two different numbers, smaller first. */
const pair = fc
  .tuple(fc.nat(300), fc.nat(300))
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b) + (a === b ? 1 : 0)] as const);
const inside = pair.filter(([, size]) => size <= 300);

describe('inclusion proofs', () => {
  it('are those of RFC 6962 and verify, at every index of every size up to 40', () => {
    for (let size = 1; size <= 40; size++) {
      for (let index = 0; index < size; index++) {
        const claim = inclusionOf(index, size);
        expect(hexes(claim.proof)).toEqual(hexes(referenceInclusion(nodeHasher, index, LEAVES.slice(0, size))));
        verifyInclusion(nodeHasher, claim);
      }
    }
  });

  it('are those of RFC 6962 and verify with both hashers at sizes up to 300', () => {
    fc.assert(
      fc.property(inside, ([index, size]) => {
        const claim = inclusionOf(index, size);
        expect(hexes(claim.proof)).toEqual(hexes(referenceInclusion(nodeHasher, index, LEAVES.slice(0, size))));
        verifyInclusion(nodeHasher, claim);
        verifyInclusion(nobleHasher, claim);
      }),
      { numRuns: 60 },
    );
  });

  it('fail on every flipped bit of the leaf hash, the root and the proof', () => {
    const claim = inclusionOf(5, 11);
    for (let bit = 0; bit < 256; bit++) {
      refuseInclusion({ ...claim, leaf_hash: flipped(claim.leaf_hash, bit) }, `leaf bit ${bit}`);
      refuseInclusion({ ...claim, root: flipped(claim.root, bit) }, `root bit ${bit}`);
      for (const at of claim.proof.keys()) {
        const proof = claim.proof.map((hash, i) => (i === at ? flipped(hash, bit) : hash));
        refuseInclusion({ ...claim, proof }, `proof ${at} bit ${bit}`);
      }
    }
  });

  it('fail for every other index, and against the root of every other size', () => {
    fc.assert(
      fc.property(inside, fc.nat(300), ([index, size], other) => {
        const claim = inclusionOf(index, size);
        if (other !== index) refuseInclusion({ ...claim, index: other }, `index ${other}`);
        if (other !== size) refuseInclusion({ ...claim, size: other, root: rootAt(other) }, `size ${other}`);
      }),
      { numRuns: 100 },
    );
  });

  it('fail with a hash more, a hash less, hashes swapped, or a hash of another length', () => {
    fc.assert(
      fc.property(inside, fc.nat(), ([index, size], where) => {
        const claim = inclusionOf(index, size);
        const { proof } = claim;
        const at = proof.length === 0 ? 0 : where % proof.length;
        refuseInclusion({ ...claim, proof: proof.toSpliced(at, 0, claim.root) }, 'inserted');
        refuseInclusion({ ...claim, proof: [...proof, claim.root] }, 'root after');
        refuseInclusion({ ...claim, proof: [claim.root, ...proof] }, 'root before');
        if (proof.length > 0) {
          refuseInclusion({ ...claim, proof: proof.toSpliced(at, 1) }, 'removed');
          refuseInclusion({ ...claim, proof: proof.toSpliced(at, 1, new Uint8Array(31)) }, 'short');
          refuseInclusion({ ...claim, proof: proof.toSpliced(at, 1, new Uint8Array(0)) }, 'empty');
        }
        if (proof.length > 1) refuseInclusion({ ...claim, proof: proof.toReversed() }, 'reversed');
      }),
      { numRuns: 50 },
    );
  });

  it('fail for an inner node that is passed off as a leaf with the rest of its proof', () => {
    const claim = inclusionOf(0, 8);
    const [sibling = new Uint8Array(), ...rest] = claim.proof;
    refuseInclusion({ ...claim, leaf_hash: nodeHasher.node(claim.leaf_hash, sibling), proof: rest }, 'inner node');
    refuseInclusion({ ...claim, leaf_hash: claim.root, proof: [] }, 'the root itself');
  });

  it('fail on an index or size that no tree has, and on leaf hashes and roots of another length', () => {
    const claim = inclusionOf(0, 1);
    verifyInclusion(nodeHasher, claim);
    refuseInclusion({ ...claim, root: nodeHasher.empty() }, 'the empty root');
    for (const index of [1, -1, 0.5, Number.NaN, 2 ** 53, 18446744073709552000])
      refuseInclusion({ ...claim, index }, `${index}`);
    for (const size of [0, -1, 1.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY])
      refuseInclusion({ ...claim, size }, `${size}`);
    refuseInclusion({ ...claim, leaf_hash: new TextEncoder().encode('WrongLeaf') }, 'short leaf hash');
    refuseInclusion({ ...claim, root: new Uint8Array(33) }, 'long root');
  });
});

describe('published inclusion probes (transparency-dev/merkle, leaf 5 of 8)', () => {
  const b64 = (text: string) => fromBase64(text) ?? new Uint8Array();
  const claim: InclusionProof = {
    index: 5,
    size: 8,
    leaf_hash: b64('QnGia+DYqE8L1UyMMC58s6O10fpngKQLzOKHNHfatlg='),
    root: b64('XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg='),
    proof: [
      b64('vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms='),
      b64('yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA='),
      b64('037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc='),
    ],
  };

  it('accepts the good one and refuses the broken ones', () => {
    verifyInclusion(nodeHasher, claim);
    refuseInclusion({ ...claim, index: 4 }, 'leafIdx sub @1');
    const modified = b64('237kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=');
    refuseInclusion({ ...claim, proof: claim.proof.toSpliced(2, 1, modified) }, 'modified proof[2] bit @3');
    const inserted = b64('q6yroAAAAAAAAAAAAAAAAAAAAAAAAAAAAGAGHgASNFY=');
    refuseInclusion({ ...claim, proof: claim.proof.toSpliced(1, 0, inserted) }, 'inserted component');
    refuseInclusion({ ...claim, root: inserted }, 'random root');
  });
});

describe('consistency proofs', () => {
  it('are those of RFC 6962 and verify, between all sizes up to 40', () => {
    for (let to = 1; to <= 40; to++) {
      for (let from = 1; from <= to; from++) {
        const claim = consistencyOf(from, to);
        expect(hexes(claim.proof)).toEqual(hexes(referenceConsistency(nodeHasher, from, LEAVES.slice(0, to))));
        verifyConsistency(nodeHasher, claim);
      }
    }
  });

  it('are those of RFC 6962 and verify with both hashers at sizes up to 300', () => {
    fc.assert(
      fc.property(inside, ([old_size, new_size]) => {
        fc.pre(old_size > 0);
        const claim = consistencyOf(old_size, new_size);
        expect(hexes(claim.proof)).toEqual(
          hexes(referenceConsistency(nodeHasher, old_size, LEAVES.slice(0, new_size))),
        );
        verifyConsistency(nodeHasher, claim);
        verifyConsistency(nobleHasher, claim);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [6, 11],
    [8, 13],
    [7, 8],
  ])('fail on every flipped bit of either root and of the proof (%i to %i)', (from, to) => {
    const claim = consistencyOf(from, to);
    for (let bit = 0; bit < 256; bit++) {
      refuseConsistency({ ...claim, old_root: flipped(claim.old_root, bit) }, `old root bit ${bit}`);
      refuseConsistency({ ...claim, new_root: flipped(claim.new_root, bit) }, `new root bit ${bit}`);
      for (const at of claim.proof.keys()) {
        const proof = claim.proof.map((hash, i) => (i === at ? flipped(hash, bit) : hash));
        refuseConsistency({ ...claim, proof }, `proof ${at} bit ${bit}`);
      }
    }
  });

  it('fail between trees of which one is not the beginning of the other', () => {
    const forked = LEAVES.with(3, nodeHasher.leaf(new TextEncoder().encode('another past')));
    for (let old_size = 4; old_size < 20; old_size++) {
      const honest = consistencyOf(old_size, 20);
      const old_root = referenceRoot(nodeHasher, forked.slice(0, old_size));
      const new_root = referenceRoot(nodeHasher, forked.slice(0, 20));
      refuseConsistency({ ...honest, old_root }, `old ${old_size} forked`);
      refuseConsistency({ ...honest, new_root }, `new forked after ${old_size}`);
      const proof = referenceConsistency(nodeHasher, old_size, forked.slice(0, 20));
      refuseConsistency({ ...honest, new_root, proof }, `new and proof forked after ${old_size}`);
    }
  });

  it('fail for other sizes, swapped roots, and a wrong count or length of hashes', () => {
    fc.assert(
      fc.property(inside, fc.nat(), ([old_size, new_size], where) => {
        fc.pre(old_size > 0);
        const claim = consistencyOf(old_size, new_size);
        const { proof, old_root, new_root } = claim;
        const at = where % Math.max(proof.length, 1);
        refuseConsistency({ ...claim, old_root: new_root, new_root: old_root }, 'swapped roots');
        refuseConsistency({ ...claim, old_size: new_size, new_size: old_size }, 'swapped sizes');
        refuseConsistency({ ...claim, old_size: 0 }, 'old size 0');
        refuseConsistency({ ...claim, old_size: new_size }, 'equal sizes');
        refuseConsistency({ ...claim, proof: proof.toSpliced(at, 1) }, 'removed');
        refuseConsistency({ ...claim, proof: [...proof, new_root] }, 'root after');
        refuseConsistency({ ...claim, proof: [old_root, ...proof] }, 'root before');
        refuseConsistency({ ...claim, proof: [...proof, new Uint8Array(0)] }, 'empty after');
        refuseConsistency({ ...claim, proof: proof.toSpliced(at, 1, new Uint8Array(33)) }, 'long');
        refuseConsistency({ ...claim, old_root: new Uint8Array(9) }, 'short old root');
        refuseConsistency({ ...claim, new_root: new Uint8Array(9) }, 'short new root');
      }),
      { numRuns: 50 },
    );
  });

  it('say nothing from the empty tree, and between equal sizes only that the roots are equal', () => {
    const root = rootAt(1);
    const same = { old_size: 1, new_size: 1, old_root: root, new_root: root, proof: [] };
    verifyConsistency(nodeHasher, same);
    refuseConsistency({ ...same, proof: [root] }, 'a hash too many');
    refuseConsistency({ ...same, new_root: rootAt(2) }, 'another root');
    const empty = nodeHasher.empty();
    refuseConsistency({ old_size: 0, new_size: 1, old_root: empty, new_root: root, proof: [] }, 'from the empty tree');
    refuseConsistency({ old_size: 0, new_size: 0, old_root: empty, new_root: empty, proof: [] }, 'both empty');
    for (const size of [-1, 0.5, 2 ** 53, Number.NaN]) {
      refuseConsistency({ ...same, old_size: size }, `old ${size}`);
      refuseConsistency({ ...same, new_size: size }, `new ${size}`);
    }
  });

  it('refuse the published broken probes (transparency-dev/merkle, 2 to 5)', () => {
    const claim = consistencyOf(2, 5);
    verifyConsistency(nodeHasher, claim);
    refuseConsistency({ ...claim, old_size: 0 }, 'size1 XOR @2');
    refuseConsistency({ ...claim, new_size: 2 }, 'size2 div @2');
    refuseConsistency({ ...claim, proof: [...claim.proof.slice(0, 1), ...claim.proof] }, 'preceding proof @0');
    refuseConsistency({ ...claim, proof: [] }, 'empty proof');
    refuseConsistency({ ...claim, proof: claim.proof.slice(0, 1) }, 'truncated proof');
  });
});

describe('in trees far beyond 2^32 leaves', () => {
  const hashOf = (level: number, index: number) => nodeHasher.leaf(new TextEncoder().encode(`${level}/${index}`));
  // A tree in which each complete subtree of a level hashes the two below it, given only where somebody looks.
  const huge = fc.integer({ min: 2 ** 31, max: Number.MAX_SAFE_INTEGER });

  it('an inclusion proof of made-up siblings verifies against the root they give, and against nothing else', () => {
    fc.assert(
      fc.property(huge, fc.maxSafeNat(), (size, any) => {
        const index = any % size;
        const leaf_hash = hashOf(0, index);
        const coordinates = inclusionCoordinates(index, size);
        const proof = buildProof(nodeHasher, coordinates, hashOf);
        const root = rootByRecursion(index, 0, size, leaf_hash, [...proof]);
        const claim = { index, size, leaf_hash, proof, root };
        verifyInclusion(nodeHasher, claim);
        refuseInclusion({ ...claim, index: index === 0 ? 1 : index - 1 }, 'index before');
        refuseInclusion({ ...claim, proof: proof.slice(1) }, 'removed');
        if (index % 2 ** 32 !== index) refuseInclusion({ ...claim, index: index % 2 ** 32 }, '32-bit index');
      }),
      { numRuns: 50 },
    );
  });

  /** The root of leaves start to end, top down as RFC 6962 recurses; takes the proof from its end. */
  function rootByRecursion(
    index: number,
    start: number,
    end: number,
    leaf: Uint8Array,
    proof: Uint8Array[],
  ): Uint8Array {
    if (end - start === 1) return leaf;
    let width = 1;
    while (width * 2 < end - start) width *= 2;
    const sibling = proof.pop() ?? new Uint8Array();
    const middle = start + width;
    return index < middle
      ? nodeHasher.node(rootByRecursion(index, start, middle, leaf, proof), sibling)
      : nodeHasher.node(sibling, rootByRecursion(index, middle, end, leaf, proof));
  }

  it('a consistency proof has the length that the verifier asks for, and its coordinates tile the tree', () => {
    fc.assert(
      fc.property(huge, fc.maxSafeNat(), (new_size, any) => {
        const old_size = 1 + (any % (new_size - 1));
        const proof = buildProof(nodeHasher, consistencyCoordinates(old_size, new_size), hashOf);
        const root = hashOf(0, 0);
        const claim = { old_size, new_size, old_root: root, new_root: root, proof };
        refuseConsistency(claim, 'made-up roots');
        expect(() => verifyConsistency(nodeHasher, claim)).toThrow(/computed (old|new) root/);
        expect(() => verifyConsistency(nodeHasher, { ...claim, proof: [...proof, root] })).toThrow(/the proof needs/);
      }),
      { numRuns: 50 },
    );
  });
});

describe('coordinates', () => {
  it('name only complete subtrees, left to right and largest first', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (size) => {
        let at = 0;
        let last = 54;
        for (const { level, index } of rootCoordinates(size)) {
          expect(index * 2 ** level).toBe(at);
          expect(level).toBeLessThan(last);
          last = level;
          at += 2 ** level;
        }
        expect(at).toBe(size);
      }),
    );
  });

  it('give the root of RFC 6962 when folded', () => {
    for (const size of [0, 1, 2, 3, 7, 8, 100, 255, 256, 257, 300]) {
      const hashes = rootCoordinates(size).map(({ level, index }) => nodeAt(level, index));
      expect(bytesToHex(foldSubtrees(nodeHasher, hashes))).toBe(bytesToHex(rootAt(size)));
    }
  });

  it('of an inclusion proof in a tree of 7 are the ones drawn in RFC 6962 section 2.1.3', () => {
    expect(inclusionCoordinates(6, 7)).toEqual([[{ level: 1, index: 2 }], [{ level: 2, index: 0 }]]);
    expect(inclusionCoordinates(0, 7)).toEqual([
      [{ level: 0, index: 1 }],
      [{ level: 1, index: 1 }],
      [
        { level: 1, index: 2 },
        { level: 0, index: 6 },
      ],
    ]);
    expect(consistencyCoordinates(4, 7)).toEqual([
      [
        { level: 1, index: 2 },
        { level: 0, index: 6 },
      ],
    ]);
    expect(consistencyCoordinates(6, 7)).toEqual([
      [{ level: 1, index: 2 }],
      [{ level: 0, index: 6 }],
      [{ level: 2, index: 0 }],
    ]);
  });

  it('are none for a tree of one leaf, from the empty tree, and between equal sizes', () => {
    expect(inclusionCoordinates(0, 1)).toEqual([]);
    expect(consistencyCoordinates(0, 5)).toEqual([]);
    expect(consistencyCoordinates(5, 5)).toEqual([]);
    expect(consistencyCoordinates(0, 0)).toEqual([]);
    expect(rootCoordinates(0)).toEqual([]);
  });

  it('refuse an index outside the tree and sizes that no tree has', () => {
    for (const [a, b] of [
      [0, 0],
      [5, 5],
      [-1, 5],
      [0.5, 5],
      [0, 2 ** 53],
      [Number.NaN, 5],
    ] as const) {
      expect(() => inclusionCoordinates(a, b), `${a} ${b}`).toThrow(coded('tree_range_invalid'));
    }
    for (const [a, b] of [
      [6, 5],
      [-1, 5],
      [1, 5.5],
      [1, 2 ** 53],
    ] as const) {
      expect(() => consistencyCoordinates(a, b), `${a} ${b}`).toThrow(coded('tree_range_invalid'));
    }
    expect(() => rootCoordinates(-1)).toThrow(coded('tree_range_invalid'));
  });

  it('make no proof from a lookup that gives anything but a hash', () => {
    const short = () => new Uint8Array(31);
    expect(() => buildProof(nodeHasher, inclusionCoordinates(1, 4), short)).toThrow(coded('node_hash_invalid'));
  });
});
