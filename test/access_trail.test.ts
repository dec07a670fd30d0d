/** The watchers are watched: who reads, searches, exports and logs in leaves a record of the log, and auditors list it. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAccessTrail } from '../api/access_trail.ts';
import type { ApiContext } from '../api/context.ts';
import { AppError } from '../core/errors.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';
import { rawEvent } from './support/raw_event.ts';

interface ActionJson {
  tenant: string;
  seq: number;
  kind: string;
  type: string;
  actor: string;
  actor_name: string;
  session_id?: string;
  detail: Record<string, unknown>;
}
interface Page {
  actions: ActionJson[];
  next_cursor: string | null;
}

const HOUR_MS = 3_600_000;
let test: TestService;
let clock_ms = 0;
let analyst = '';
let viewer = '';
let auditor = '';
let alert_id = '';

const actions = async (q = '', key = auditor): Promise<ActionJson[]> =>
  (await test.read<Page>(`/v1/actions?limit=500${q === '' ? '' : `&q=${encodeURIComponent(q)}`}`, key)).actions;
const idOf = (key: string) => test.service.context.access.idOf(key);
const zipOf = async (path: string): Promise<Uint8Array> => {
  const answer = await fetch(`${test.url}${path}`, { headers: { authorization: `Bearer ${analyst}` } });
  expect(answer.status).toBe(200);
  return new Uint8Array(await answer.arrayBuffer());
};

beforeAll(async () => {
  test = await startTestService({ now: () => Date.now() + clock_ms });
  [analyst, viewer, auditor] = await Promise.all([
    test.key('analyst', 'acme'),
    test.key('viewer', 'acme'),
    test.key('auditor', 'acme'),
  ]);
  const events = ['s1', 's2', 's3'].map((session_id) =>
    rawEvent({ event_id: `e-${session_id}`, session_id, tenant: 'acme', content: `plum of ${session_id}` }),
  );
  await test.send([...events, { event_id: 'broken' }], { key: await test.key('ingest', 'acme') });
  const [raised] = await raiseAlerts(test.service.writer, [findingOf({ tenant: 'acme', session_id: 's3' })]);
  alert_id = String(raised);
});

afterAll(() => test.close());

describe('who looks at something', () => {
  it.each([
    ['a session', '/v1/sessions/s1', { type: 'session.read', session_id: 's1' }],
    ['an event', '/v1/events/e-s2', { type: 'event.read', session_id: 's2', detail: { subject: 'e-s2' } }],
    [
      'events by a query',
      '/v1/events?q=session_id:s1',
      { type: 'content.searched', detail: { query: 'session_id:s1' } },
    ],
    ['words in content', '/v1/search?q=plum', { type: 'content.searched', detail: { query: 'plum' } }],
    ['rejected records', '/v1/rejected', { type: 'rejected.read' }],
  ])('leaves a record of %s with who it was', async (_, path, expected) => {
    await test.read(path, analyst);
    const [newest] = await actions();
    expect(newest).toMatchObject({ ...expected, tenant: 'acme', kind: 'action', actor: idOf(analyst) });
    expect(newest).toMatchObject({ actor_name: 'a analyst', detail: { role: 'analyst', content: true } });
  });

  it('leaves a record of an alert, under its session', async () => {
    await test.read(`/v1/alerts/${alert_id}`, analyst);
    const [newest] = await actions();
    expect(newest).toMatchObject({ type: 'alert.read', session_id: 's3', detail: { subject: alert_id } });
  });

  it('leaves a record on the page without scripts too', async () => {
    await test.ask('GET', '/plain/sessions/s2', { key: analyst });
    expect((await actions('type:session.read and session_id:s2')).length).toBe(1);
  });

  it('says when content was withheld from one who may not read it', async () => {
    await test.read('/v1/sessions/s1', viewer);
    const [newest] = await actions();
    expect(newest).toMatchObject({ actor: idOf(viewer), detail: { role: 'viewer', content: false } });
  });

  it('leaves one record an hour, however often they look', async () => {
    const before = (await actions('type:session.read and session_id:s3')).length;
    for (let i = 0; i < 5; i++) await test.read('/v1/sessions/s3', analyst);
    await Promise.all([1, 2, 3].map(() => test.read('/v1/sessions/s3/edges', analyst)));
    expect((await actions('type:session.read and session_id:s3')).length).toBe(before + 1);
    clock_ms += HOUR_MS;
    await test.read('/v1/sessions/s3', analyst);
    expect((await actions('type:session.read and session_id:s3')).length).toBe(before + 2);
  });

  it('leaves a record of each export, with the digest of what was handed out', async () => {
    const bundles = [
      await zipOf('/v1/sessions/s1/evidence?tenant=acme'),
      await zipOf('/v1/sessions/s1/evidence?tenant=acme'),
    ];
    const digests = bundles.map((bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    const found = await actions('type:evidence.exported');
    expect(found.map(({ detail }) => detail.subject)).toEqual(digests.reverse());
  });

  it('leaves none of what is not there or not allowed', async () => {
    const before = (await actions()).length;
    await test.ask('GET', '/v1/sessions/none', { key: analyst });
    await test.ask('GET', '/v1/sessions/none/edges', { key: analyst });
    await test.ask('GET', '/v1/search?q=plum', { key: viewer });
    await test.ask('GET', '/v1/sessions/s1', {});
    expect((await actions()).length).toBe(before);
  });

  it('sees nothing while the log takes no record of it', async () => {
    const writer = {
      stamp: test.service.writer.stamp.bind(test.service.writer),
      submitInternal: () => Promise.reject(new AppError('store_unavailable', 'the store does not answer')),
    };
    const other = await test.also({ trail: createAccessTrail(writer, () => Date.now()) } as Partial<ApiContext>);
    const { status, text } = await other.ask('GET', '/v1/sessions/s1', { key: analyst });
    expect(status).toBe(503);
    expect(text).toContain('store_unavailable');
    expect(text).not.toContain('plum');
    // And is tried again, not remembered as done.
    expect((await other.ask('GET', '/v1/sessions/s1', { key: analyst })).status).toBe(503);
  });
});

describe('logins', () => {
  it('are recorded in and out, each time', async () => {
    const principal = { key_id: 'k-login', name: 'a browser', role: 'analyst', tenant: 'acme' } as const;
    for (let i = 0; i < 2; i++) {
      const code = test.service.context.logins.issue(principal);
      const { headers } = await test.ask('GET', `/login?code=${code}`);
      const cookie = String(headers.get('set-cookie')).split(';')[0] ?? '';
      await test.ask('POST', '/logout', { headers: { cookie, origin: test.url } });
    }
    const found = await actions('actor:k-login');
    expect(found.map(({ type }) => type)).toEqual(['access.logout', 'access.login', 'access.logout', 'access.login']);
    expect(found[1]?.detail).toEqual({ role: 'analyst', content: true, subject: 'code' });
  });

  it('with a wrong code leave none', async () => {
    const before = (await actions()).length;
    expect((await test.ask('GET', '/login?code=wrong')).status).toBe(403);
    expect((await actions()).length).toBe(before);
  });
});

describe('the trail', () => {
  it('holds what people did beside what they read', async () => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ action: 'acknowledge', note: 'mine' });
    await test.ask('POST', `/v1/alerts/${alert_id}/status`, { key: analyst, headers, body });
    const [found] = await actions('type:alert.acknowledged');
    expect(found).toMatchObject({ actor: idOf(analyst), session_id: 's3', detail: { note: 'mine', alert_id } });
  });

  it('shows a tenant the changes of its own keys, without their digests, and of no other', async () => {
    const other = await test.key('viewer', 'bravo');
    const found = await actions('type:key.changed');
    expect(found.map(({ detail }) => detail.key_id)).toContain(idOf(analyst));
    expect(found.map(({ detail }) => detail.key_id)).not.toContain(idOf(other));
    expect(JSON.stringify(found)).not.toContain('sha256');
  });

  it('shows who may see all tenants what is about all of them', async () => {
    const all = await test.read<Page>('/v1/actions?limit=500');
    expect(all.actions.map(({ type }) => type)).toContain('log.config');
    expect((await actions()).map(({ type }) => type)).not.toContain('log.config');
  });

  it('is paged, newest first, each action once', async () => {
    const whole = await actions();
    const seqs: number[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page = await test.read(`/v1/actions?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`, auditor);
      seqs.push(...page.actions.map(({ seq }) => seq));
      cursor = page.next_cursor;
    }
    expect(seqs).toEqual(whole.map(({ seq }) => seq));
    expect(seqs).toEqual([...seqs].sort((a, b) => b - a));
  });

  it('takes a time, and a query whose faults it tells', async () => {
    const [newest] = await actions();
    const to = encodeURIComponent(new Date(Date.now() - HOUR_MS).toISOString());
    expect((await test.read<Page>(`/v1/actions?to=${to}`, auditor)).actions).toEqual([]);
    expect((await actions(`actor:"${newest?.actor}"`)).length).toBeGreaterThan(0);
    const { status, text } = await test.ask('GET', '/v1/actions?q=actr:x', { key: auditor });
    expect([status, text.includes('actor')]).toEqual([400, true]);
  });

  it('is for auditors and administrators', async () => {
    expect((await test.ask('GET', '/v1/actions', { key: analyst })).status).toBe(403);
    expect((await test.ask('GET', '/v1/actions', { key: viewer })).status).toBe(403);
  });
});

describe('every route that shows what sessions hold', () => {
  /** Lists without content, what is asked of the log alone, and the frames of pages, which show nothing by themselves. */
  const UNRECORDED = [
    '/v1/sessions',
    '/v1/tools',
    '/v1/tools/used',
    '/v1/events/{event_id}/proof',
    '/plain',
    '/',
    '/alerts',
    '/incidents',
    '/incidents/{incident_id}',
    '/sessions',
    '/sessions/{session_id}',
    '/entities/{kind}/{name}',
    '/tools',
    '/suppressions',
    '/deliveries',
    '/integrity',
    '/audit',
    '/compliance',
    '/rules',
    '/tools/definitions',
    '/v1/tools/published',
    '/v1/tools/versions',
  ];

  it('records who asked', async () => {
    const routes = test.service.api.declared.filter(
      ({ method, permission }) => method === 'get' && /^(sessions|content|rejected):read$/.test(permission),
    );
    const silent: string[] = [];
    clock_ms += 2 * HOUR_MS;
    for (const { path } of routes) {
      clock_ms += 2 * HOUR_MS;
      const before = (await actions())[0]?.seq;
      const asked = path
        .replace('{session_id}', 's1')
        .replace('{event_id}', 'e-s1')
        .replace(/\{\w+\}/g, 'none');
      const query = { '/v1/search': '?q=plum', '/v1/policies/suggestion': '?role=clerk' }[path] ?? '';
      await test.ask('GET', `${asked}${query}`, { key: analyst });
      if ((await actions())[0]?.seq === before) silent.push(path);
    }
    expect(silent.sort()).toEqual([...UNRECORDED].sort());
  });
});
