import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { createPseudonymizer } from './pseudonym.ts';

const key = Buffer.alloc(32, 7);

it('is the first 16 bytes of HMAC-SHA256 over kind, tenant and name, in base64url', () => {
  const expected = createHmac('sha256', key).update('user\0default\0ana@example.com').digest().subarray(0, 16);
  expect(createPseudonymizer(key).of('user', 'default', 'ana@example.com')).toBe(expected.toString('base64url'));
});

it('gives the same name the same pseudonym, and another one in another tenant, kind or log', () => {
  const made = createPseudonymizer(key);
  const name = made.of('user', 'a', 'x');
  expect(made.of('user', 'a', 'x')).toBe(name);
  expect(made.of('user', 'b', 'x')).not.toBe(name);
  expect(made.of('session', 'a', 'x')).not.toBe(name);
  expect(createPseudonymizer(Buffer.alloc(32, 8)).of('user', 'a', 'x')).not.toBe(name);
});

it('stays the same when its cache has overflowed', () => {
  const made = createPseudonymizer(key);
  const first = made.of('user', 'a', '0');
  for (let i = 0; i < 70_000; i++) made.of('user', 'a', String(i));
  expect(made.of('user', 'a', '0')).toBe(first);
});

it('refuses a key that is not 32 bytes long', () => {
  expect(() => createPseudonymizer(Buffer.alloc(16))).toThrow('32 bytes');
});
