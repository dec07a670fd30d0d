/** Mail to a real server: TLS, who is told, what cannot be injected, and what becomes of what is refused. */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openMailer } from '../api/response/mailer.ts';
import { openService } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { LIMITS } from '../core/limits.ts';
import { isMailAddress, MailSettings, mayBeMailed } from '../core/mail_settings.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { CA_FILE, type MailServer, refusal, startMailServer } from './support/mail_server.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';
import { type Receiver, startReceiver } from './support/receiver.ts';

const FROM = 'tracewarden@example.com';
const MAIL = { to: 'ana@example.com', subject: 'Hello', text: 'A text', message_id: 'm-1' };

let server: MailServer;
beforeEach(async () => {
  server = await startMailServer();
});
afterEach(() => server.close());

const settings = (more: Record<string, unknown> = {}) =>
  MailSettings.parse({
    host: '127.0.0.1',
    port: server.port,
    server_name: 'mail.example.test',
    ca_file: CA_FILE,
    from: FROM,
    recipients: ['example.com', 'soc@example.net'],
    ...more,
  });
const send = (more: Record<string, unknown> = {}, mail: Partial<typeof MAIL> = {}, timeout_ms = 5_000) =>
  openMailer(settings(more), timeout_ms).send({ ...MAIL, ...mail });

describe('a mail', () => {
  it('goes over TLS with the password, to one address, under the same id at every attempt', async () => {
    expect(await send({ user: 'us', password: 'right' })).toEqual({ status: 250, error: '' });
    await send();
    const [first, second] = server.got;
    expect(first).toMatchObject({ from: FROM, to: ['ana@example.com'], secure: true, user: 'us' });
    expect(first?.mail).toMatchObject({ subject: 'Hello', messageId: '<m-1@example.com>' });
    expect(first?.mail.text?.trim()).toBe('A text');
    expect(first?.mail.headers.get('auto-submitted')).toBe('auto-generated');
    expect(second?.mail.messageId).toBe(first?.mail.messageId);
  });

  it('is not sent without the certificate that was asked for, nor in clear where TLS does not begin', async () => {
    expect((await send({ ca_file: undefined })).error).not.toBe('');
    expect((await send({ server_name: 'other.example.test' })).error).not.toBe('');
    const plain = await startMailServer({ disabledCommands: ['STARTTLS'] });
    expect((await send({ port: plain.port })).error).not.toBe('');
    expect(await send({ port: plain.port, security: 'none' })).toMatchObject({ error: '' });
    expect([server.got.length, plain.got.length]).toEqual([0, 1]);
    await plain.close();
    const tls = await startMailServer({ secure: true });
    expect(await send({ port: tls.port, security: 'tls' })).toMatchObject({ error: '' });
    expect(tls.got[0]?.secure).toBe(true);
    await tls.close();
  });

  it('that is refused tells a code, for good where it is the mail itself; never the words of the server', async () => {
    expect(await send({ user: 'us', password: 'wrong' })).toEqual({ status: 535, error: 'smtp_535' });
    server.onRecipient = () => {
      throw refusal(550);
    };
    expect(await send()).toEqual({ status: 550, error: 'smtp_550', final: true });
    server.onRecipient = () => {
      throw refusal(451);
    };
    expect(await send()).toEqual({ status: 451, error: 'smtp_451' });
    expect(await send({ port: 1 })).toMatchObject({ status: 0, error: expect.stringMatching(/^e/) });
  });

  it('ends within its time and its bytes, whatever the server does', async () => {
    const bad = async (act: (socket: Socket) => unknown) => {
      const hostile: Server = createServer((socket) => {
        socket.on('error', () => undefined);
        act(socket);
      });
      await new Promise<void>((resolve) => hostile.listen(0, '127.0.0.1', resolve));
      const started_ms = performance.now();
      const result = await send({ port: (hostile.address() as AddressInfo).port }, {}, 700);
      expect(performance.now() - started_ms).toBeLessThan(2_500);
      await new Promise((resolve) => hostile.close(resolve));
      return result.error;
    };
    expect(await bad(() => undefined)).not.toBe('');
    expect(await bad((socket) => socket.write('220 a\r\n') && setInterval(() => socket.write('2'), 50).unref())).toBe(
      'timeout',
    );
    expect(await bad((socket) => socket.write('220-x\r\n'.repeat(200_000)))).not.toBe('');
    expect(await bad((socket) => socket.destroy())).not.toBe('');
  });
});

describe('an address', () => {
  it('is one plain address, or none', () => {
    for (const good of ['ana@example.com', "a.b+c'd@mail.example.test", 'x@localhost'])
      expect(isMailAddress(good)).toBe(true);
    const bad = [
      '',
      'ana',
      '@example.com',
      'ana@',
      'ana@example.com,bo@example.com',
      'ana@example.com\r\nBcc: x@example.net',
    ];
    for (const each of [
      ...bad,
      'Ana <ana@example.com>',
      '"a b"@example.com',
      'a..b@example.com',
      'a@-x.com',
      `${'a'.repeat(65)}@example.com`,
    ]) {
      expect([each, isMailAddress(each)]).toEqual([each, false]);
    }
  });

  it('never holds what ends a header or makes a list, however it is written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.emailAddress(), fc.string({ unit: 'binary' })), (text) => {
        if (isMailAddress(text)) expect(text).toMatch(/^[\x21-\x7e]+$/);
        if (isMailAddress(text)) expect(text).not.toMatch(/[\s,;<>"\\]/);
      }),
    );
  });

  it('is mailed where the settings name it or its domain, and nowhere else', () => {
    const may = (address: string) => mayBeMailed(address, settings());
    expect(['a@example.com', 'a@EXAMPLE.com', 'soc@example.net'].map(may)).toEqual([true, true, true]);
    expect(['a@sub.example.com', 'a@example.net', 'a@example.com.test', 'a@notexample.com'].map(may)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it.each([
    [{ host: 'h', from: 'a', recipients: ['example.com'] }, 'from'],
    [{ host: 'h', from: FROM, recipients: [] }, 'recipients'],
    [{ host: 'h', from: FROM, recipients: ['*'] }, 'recipients'],
    [{ host: 'h', from: FROM, recipients: ['example.com'], user: 'u' }, 'password'],
    [
      { host: 'h', from: FROM, recipients: ['example.com'], user: 'u', password: 'hunter2', security: 'none' },
      'security',
    ],
  ])('and the settings are refused by name, without what is secret: %j', (mail, member) => {
    const failed = (() => {
      try {
        loadConfig({ mail }, {});
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    })();
    expect(failed).toContain(`mail.${member}`);
    expect(failed).not.toContain('hunter2');
  });
});

describe('people', () => {
  let test: TestService;
  let receiver: Receiver;

  beforeEach(async () => {
    receiver = await startReceiver();
    test = await startTestService();
    await test.service.close();
    const more = { webhook_hosts: [receiver.host], webhook_retry_seconds: [0.05, 0.05], mail: settings() };
    Object.assign(test.service, await openService({ config: loadConfig({ data: test.data, ...more }, {}) }));
  });
  afterEach(async () => {
    await test.close();
    await receiver.close();
  });

  const ask = async <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => {
    const headers = { authorization: `Bearer ${test.service.admin_key}`, 'content-type': 'application/json' };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await test.service.api.app.request(`http://localhost${path}`, init);
    return { status: response.status, json: (await response.json()) as T };
  };
  const subscribe = (more: Record<string, unknown>) =>
    ask<{ subscription: { subscription_id: string }; detail: string }>('POST', '/v1/subscriptions', {
      name: 'a',
      ...more,
    });
  const raise = async (...more: Parameters<typeof findingOf>) => {
    const [alert_id = ''] = await raiseAlerts(test.service.writer, [findingOf(...more)]);
    await test.service.settled();
    return alert_id;
  };
  const sessionOf = async (session_id: string, user_id: string) => {
    const event = {
      event_id: `e-${session_id}`,
      type: 'prompt',
      time: new Date().toISOString(),
      text: 'hi',
      session_id,
      user_id,
    };
    const response = await test.service.api.app.request('http://localhost/v1/events', {
      method: 'POST',
      headers: { authorization: `Bearer ${test.service.admin_key}`, 'content-type': 'application/json' },
      body: JSON.stringify(event),
    });
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('"accepted":1')]);
  };
  const settledDeliveries = async () => {
    for (let i = 0; i < 200; i++) {
      const { json } = await ask<{ deliveries: { state: string; error: string; attempts: number; status: number }[] }>(
        'GET',
        '/v1/deliveries',
      );
      if (json.deliveries.length > 0 && json.deliveries.every(({ state }) => state !== 'waiting'))
        return json.deliveries;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('deliveries still wait');
  };

  it('whom an alert concerns are told by mail, the owner of the session where that is somebody else', async () => {
    await subscribe({ kind: 'people', url: 'mailto:{user}' });
    await subscribe({ kind: 'people', url: 'mailto:{owner}' });
    await sessionOf('s-own', 'ana@example.com');
    await sessionOf('s-other', 'bo@example.com');
    await raise({ session_id: 's-own', user_id: 'ana@example.com' });
    await raise({ session_id: 's-other', user_id: 'ana@example.com' });
    const got = await server.count(3);
    await settledDeliveries();
    expect(got.map(({ to }) => to[0]).sort()).toEqual(['ana@example.com', 'ana@example.com', 'bo@example.com']);
    expect(got[0]?.mail.text).toContain('A secret went to another tool');
    expect(got.every(({ raw }) => !raw.includes('a value of a secret'))).toBe(true);
  });

  it('are told by a webhook of the kind people, of alerts and of what was suspended', async () => {
    await subscribe({ kind: 'people', url: `${receiver.url}/people` });
    await sessionOf('s-1', 'ana@example.com');
    const alert_id = await raise({ session_id: 's-1', user_id: 'ana@example.com' });
    const asked = { action: 'suspend', target: { kind: 'session', id: 's-1' }, reason: 'a test', alert_id };
    const { json } = await ask<{ command_id: string }>('POST', '/v1/enforcement', asked);
    const of = { tenant: 'default', command_id: json.command_id, state: 'applied' } as const;
    await test.service.context.response?.enforcement.step(of, { key_id: 'k', name: 'gateway' });
    const got = (await receiver.count(2)).map(({ body }) => JSON.parse(body));
    expect(got).toMatchObject([
      { type: 'person.alerted', data: { user_id: 'ana@example.com', owner_id: 'ana@example.com', alert_id } },
      {
        type: 'enforcement.applied',
        data: { user_id: 'ana@example.com', said: 'Your session with an agent was suspended.', alert_id },
      },
    ]);
    expect(Object.keys(got[0].data)).not.toContain('evidence');
    expect(Object.keys(got[0].data)).not.toContain('reason');
  });

  it('who are told by mail are told again when the server was away, and a dead letter stands in the same log', async () => {
    let refused = 0;
    server.onRecipient = (address) => {
      if (address === 'gone@example.com') throw refusal(550);
      if (refused++ < 2) throw refusal(451);
    };
    await subscribe({ url: 'mailto:soc@example.net' });
    await raise();
    expect(await settledDeliveries()).toMatchObject([{ state: 'sent', attempts: 3, status: 250 }]);
    expect(server.got[0]?.mail.subject).toBe('[high] A secret went to another tool');
    await subscribe({ kind: 'people', url: 'mailto:{user}' });
    await raise({ user_id: 'gone@example.com' });
    await raise({ user_id: 'somebody@example.org' });
    await raise({ user_id: 'not an address' });
    const dead = (await settledDeliveries()).filter(({ state }) => state === 'dead');
    expect(dead.map(({ error, attempts }) => `${error} ${attempts}`).sort()).toEqual([
      'recipient_not_allowed 1',
      'recipient_not_allowed 1',
      'smtp_550 1',
    ]);
  });

  it('get no more than so many mails an hour, while others go on to get theirs and the SOC gets all', async () => {
    await subscribe({ kind: 'people', url: 'mailto:{user}', per_second_max: 1_000 });
    await subscribe({ url: 'mailto:soc@example.net', per_second_max: 1_000 });
    const many = Array.from({ length: LIMITS.mail_per_person_per_hour_max + 5 }, () =>
      findingOf({ user_id: 'ana@example.com' }),
    );
    await raiseAlerts(test.service.writer, [...many, findingOf({ user_id: 'bo@example.com' })]);
    await test.service.settled();
    const dead = (await settledDeliveries()).filter(({ state }) => state === 'dead');
    expect(dead.map(({ error }) => error)).toEqual(Array(5).fill('recipient_limit'));
    const to = (address: string) => server.got.filter((each) => each.to[0] === address).length;
    expect([to('ana@example.com'), to('bo@example.com'), to('soc@example.net')]).toEqual([20, 1, many.length + 1]);
  });

  it('get one line for what others wrote: no header, no second mail and no link comes of a title', async () => {
    await subscribe({ url: 'mailto:soc@example.net' });
    await raise({
      title: 'x\r\nBcc: mallory@example.org\r\n\r\n.\r\nMAIL FROM:<a@example.org>\u2028 https://evil.example/login',
      reason: `a\r\n.\r\nQUIT\r\n${'y'.repeat(9_000)}`,
      agent: 'bot\r\nX-Evil: 1',
    });
    const [got] = await server.count(1);
    expect(got?.to).toEqual(['soc@example.net']);
    expect([got?.mail.bcc, got?.mail.headers.get('x-evil')]).toEqual([undefined, undefined]);
    expect(got?.mail.subject).toContain('Bcc: mallory@example.org');
    expect(got?.mail.text).not.toContain('https://');
    expect(got?.mail.text).toContain('https[://]evil.example');
    expect((await settledDeliveries()).map(({ state }) => state)).toEqual(['sent']);
    expect(server.got).toHaveLength(1);
  });

  it('cannot be made to be told at an address that the settings do not name, or in a form that mail has not', async () => {
    const refusedBy = async (more: Record<string, unknown>) => {
      const { status, json } = await subscribe(more);
      expect(status).toBe(400);
      return json.detail.split(':')[0];
    };
    expect(await refusedBy({ url: 'mailto:mallory@example.org' })).toBe('url');
    expect(await refusedBy({ url: 'mailto:ana@example.com?bcc=mallory@example.org' })).toBe('url');
    expect(await refusedBy({ url: 'mailto:ana@example.com%0abcc:x@example.com' })).toBe('url');
    expect(await refusedBy({ url: 'mailto:{user}' })).toBe('url');
    expect(await refusedBy({ url: 'mailto:ana@example.com', kind: 'enforcement' })).toBe('url');
    expect(await refusedBy({ url: 'mailto:ana@example.com', format: 'cef' })).toBe('format');
    expect(await refusedBy({ url: 'mailto:ana@example.com', credential: 'x' })).toBe('credential');
    const { json } = await subscribe({ url: 'mailto:ana@example.com' });
    const { subscription_id } = json.subscription;
    const tested = await ask<{ delivery: { state: string } }>('POST', `/v1/subscriptions/${subscription_id}`, {
      action: 'test',
    });
    expect(tested.json.delivery.state).toBe('sent');
    expect(server.got[0]?.mail.subject).toBe('[info] A test of this subscription');
  });
});
