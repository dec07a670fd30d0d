/** Retention: what is older than it may become goes by tenant and type, what is held stays, and the log says so. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../core/config.ts';
import { RetentionSettings, tiersOf } from '../core/retention_settings.ts';
import { startRetention } from '../ingest/retention_job.ts';
import { verifyLog } from '../ingest/verify/verify.ts';
import { temporaryFolder } from './log_kit.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { marked } from './support/marked_events.ts';

const DAY_MS = 86_400_000;
const SETTINGS = { content_days: 30, types: { prompt: 10 }, summary_days: 60, tenants: { other: { content_days: 5 } } };
const folder = temporaryFolder('retention');
let test: TestService;
let now_ms = Date.now();

interface Report {
  content: { tenant: string; type: string; days: number; records: number; held: number }[];
  summaries: { tenant: string; rows: Record<string, number> }[];
  more: boolean;
}

beforeAll(async () => {
  const config = loadConfig({ data: folder, retention: SETTINGS }, {});
  test = await startTestService({ config, now: () => now_ms, deliver: false });
  await test.send(marked('s-old', 'anna@example.com', 'mark-old'));
  await test.send(marked('s-held', 'ben@example.com', 'mark-held'));
  await test.send(marked('s-far', 'carl@example.com', 'mark-far', 'other'));
  await test.service.settled();
  await post('/v1/holds', {
    session_id: 's-held',
    reason: 'case',
    expires_at: new Date(now_ms + 90 * DAY_MS).toISOString(),
  });
  now_ms += 6 * DAY_MS;
  await test.send(marked('s-new', 'anna@example.com', 'mark-new'));
  await test.service.settled();
});
afterAll(() => test.close());

async function post(path: string, body: Record<string, unknown>, key = test.service.admin_key) {
  const headers = { 'content-type': 'application/json' };
  const { status, text } = await test.ask('POST', path, { key, headers, body: JSON.stringify(body) });
  return { status, answer: JSON.parse(text) };
}

const report = () => test.read<Report>('/v1/retention');
const run = async () => (await post('/v1/retention/run', {})).answer as Report;
const verify = () => verifyLog({ store: test.service.store, vkey: test.service.keyring.vkey });
const inStore = async (text: string) =>
  JSON.stringify(await test.service.store.rows('SELECT * FROM content')).includes(text);
async function states(session_id: string, tenant = 'default') {
  const path = `/v1/sessions/${session_id}?tenant=${tenant}`;
  const { events } = await test.read<{ events: { type: string; content_state: string }[] }>(path);
  return Object.fromEntries(events.map(({ type, content_state }) => [type, content_state]));
}

describe('retention', { timeout: 60_000 }, () => {
  it('says what will go, by tenant and type, and removes nothing by that', async () => {
    const { content } = await report();
    expect(new Set(content.map(({ tenant }) => tenant))).toEqual(new Set(['other']));
    expect(content).toContainEqual(expect.objectContaining({ tenant: 'other', type: 'prompt', days: 5 }));
  });

  it('removes what a tenant keeps for a shorter time, and leaves the others theirs', async () => {
    const planned = await report();
    expect((await run()).content).toEqual(planned.content);
    expect(await states('s-far', 'other')).toMatchObject({ 'tool.call': 'expired' });
    expect(await states('s-old')).toMatchObject({ prompt: 'kept', 'tool.call': 'kept' });
    expect((await report()).content).toEqual([]);
  });

  it('removes a type that goes sooner, leaves what is held, and says how much that is', async () => {
    now_ms += 5 * DAY_MS;
    const { content } = await run();
    const prompts = content.filter(({ tenant, type }) => tenant === 'default' && type === 'prompt');
    expect(prompts).toEqual([expect.objectContaining({ days: 10, records: 1, held: 1 })]);
    expect(await states('s-old')).toMatchObject({ prompt: 'expired', 'tool.call': 'kept' });
    expect(await states('s-held')).toMatchObject({ prompt: 'kept' });
    expect(await states('s-new')).toMatchObject({ prompt: 'kept' });
  });

  it('removes all content of its age from the rows, and the log verifies and says expired', async () => {
    now_ms += 20 * DAY_MS;
    await run();
    expect(await inStore('mark-old')).toBe(false);
    expect([await inStore('mark-held'), await inStore('mark-new')]).toEqual([true, true]);
    const { findings, ok, expired } = await verify();
    expect(findings).toEqual([]);
    expect(ok).toBe(true);
    expect(expired).toBeGreaterThan(5);
    const { erasures } = await test.read<{ erasures: { type: string; scope: string; reason: string }[] }>(
      '/v1/erasures',
    );
    expect(erasures[0]).toMatchObject({ type: 'expiry', scope: 'retention' });
    expect(erasures[0]?.reason).toContain('tool.call: 30 days');
  });

  it('removes summaries when their time is over, without those of held sessions', async () => {
    const sessions = async (table: string) =>
      (
        await test.service.store.rows<{ s: string }>(
          `SELECT DISTINCT session_id AS s FROM ${table} WHERE tenant = 'default'`,
        )
      ).map(({ s }) => s);
    expect(await sessions('session_facts')).toEqual(expect.arrayContaining(['s-old', 's-held', 's-new']));
    now_ms += 32 * DAY_MS;
    expect((await run()).summaries.map(({ tenant }) => tenant)).toContain('default');
    expect(await sessions('session_facts')).toEqual(expect.arrayContaining(['s-held', 's-new']));
    expect(await sessions('session_facts')).not.toContain('s-old');
    expect((await verify()).ok).toBe(true);
  });

  it('lets go of what was held when the hold has ended', async () => {
    now_ms += 60 * DAY_MS;
    await run();
    expect(await inStore('mark-held')).toBe(false);
    expect((await run()).content).toEqual([]);
  });

  it('with a key of one tenant looks at that tenant alone', async () => {
    await test.send(marked('s-last', 'anna@example.com', 'mark-last'));
    await test.send(marked('s-last', 'carl@example.com', 'mark-last', 'other'));
    await test.service.settled();
    now_ms += 40 * DAY_MS;
    const { status, answer } = await post('/v1/retention/run', {}, await test.key('admin', 'other'));
    expect(status).toBe(200);
    expect(new Set((answer as Report).content.map(({ tenant }) => tenant))).toEqual(new Set(['other']));
    expect(new Set((await report()).content.map(({ tenant }) => tenant))).toEqual(new Set(['default']));
  });

  it('is run by who may erase; auditors see what will go', async () => {
    expect((await post('/v1/retention/run', {}, await test.key('auditor'))).status).toBe(403);
    expect((await test.ask('GET', '/v1/retention', { key: await test.key('auditor') })).status).toBe(200);
    expect((await test.ask('GET', '/v1/retention', { key: await test.key('analyst') })).status).toBe(403);
  });
});

describe('settings of retention', () => {
  it('of a tenant come before those for all, type by type', () => {
    const settings = RetentionSettings.parse({
      content_days: 30,
      types: { prompt: 10, response: 7 },
      tenants: { other: { summary_days: 9, types: { prompt: 2 } }, short: { content_days: 3 } },
    });
    expect(tiersOf(settings, 'short')).toEqual({ content_days: 3, types: {} });
    expect(tiersOf(settings, 'other')).toEqual({
      content_days: 30,
      summary_days: 9,
      types: { prompt: 2, response: 7 },
    });
    expect(tiersOf(settings, '__proto__')).toEqual({ content_days: 30, types: { prompt: 10, response: 7 } });
  });

  it.each([{ content_days: 0 }, { types: { nothing: 3 } }, { leaves_days: 3 }, { tenants: { a: { cores_days: 1 } } }])(
    'that cannot be are refused: %j',
    (settings) => expect(RetentionSettings.safeParse(settings).success).toBe(false),
  );
});

describe('the daily run', () => {
  const report_of = (records: number, more: boolean) => ({
    content: [{ tenant: 't', type: 'prompt', days: 1, records, held: 0, oldest_ms: 0 }],
    summaries: [],
    more,
  });

  it('comes again until all is gone, then a day later, and goes on after a failure', async () => {
    vi.useFakeTimers();
    const reports = [report_of(5, true), report_of(2, false)];
    const notices: string[] = [];
    let runs = 0;
    const run = async () => {
      runs++;
      const next = reports.shift();
      if (next === undefined) throw new Error('the store is away');
      return next;
    };
    const stop = startRetention({ run, onNotice: (notice) => notices.push(notice), first_ms: 10 });
    await vi.advanceTimersByTimeAsync(11);
    expect(runs).toBe(2);
    await vi.advanceTimersByTimeAsync(DAY_MS);
    expect(runs).toBe(3);
    expect(notices).toEqual(['content_expired', 'content_expired', 'retention_failed']);
    await vi.advanceTimersByTimeAsync(DAY_MS);
    expect(runs).toBe(4);
    await stop();
    await vi.advanceTimersByTimeAsync(3 * DAY_MS);
    expect(runs).toBe(4);
    vi.useRealTimers();
  });
});
