import { describe, expect, it } from 'vitest';
import { cpuRatio } from '../../test/cpu_ratio.ts';
import { extractSecrets } from '../lineage/secrets.ts';
import { scanWords } from './scan_words.ts';
import { secretsNear } from './secret_places.ts';

const near = (text: string, name = '') => secretsNear(text, scanWords(text), name).map(({ value }) => value);
const everywhere = (text: string) => extractSecrets(text).map(({ value }) => value);

// Made up, and put together here so that no scanner takes them for real ones.
const TOKEN = `ghp_${'m2Vq8Kd5Rt1Zx7Ln4Bw9'}${'Hy3Jc6Gf0Ps8Ta2E'}`;
const KEY = `AKIA${'Q4T7M1X8P2L9K6W3'}`;
const FAR = 'The weather is fine today. '.repeat(100);

describe('finds what a search of the whole text finds', () => {
  it.each([
    ['a token by its shape', `x ${TOKEN} y`],
    ['a token behind an equals sign', `A=1\nTOKEN=${TOKEN}\n`],
    ['a key far inside', `${FAR}${KEY} ${FAR}`],
    ['a password by its name', `host: db\npassword: Amber-Heron-2290\n`],
    ['an api key by its name', '{"api_key": "n8Kq2vX7tR4mZ1pW"}'],
    ['a connection string', 'postgres://job:Amber-Heron-2290@db.example.com/main'],
    ['a token with a dot in its name', `ya29.${'a0AfH6SMBx7Qk2Lm9Rt4Vw8Zy3Nc5Pd1'}`],
    ['a private key', `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEpAIBAAKCAQEA7Zk3'.repeat(30)}\n-----END`],
    ['several, near and far', `${TOKEN} ${KEY} ${FAR}password=Amber-Heron-2290 ${FAR}${FAR}secret: n8Kq2vX7tR4mZ1pW`],
  ])('%s', (_what, text) => {
    expect(everywhere(text).length).toBeGreaterThan(0);
    expect(near(text).sort()).toEqual(everywhere(text).sort());
  });
});

it('knows a secret by the name of its field', () => {
  expect(near('Amber-Heron-2290', 'password')).toEqual(['Amber-Heron-2290']);
});

it('finds nothing in ordinary text', () => {
  expect(near(`${FAR} the key to success, order 7f3c2a9e1b4d4c8e9f20, ann@example.com https://example.com`)).toEqual(
    [],
  );
});

it.each(['password ', `${KEY} `, '://a@', 'secret: ', 'api key=a1'])('takes time linear in a text of %j', (unit) => {
  expect(cpuRatio((chars) => near(unit.repeat(chars / unit.length)), 32_768)).toBeLessThan(28);
});
