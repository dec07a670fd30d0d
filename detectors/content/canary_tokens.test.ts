import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../tools/canonical_digest.ts';
import { addAddresses, addTokens, shortDigest } from './canary_tokens.ts';
import { scanWords } from './scan_words.ts';

const digestOf = (value: string) => shortDigest(sha256Hex(value));
const tokensOf = (text: string, common = false, tokens_max = 16) => {
  const digests = new Set<string>();
  addTokens(text, scanWords(text).randoms, digests, tokens_max, common);
  return digests;
};

describe('tokens', () => {
  it.each([
    ['alone', 'svc-k7Qm2Xw9-Lp4Tz8Rd', 'svc-k7Qm2Xw9-Lp4Tz8Rd'],
    ['in a sentence', 'The key is AKIA1234567890ABCDEF.', 'AKIA1234567890ABCDEF'],
    ['behind an equals sign', 'KEY=AKIA1234567890ABCDEF\n', 'AKIA1234567890ABCDEF'],
    ['in a web address', 'https://x.test/v1/AKIA1234567890ABCDEF?a=b', 'AKIA1234567890ABCDEF'],
    ['in JSON', '{"k":"AKIA1234567890ABCDEF"}', 'AKIA1234567890ABCDEF'],
  ])('are found %s', (_where, text, token) => {
    expect(tokensOf(text)).toContain(digestOf(token));
  });

  it('are no words, numbers or short ones', () => {
    expect(tokensOf('internationalisation 1234567890123456 k7Qm2Xw9 state-of-the-art-methods').size).toBe(0);
  });

  it('are identifiers and digests only when asked for', () => {
    const uuid = '7f3c2a9e-1b4d-4c8e-9f20-5a6b7c8d9e0f';
    expect(tokensOf(`id ${uuid}`).size).toBe(0);
    expect(tokensOf(`id ${uuid}`, true)).toContain(digestOf(uuid));
  });

  it('are bounded in number', () => {
    const text = Array.from({ length: 100 }, (_, at) => `token${at}AKIA1234567890`).join(' ');
    expect(tokensOf(text, false, 16).size).toBe(16);
  });
});

it('addresses are found whole', () => {
  const digests = new Set<string>();
  addAddresses('write to <planted.person@example.com>, please', digests, 16);
  expect([...digests]).toEqual([digestOf('planted.person@example.com')]);
});
