import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex, concatBytes } from './bytes.ts';
import { nobleVerify } from './ed25519_noble.ts';
import { ed25519FromSeed, nodeVerify } from './ed25519_node.ts';
import { checkPublicKey } from './key_check.ts';

const coded = (code: string) => expect.objectContaining({ name: 'AppError', code });
const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const BOTH = [
  ['node', nodeVerify],
  ['noble', nobleVerify],
] as const;

/** RFC 8032 section 7.1, TEST 1 to 3: seed, public key, message, signature. */
const RFC8032 = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
].map((row) => row.map(hex)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array][];

describe('Ed25519', () => {
  it('derives the public keys and signatures of RFC 8032, and both verifiers accept them', () => {
    for (const [seed, public_key, message, signature] of RFC8032) {
      const keys = ed25519FromSeed(seed);
      expect(bytesToHex(keys.public_key)).toBe(bytesToHex(public_key));
      expect(bytesToHex(keys.sign(message))).toBe(bytesToHex(signature));
      for (const [name, verify] of BOTH) expect(verify(public_key, message, signature), name).toBe(true);
      checkPublicKey(public_key);
    }
  });

  it('both verifiers refuse a flipped bit of the signature, the message or the key', () => {
    const keys = ed25519FromSeed(new Uint8Array(32).fill(7));
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.nat(),
        fc.constantFrom(0, 1, 2),
        (message, any, part) => {
          const parts = [keys.sign(message), message, keys.public_key].map((bytes) => new Uint8Array(bytes));
          const target = parts[part] ?? new Uint8Array();
          const bit = any % (target.length * 8);
          target[bit >> 3] = (target[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          const [signature, text, key] = parts as [Uint8Array, Uint8Array, Uint8Array];
          for (const [name, verify] of BOTH) expect(verify(key, text, signature), name).toBe(false);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('both verifiers refuse arbitrary bytes of any length without an error', () => {
    const bytes = fc.uint8Array({ maxLength: 70 });
    fc.assert(
      fc.property(
        bytes,
        bytes,
        fc.oneof(bytes, fc.uint8Array({ minLength: 64, maxLength: 64 })),
        (key, message, signature) => {
          for (const [name, verify] of BOTH) expect(verify(key, message, signature), name).toBe(false);
        },
      ),
    );
  });

  it('both verifiers refuse a signature whose scalar is not reduced', () => {
    const [, key, message, signature] = RFC8032[1] ?? [];
    if (key === undefined || message === undefined || signature === undefined) throw new Error('no vector');
    const s = littleEndian(signature.slice(32)) + ed25519.Point.Fn.ORDER;
    const malleable = concatBytes(signature.slice(0, 32), toLittleEndian(s));
    for (const [name, verify] of BOTH) expect(verify(key, message, malleable), name).toBe(false);
  });

  it('takes a seed of 32 bytes only, and does not repeat it in the error', () => {
    expect(() => ed25519FromSeed(new Uint8Array(31))).toThrow(coded('seed_invalid'));
  });
});

const littleEndian = (bytes: Uint8Array) => BigInt(`0x${bytesToHex(bytes.toReversed())}`);
const toLittleEndian = (n: bigint) => hex(n.toString(16).padStart(64, '0')).reverse();

/** Encodings of points of order 1, 2, 4 and 8. */
const SMALL_ORDER = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
];
const TORSION = ed25519.Point.fromBytes(hex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'));

describe('checkPublicKey', () => {
  it('accepts the key of any seed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) =>
        checkPublicKey(ed25519FromSeed(seed).public_key),
      ),
      { numRuns: 30 },
    );
  });

  it('refuses points of small order', () => {
    for (const key of SMALL_ORDER) expect(() => checkPublicKey(hex(key)), key).toThrow(coded('public_key_unsafe'));
  });

  it('refuses points of mixed order', () => {
    const { public_key } = ed25519FromSeed(new Uint8Array(32).fill(1));
    let point = ed25519.Point.fromBytes(public_key);
    for (let i = 1; i < 8; i++) {
      point = point.add(TORSION);
      expect(() => checkPublicKey(point.toBytes()), `torsion ${i}`).toThrow(/mixed order/);
    }
    expect(bytesToHex(point.add(TORSION).toBytes())).toBe(bytesToHex(public_key));
  });

  it('refuses encodings that are not canonical, are no point, or have another length', () => {
    const bad = [
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // y = p + 1
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // y = p
      'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
      '0100000000000000000000000000000000000000000000000000000000000080', // x = 0 with a sign
      '0200000000000000000000000000000000000000000000000000000000000000', // not on the curve
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751',
      '',
    ];
    for (const key of bad) expect(() => checkPublicKey(hex(key)), key).toThrow(coded('public_key_unsafe'));
    for (const key of bad) expect(() => checkPublicKey(hex(key)), key).toThrow(/canonical encoding|must be 32/);
  });
});

it('the verifiers agree on signatures by the holder of a good key whose R is outside the prime-order group', () => {
  const seed = new Uint8Array(32).fill(9);
  const { public_key } = ed25519FromSeed(seed);
  const { scalar } = ed25519.utils.getExtendedPublicKey(seed);
  const { Point } = ed25519;
  const order = Point.Fn.ORDER;
  const message = new TextEncoder().encode('two verifiers, one answer');
  const r = 12345678901234567890n;
  for (const [R, valid] of [
    [Point.BASE.multiply(r), true],
    [Point.BASE.multiply(r).add(TORSION), false],
    [Point.BASE.multiply(r).add(TORSION.double()), false],
  ] as const) {
    const challenge = littleEndian(sha512(concatBytes(R.toBytes(), public_key, message))) % order;
    const s = (r + challenge * scalar) % order;
    const signature = concatBytes(R.toBytes(), toLittleEndian(s));
    for (const [name, verify] of BOTH) expect(verify(public_key, message, signature), name).toBe(valid);
    // Without our own check noble alone would accept all three.
    expect(ed25519.verify(signature, message, public_key, { zip215: false })).toBe(true);
  }
});
