import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EnforcementClient } from '../api/response/enforcement_client.ts';
import { openService } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';
import { type Receiver, startReceiver } from './support/receiver.ts';

interface Command {
  command_id: string;
  state: string;
  confirmed: boolean;
}

let test: TestService;
let receiver: Receiver;
let key: string;
let secret: string;
let client: EnforcementClient;
let data: string;
let count = 0;
const admin = () => test.service.admin_key;

async function ask<T>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; json: T }> {
  const all = { 'content-type': 'application/json', ...headers };
  const { status, text } = await test.ask(method, path, {
    key: admin(),
    headers: all,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status, json: (text === '' ? {} : JSON.parse(text)) as T };
}

const suspend = async (more: Record<string, unknown> = {}) => {
  const target = { kind: 'session', id: `session-${count++}` };
  const { status, json } = await ask<Command>('POST', '/v1/enforcement', {
    action: 'suspend',
    target,
    reason: 'a test',
    ...more,
  });
  expect([status, json]).toEqual([202, json]);
  return { ...json, session_id: target.id };
};

const stateOf = async (command_id: string) => {
  const { json } = await ask<{ commands: Command[] }>('GET', '/v1/enforcement/commands');
  return json.commands.find((each) => each.command_id === command_id);
};

async function types(command_id: string): Promise<string[]> {
  const rows = await test.service.store.rows<{ type: string }>(
    `SELECT type FROM v_events WHERE tenant = 'default' AND kind = 'action' AND position(detail, {command_id:String}) > 0 ORDER BY seq`,
    { command_id },
  );
  return rows.map(({ type }) => type);
}

beforeAll(async () => {
  receiver = await startReceiver();
  const settings = { webhook_hosts: [receiver.host], enforcement_timeout_seconds: 2 };
  data = mkdtempSync(join(tmpdir(), 'tracewarden-enforcement-'));
  test = await startTestService({ config: loadConfig({ data, ...settings }, {}) });
  key = await test.key('gateway');
  const made = await ask<{ keys: { secret: string } }>('POST', '/v1/subscriptions', {
    name: 'gateway',
    kind: 'enforcement',
  });
  secret = made.json.keys.secret;
  client = new EnforcementClient({ url: test.url, key, secret });
});

afterAll(async () => {
  await test.close();
  await receiver.close();
  rmSync(data, { recursive: true, force: true });
});

describe('a suspension', () => {
  it('is not confirmed until a gateway applied it, within a second; each step is a record, and evidence is held first', async () => {
    const started_ms = performance.now();
    const { command_id, session_id, state, confirmed } = await suspend();
    expect([state, confirmed]).toEqual(['requested', false]);
    const call = { session_id, agent: 'a', user_id: 'u' };
    expect(client.refuses(call)).toBe(false);
    expect(await client.poll()).toBe(1);
    expect(performance.now() - started_ms).toBeLessThan(1_000);
    expect([client.refuses(call), client.refuses({ ...call, session_id: 'other' })]).toEqual([true, false]);
    expect(await stateOf(command_id)).toMatchObject({ state: 'applied', confirmed: true });
    expect(await types(command_id)).toEqual(['evidence.held', 'enforcement.requested', 'enforcement.applied']);
    const release = { action: 'release', target: { kind: 'session', id: session_id }, reason: 'false alarm' };
    const released = await ask<Command>('POST', '/v1/enforcement', release);
    expect(await client.poll()).toBe(1);
    expect([client.refuses(call), await stateOf(released.json.command_id)]).toMatchObject([
      false,
      { state: 'applied' },
    ]);
  });

  it('of an agent is that of one user, and of a token that of its reference', async () => {
    await suspend({ target: { kind: 'agent', id: 'bot', user_id: 'ana@example.com' } });
    await suspend({ target: { kind: 'token', id: 'tok-1' } });
    await client.poll();
    const call = { session_id: 's', agent: 'bot', user_id: 'ana@example.com' };
    expect([client.refuses(call), client.refuses({ ...call, user_id: 'bo@example.com' })]).toEqual([true, false]);
    expect(client.refuses({ ...call, agent: 'x', token_ref: 'tok-1' })).toBe(true);
  });

  it('that is asked for twice under one request_id is one', async () => {
    const asked = { action: 'suspend', target: { kind: 'token', id: 'tok-2' }, reason: 'a', request_id: 'run-1' };
    const [one, two] = await Promise.all([
      ask<Command>('POST', '/v1/enforcement', asked),
      ask<Command>('POST', '/v1/enforcement', asked),
    ]);
    expect(one.json.command_id).toBe(two.json.command_id);
    const other = { ...asked, target: { kind: 'token', id: 'tok-3' } };
    expect((await ask('POST', '/v1/enforcement', other)).status).toBe(409);
    expect((await types(one.json.command_id)).filter((type) => type === 'enforcement.requested')).toHaveLength(1);
    await client.poll();
  });

  it('ends when it expires', async () => {
    const { session_id } = await suspend({ expires_in_seconds: 1 });
    await client.poll();
    const call = { session_id, agent: '', user_id: '' };
    expect(client.refuses(call)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await client.poll();
    expect(client.refuses(call)).toBe(false);
  });

  it('is told to webhooks of gateways; one that nobody answers is told to people', async () => {
    await ask('POST', '/v1/subscriptions', { name: 'hook', kind: 'enforcement', url: `${receiver.url}/gateway` });
    await ask('POST', '/v1/subscriptions', {
      name: 'soc',
      url: `${receiver.url}/soc`,
      severity_min: 'critical',
      format: 'thehive',
    });
    const [alert_id = ''] = await raiseAlerts(test.service.writer, [findingOf()]);
    const { command_id } = await suspend({ alert_id });
    const shown = async () => (await ask<{ containment?: Command }>('GET', `/v1/alerts/${alert_id}`)).json.containment;
    expect(await shown()).toMatchObject({ command_id, state: 'requested', confirmed: false });
    const got = await receiver.count(2, 8_000);
    expect(got.map(({ path }) => path)).toEqual(['/gateway', '/soc']);
    expect(JSON.parse(got[0]?.body ?? '')).toMatchObject({
      type: 'enforcement.requested',
      data: { command_id, alert_id },
    });
    expect(JSON.parse(got[1]?.body ?? '')).toMatchObject({
      type: 'enforcement.timed_out',
      sourceRef: command_id,
      severity: 4,
    });
    expect(await stateOf(command_id)).toMatchObject({ state: 'timed_out', confirmed: false });
    expect(await client.answer(command_id, 'applied')).toBe(200);
    expect(await shown()).toMatchObject({ state: 'applied', confirmed: true });
  });

  it('needs a key that may ask, an alert of the tenant, and a target', async () => {
    const asked = { action: 'suspend', target: { kind: 'session', id: 's' }, reason: 'a' };
    const of = async (role: 'analyst' | 'gateway', tenant: string) => {
      const headers = { 'content-type': 'application/json' };
      return (
        await test.ask('POST', '/v1/enforcement', {
          key: await test.key(role, tenant),
          headers,
          body: JSON.stringify(asked),
        })
      ).status;
    };
    expect([await of('analyst', 'default'), await of('gateway', 'default')]).toEqual([403, 403]);
    expect((await ask('POST', '/v1/enforcement', { ...asked, alert_id: 'none' })).status).toBe(404);
    expect((await ask('POST', '/v1/enforcement', { ...asked, target: { kind: 'session', id: '' } })).status).toBe(400);
    expect((await ask('POST', '/v1/enforcement', { ...asked, reason: 'a\nb' })).status).toBe(400);
  });
});

describe('the state for gateways', () => {
  it('is 304 while nothing changed, and of one tenant alone', async () => {
    const first = await test.ask('GET', '/v1/enforcement', { key });
    const etag = first.headers.get('etag') ?? '';
    expect((await test.ask('GET', '/v1/enforcement', { key, headers: { 'if-none-match': etag } })).status).toBe(304);
    await suspend();
    expect((await test.ask('GET', '/v1/enforcement', { key, headers: { 'if-none-match': etag } })).status).toBe(200);
    const other = await test.ask('GET', '/v1/enforcement', { key: await test.key('gateway', 'bravo') });
    expect(JSON.parse(other.text)).toEqual({ suspended: [], released: [] });
    await client.poll();
  });

  it('comes over server-sent events at once and after each change', async () => {
    const cut = new AbortController();
    const headers = { authorization: `Bearer ${key}`, accept: 'text/event-stream' };
    const response = await fetch(`${test.url}/v1/enforcement`, { headers, signal: cut.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const reader = response.body?.getReader();
    const next = async () => Buffer.from((await reader?.read())?.value ?? []).toString();
    expect(await next()).toMatch(/^event: enforcement\nid: "/);
    const { command_id } = await suspend();
    expect(await next()).toContain(command_id);
    cut.abort();
    await client.poll();
  });
});

describe('an answer', () => {
  it('that is forged, sent again, or of another tenant is refused', async () => {
    const { command_id } = await suspend();
    const forger = new EnforcementClient({
      url: test.url,
      key,
      secret: `whsec_${Buffer.alloc(32).toString('base64')}`,
    });
    expect(await forger.answer(command_id, 'applied')).toBe(400);
    const stranger = new EnforcementClient({ url: test.url, key: await test.key('gateway', 'bravo'), secret });
    expect(await stranger.answer(command_id, 'applied')).toBe(400);
    expect(await stateOf(command_id)).toMatchObject({ state: 'requested' });
    expect(await client.answer(command_id, 'accepted', 'once')).toBe(200);
    expect(await client.answer(command_id, 'applied', 'once')).toBe(409);
    expect(await stateOf(command_id)).toMatchObject({ state: 'acknowledged' });
    expect(await client.answer(command_id, 'applied')).toBe(200);
    expect(await client.answer(command_id, 'failed')).toBe(409);
  });

  it('that is late, too large, malformed or about nothing is refused', async () => {
    const { command_id } = await suspend({ expires_in_seconds: 1 });
    expect(await client.answer('x'.repeat(20_000), 'applied')).toBe(413);
    expect(await client.answer(command_id, 'done')).toBe(400);
    expect(await client.answer('cmd-none', 'applied')).toBe(404);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await client.answer(command_id, 'applied')).toBe(409);
  });
});

it('what stands is known after a restart, and the log verifies', async () => {
  const { command_id } = await suspend();
  const text = (
    await test.ask('POST', '/v1/verify', { key: admin(), headers: { 'content-type': 'application/json' }, body: '{}' })
  ).text;
  expect(text).toContain('"ok":true');
  await test.service.close();
  const again = await openService({ config: loadConfig({ data }, {}), deliver: false });
  Object.assign(test.service, again);
  expect(again.context.response?.enforcement.get('default', command_id)).toMatchObject({ action: 'suspend' });
});
