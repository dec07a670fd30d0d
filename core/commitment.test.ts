import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { commit, commitField, fieldSalt } from './commitment.ts';

/** The formula as written, on Node's own HMAC. */
function oracle(salt: Buffer, path: string, content: Buffer): string {
  const p = Buffer.from(path);
  const lengths = Buffer.alloc(10);
  lengths.writeUInt16BE(p.length, 0);
  lengths.writeBigUInt64BE(BigInt(content.length), 2);
  const field = createHmac('sha256', salt).update('prov/salt/v1\0').update(p).digest();
  return createHmac('sha256', field)
    .update('prov/commit/v1\0')
    .update(lengths.subarray(0, 2))
    .update(p)
    .update(lengths.subarray(2))
    .update(content)
    .digest('base64');
}

it('equals the formula computed with the platform HMAC for any path and text', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ unit: 'binary', maxLength: 300 }), (path, text) => {
      const salt = randomBytes(32);
      expect(commitField(salt, path, text)).toBe(oracle(salt, path, Buffer.from(text)));
      expect(commitField(salt, path, Buffer.from(text))).toBe(oracle(salt, path, Buffer.from(text)));
    }),
  );
});

it('grows for content larger than its buffer', () => {
  const salt = randomBytes(32);
  const content = 'é'.repeat(500_000);
  expect(commitField(salt, 'content', content)).toBe(oracle(salt, 'content', Buffer.from(content)));
  expect(commitField(salt, 'content', 'x')).toBe(oracle(salt, 'content', Buffer.from('x')));
});

it('differs when the path differs, so that one field cannot pass for another', () => {
  const salt = randomBytes(32);
  expect(commitField(salt, 'params', 'x')).not.toBe(commitField(salt, 'content', 'x'));
});

it('tells an empty field from an absent one by being a commitment at all', () => {
  expect(commit(randomBytes(32), 'content', '')).toHaveLength(32);
});

it('refuses a salt that is not 32 bytes long', () => {
  expect(() => fieldSalt(randomBytes(16), 'x')).toThrow('32 bytes');
  expect(() => commit(randomBytes(33), 'x', '')).toThrow('32 bytes');
});
