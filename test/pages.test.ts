/** The pages for people, over the application with a real store behind it: logging in, and that nothing outside is markup. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openService, type Service } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import type { Role } from '../core/role.ts';

const folder = mkdtempSync(join(tmpdir(), 'pages-test-'));
let service: Service;

beforeAll(async () => {
  service = await openService({ config: loadConfig({ data: folder, log_level: 'silent' }, {}) });
});
afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

function request(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  const all = { host: '127.0.0.1:7733', accept: 'text/html', ...headers };
  return Promise.resolve(service.api.app.request(`http://127.0.0.1:7733${path}`, { method, headers: all }));
}

function code(role: Role, tenant = 'default'): string {
  return service.context.logins.issue({ key_id: 'test', name: 'test <b>', role, tenant });
}

async function login(role: Role): Promise<{ cookie: string }> {
  const response = await request(`/login?code=${code(role)}`);
  return { cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '' };
}

async function post(...events: Record<string, unknown>[]): Promise<void> {
  const headers = { authorization: `Bearer ${service.admin_key}`, 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(events) };
  const response = await service.api.app.request('http://127.0.0.1/v1/events?tenant=default', init);
  expect(response.status).toBe(200);
  await service.settled();
}

describe('logging in', () => {
  it('trades a code once for a cookie that no script and no other site can use', async () => {
    const once = code('viewer');
    const first = await request(`/login?code=${once}`);
    expect(first.status).toBe(303);
    expect(first.headers.get('location')).toBe('/');
    const cookie = first.headers.get('set-cookie') ?? '';
    expect(cookie).toContain('HttpOnly');
    expect(cookie).toContain('SameSite=Strict');
    expect(cookie).not.toContain('Secure');
    const second = await request(`/login?code=${once}`);
    expect(second.status).toBe(403);
    expect(second.headers.get('set-cookie')).toBeNull();
    expect(await second.text()).toContain('does not work');
  });

  it('makes the cookie secure behind a proxy that speaks https', async () => {
    const response = await request(`/login?code=${code('viewer')}`, { 'x-forwarded-proto': 'https' });
    expect(response.headers.get('set-cookie')).toContain('Secure');
  });

  it('does not use up a code when a program only asks whether the address is there', async () => {
    const once = code('viewer');
    expect((await request(`/login?code=${once}`, {}, 'HEAD')).status).toBe(403);
    expect((await request(`/login?code=${once}`)).status).toBe(303);
  });

  it('refuses a made-up code and explains a missing one', async () => {
    expect((await request('/login?code=made-up')).status).toBe(403);
    expect((await request('/login')).status).toBe(401);
  });

  it('ends the login on the server, not only in the browser', async () => {
    const cookie = await login('viewer');
    expect((await request('/', cookie)).status).toBe(200);
    const out = await request('/logout', { ...cookie, origin: 'http://127.0.0.1:7733' }, 'POST');
    expect(out.status).toBe(303);
    expect((await request('/', cookie)).status).toBe(401);
  });

  it('does not let another site log a person out', async () => {
    const cookie = await login('viewer');
    expect((await request('/logout', { ...cookie, origin: 'https://evil.test' }, 'POST')).status).toBe(403);
    expect((await request('/', cookie)).status).toBe(200);
  });
});

describe('without a login', () => {
  it('explains to a browser how to get in, and gives a program the problem document', async () => {
    const page = await request('/');
    expect(page.status).toBe(401);
    expect(await page.text()).toContain('one-time address');
    const answer = await request('/', { accept: 'application/json' });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it('gives the style sheet to anybody', async () => {
    const response = await request('/static/style.css');
    expect(response.headers.get('content-type')).toContain('text/css');
    expect(await response.text()).toContain('prefers-color-scheme: dark');
  });
});

describe('the pages', () => {
  const HOSTILE = `<script>alert(1)</script><img src=x onerror=alert(2)>"'&\u202eevil\u200b\u{e0041}\u0007`;
  const session_id = 'a/b "c" <d>';
  const address = `/plain/sessions/${encodeURIComponent(session_id)}`;

  beforeAll(async () => {
    const time = '2026-03-01T10:00:00Z';
    const common = { time, session_id, user_id: '<i>u</i>', agent: '<i>a</i>' };
    const tool = { server: 'tickets', tool: '<u>t</u>' };
    await post(
      { ...common, event_id: 'p1', type: 'prompt', content: HOSTILE },
      { ...common, event_id: 'p2', type: 'tool.call', ...tool, call_id: 'c', params: { q: HOSTILE } },
      {
        ...common,
        event_id: 'p3',
        type: 'tool.result',
        ...tool,
        call_id: 'c',
        content: [{ type: 'text', text: HOSTILE }],
      },
      {
        ...common,
        event_id: 'p4',
        type: 'tools.list',
        server: 's',
        tools: [{ name: '<u>t</u>', description: HOSTILE }],
      },
      { ...common, event_id: 'p5', type: 'session.end', reason: HOSTILE },
    );
  });

  it('show everything from outside as inert text with hidden characters made visible', async () => {
    const cookie = await login('analyst');
    for (const path of ['/plain', address]) {
      const response = await request(path, cookie);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
      const page = await response.text();
      expect(page).not.toMatch(/<script|<img|<i>|<u>|<b>|<d>/);
      expect(page).not.toMatch(/[\u202e\u200b\u0007]|\u{e0041}/u);
    }
    const page = await (await request(address, cookie)).text();
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    for (const shown of ['U+202E', 'U+200B', 'U+E0041', 'U+0007']) expect(page).toContain(shown);
    expect(page).toContain('answered by');
  });

  it('withhold content from a role that does not include it', async () => {
    const page = await (await request(address, await login('viewer'))).text();
    expect(page).toContain('Content is withheld');
    expect(page).not.toContain('alert(1)');
  });

  it('answer a role without permission, an unknown session and a bad cursor with a page that says so', async () => {
    const analyst = await login('analyst');
    expect((await request('/plain', await login('ingest'))).status).toBe(403);
    const missing = await request('/plain/sessions/none', analyst);
    expect(missing.status).toBe(404);
    expect(await missing.text()).toContain('there is no such session');
    expect((await request('/plain?alerts=zzz', analyst)).status).toBe(400);
  });

  it('are declared with the permission that they need', () => {
    const declared = service.api.declared.map(({ method, path, permission }) => `${method} ${path} ${permission}`);
    expect(declared).toEqual(
      expect.arrayContaining([
        'get / sessions:read',
        'get /sessions/{session_id} sessions:read',
        'get /login public',
        'post /logout public',
        'get /plain sessions:read',
        'get /plain/sessions/{session_id} sessions:read',
        'get /static/{file} public',
      ]),
    );
  });
});
