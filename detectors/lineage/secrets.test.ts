import { describe, expect, it } from 'vitest';
import { decodings } from './decode.ts';
import { extractSecrets, maskSecret } from './secrets.ts';

const RANDOM = 'q7Xw2Lr9Tz4Kd8Vn3Bm6Yc1Hs5Jf0Gp8Aq2E';
const kindsOf = (text: string, key?: string) => extractSecrets(text, key).map((secret) => secret.kind);

describe('extractSecrets', () => {
  it.each([
    [`-----BEGIN RSA ${'PRIVATE'} KEY-----\n${RANDOM}\n${RANDOM}\n-----END`, 'private key'],
    [`key ${'AKIA'}Z7Q2M4X9P1L8K3T6.`, 'AWS access key'],
    [`ghp_${RANDOM}`, 'GitHub token'],
    [`${'xox'}b-1234567890-${RANDOM}`, 'Slack token'],
    [`sk_${'live'}_${RANDOM}`, 'Stripe key'],
    [`${'AI'}za${RANDOM.slice(0, 35)}`, 'Google API key'],
    [`sk-proj-${RANDOM}`, 'API key'],
    [`eyJhbGciOiJI.${RANDOM}.${RANDOM}`, 'JWT'],
    [`Authorization: Bearer ${RANDOM}`, 'bearer token'],
    ['postgres://app:Teal-Otter-4417@db.example.com/x', 'connection password'],
    ['The password is Teal-Otter-4417.', 'password'],
    [`api_key=${RANDOM}`, 'credential'],
  ])('finds the secret in %s', (text, kind) => {
    expect(kindsOf(text)).toContain(kind);
  });

  it('finds one by the name of its field', () => {
    expect(kindsOf('Teal-Otter-4417', 'password')).toEqual(['password']);
  });

  it.each([
    'password: string',
    'password: ********',
    'API_KEY=your_api_key_here_1',
    'token: required',
    `next_page_token=${RANDOM}`,
    'The key is under the mat',
    'token count: 123456789012',
    'secret = process.env.SECRET_1',
  ])('finds none in %s', (text) => {
    expect(kindsOf(text)).toEqual([]);
  });

  it('shows only the kind, the length and four digits of the digest', () => {
    expect(maskSecret({ kind: 'password', value: 'Teal-Otter-4417' })).toMatch(
      /^password \(15 characters, [0-9a-f]{4}\)$/,
    );
  });
});

describe('decodings', () => {
  const holds = (text: string) => decodings(text).find((each) => each.text.includes('Teal-Otter-4417'))?.encodings;
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const hex = (text: string) => Buffer.from(text).toString('hex');
  it.each([
    ['Teal-Otter-4417', []],
    [base64('is Teal-Otter-4417!'), ['base64']],
    [`https://x.test/p/q/${base64('Teal-Otter-4417')}.png`, ['base64']],
    [hex('Teal-Otter-4417'), ['hex']],
    [encodeURIComponent('Teal-Otter-4417').replaceAll('-', '%2D'), ['url']],
    [base64(hex('Teal-Otter-4417')), ['base64', 'hex']],
  ])('reads %s', (text, encodings) => {
    expect(holds(text)).toEqual(encodings);
  });
});
