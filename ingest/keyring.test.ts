import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openKeyring, readPseudonyms, readVkey, signedHeadPath } from './keyring.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tracewarden-keys-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('makes its keys on first use, readable by their owner alone, and finds them again', () => {
  const first = openKeyring(folder);
  for (const name of ['log.skey', 'pseudonym.key']) {
    expect(statSync(join(folder, 'keys', name)).mode & 0o777).toBe(0o600);
  }
  expect(openKeyring(folder)).toMatchObject({ origin: first.origin, vkey: first.vkey });
  expect(readVkey(folder)).toBe(first.vkey);
});

it('names a new log as it is told and refuses another name later', () => {
  expect(openKeyring(folder, 'example.com/agents').origin).toBe('example.com/agents');
  expect(() => openKeyring(folder, 'example.com/other')).toThrow(expect.objectContaining({ code: 'origin_mismatch' }));
});

it('makes no second key for a log whose key is gone', () => {
  const { vkey } = openKeyring(folder);
  mkdirSync(dirname(signedHeadPath(folder)), { recursive: true });
  writeFileSync(signedHeadPath(folder), '{}');
  rmSync(join(folder, 'keys', 'log.skey'));
  expect(() => openKeyring(folder)).toThrow(expect.objectContaining({ code: 'signing_key_missing' }));
  expect(readFileSync(join(folder, 'keys', 'log.vkey'), 'utf8').trim()).toBe(vkey);
});

it('reads pseudonyms where their key is, and says so where it is not', () => {
  expect(readPseudonyms(folder)).toBeUndefined();
  const { pseudonyms } = openKeyring(folder);
  expect(readPseudonyms(folder)?.of('user', 't', 'u')).toBe(pseudonyms.of('user', 't', 'u'));
});
