import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAccess } from '../api/auth/access.ts';
import { mayDo, PERMISSIONS } from '../api/auth/roles.ts';
import type { DeclaredRoute } from '../api/route.ts';
import { codeOf as errorCodeOf } from '../core/errors.ts';
import { ROLES, type Role } from '../core/role.ts';
import { readIfThere } from '../core/secret_file.ts';
import { exampleRecords } from '../detectors/example_events.ts';
import { loadDetectors } from '../detectors/load.ts';
import { type Answer, type Asked, startTestService, type TestService } from './support/http_service.ts';
import { rawEvent } from './support/raw_event.ts';
import { openSocket, readSocket } from './support/raw_http.ts';

/** Ids of what one tenant has; each holds the name of the tenant. */
interface Planted {
  kind: 'user';
  id: string;
  source: string;
  session_id: string;
  event_id: string;
  alert_id: string;
  incident_id: string;
  seq: number;
  rejected_seq: number;
  key_id: string;
  subscription_id: string;
}

let test: TestService;
let clock_ms = 0;
let acme: Planted;
let bravo: Planted;

beforeAll(async () => {
  // Walks over all routes with keys that do not work; what limits them has a test of its own.
  const limits = { failures_per_minute_max: 100_000, requests_per_minute_max: 100_000 };
  test = await startTestService({ now: () => Date.now() + clock_ms, limits });
  acme = await plant('acme');
  bravo = await plant('bravo');
});

afterAll(() => test.close());

async function plant(tenant: string): Promise<Planted> {
  const key = await test.key('gateway', tenant);
  const example = (await loadDetectors()).flatMap(({ examples }) => examples).find(({ fires }) => fires);
  const story = exampleRecords(`session-${tenant}`, example?.events ?? []).map((record) => ({
    ...record,
    event_id: `${tenant}-${record.event_id}`,
    user_id: `user-${tenant}`,
    agent: `agent-${tenant}`,
  }));
  const word = rawEvent({ event_id: `event-${tenant}`, session_id: `session-${tenant}`, content: `word${tenant}` });
  const listed = rawEvent({
    event_id: `listed-${tenant}`,
    session_id: `session-${tenant}`,
    type: 'tools.list',
    server: 'planted',
    tools: [{ name: 'planted', description: `of ${tenant}` }],
  });
  const { answer } = await test.send([...story, word, listed, { event_id: `rejected-${tenant}` }], { key });
  await test.service.settled();
  const { alerts } = await test.read<{ alerts: { alert_id: string }[] }>(`/v1/alerts?tenant=${tenant}`);
  const { detail } = await test.service.context.access.create(
    { name: `key-${tenant}`, role: 'viewer', tenant },
    'test',
  );
  return {
    source: 'claude-code',
    session_id: `session-${tenant}`,
    event_id: `event-${tenant}`,
    alert_id: alerts[0]?.alert_id ?? 'no alert was raised',
    incident_id: alerts[0]?.alert_id ?? 'no alert was raised',
    seq: answer.records[0]?.seq ?? -1,
    rejected_seq: answer.records.at(-1)?.seq ?? -1,
    key_id: detail.key_id,
    kind: 'user',
    id: `user-${tenant}`,
    subscription_id: await subscribed(tenant),
  };
}

/** A subscription of a tenant that nobody gets anything by. */
async function subscribed(tenant: string): Promise<string> {
  const { status, text } = await test.ask('POST', `/v1/subscriptions?tenant=${tenant}`, {
    key: await test.key('admin', '*'),
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      name: `subscription-${tenant}`,
      url: 'https://hooks.example.com/',
      severity_min: 'critical',
    }),
  });
  expect(status).toBe(201);
  return (JSON.parse(text) as { subscription: { subscription_id: string } }).subscription.subscription_id;
}

const QUERIES: Record<string, string> = {
  '/v1/log/consistency': '?old=1&new=2',
  '/v1/search': '?q=wordacme',
  '/v1/controls': '?framework=iso_27001',
  '/v1/controls/report': '?framework=iso_27001',
  '/v1/export': '?framework=iso_27001',
  '/v1/policies/suggestion': '?role=clerk',
  // Shortly after what the examples tell of.
  '/v1/risk/{kind}/{id}': '?at=2026-02-10T00:00:00Z',
  '/v1/tools/versions': '?server=planted&tool=planted',
};
const bodyOf = (route: DeclaredRoute, tenant: string): unknown => {
  if (route.path === '/v1/events') return rawEvent({ session_id: `session-${tenant}`, tenant });
  if (route.path === '/v1/alerts/{alert_id}/status') return { action: 'note', note: `seen on a walk of ${tenant}` };
  if (route.path === '/v1/enforcement') {
    return { action: 'release', target: { kind: 'session', id: `none-${tenant}` }, reason: 'a walk' };
  }
  if (route.path === '/v1/subscriptions') return { name: 'made by a walk', url: 'https://hooks.example.com/' };
  if (route.path.startsWith('/v1/subscriptions/')) return { action: 'rotate' };
  if (route.path === '/v1/deliveries/replay') return { subscription_id: 'sub-none' };
  if (route.path === '/v1/keys/{key_id}/rotation') return { overlap_seconds: 60 };
  if (route.path === '/v1/hooks/{source}') {
    return { hook_event_name: 'UserPromptSubmit', session_id: `session-${tenant}`, prompt: 'a walk' };
  }
  if (route.path === '/v1/policies/try') return { schema_version: 1, role: 'clerk', allow: [] };
  if (route.path === '/v1/rules/try') return { rule_id: 'none' };
  if (route.path === '/v1/keys') return { name: 'made by a walk', role: 'viewer', tenant };
  return {};
};

/** A request that every route can answer, about what a tenant has. */
function requestOf(route: DeclaredRoute, planted: Planted, tenant: string): { path: string; asked: Asked } {
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    // Nobody's key is revoked on a walk, and no subscription deleted.
    name === 'key_id' || (route.method === 'delete' && name === 'subscription_id')
      ? 'AAAAAAAAAAAA'
      : String(planted[name as keyof Planted]),
  );
  if (route.method === 'get') return { path: `${path}${QUERIES[route.path] ?? ''}`, asked: {} };
  const headers = { 'content-type': 'application/json' };
  const body = route.method === 'delete' ? {} : { body: JSON.stringify(bodyOf(route, tenant)) };
  return { path, asked: { headers, ...body } };
}

function walk(route: DeclaredRoute, asked: Asked, tenant = 'acme', query = ''): Promise<Answer> {
  const request = requestOf(route, tenant === 'acme' ? acme : bravo, tenant);
  const path = query === '' ? request.path : `${request.path}${request.path.includes('?') ? '&' : '?'}${query}`;
  const headers = { ...request.asked.headers, ...asked.headers };
  return test.ask(route.method.toUpperCase(), path, { ...request.asked, ...asked, headers });
}

const secured = () => test.service.api.declared.filter(({ permission }) => permission !== 'public');
const codeOf = ({ text }: Answer) => (JSON.parse(text) as { code?: string }).code;

/** The files of a folder in use: what the engine removes while we look is passed over. */
function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
    });
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

describe('the routes', () => {
  it('are all declared, and all in the OpenAPI document', async () => {
    const declared = test.service.api.declared.map(({ method, path }) => `${method} ${path}`).sort();
    expect(new Set(declared).size).toBe(declared.length);
    const { paths } = await test.read<{ paths: Record<string, object> }>('/v1/openapi.json');
    const documented = Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map((m) => `${m} ${path}`));
    expect(documented.sort()).toEqual(declared);
    const served = test.service.api.app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`);
    expect([...new Set(served)].sort()).toEqual(declared);
  });

  it('need a permission, but for the few that say nothing of anybody', () => {
    const open = test.service.api.declared.filter(({ permission }) => permission === 'public');
    const logins = ['/login', '/login/callback', '/login/oidc', '/logout'];
    const paths = ['/healthz', '/readyz', ...logins, '/static/{file}', '/v1/openapi.json', '/v1/schema/event.json'];
    expect(open.map(({ path }) => path).sort()).toEqual(paths.sort());
    for (const { permission } of secured()) expect(PERMISSIONS).toContain(permission);
  });

  it('answer 401 without a key, and the same with one that is wrong, expired or revoked', async () => {
    const good = await test.key('admin', 'acme');
    const revoked = await test.key('admin', 'acme');
    await test.service.context.access.revoke(revoked.slice(3, 15), 'test');
    const other_secret = `${good.slice(0, -2)}${good.endsWith('AA') ? 'BB' : 'AA'}`;
    const keys = [
      other_secret,
      `tw_AAAAAAAAAAAA_${good.slice(-43)}`,
      revoked,
      await test.key('admin', 'acme', 1),
      'tw_',
      'x'.repeat(200),
    ];
    for (const route of secured()) {
      const anonymous = await walk(route, {});
      expect([anonymous.status, codeOf(anonymous)]).toEqual([401, 'unauthenticated']);
      expect(anonymous.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(anonymous.headers.get('cache-control')).toBe('no-store');
      for (const key of keys) expect(await walk(route, { key })).toMatchObject({ status: 401, text: anonymous.text });
    }
    for (const headers of [
      { authorization: `Basic ${good}` },
      { authorization: good },
      { authorization: 'Bearer' },
      { cookie: `tracewarden_session=${good}` },
      { 'x-api-key': good },
    ]) {
      expect((await test.ask('GET', '/v1/sessions', { headers })).status).toBe(401);
    }
    expect((await test.ask('GET', `/v1/sessions?key=${good}`)).status).toBe(401);
    expect((await test.ask('GET', '/v1/sessions', { key: good })).status).toBe(200);
  });

  it.each(ROLES)('let the role %s do what the table grants it, and answer 403 to the rest', async (role) => {
    const key = await test.key(role, 'acme');
    for (const route of secured()) {
      const answer = await walk(route, { key });
      const granted = route.permission !== 'public' && mayDo(role, route.permission);
      if (granted) expect([route.path, [401, 403].includes(answer.status)]).toEqual([route.path, false]);
      else expect([route.path, answer.status, codeOf(answer)]).toEqual([route.path, 403, 'forbidden']);
    }
  });
});

describe('one tenant', () => {
  /** Places in Kafka are there with Kafka alone: test/kafka_service.test.ts asks for those of another tenant. */
  const PLACES = '/v1/receipts/{partition}/{offset}';
  const reading = () => secured().filter(({ method, path }) => method === 'get' && path !== PLACES);

  it('may not name another one, on any route and with any role', async () => {
    for (const role of ROLES) {
      const key = await test.key(role, 'acme');
      for (const route of secured()) {
        if (route.permission === 'public' || !mayDo(role, route.permission)) continue;
        for (const query of ['tenant=bravo', 'tenant=*', 'tenant=default']) {
          const answer = await walk(route, { key }, 'acme', query);
          expect([route.path, answer.status, codeOf(answer)]).toEqual([route.path, 403, 'tenant_forbidden']);
        }
      }
    }
  });

  it('sees its own of everything, and nothing of another one by any id', async () => {
    const key = await test.key('admin', 'acme');
    const all = await test.key('admin', '*');
    const shell = (await test.ask('GET', '/', { key })).text;
    for (const route of reading()) {
      const own = await walk(route, { key });
      expect([route.path, own.status]).toEqual([route.path, 200]);
      expect(own.text).not.toContain('bravo');
      // A kind is of everybody; every other parameter is the id of something.
      if (!/\{(?!kind\})/.test(route.path)) continue;
      expect([route.path, (await walk(route, { key: all }, 'bravo', 'tenant=bravo')).status]).toEqual([
        route.path,
        200,
      ]);
      const foreign = await walk(route, { key }, 'bravo');
      // The page that scripts fill is the same for everybody and every id.
      if (own.text === shell) expect(foreign.text).toBe(shell);
      else expect([route.path, foreign.status]).toEqual([route.path, 404]);
      expect(foreign.text).not.toContain('bravo');
    }
  });

  it('finds none of the words, users, sessions and rejected records of another one', async () => {
    const key = await test.key('auditor', 'acme');
    for (const path of [
      '/v1/search?q=wordbravo',
      '/v1/sessions?user=user-bravo',
      '/v1/sessions?agent=agent-bravo',
      '/v1/alerts?session=session-bravo',
      '/v1/alerts?user=user-bravo',
      '/v1/rejected',
      '/v1/sessions?limit=1000',
      '/v1/alerts?limit=1000',
    ]) {
      expect((await test.ask('GET', path, { key })).text).not.toContain('bravo');
    }
    expect((await test.ask('GET', '/v1/search?q=wordacme', { key })).text).toContain('event-acme');
  });

  it('is given receipts of its own records alone', async () => {
    const key = await test.key('ingest', 'acme');
    const rows = await test.service.store.rows<{ seq: number; tenant: string }>(
      'SELECT seq, toString(tenant) AS tenant FROM v_events ORDER BY seq',
    );
    expect(rows.length).toBeGreaterThan(20);
    for (const { seq, tenant } of rows) {
      const { status } = await test.ask('GET', `/v1/receipts/${seq}`, { key });
      expect([seq, status]).toEqual([seq, tenant === 'acme' ? 200 : 404]);
    }
  });

  it('cannot prove, or learn of, a session of another one by verifying it', async () => {
    const key = await test.key('auditor', 'acme');
    const headers = { 'content-type': 'application/json' };
    const verify = async (session: string) => {
      const { text } = await test.ask('POST', '/v1/verify', { key, headers, body: JSON.stringify({ session }) });
      return JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as { report: Record<string, unknown> };
    };
    expect((await verify('session-acme')).report).toMatchObject({ ok: true, session: { tenant: 'acme' } });
    const foreign = await verify('session-bravo');
    const unknown = await verify('session-bravissimo');
    expect(foreign.report).toMatchObject({ ok: false, session: { tenant: 'acme', events: 0 } });
    expect(foreign.report.findings).toEqual(unknown.report.findings);
  });

  it('deals with its own keys alone', async () => {
    const key = await test.key('admin', 'acme');
    const headers = { 'content-type': 'application/json' };
    const { keys } = await test.read<{ keys: { tenant: string }[] }>('/v1/keys', key);
    expect(new Set(keys.map(({ tenant }) => tenant))).toEqual(new Set(['acme']));
    for (const tenant of ['bravo', '*']) {
      const body = JSON.stringify({ name: 'x', role: 'viewer', tenant });
      expect(await test.ask('POST', '/v1/keys', { key, headers, body })).toMatchObject({ status: 403 });
    }
    expect((await test.ask('DELETE', `/v1/keys/${bravo.key_id}`, { key })).status).toBe(404);
    expect((await test.ask('DELETE', `/v1/keys/${acme.key_id}`, { key })).status).toBe(204);
  });

  it('sends for itself: an event that names another tenant is rejected', async () => {
    const key = await test.key('ingest', 'acme');
    const { answer } = await test.send(rawEvent({ tenant: 'bravo' }), { key });
    expect(answer.records[0]?.reason).toBe('tenant_mismatch');
  });

  it('must be a name that an event could have', async () => {
    const { admin_key } = test.service;
    for (const tenant of ['', '%00', '%1b%5b2J', 'x'.repeat(201)]) {
      const { status, answer } = await test.send(rawEvent(), { key: admin_key, query: `?tenant=${tenant}` });
      expect([status, answer.code]).toEqual([400, 'query_invalid']);
    }
  });
});

describe('a key for all tenants', () => {
  it('reads "default" unless it names another, and finds the records that came to have no tenant', async () => {
    const { answer } = await test.send('{"event_id":', { key: test.service.admin_key });
    const seq = answer.records[0]?.seq;
    expect(await test.read(`/v1/receipts/${seq}`)).toMatchObject({ seq, kind: 'rejected' });
    const { rejected } = await test.read<{ rejected: { seq: number }[] }>('/v1/rejected');
    expect(rejected[0]?.seq).toBe(seq);
    expect((await test.ask('GET', `/v1/sessions/session-bravo`, { key: test.service.admin_key })).status).toBe(404);
  });
});

describe('content', () => {
  it('is withheld from a role without content:read wherever an event is shown', async () => {
    const key = await test.key('viewer', 'acme');
    const analyst = await test.key('analyst', 'acme');
    const secret = 'contentsecret';
    const event = rawEvent({
      event_id: 'withheld',
      session_id: 'withheld',
      type: 'tool.call',
      tool: 'send',
      content: secret,
      params: { body: secret },
      note_of_ours: secret,
    });
    await test.send(event, { key: await test.key('ingest', 'acme') });
    for (const path of ['/v1/sessions/withheld', '/v1/events/withheld', '/v1/sessions']) {
      const shown = await test.ask('GET', path, { key });
      expect([shown.status, shown.text.includes(secret)]).toEqual([200, false]);
      if (path !== '/v1/sessions') {
        expect(shown.text).toContain('"content_state":"withheld"');
        expect((await test.ask('GET', path, { key: analyst })).text).toContain(secret);
      }
    }
    expect((await test.ask('GET', `/v1/search?q=${secret}`, { key })).status).toBe(403);
  });
});

describe('where a request comes from', () => {
  const ask = (headers: Record<string, string>, method = 'GET') =>
    test.service.api.app.request('http://localhost/v1/sessions', {
      method,
      headers: { authorization: `Bearer ${test.service.admin_key}`, ...headers },
    });

  it('decides: a host name that is not ours is refused before anything else', async () => {
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'xn--localhost', '']) {
      const answer = await ask({ host });
      expect([host, answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
        host,
        403,
        'host_forbidden',
      ]);
    }
    for (const host of ['localhost', 'LOCALHOST:80', '127.0.0.1:7733', '[::1]:7733']) {
      expect([host, (await ask({ host })).status]).toEqual([host, 200]);
    }
    const named = await test.also({ hosts: ['soc.example:443'] });
    const socket = await openSocket(named.url);
    socket.write('GET /healthz HTTP/1.1\r\nHost: soc.example\r\nConnection: close\r\n\r\n');
    expect(await readSocket(socket)).toMatch(/^HTTP\/1\.1 200 /);
    const rebound = await openSocket(test.url);
    rebound.write('GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
    expect(await readSocket(rebound)).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('decides: a page that is not ours is refused', async () => {
    for (const origin of ['http://evil.example', 'null', 'http://localhost:1', 'http://localhost.evil.example', '']) {
      expect([origin, (await ask({ host: 'localhost', origin })).status]).toEqual([origin, 403]);
    }
    expect((await ask({ host: 'localhost', origin: 'http://localhost' })).status).toBe(200);
  });

  it('decides: another site may not post, whatever it sends along', async () => {
    const post = { host: 'localhost', 'sec-fetch-site': 'cross-site' };
    expect((await ask(post, 'POST')).status).toBe(403);
    expect((await ask({ ...post, origin: 'http://localhost' }, 'DELETE')).status).toBe(403);
  });
});

describe('a browser', () => {
  const issue = (role: Role = 'admin') =>
    test.service.context.logins.issue({ key_id: 'console', name: 'console', role, tenant: 'acme' });
  const login = (code: string, method = 'GET') => test.ask(method, `/login?code=${code}`);
  const cookieOf = ({ headers }: Answer) => headers.get('set-cookie')?.split(';')[0] ?? '';
  const sessions = (cookie: string) => test.ask('GET', '/v1/sessions', { headers: { cookie } });

  it('logs in with a code once, and gets a cookie that no script and no other site can use', async () => {
    const code = issue();
    expect((await login(code, 'HEAD')).status).toBe(403);
    const answer = await login(code);
    expect(answer.status).toBe(303);
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^tracewarden_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect((await sessions(cookieOf(answer))).status).toBe(200);
    expect((await login(code)).status).toBe(403);
    expect((await login('wrong')).status).toBe(403);
  });

  it('has the rights of the role that the code was made for', async () => {
    const cookie = cookieOf(await login(issue('viewer')));
    expect((await sessions(cookie)).status).toBe(200);
    expect((await test.ask('GET', '/v1/keys', { headers: { cookie } })).status).toBe(403);
    expect((await test.ask('GET', '/v1/sessions?tenant=bravo', { headers: { cookie } })).status).toBe(403);
  });

  it('cannot use a code after ten minutes, nor a cookie after eight hours or after logging out', async () => {
    const code = issue();
    const cookie = cookieOf(await login(issue()));
    clock_ms += 600_001;
    expect((await login(code)).status).toBe(403);
    expect((await sessions(cookie)).status).toBe(200);
    clock_ms += 8 * 3_600_000;
    expect((await sessions(cookie)).status).toBe(401);
    clock_ms = 0;
    const other = cookieOf(await login(issue()));
    const logout = { headers: { cookie: other, origin: test.url } };
    expect((await test.ask('POST', '/logout', logout)).status).toBe(303);
    expect((await sessions(other)).status).toBe(401);
  });

  it('that another site drives can do nothing, with a cookie or without', async () => {
    const cookie = cookieOf(await login(issue()));
    const body = JSON.stringify({ name: 'x', role: 'admin', tenant: 'acme' });
    const json = { cookie, 'content-type': 'application/json' };
    const ask = (headers: Record<string, string>) => test.ask('POST', '/v1/keys', { headers, body });
    expect((await ask({ ...json, origin: 'http://evil.example' })).status).toBe(403);
    expect((await ask(json)).status).toBe(403);
    expect((await ask({ ...json, origin: test.url })).status).toBe(201);
    expect((await ask({ ...json, 'sec-fetch-site': 'same-origin' })).status).toBe(201);
    expect((await ask({ ...json, 'sec-fetch-site': 'same-site' })).status).toBe(403);
  });
});

describe('insecure_loopback', () => {
  it('is off unless it is asked for, and then speaks for loopback names alone', async () => {
    expect(test.service.context.insecure_loopback).toBe(false);
    const lax = await test.also({ insecure_loopback: true, hosts: ['soc.example'] });
    expect((await lax.ask('GET', '/v1/sessions')).status).toBe(200);
    expect((await lax.ask('GET', '/v1/sessions', { key: 'tw_wrong' })).status).toBe(401);
    expect((await lax.ask('GET', '/v1/sessions', { headers: { cookie: 'tracewarden_session=x' } })).status).toBe(401);
    const socket = await openSocket(lax.url);
    socket.write('GET /v1/sessions HTTP/1.1\r\nHost: soc.example\r\nConnection: close\r\n\r\n');
    expect(await readSocket(socket)).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe('keys', () => {
  const headers = { 'content-type': 'application/json' };
  const make = (body: unknown) =>
    test.ask('POST', '/v1/keys', { key: test.service.admin_key, headers, body: JSON.stringify(body) });

  const statusOf = async (key: string) => (await test.ask('GET', '/v1/sessions', { key })).status;

  it('rotate: the new one has the role and tenant of the old, which works on for as long as was said', async () => {
    const made = JSON.parse((await make({ name: 'rotates', role: 'viewer', tenant: 'acme' })).text) as {
      key: string;
      key_id: string;
    };
    const rotate = async (overlap_seconds?: number) => {
      const body = JSON.stringify(overlap_seconds === undefined ? {} : { overlap_seconds });
      const path = `/v1/keys/${made.key_id}/rotation`;
      const { status, text } = await test.ask('POST', path, { key: test.service.admin_key, headers, body });
      return {
        status,
        ...(JSON.parse(text) as { key: string; role: string; tenant: string; name: string; code?: string }),
      };
    };
    const next = await rotate(60);
    expect(next).toMatchObject({ status: 201, name: 'rotates', role: 'viewer', tenant: 'acme' });
    expect([await statusOf(made.key), await statusOf(next.key)]).toEqual([200, 200]);
    clock_ms += 59_000;
    expect(await statusOf(made.key)).toBe(200);
    clock_ms += 1_001;
    expect([await statusOf(made.key), await statusOf(next.key)]).toEqual([401, 200]);
    expect(await rotate(60)).toMatchObject({ status: 409, code: 'key_expired' });
    clock_ms = 0;
    expect(await rotate(-1)).toMatchObject({ status: 400 });
    expect(await rotate(31 * 86_400)).toMatchObject({ status: 400 });
    const last = await rotate(0);
    expect([await statusOf(made.key), await statusOf(last.key)]).toEqual([401, 200]);
  });

  it('rotate in the log: a later start knows which works and which does not', async () => {
    const { access } = test.service.context;
    const wanted = { name: 'kept', role: 'viewer', tenant: 'acme', expires_at_ms: Date.now() + 3_600_000 } as const;
    const old = await access.create(wanted, 'test');
    const next = await access.rotate(old.detail.key_id, Date.now(), 'test');
    expect(next.detail.expires_at_ms - next.detail.created_at_ms).toBe(
      old.detail.expires_at_ms - old.detail.created_at_ms,
    );
    const later = await openAccess(test.service.store, undefined, () => Date.now() + 1);
    expect([later.check(old.key), later.check(next.key)?.key_id]).toEqual([undefined, next.detail.key_id]);
  });

  it('are shown once, and lie in no file but the administrator’s own, which only its owner may read', async () => {
    const { status, text } = await make({ name: 'shown once', role: 'viewer', tenant: 'acme' });
    const { key, key_id } = JSON.parse(text) as { key: string; key_id: string };
    expect(status).toBe(201);
    expect(key).toMatch(new RegExp(`^tw_${key_id}_[\\w-]{43}$`));
    expect((await test.ask('GET', '/v1/keys', { key: test.service.admin_key })).text).not.toContain(key.slice(-43));
    const { data, service } = test;
    expect(statSync(join(data, 'admin.key')).mode & 0o777).toBe(0o600);
    for (const file of filesBelow(data)) {
      const bytes = readIfThere(file); // the engine's own temporary files come and go
      if (bytes === undefined) continue;
      expect([file, bytes.includes(key.slice(-43))]).toEqual([file, false]);
      expect([file, bytes.includes(service.admin_key.slice(-43))]).toEqual([file, basename(file) === 'admin.key']);
    }
    expect(JSON.stringify(test.notices)).not.toMatch(/tw_[\w-]{12}_/);
  });

  it('work at once, and no longer once they are revoked, which the log remembers', async () => {
    const { key, key_id } = JSON.parse((await make({ name: 'short', role: 'viewer', tenant: 'acme' })).text) as {
      key: string;
      key_id: string;
    };
    expect((await test.ask('GET', '/v1/sessions', { key })).status).toBe(200);
    const revoke = () => test.ask('DELETE', `/v1/keys/${key_id}`, { key: test.service.admin_key });
    expect((await revoke()).status).toBe(204);
    expect((await test.ask('GET', '/v1/sessions', { key })).status).toBe(401);
    expect((await revoke()).status).toBe(204);
    const rows = await test.service.store.rows<{ event_id: string }>(
      "SELECT event_id FROM v_events WHERE kind = 'action' AND event_id LIKE {like:String} ORDER BY seq",
      { like: `key-${key_id}-%` },
    );
    expect(rows.map(({ event_id }) => event_id)).toEqual([`key-${key_id}-created`, `key-${key_id}-revoked`]);
  });

  it('end when they are said to', async () => {
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    const { text } = await make({ name: 'an hour', role: 'viewer', tenant: 'acme', expires_at });
    const { key } = JSON.parse(text) as { key: string };
    expect((await test.ask('GET', '/v1/sessions', { key })).status).toBe(200);
    clock_ms += 3_600_001;
    expect((await test.ask('GET', '/v1/sessions', { key })).status).toBe(401);
    clock_ms = 0;
  });

  it('are not made of what cannot be one, and the fault is named', async () => {
    const good = { name: 'x', role: 'viewer', tenant: 'acme' };
    const refused: [unknown, string][] = [
      [{ ...good, role: 'root' }, 'role'],
      [{ ...good, name: '' }, 'name'],
      [{ ...good, name: '\u001b[2J' }, 'name'],
      [{ ...good, tenant: '\n' }, 'tenant'],
      [{ ...good, expires_at: 'tomorrow' }, 'expires_at'],
      [{ ...good, expires_at: '2001-01-01T00:00:00Z' }, 'expires_at'],
      [{ ...good, ['x'.repeat(100_000)]: 1 }, 'request'],
      [[], 'request'],
    ];
    for (const [body, named] of refused) {
      const { status, text } = await make(body);
      const { code, detail } = JSON.parse(text) as { code: string; detail: string };
      expect([status, code, detail.split(':')[0], detail.length < 400]).toEqual([400, 'query_invalid', named, true]);
    }
    const ask = (body: string, type = 'application/json') =>
      test.ask('POST', '/v1/keys', { key: test.service.admin_key, headers: { 'content-type': type }, body });
    expect((await ask('{"name":')).status).toBe(400);
    expect((await ask('')).status).toBe(400);
    expect((await ask('{}', 'text/plain')).status).toBe(415);
    expect((await ask(JSON.stringify({ name: 'x'.repeat(1_000_000) }))).status).toBe(413);
  });
});
