/**
 * Erasure, from the outside: what a user said stands in the files of the data folder before, and after in none; the log
 * verifies and says so. Columns are stored as they are, so that text can be found in files.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyLog } from '../ingest/verify/verify.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { marked } from './support/marked_events.ts';

const MARK = 'quelltopf-7731';
const TABLES = ['events', 'content', 'edges', 'signals', 'observations', 'alerts', 'alert_actions', 'deliveries'];

let test: TestService;

/** Files below a folder in which the text stands. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}

/** Tables in whose rows, all versions of them, the text stands. */
async function tablesWith(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const table of TABLES) {
    const rows = await test.service.store.rows(`SELECT * FROM ${table}`);
    if (JSON.stringify(rows).includes(text)) found.push(table);
  }
  return found;
}

async function erase(body: Record<string, unknown>, query = '') {
  const headers = { 'content-type': 'application/json' };
  const asked = { key: test.service.admin_key, headers, body: JSON.stringify(body) };
  const { status, text } = await test.ask('POST', `/v1/erasures${query}`, asked);
  return { status, answer: JSON.parse(text) };
}

const verify = () => verifyLog({ store: test.service.store, vkey: test.service.keyring.vkey });

beforeAll(async () => {
  test = await startTestService();
  const { store } = test.service;
  for (const [table, columns] of Object.entries({
    content: ['params', 'content', 'salt'],
    events: ['who', 'what', 'detail'],
    edges: ['preview', 'sentence', 'path'],
    signals: ['title', 'reason', 'evidence'],
    observations: ['body', 'key'],
    alerts: ['title', 'reason'],
  })) {
    for (const column of columns) await store.command(`ALTER TABLE ${table} MODIFY COLUMN ${column} CODEC(NONE)`);
  }
});
afterAll(() => test.close());

describe('the erasure of a user', { timeout: 120_000 }, () => {
  const sent = marked('s-gone', 'gone@example.com', MARK);
  const rejected = `{"event_id":"r-1","type":"prompt","user_id":"gone@example.com","content":"${MARK}"`;
  let before: { events: number };

  it('finds the text in the data folder first: in content, unknown fields, edges, alerts and rejected bytes', async () => {
    await test.send(sent);
    await test.send(marked('s-same-text', 'stays@example.com', MARK.replace('7731', '7732')));
    await test.send(marked('s-other', 'stays@example.com', 'bystander-4410'));
    await test.send(marked('s-gone', 'gone@example.com', 'neighbour-5520', 'other'), { query: '?tenant=other' });
    const key = await test.key('ingest');
    const refused = await test.send(rejected, { key, headers: { 'content-type': 'application/x-ndjson' } });
    expect(refused.answer.rejected).toBe(1);
    await test.service.settled();
    expect(filesWith(test.data, MARK).length).toBeGreaterThan(0);
    const tables = await tablesWith(MARK);
    expect(tables).toEqual(expect.arrayContaining(['events', 'content', 'edges', 'alerts']));
    before = await test.read('/v1/sessions/s-gone');
    expect(before).toBeDefined();
  });

  it('says beforehand what would go, and changes nothing', async () => {
    const size = test.service.writer.head.size;
    const { status, answer } = await erase({ user_id: 'gone@example.com', reason: 'asked for', dry_run: true });
    expect(status).toBe(200);
    expect(answer).toMatchObject({
      dry_run: true,
      erasure_id: null,
      erased: { events: sent.length, rejected: 1, sessions: 1 },
    });
    expect(answer.not_reached.join(' ')).toMatch(/Kafka.*backups/s);
    expect(test.service.writer.head.size).toBe(size);
    expect((await tablesWith(MARK)).length).toBeGreaterThan(0);
  });

  it('leaves the text in no file and no row, and others keep theirs', async () => {
    const { status, answer } = await erase({ user_id: 'gone@example.com', reason: 'asked for' });
    expect(status).toBe(200);
    expect(answer.erased).toMatchObject({ events: sent.length, rejected: 1 });
    expect(answer.seq).toBeGreaterThan(0);
    expect(await tablesWith(MARK)).toEqual([]);
    expect(filesWith(test.data, MARK)).toEqual([]);
    for (const kept of ['quelltopf-7732', 'bystander-4410', 'neighbour-5520']) {
      expect(await tablesWith(kept), kept).toContain('content');
      expect(filesWith(test.data, kept).length, kept).toBeGreaterThan(0);
    }
  });

  it('is in the log: what, why and by whom, without the name of the user', async () => {
    const { erasures } = await test.read<{ erasures: Record<string, unknown>[] }>('/v1/erasures');
    expect(erasures).toHaveLength(1);
    expect(erasures[0]).toMatchObject({ type: 'erasure', scope: 'user', reason: 'asked for' });
    expect(erasures[0]?.records).toBeGreaterThan(sent.length);
    expect(JSON.stringify(erasures)).not.toContain('gone@example.com');
  });

  it('verifies, and the report says erased', async () => {
    const report = await verify();
    expect(report.findings).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.erased).toBeGreaterThan(sent.length);
  });

  it('shows the session with its events as erased, not as missing', async () => {
    const { events } = await test.read<{ events: Record<string, unknown>[] }>('/v1/sessions/s-gone');
    expect(events).toHaveLength(sent.length);
    for (const event of events) expect(event).toMatchObject({ content_state: 'erased', user_id: 'gone@example.com' });
    expect(events[0]).not.toHaveProperty('content');
  });

  it('holds when the source sends the same events again', async () => {
    const { answer } = await test.send(sent);
    expect(answer.duplicate).toBe(sent.length);
    await test.service.settled();
    expect(await tablesWith(MARK)).toEqual([]);
    expect(filesWith(test.data, MARK)).toEqual([]);
    expect((await verify()).ok).toBe(true);
  });

  it('has nothing to do the second time', async () => {
    const { answer } = await erase({ user_id: 'gone@example.com', reason: 'asked again' });
    expect(answer).toMatchObject({ erasure_id: null, seq: null, records: 0 });
  });
});

describe('detection', { timeout: 60_000 }, () => {
  const edges = async (session_id: string) =>
    (await test.read<{ edges: { to: { event_id: string } }[] }>(`/v1/sessions/${session_id}/edges`)).edges;

  it('forgets values of an erased session, and goes on to follow those of others', async () => {
    for (const name of ['forgot', 'knows']) {
      await test.send(marked(`s-${name}`, `${name}@example.com`, `fernblick-${name}`).slice(0, 3));
    }
    await test.service.settled();
    expect((await erase({ user_id: 'forgot@example.com', reason: 'asked for' })).status).toBe(200);
    for (const name of ['forgot', 'knows']) {
      await test.send(marked(`s-${name}`, `${name}@example.com`, `fernblick-${name}`).slice(3));
    }
    await test.service.settled();
    expect((await edges('s-knows')).length).toBeGreaterThan(0);
    expect(await edges('s-forgot')).toEqual([]);
    expect(await verify()).toMatchObject({ ok: true });
  });
});

describe('a request to erase', () => {
  it.each([
    ['nobody', { reason: 'x' }],
    ['a user and a session', { reason: 'x', user_id: 'u', session_id: 's' }],
    ['no reason', { user_id: 'u' }],
    ['a blank reason', { user_id: 'u', reason: ' ' }],
  ])('that names %s is refused', async (_, body) => expect((await erase(body)).status).toBe(400));

  it('needs the permission', async () => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ user_id: 'stays@example.com', reason: 'x' });
    for (const role of ['analyst', 'responder', 'auditor'] as const) {
      const key = await test.key(role);
      expect((await test.ask('POST', '/v1/erasures', { key, headers, body })).status).toBe(403);
    }
  });
});
