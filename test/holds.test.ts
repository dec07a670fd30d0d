/** Holds: what is held is not erased, a release lets it go, and both are records of the log. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdsOf } from '../core/hold.ts';
import { verifyLog } from '../ingest/verify/verify.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { marked } from './support/marked_events.ts';

const HOUR_MS = 3_600_000;
let test: TestService;
let now_ms = Date.now();

interface HoldJson {
  hold_id: string;
  in_force: boolean;
  session_id?: string;
  reason: string;
  released_at: string | null;
}

beforeAll(async () => {
  test = await startTestService({ now: () => now_ms });
  for (const name of ['one', 'two', 'three', 'four']) {
    await test.send(marked(`s-${name}`, `${name}@example.com`, `mark-${name}`));
    await test.send(marked(`s-${name}-b`, `${name}@example.com`, `mark-${name}`));
  }
  await test.service.settled();
});
afterAll(() => test.close());

async function post(path: string, body: Record<string, unknown>, key = test.service.admin_key) {
  const headers = { 'content-type': 'application/json' };
  const { status, text } = await test.ask('POST', path, { key, headers, body: JSON.stringify(body) });
  return { status, answer: JSON.parse(text) };
}

const hold = (body: Record<string, unknown>) =>
  post('/v1/holds', { reason: 'case 12', expires_at: new Date(now_ms + HOUR_MS).toISOString(), ...body });
const erase = (body: Record<string, unknown>, query = '') => post(`/v1/erasures${query}`, { reason: 'asked', ...body });
const list = async () => (await test.read<{ holds: HoldJson[] }>('/v1/holds')).holds;
const kept = async (session_id: string) => {
  const { events } = await test.read<{ events: { content_state: string }[] }>(`/v1/sessions/${session_id}`);
  return events.every(({ content_state }) => content_state === 'kept');
};

describe('a hold of a session', { timeout: 60_000 }, () => {
  it('refuses the erasure of its user as a whole, and says which hold it is', async () => {
    const { status, answer } = await hold({ session_id: 's-one' });
    expect(status).toBe(201);
    expect(answer).toMatchObject({ in_force: true, session_id: 's-one', reason: 'case 12', released_at: null });
    const refused = await erase({ user_id: 'one@example.com' });
    expect(refused).toMatchObject({ status: 409, answer: { code: 'held' } });
    expect(refused.answer.detail).toContain(answer.hold_id);
    expect([await kept('s-one'), await kept('s-one-b')]).toEqual([true, true]);
    const dry = await erase({ user_id: 'one@example.com', dry_run: true });
    expect(dry).toMatchObject({ status: 200, answer: { holds: [answer.hold_id] } });
  });

  it('lets go of another session of that user, and of a user in another tenant', async () => {
    expect((await erase({ session_id: 's-one-b' })).status).toBe(200);
    expect([await kept('s-one'), await kept('s-one-b')]).toEqual([true, false]);
    expect((await erase({ user_id: 'one@example.com' }, '?tenant=other')).status).toBe(200);
  });

  it('lets go when it is released, once', async () => {
    const [{ hold_id } = { hold_id: '' }] = await list();
    const released = await post(`/v1/holds/${hold_id}/release`, { reason: 'case closed' });
    expect(released).toMatchObject({ status: 200, answer: { in_force: false } });
    expect((await post(`/v1/holds/${hold_id}/release`, { reason: 'again' })).status).toBe(409);
    expect((await erase({ user_id: 'one@example.com' })).status).toBe(200);
    expect(await kept('s-one')).toBe(false);
  });
});

describe('a hold of a user', { timeout: 60_000 }, () => {
  it('refuses the erasure of the user and of a session, until it expires', async () => {
    expect((await hold({ user_id: 'two@example.com' })).status).toBe(201);
    expect((await erase({ user_id: 'two@example.com' })).status).toBe(409);
    expect((await erase({ session_id: 's-two' })).status).toBe(409);
    expect((await erase({ user_id: 'three@example.com' })).status).toBe(200);
    now_ms += HOUR_MS;
    expect((await list()).map(({ in_force }) => in_force)).toEqual([false, false]);
    expect((await erase({ user_id: 'two@example.com' })).status).toBe(200);
  });
});

describe('a suspension', { timeout: 60_000 }, () => {
  it('holds its session, and the hold can be released', async () => {
    const body = { action: 'suspend', target: { kind: 'session', id: 's-four' }, reason: 'looks taken over' };
    expect((await post('/v1/enforcement', body)).status).toBe(202);
    const made = (await list()).find(({ session_id }) => session_id === 's-four');
    expect(made).toMatchObject({ in_force: true, reason: 'suspension' });
    expect((await erase({ session_id: 's-four' })).status).toBe(409);
    expect((await post(`/v1/holds/${made?.hold_id}/release`, { reason: 'looked at' })).status).toBe(200);
    expect((await erase({ session_id: 's-four' })).status).toBe(200);
  });
});

describe('a request for a hold', { timeout: 60_000 }, () => {
  it.each([
    ['nobody', {}],
    ['a user and a session', { user_id: 'u', session_id: 's' }],
    ['a time that has passed', { user_id: 'u', expires_at: '2020-01-01T00:00:00Z' }],
    ['a blank reason', { user_id: 'u', reason: ' ' }],
  ])('that names %s is refused', async (_, body) => expect((await hold(body)).status).toBe(400));

  it('needs the permission, and knows no hold of another tenant', async () => {
    for (const role of ['viewer', 'analyst', 'auditor'] as const) {
      const body = { user_id: 'u', reason: 'x', expires_at: new Date(now_ms + HOUR_MS).toISOString() };
      expect((await post('/v1/holds', body, await test.key(role))).status).toBe(403);
    }
    const [first] = await list();
    expect((await post(`/v1/holds/${first?.hold_id}/release?tenant=other`, { reason: 'x' })).status).toBe(404);
  });

  it('leaves records that verify', async () => {
    expect(await verifyLog({ store: test.service.store, vkey: test.service.keyring.vkey })).toMatchObject({ ok: true });
  });
});

describe('holds from records', () => {
  const place = { actor: 'a', received_at_ms: 1 };
  const added = {
    ...place,
    type: 'hold.added',
    event_id: 'h',
    detail: { user_id: 'u', reason: 'r', expires_at_ms: 9 },
  };
  const released = { ...place, type: 'hold.released', event_id: 'x', detail: { hold_id: 'h', reason: 'q' } };

  it('end with their first release, and a release of nothing does nothing', () => {
    const later = { ...released, received_at_ms: 5 };
    expect(holdsOf([released, added, later, { ...later, received_at_ms: 7 }])).toEqual([
      expect.objectContaining({ hold_id: 'h', released_at_ms: 5, release_reason: 'q' }),
    ]);
  });
});
