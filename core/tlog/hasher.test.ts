import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from './bytes.ts';
import { isHash } from './hasher.ts';
import { nobleHasher } from './noble_hasher.ts';
import { nodeHasher } from './node_hasher.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

describe.each([
  ['node', nodeHasher],
  ['noble', nobleHasher],
])('the %s hasher', (_name, hasher) => {
  it('gives the published RFC 6962 answers', () => {
    expect(bytesToHex(hasher.empty())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(bytesToHex(hasher.leaf(utf8('')))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    expect(bytesToHex(hasher.leaf(utf8('L123456')))).toBe(
      '395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56',
    );
    expect(bytesToHex(hasher.node(utf8('N123'), utf8('N456')))).toBe(
      'aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb',
    );
  });

  it('gives a fresh array each time, so that no later call changes an earlier result', () => {
    const first = hasher.node(hasher.leaf(utf8('a')), hasher.leaf(utf8('b')));
    const kept = bytesToHex(first);
    hasher.node(hasher.leaf(utf8('c')), first);
    hasher.leaf(utf8('a longer leaf'));
    hasher.leaf(utf8(''));
    expect(bytesToHex(first)).toBe(kept);
    expect(isHash(first)).toBe(true);
  });
});

it('both hashers agree on every input', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), hash, hash, (data, left, right) => {
      expect(bytesToHex(nodeHasher.sha256(data))).toBe(bytesToHex(nobleHasher.sha256(data)));
      expect(bytesToHex(nodeHasher.leaf(data))).toBe(bytesToHex(nobleHasher.leaf(data)));
      expect(bytesToHex(nodeHasher.node(left, right))).toBe(bytesToHex(nobleHasher.node(left, right)));
      expect(bytesToHex(nodeHasher.node(data, right))).toBe(bytesToHex(nobleHasher.node(data, right)));
    }),
  );
});

it('both hashers agree on leaves around the size of the reused buffer', () => {
  for (const length of [65_534, 65_535, 65_536, 65_537, 200_000, 3]) {
    const data = new Uint8Array(length).fill(length % 251);
    expect(bytesToHex(nodeHasher.leaf(data)), String(length)).toBe(bytesToHex(nobleHasher.leaf(data)));
  }
});

it('takes only 32-byte arrays as a hash', () => {
  expect(isHash(new Uint8Array(32))).toBe(true);
  for (const bad of [new Uint8Array(31), new Uint8Array(33), 'x'.repeat(32), Array(32).fill(0), null, undefined]) {
    expect(isHash(bad)).toBe(false);
  }
});
