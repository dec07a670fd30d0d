import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import { startTestService, type TestService } from './support/http_service.ts';

let test: TestService;
const MOST = 5;
const REQUESTS = 20;

beforeAll(async () => {
  test = await startTestService({ limits: { failures_per_minute_max: MOST, requests_per_minute_max: REQUESTS } });
});
afterAll(() => test.close());

const ask = async (key: string, path = '/v1/sessions', headers = {}) => {
  const { status, text, headers: answered } = await test.ask('GET', path, { key, headers });
  return { status, code: (JSON.parse(text) as { code?: string }).code, wait: Number(answered.get('retry-after')) };
};

describe('a key', () => {
  it('may ask so many times a minute, and is told when to come back; others go on', async () => {
    const [busy, calm] = [await test.key('viewer'), await test.key('viewer')];
    for (let i = 0; i < REQUESTS; i++) expect((await ask(busy)).status).toBe(200);
    const refused = await ask(busy);
    expect(refused).toMatchObject({ status: 429, code: 'rate_limited' });
    expect(refused.wait).toBeGreaterThan(0);
    expect(refused.wait).toBeLessThanOrEqual(60);
    expect((await ask(calm)).status).toBe(200);
  });

  it('of a gateway may ask on and on what gateways ask', async () => {
    const gateway = await test.key('gateway');
    for (let i = 0; i <= REQUESTS; i++) expect((await ask(gateway, '/v1/enforcement')).status).toBe(200);
  });
});

describe('guessing', () => {
  it('of one key ends after a few attempts from an address, even with the right secret, and holds nobody else back', async () => {
    const [known, other] = [await test.key('viewer'), await test.key('viewer')];
    const wrong = `${known.slice(0, -2)}${known.endsWith('AA') ? 'BB' : 'AA'}`;
    for (let i = 0; i < MOST; i++) expect((await ask(wrong)).status).toBe(401);
    expect(await ask(wrong)).toMatchObject({ status: 429, code: 'too_many_attempts' });
    expect(await ask(known)).toMatchObject({ status: 429, code: 'too_many_attempts' });
    expect((await ask(other)).status).toBe(200);
  });

  it('of anything else ends too: of other keys and of login codes, whatever the request says of itself', async () => {
    expect(await ask(`tw_AAAAAAAAAAAA_${'A'.repeat(43)}`)).toMatchObject({ status: 429, code: 'too_many_attempts' });
    const spoofed = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' };
    expect(await ask('a guess', '/v1/sessions', spoofed)).toMatchObject({ status: 429 });
    expect((await test.ask('GET', '/login?code=guess')).status).toBe(429);
    expect((await ask(await test.key('viewer'))).status).toBe(200);
  });

  it('is not what a tab does that was left open: it is told to log in again, however often it asks', async () => {
    const tab = { headers: { cookie: 'tracewarden_session=of-yesterday' } };
    for (let i = 0; i < 2 * MOST; i++) expect((await test.ask('GET', '/v1/sessions', tab)).status).toBe(401);
  });
});

describe('the limits of a service', () => {
  it('let people and programs work', () => {
    expect(LIMITS.requests_per_minute_max).toBeGreaterThanOrEqual(6_000);
    expect(LIMITS.failures_per_minute_max).toBeLessThanOrEqual(100);
  });
});
