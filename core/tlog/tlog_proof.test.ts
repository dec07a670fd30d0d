import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase64 } from './bytes.ts';
import { signCheckpoint } from './checkpoint.ts';
import { ed25519FromSeed, nodeVerify } from './ed25519_node.ts';
import { nodeHasher } from './node_hasher.ts';
import { newVerifierKey, noteSigner, noteVerifier } from './note_key.ts';
import { referenceInclusion, referenceRoot } from './reference_tree.ts';
import { formatTlogProof, parseTlogProof, type TlogProofClaim, verifyTlogProof } from './tlog_proof.ts';

const coded = (code: string) => expect.objectContaining({ name: 'AppError', code });
const ORIGIN = 'tracewarden.example/log/1';
const keys = ed25519FromSeed(new Uint8Array(32).fill(1));
const verifiers = [noteVerifier(newVerifierKey(ORIGIN, keys.public_key), nodeVerify)];
const LEAVES = Array.from({ length: 11 }, (_, n) => nodeHasher.leaf(new TextEncoder().encode(`entry ${n}`)));
const checkpointOf = (size: number) =>
  signCheckpoint({ origin: ORIGIN, size, root: referenceRoot(nodeHasher, LEAVES.slice(0, size)) }, [
    noteSigner(ORIGIN, keys),
  ]);
const proofOf = (index: number, size: number) => ({
  index,
  hashes: referenceInclusion(nodeHasher, index, LEAVES.slice(0, size)),
  checkpoint: checkpointOf(size),
});
const claimOf = (index: number): TlogProofClaim => ({
  leaf_hash: LEAVES[index] ?? new Uint8Array(),
  origin: ORIGIN,
  verifiers,
});
const anyAppError = expect.objectContaining({ name: 'AppError' });

describe('tlog-proof', () => {
  it('has the lines of C2SP tlog-proof@v1', () => {
    const proof = proofOf(5, 8);
    expect(formatTlogProof({ ...proof, extra: Uint8Array.of(1, 2, 3) })).toBe(
      `c2sp.org/tlog-proof@v1\nextra AQID\nindex 5\n${proof.hashes.map((hash) => `${toBase64(hash)}\n`).join('')}\n${proof.checkpoint}`,
    );
    expect(formatTlogProof(proofOf(0, 1))).toBe(`c2sp.org/tlog-proof@v1\nindex 0\n\n${checkpointOf(1)}`);
  });

  it('is read back as written and verifies, for every leaf of every size', () => {
    for (let size = 1; size <= LEAVES.length; size++) {
      for (let index = 0; index < size; index++) {
        const proof = proofOf(index, size);
        const read = parseTlogProof(new TextEncoder().encode(formatTlogProof(proof)));
        expect(formatTlogProof(read)).toBe(formatTlogProof(proof));
        expect(verifyTlogProof(nodeHasher, read, claimOf(index))).toMatchObject({ origin: ORIGIN, size });
      }
    }
  });

  it('carries extra data that it does not vouch for, and leaves out empty extra', () => {
    const proof = proofOf(2, 3);
    const extra = Uint8Array.of(9);
    expect(parseTlogProof(formatTlogProof({ ...proof, extra })).extra).toEqual(extra);
    expect('extra' in parseTlogProof(formatTlogProof({ ...proof, extra: new Uint8Array() }))).toBe(false);
    verifyTlogProof(nodeHasher, { ...proof, extra }, claimOf(2));
  });

  it('without extra data is refused with any bit flipped', () => {
    const bytes = new TextEncoder().encode(formatTlogProof(proofOf(5, 11)));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = new Uint8Array(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => verifyTlogProof(nodeHasher, parseTlogProof(changed), claimOf(5)), `bit ${bit}`).toThrow(anyAppError);
    }
  });

  it('proves nothing about another entry, index, log or tree', () => {
    const proof = proofOf(5, 8);
    const fails = (changed: object, claim: object, code: string) =>
      expect(() => verifyTlogProof(nodeHasher, { ...proof, ...changed }, { ...claimOf(5), ...claim })).toThrow(
        coded(code),
      );
    fails({}, { leaf_hash: LEAVES[4] }, 'inclusion_proof_invalid');
    fails({ index: 4 }, {}, 'inclusion_proof_invalid');
    fails({ index: 8 }, {}, 'inclusion_proof_invalid');
    fails({ hashes: proof.hashes.slice(1) }, {}, 'inclusion_proof_invalid');
    fails({ checkpoint: checkpointOf(9) }, {}, 'inclusion_proof_invalid');
    fails({}, { origin: 'another.example' }, 'checkpoint_origin_mismatch');
    fails({}, { verifiers: [] }, 'note_unverified');
  });

  it('is refused when any rule of the format is broken', () => {
    const good = formatTlogProof(proofOf(1, 2));
    const hash = toBase64(LEAVES[0] ?? new Uint8Array());
    const bad = [
      '',
      good.slice(1),
      good.replace('@v1', '@v2'),
      good.replace('index 1', 'index 01'),
      good.replace('index 1', 'index  1'),
      good.replace('index 1', 'index 9007199254740992'),
      good.replace('index 1', 'index -1'),
      good.replace('index 1\n', ''),
      good.replace('index 1', 'extra \nindex 1'),
      good.replace('index 1', 'extra A\nindex 1'),
      good.replace('index 1', 'extra AQID\nextra AQID\nindex 1'),
      good.replace('index 1', 'index 1\nextra AQID'),
      good.replace(hash, hash.slice(4)),
      good.replace(hash, ` ${hash}`),
      good.replace(hash, hash.replace('=', '')),
      good.replace(hash, Array(54).fill(hash).join('\n')),
      good.replace('\n', '\r\n'),
    ];
    for (const text of bad) expect(() => parseTlogProof(text), text).toThrow(coded('tlog_proof_malformed'));
    expect(() => parseTlogProof(good.slice(0, -1))).toThrow(coded('note_malformed'));
    expect(() => parseTlogProof(good.replace('\n2\n', '\n02\n'))).toThrow(coded('checkpoint_malformed'));
    expect(() => parseTlogProof(Uint8Array.of(0xff))).toThrow(coded('tlog_proof_malformed'));
    expect(() => parseTlogProof('a'.repeat(2_000_001))).toThrow(coded('tlog_proof_malformed'));
  });

  it('throws nothing but AppError, whatever is read', () => {
    const good = formatTlogProof(proofOf(1, 2));
    const pieces = good.split('\n').map((line) => `${line}\n`);
    const piece = fc.oneof(
      fc.constantFrom(...pieces),
      fc.constantFrom('\n', 'index 1', 'extra '),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        fc.pre(text !== good);
        try {
          parseTlogProof(text);
        } catch (error) {
          expect(error).toEqual(anyAppError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is not written with an impossible index, hash or checkpoint', () => {
    const proof = proofOf(1, 2);
    expect(() => formatTlogProof({ ...proof, index: -1 })).toThrow(coded('tlog_proof_invalid'));
    expect(() => formatTlogProof({ ...proof, hashes: [new Uint8Array(5)] })).toThrow(coded('tlog_proof_invalid'));
    expect(() => formatTlogProof({ ...proof, checkpoint: 'hello' })).toThrow(coded('note_malformed'));
  });
});
