import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../api/app.ts';
import { openIdentityProvider } from '../api/auth/identity_provider.ts';
import { type Listening, listen } from '../cli/listen.ts';
import { loadConfig } from '../core/config.ts';
import type { OidcSettings } from '../core/oidc_settings.ts';
import { NO_BROWSER, startBrowser } from './support/browser.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { AUDIENCE, CLIENT_ID, startProvider, type TestProvider } from './support/identity_provider.ts';

let test: TestService;
let provider: TestProvider;
let service: Listening;
let clock_ms = 0;
const ROLES = { reader: ['soc-readers'], hunter: ['x', 'soc-analysts', 'soc-readers'], cook: ['cooks'] };
const TENANTS = { reader: 'acme', hunter: 'acme', cook: 'acme' };
const now = () => Date.now() + clock_ms;

beforeAll(async () => {
  test = await startTestService({ limits: { failures_per_minute_max: 1_000 } });
  const port = await freePort();
  const redirect_url = `http://127.0.0.1:${port}/login/callback`;
  provider = await startProvider(redirect_url, ROLES, TENANTS);
  const identity = openIdentityProvider(settings({ redirect_url }), now);
  service = await listen(createApi({ ...test.service.context, identity }).app, '127.0.0.1', port);
});

afterAll(async () => {
  await service?.close();
  await provider?.close();
  await test?.close();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function settings(more: Record<string, unknown> = {}): OidcSettings {
  const oidc = {
    issuer: provider.issuer,
    audience: AUDIENCE,
    roles: [
      { value: 'soc-analysts', role: 'analyst' },
      { value: 'soc-readers', role: 'viewer' },
    ],
    tenant_claim: 'org',
    client_id: CLIENT_ID,
    client_secret: provider.client_secret,
    ...more,
  };
  return loadConfig({ oidc }, {}).oidc as OidcSettings;
}

const ask = async (token: string, path = '/v1/sessions', url = service.url) => {
  const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, text: await answer.text() };
};
const claims = (more: Record<string, unknown> = {}): JWTPayload => ({
  iss: provider.issuer,
  aud: AUDIENCE,
  sub: 'hunter',
  iat: Math.floor(now() / 1_000),
  exp: Math.floor(now() / 1_000) + 300,
  roles: ['soc-analysts'],
  org: 'acme',
  ...more,
});

describe('a token that the provider made', () => {
  it('gives the role of the first entry that its claim holds, in the tenant that it names', async () => {
    const hunter = await provider.token('hunter');
    expect((await ask(hunter)).status).toBe(200);
    expect((await ask(hunter, '/v1/rejected')).status).toBe(200);
    expect((await ask(hunter, '/v1/sessions?tenant=bravo')).text).toContain('tenant_forbidden');
    const reader = await provider.token('reader');
    expect((await ask(reader)).status).toBe(200);
    expect((await ask(reader, '/v1/rejected')).text).toContain('the role viewer does not include');
  });

  it('opens nothing where no entry gives a role to what it holds', async () => {
    const answer = await ask(await provider.token('cook'));
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('no role is given')]);
  });
});

describe('a token', () => {
  it('of the right form and signature is taken: what the refusals below differ from', async () => {
    expect((await ask(await provider.sign(claims()))).status).toBe(200);
    expect((await ask(await provider.sign(claims({ aud: ['other', AUDIENCE] })))).status).toBe(200);
  });

  it.each<[string, () => JWTPayload]>([
    ['of another issuer', () => claims({ iss: 'https://elsewhere.example' })],
    ['for another audience', () => claims({ aud: 'https://elsewhere.example' })],
    ['made for the login', () => claims({ aud: CLIENT_ID })],
    ['that has expired', () => claims({ exp: Math.floor(now() / 1_000) - 60 })],
    ['that never expires', () => claims({ exp: undefined })],
    ['that is not good yet', () => claims({ nbf: Math.floor(now() / 1_000) + 120 })],
    ['without a subject', () => claims({ sub: undefined })],
    ['with a subject that ends a line', () => claims({ sub: 'a\nb' })],
    ['with a subject that is too long', () => claims({ sub: 'a'.repeat(256) })],
  ])('%s is nobody', async (_, of) => {
    const answer = await ask(await provider.sign(of()));
    expect([answer.status, answer.text]).toEqual([401, expect.stringContaining('unauthenticated')]);
  });

  it.each<[string, JWTPayload, string]>([
    ['no role', { roles: [] }, 'no role is given'],
    ['a role that looks like one of ours', { roles: ['admin'] }, 'no role is given'],
    ['roles inside of something', { roles: { 'soc-analysts': true } }, 'no role is given'],
    ['all tenants', { org: '*' }, 'names no tenant'],
    ['no tenant', { org: undefined }, 'names no tenant'],
    ['two tenants', { org: ['acme', 'bravo'] }, 'names no tenant'],
    ['a tenant with a line end', { org: 'acme\n' }, 'names no tenant'],
    ['a huge tenant', { org: 'a'.repeat(2_000) }, 'names no tenant'],
  ])('that names %s opens nothing', async (_, more, why) => {
    const answer = await ask(await provider.sign(claims(more)));
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining(why)]);
  });

  it('that somebody else signed, or nobody, or with the public key as a secret, is nobody', async () => {
    const other = (await generateKeyPair('ES256')).privateKey;
    const good = await provider.sign(claims());
    const [header, payload, signature] = good.split('.') as [string, string, string];
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const jwks = (await (await fetch(`${provider.issuer}/jwks`)).json()) as { keys: unknown[] };
    const hs = `${encode({ alg: 'HS256', kid: 'es' })}.${payload}`;
    const forged = [
      await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', kid: 'es' }).sign(other),
      await new SignJWT(claims())
        .setProtectedHeader({
          alg: 'ES256',
          jwk: await exportJWK((await generateKeyPair('ES256', { extractable: true })).publicKey),
        })
        .sign(other),
      `${encode({ alg: 'none' })}.${payload}.`,
      `${encode({ alg: 'none' })}.${payload}.x`,
      `${hs}.${createHmac('sha256', JSON.stringify(jwks.keys[0])).update(hs).digest('base64url')}`,
      `${header}.${encode(claims({ org: 'bravo' }))}.${signature}`,
      `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
      `${header}.${payload}`,
      `${good}.x`,
      `${header}.e30.${signature}`,
      `x.${payload}.${signature}`,
    ];
    for (const token of forged) expect([token, (await ask(token)).status]).toEqual([token, 401]);
    expect((await ask(`${'a'.repeat(9_000)}.b.c`)).status).toBe(401);
  });

  it('is answered with "come back" while the provider is away, and keys of ours go on working', async () => {
    const identity = openIdentityProvider(settings({ client_id: undefined }), now);
    const other = await test.also({ identity });
    const token = await provider.sign(claims());
    await provider.pause();
    const key = await test.key('viewer', 'acme');
    for (let i = 0; i < 2; i++) {
      const answer = await ask(token, '/v1/sessions', other.url);
      expect([answer.status, answer.text]).toEqual([503, expect.stringContaining('provider_unavailable')]);
    }
    expect((await ask(key, '/v1/sessions', other.url)).status).toBe(200);
    // Who met the provider before holds its keys.
    expect((await ask(token)).status).toBe(200);
    await provider.resume();
    expect((await ask(token, '/v1/sessions', other.url)).status).toBe(503);
    clock_ms += 5_001;
    expect((await ask(token, '/v1/sessions', other.url)).status).toBe(200);
    clock_ms = 0;
  });
});

describe('settings of single sign-on', () => {
  it.each<[Record<string, unknown>, RegExp]>([
    [{ issuer: 'http://login.example.com' }, /issuer.*https/],
    [{ issuer: 'https://user@login.example.com' }, /issuer.*https/],
    [{ audience: CLIENT_ID }, /audience.*client_id/],
    [{ algorithms: ['HS256'] }, /algorithms/],
    [{ algorithms: ['none'] }, /algorithms/],
    [{ algorithms: [] }, /algorithms/],
    [{ roles: [] }, /roles/],
    [{ roles: [{ value: 'x', role: 'root' }] }, /roles/],
    [{ tenant: 'acme' }, /tenant.*one of the two/],
    [{ tenant_claim: undefined }, /tenant.*one of the two/],
    [{ client_id: undefined }, /redirect_url/],
    [{ redirect_url: undefined }, /redirect_url/],
    [{ redirect_url: 'https://tracewarden.example.com/elsewhere' }, /redirect_url/],
    [{ secret: 'x' }, /oidc/],
  ])('%j are refused', (more, message) => {
    expect(() => settings({ redirect_url: 'https://tracewarden.example.com/login/callback', ...more })).toThrow(
      message,
    );
  });
});

describe('the way back from the provider', () => {
  const open = (path: string, cookie = '') =>
    fetch(`${service.url}${path}`, { redirect: 'manual', headers: { cookie } });

  it('is closed to a browser that did not begin the login, and to one with another state', async () => {
    expect((await open('/login/callback?code=x&state=y')).status).toBe(403);
    const begun = await open('/login/oidc');
    expect(begun.status).toBe(303);
    const cookie = begun.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^tracewarden_attempt=[\w.-]+; Max-Age=600; Path=\/login; HttpOnly; SameSite=Lax$/);
    const sent = new URL(begun.headers.get('location') ?? '');
    expect(Object.fromEntries(sent.searchParams)).toMatchObject({
      client_id: CLIENT_ID,
      response_type: 'code',
      code_challenge_method: 'S256',
    });
    const [mine = ''] = cookie.split(';');
    for (const path of [
      '/login/callback?code=x&state=y',
      `/login/callback?code=x&state=${sent.searchParams.get('state')}`,
      `/login/callback?error=access_denied&state=${sent.searchParams.get('state')}`,
    ]) {
      const answer = await open(path, mine);
      expect([path, answer.status]).toEqual([path, 403]);
      expect(answer.headers.get('set-cookie') ?? '').not.toContain('tracewarden_session');
    }
    expect((await open(`/login/callback?code=x&state=${sent.searchParams.get('state')}`, `${mine}x`)).status).toBe(403);
  });

  it('is no way where there is no single sign-on', async () => {
    for (const path of ['/login/oidc', '/login/callback?code=x']) {
      expect((await fetch(`${test.url}${path}`, { redirect: 'manual' })).status).toBe(404);
    }
  });
});

describe.skipIf(NO_BROWSER !== undefined)('a person with a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  /** The provider's own pages: who one is, and whether the program may know it. */
  async function logIn(page: Page, name: string): Promise<void> {
    await page.goto(`${service.url}/`);
    await page.getByRole('link', { name: 'Log in with single sign-on' }).click();
    await page.fill('input[name=login]', name);
    await page.fill('input[name=password]', 'any');
    await page.click('button[type=submit]');
    await page.click('button[type=submit]');
  }

  it('comes in through the provider, which is another site, with the role and the tenant of the claims', async () => {
    const page = await browser.newPage();
    await logIn(page, 'hunter');
    await page.waitForURL(`${service.url}/**`);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    const cookies = await page.context().cookies(service.url);
    expect(cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }))).toEqual([
      { name: 'tracewarden_session', httpOnly: true, sameSite: 'Strict' },
    ]);
    expect(await page.evaluate(async () => (await fetch('/v1/rejected')).status)).toBe(200);
    expect(await page.evaluate(async () => (await fetch('/v1/keys')).status)).toBe(403);
    expect(await page.evaluate(async () => (await fetch('/v1/sessions?tenant=bravo')).status)).toBe(403);
    await page.context().close();
  });

  it('whose claims give no role is told so, and is not logged in', async () => {
    const page = await browser.newPage();
    await logIn(page, 'cook');
    await page.getByText('no role is given to what the claim roles holds').waitFor();
    expect(await page.evaluate(async () => (await fetch('/v1/sessions')).status)).toBe(401);
    await page.context().close();
  });
});
