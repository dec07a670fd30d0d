import { createPublicKey, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openService, type Service } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { type Answer, startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';
import { type Receiver, startReceiver } from './support/receiver.ts';

interface Made {
  subscription: { subscription_id: string; state: string; reason: string; waiting: number; resting: boolean };
  keys: { secret: string; public_key: string };
  delivery: { state: string; status: number; error: string; message_id: string };
}
interface Delivery {
  message_id: string;
  source_id: string;
  state: string;
  attempts: number;
  status: number;
  error: string;
}

let receiver: Receiver;
let test: TestService;

async function start(settings: Record<string, unknown> = {}): Promise<void> {
  const config = loadConfig(
    { webhook_hosts: [receiver.host], webhook_retry_seconds: [0.05, 0.1, 0.1], ...settings },
    {},
  );
  test = await startTestService();
  await test.service.close();
  const data = test.data;
  const service = await openService({ config: { ...config, data } });
  Object.assign(test.service, service);
}

beforeEach(async () => {
  receiver = await startReceiver();
});

afterEach(async () => {
  await test.close();
  await receiver.close();
});

const ask = async <T = Made>(method: string, path: string, body?: unknown): Promise<{ status: number; json: T }> => {
  const headers = { authorization: `Bearer ${test.service.admin_key}`, 'content-type': 'application/json' };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await test.service.api.app.request(`http://localhost${path}`, init);
  const text = await response.text();
  return { status: response.status, json: (text === '' ? {} : JSON.parse(text)) as T };
};

async function subscribe(more: Record<string, unknown> = {}): Promise<Made> {
  const { status, json } = await ask('POST', '/v1/subscriptions', { name: 'a', url: `${receiver.url}/in`, ...more });
  expect([status, json]).toEqual([201, json]);
  return json;
}

const raise = async (...more: Parameters<typeof findingOf>) => {
  const [alert_id = ''] = await raiseAlerts(test.service.writer, [findingOf(...more)]);
  await test.service.settled();
  return alert_id;
};

async function deliveries(query = ''): Promise<Delivery[]> {
  return (await ask<{ deliveries: Delivery[] }>('GET', `/v1/deliveries${query}`)).json.deliveries;
}

/** The deliveries once none of them waits. */
async function settledDeliveries(): Promise<Delivery[]> {
  for (let i = 0; i < 200; i++) {
    const all = await deliveries();
    if (all.length > 0 && all.every(({ state }) => state !== 'waiting')) return all;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(JSON.stringify(await deliveries()));
}

const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

describe('a webhook', () => {
  it('tells of an alert, and its signatures are good to the published library and to Ed25519', async () => {
    await start();
    const { keys } = await subscribe();
    const alert_id = await raise({ title: 'A secret went out' });
    const [got] = await receiver.count(1);
    const headers = got?.headers as Record<string, string>;
    const body = got?.body ?? '';
    expect(new Webhook(keys.secret).verify(body, headers)).toMatchObject({
      type: 'alert.raised',
      data: { alert_id, title: 'A secret went out', tenant: 'default', severity: 'high' },
    });
    const v1a = headers['webhook-signature']?.split(' ').find((each) => each.startsWith('v1a,')) ?? '';
    const raw = Buffer.from(keys.public_key.replace('whpk_', ''), 'base64');
    const key = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' });
    const text = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`);
    expect(verify(null, text, key, Buffer.from(v1a.slice(4), 'base64'))).toBe(true);
    expect(() => new Webhook(keys.secret).verify(`${body} `, headers)).toThrow();
    expect(await settledDeliveries()).toMatchObject([{ state: 'sent', attempts: 1, status: 204, source_id: alert_id }]);
  });

  it('keeps its id over attempts, and is a dead letter after the last; a replay sends it again under that id', async () => {
    await start();
    const { subscription } = await subscribe();
    receiver.answer = (response) => response.writeHead(500).end('no');
    await raise();
    const [dead] = await settledDeliveries();
    expect(dead).toMatchObject({ state: 'dead', attempts: 4, status: 500, error: 'http_500' });
    receiver.answer = (response) => response.writeHead(200).end('yes');
    const { subscription_id } = subscription;
    expect((await ask<{ replayed: number }>('POST', '/v1/deliveries/replay', { subscription_id })).json.replayed).toBe(
      1,
    );
    expect(await settledDeliveries()).toMatchObject([{ state: 'sent', message_id: dead?.message_id }]);
    expect(new Set(receiver.got.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([dead?.message_id]));
  });

  it('waits as long as Retry-After asks', async () => {
    await start();
    await subscribe();
    receiver.answer = (response, _, nth) =>
      nth === 1 ? response.writeHead(429, { 'retry-after': '1' }).end() : response.writeHead(204).end();
    await raise();
    const [first, second] = await receiver.count(2);
    expect((second?.at_ms ?? 0) - (first?.at_ms ?? 0)).toBeGreaterThan(990);
  });

  it('is switched off by 410, which is told, and on again by hand', async () => {
    await start();
    const { subscription } = await subscribe();
    receiver.answer = (response) => response.writeHead(410).end();
    await raise();
    expect(await settledDeliveries()).toMatchObject([{ state: 'dead', status: 410 }]);
    const listed = await ask<{ subscriptions: Made['subscription'][] }>('GET', '/v1/subscriptions');
    expect(listed.json.subscriptions).toMatchObject([{ state: 'disabled' }]);
    await raise();
    expect(receiver.got).toHaveLength(1);
    receiver.answer = (response) => response.writeHead(204).end();
    const path = `/v1/subscriptions/${subscription.subscription_id}`;
    expect((await ask('POST', path, { action: 'enable' })).json.subscription.state).toBe('active');
    await raise();
    await receiver.count(2);
  });

  it('is signed with both keys while one replaces the other', async () => {
    await start();
    const { subscription, keys } = await subscribe();
    const path = `/v1/subscriptions/${subscription.subscription_id}`;
    const rotated = (await ask('POST', path, { action: 'rotate', overlap_seconds: 3600 })).json;
    expect(rotated.keys.secret).not.toBe(keys.secret);
    await raise();
    const [got] = await receiver.count(1);
    for (const { secret } of [keys, rotated.keys]) {
      expect(() => new Webhook(secret).verify(got?.body ?? '', got?.headers as Record<string, string>)).not.toThrow();
    }
    const last = (await ask('POST', path, { action: 'rotate', overlap_seconds: 0 })).json;
    await raise();
    const [, second] = await receiver.count(2);
    const verified = (secret: string) =>
      new Webhook(secret).verify(second?.body ?? '', second?.headers as Record<string, string>);
    expect(() => verified(last.keys.secret)).not.toThrow();
    expect(() => verified(rotated.keys.secret)).toThrow();
  });

  it('tells only what the filter lets through', async () => {
    await start();
    await subscribe({ severity_min: 'high', rules: ['secret_to_other_tool'] });
    await raise({ severity: 'medium' });
    await raise({ rule_id: 'other' });
    await raise({ tenant: 'bravo' });
    const wanted = await raise();
    const [got] = await receiver.count(1);
    expect(JSON.parse(got?.body ?? '')).toMatchObject({ data: { alert_id: wanted } });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(receiver.got).toHaveLength(1);
  });

  it('of all tenants tells of each, and of one tenant never of another', async () => {
    await start();
    const made = await ask('POST', '/v1/subscriptions?tenant=*', { name: 'all', url: receiver.url });
    expect(made.status).toBe(201);
    await raise({ tenant: 'acme' });
    await raise({ tenant: 'bravo' });
    const got = await receiver.count(2);
    expect(got.map(({ body }) => JSON.parse(body).data.tenant).sort()).toEqual(['acme', 'bravo']);
    const key = await test.key('admin', 'acme');
    const asked = async (path: string, init: RequestInit): Promise<number> =>
      (await test.service.api.app.request(`http://localhost${path}`, init)).status;
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const path = `/v1/subscriptions/${made.json.subscription.subscription_id}`;
    expect(await asked(path, { method: 'DELETE', headers })).toBe(404);
    expect(await asked('/v1/subscriptions?tenant=*', { headers })).toBe(403);
  });

  it('has a test button that says at once what came of it', async () => {
    await start();
    const { subscription } = await subscribe();
    const path = `/v1/subscriptions/${subscription.subscription_id}`;
    expect((await ask('POST', path, { action: 'test' })).json.delivery).toMatchObject({ state: 'sent', status: 204 });
    receiver.answer = (response) => response.writeHead(302, { location: `${receiver.url}/elsewhere` }).end();
    expect((await ask('POST', path, { action: 'test' })).json.delivery).toMatchObject({
      state: 'dead',
      error: 'http_302',
    });
    expect(receiver.got.map((got) => got.path)).toEqual(['/in', '/in']);
  });

  it('is not held up by a receiver that never ends its answer, nor by one that sends without end', async () => {
    await start();
    const { subscription } = await subscribe();
    const path = `/v1/subscriptions/${subscription.subscription_id}`;
    receiver.answer = (response) => response.writeHead(200).write('and so on ');
    const started_ms = performance.now();
    expect((await ask('POST', path, { action: 'test' })).json.delivery).toMatchObject({ state: 'sent' });
    receiver.answer = (response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    };
    expect((await ask('POST', path, { action: 'test' })).json.delivery).toMatchObject({ state: 'sent' });
    expect(performance.now() - started_ms).toBeLessThan(4_000);
  });

  it('that waits is sent after a restart, once, under its id', async () => {
    await start({ webhook_retry_seconds: [1, 1, 1] });
    await subscribe();
    receiver.answer = (response) => response.writeHead(503).end();
    await raise();
    await receiver.count(1);
    await test.service.close();
    receiver.answer = (response) => response.writeHead(204).end();
    const config = loadConfig(
      { data: test.data, webhook_hosts: [receiver.host], webhook_retry_seconds: [1, 1, 1] },
      {},
    );
    Object.assign(test.service, await openService({ config }));
    expect(await settledDeliveries()).toMatchObject([{ state: 'sent' }]);
    const ids = receiver.got.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(2);
  });

  it('that fell due while nobody delivered is made up for at the next start', async () => {
    await start();
    await subscribe();
    await test.service.close();
    const config = loadConfig({ data: test.data, webhook_hosts: [receiver.host] }, {});
    const silent: Service = await openService({ config, deliver: false });
    const [alert_id] = await raiseAlerts(silent.writer, [findingOf()]);
    await silent.close();
    expect(receiver.got).toHaveLength(0);
    Object.assign(test.service, await openService({ config }));
    const [got] = await receiver.count(1);
    expect(JSON.parse(got?.body ?? '')).toMatchObject({ data: { alert_id } });
  });

  it('rests a target that fails, and stays within its rate', async () => {
    await start({ webhook_retry_seconds: [0.5, 0.5, 0.5, 0.5] });
    const { subscription } = await subscribe({ per_second_max: 10 });
    receiver.answer = (response) => response.writeHead(500).end();
    await raiseAlerts(
      test.service.writer,
      Array.from({ length: 30 }, () => findingOf()),
    );
    await receiver.count(5);
    await new Promise((resolve) => setTimeout(resolve, 300));
    // 30 are due: without a rest all had been asked for by now.
    expect(receiver.got.length).toBeLessThan(14);
    const { json } = await ask<{ subscriptions: Made['subscription'][] }>('GET', '/v1/subscriptions');
    expect(json.subscriptions[0]).toMatchObject({ waiting: 30, subscription_id: subscription.subscription_id });
    receiver.answer = (response) => response.writeHead(204).end();
    await receiver.count(35);
    const sent = (await settledDeliveries()).filter(({ state }) => state === 'sent');
    expect(sent).toHaveLength(30);
    const times = receiver.got.slice(-20).map(({ at_ms }) => at_ms);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_500);
  });
});

describe('a subscription', () => {
  it.each([
    ['no TLS', 'http://example.com/', /https/],
    ['loopback', 'https://127.0.0.1/', /not public/],
    ['a private address in other digits', 'https://0x0a000001/', /not public/],
    ['IPv6 loopback', 'https://[::1]/', /not public/],
    ['IPv4 inside of IPv6', 'https://[::ffff:169.254.169.254]/', /not public/],
    ['a user in the URL', 'https://a:b@example.com/', /user/],
    ['another scheme', 'file:///etc/passwd', /https/],
    ['a mail address', 'mailto:a@example.com', /no server for mail/],
    ['no URL', 'x', /not a URL/],
  ])('with %s is refused', async (_, url, why) => {
    await start();
    const { status, json } = await ask<{ detail: string }>('POST', '/v1/subscriptions', { name: 'a', url });
    expect([status, json.detail]).toEqual([400, expect.stringMatching(why)]);
  });

  it('is refused where a name leads to this machine, at the time of sending', async () => {
    await start();
    const { subscription } = await subscribe({ url: 'https://localhost/' });
    const path = `/v1/subscriptions/${subscription.subscription_id}`;
    expect((await ask('POST', path, { action: 'test' })).json.delivery).toMatchObject({
      state: 'dead',
      error: 'address_not_public',
    });
  });

  it('gets headers and a secret of the settings, for their host and tenant alone, and nobody is shown them', async () => {
    await start({
      webhook_credentials: {
        soar: { hosts: [receiver.host], tenant: 'default', headers: { 'X-Token': 'hidden-1' }, url_secret: 'hidden-2' },
        other: { hosts: ['other.example.com'], headers: {} },
      },
    });
    const made = await subscribe({ url: `${receiver.url}/hook/{secret}`, credential: 'soar' });
    await raise();
    const [got] = await receiver.count(1);
    expect([got?.path, got?.headers['x-token']]).toEqual(['/hook/hidden-2', 'hidden-1']);
    for (const credential of ['other', 'none', 'constructor']) {
      const asked = { name: 'a', url: receiver.url, credential };
      expect((await ask('POST', '/v1/subscriptions', asked)).status).toBe(400);
    }
    const elsewhere = { name: 'a', url: receiver.url, credential: 'soar' };
    expect((await ask('POST', '/v1/subscriptions?tenant=bravo', elsewhere)).status).toBe(400);
    const shown = JSON.stringify([made, await ask('GET', '/v1/subscriptions'), await ask('GET', '/v1/deliveries')]);
    expect(shown).not.toContain('hidden');
  });

  it('is a record of the log with who made it, without its secret; and the log verifies', async () => {
    await start();
    const { subscription, keys } = await subscribe();
    const { subscription_id } = subscription;
    expect((await ask('DELETE', `/v1/subscriptions/${subscription_id}`)).status).toBe(204);
    const rows = await test.service.store.rows<{ detail: string; who: string }>(
      `SELECT detail, who FROM v_events WHERE tenant = 'default' AND type = 'subscription.changed' ORDER BY seq`,
    );
    const secret = keys.secret.slice(6);
    expect(rows.map(({ detail }) => JSON.parse(detail).change)).toEqual(['created', 'deleted']);
    expect(JSON.stringify(rows)).not.toContain(secret);
    const answer = await test.service.api.app.request('http://localhost/v1/verify', {
      method: 'POST',
      headers: { authorization: `Bearer ${test.service.admin_key}`, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(await answer.text()).toContain('"ok":true');
  });

  it('may be read by those who answer alerts, and be made by administrators alone', async () => {
    await start();
    const responder = await test.key('responder');
    const asked = async (method: string): Promise<Answer['status']> => {
      const headers = { authorization: `Bearer ${responder}`, 'content-type': 'application/json' };
      const init = { method, headers, ...(method === 'POST' ? { body: '{"name":"a"}' } : {}) };
      return (await test.service.api.app.request('http://localhost/v1/subscriptions', init)).status;
    };
    expect([await asked('GET'), await asked('POST')]).toEqual([200, 403]);
  });
});
