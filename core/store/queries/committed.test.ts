/** What readers see while records are written, half written, written twice and written anew, in several logs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../migrate.ts';
import { RowWriter } from '../row_binary.ts';
import { openEmbeddedStore, type Store } from '../store.ts';
import { listAlerts, readAlert, readSessionAlerts } from './alerts.ts';
import { insertCheckpoint, readLastCheckpoint } from './checkpoints.ts';
import { readHeads } from './committed.ts';
import { findEvent, readEvent, readRecordAt, readTimeline, searchContent } from './events.ts';
import { insertHead } from './head.ts';

const folder = mkdtempSync(join(tmpdir(), 'tracewarden-committed-'));
const HASH = Buffer.alloc(32, 7);
let store: Store;

beforeAll(async () => {
  store = await openEmbeddedStore(folder);
  await migrate(store);
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const commit = (log: string, size: number) =>
  insertHead(store, { log, size, root: HASH, range: [HASH], received_at_ms: 1 });

interface Row {
  log: string;
  tenant: string;
  seq: number;
  session_id?: string;
  kind?: string;
  version?: number;
  content?: string;
  params?: string;
  state?: string;
}

/** Stores a record with its content, and an alert of the same place. */
async function add(record: Row): Promise<void> {
  const { log, tenant, seq, session_id = 's', kind = 'event', version = 0 } = record;
  const events = new RowWriter().string(tenant).string(session_id).string(log).u64(seq).u8(version);
  events.string(kind).string('prompt').string(`event ${seq}`).u32(0).i64(0).i64(0);
  for (let i = 0; i < 6; i++) events.string('');
  events.u8(0).string('').string(`core ${seq} of ${log}, version ${version}`).string('').string('').string('');
  const content = new RowWriter().string(tenant).string(session_id).string(log).u64(seq).u8(version);
  content.string(record.state ?? 'kept').string(record.params ?? '');
  content.string(record.content ?? `Text ${seq}`).string('salt');
  const alerts = new RowWriter().string(tenant).string(`alert ${log} ${seq}`).string(log).u64(seq);
  alerts.string('rule').u32(1).string('high').u8(75).string('').string('').string(session_id).string('').string('');
  alerts.i64(0).i64(0).strings([]).string('[]');
  await store.insert('events', events);
  await store.insert('content', content);
  await store.insert('alerts', alerts);
}

const timeline = async (tenant: string, more = {}) => {
  const scope = { tenant, session_id: 's', after: -1, limit: 100, ...more };
  return (await readTimeline(store, scope, true)).map(({ log, seq, content }) => [log, seq, content]);
};
const ANY_ALERT = { rule_id: '', user_id: '', risk_min: 0, from_ms: 0, to_ms: 1, before_seq: 1_000_000, limit: 100 };

describe('a reader', () => {
  it('sees what is below the head of its own log, in every way of asking, and no more', async () => {
    for (const seq of [0, 1, 2]) {
      await add({ log: 'low', tenant: 'two logs', seq });
      await add({ log: 'high', tenant: 'two logs', seq: seq + 10 });
    }
    const places = async () => {
      const found = await searchContent(store, { tenant: 'two logs', words: ['text'], before_seq: 100, limit: 100 });
      const alerts = await listAlerts(store, { tenant: 'two logs', session_id: '', ...ANY_ALERT });
      const story = await readSessionAlerts(store, 'two logs', 's', 100);
      const shown: [string, number][] = [];
      for (const [log, seq] of [0, 1, 2].flatMap((at) => [['low', at] as const, ['high', at + 10] as const])) {
        if ((await readRecordAt(store, 'two logs', log, seq)) !== undefined) shown.push([log, seq]);
      }
      const sorted = (rows: readonly { log: string; seq: number }[]) =>
        rows.map(({ log, seq }): [string, number] => [log, seq]).sort((a, b) => a[1] - b[1]);
      const all = [(await timeline('two logs')).map(([log, seq]) => ({ log: String(log), seq: Number(seq) })), found];
      return [...[...all, alerts, story.newest].map(sorted), shown.sort((a, b) => a[1] - b[1])];
    };
    const five = (expected: [string, number][]) => Array.from({ length: 5 }, () => expected);
    expect(await places()).toEqual(five([]));
    await commit('low', 2);
    expect(await places()).toEqual(
      five([
        ['low', 0],
        ['low', 1],
      ]),
    );
    await commit('high', 11);
    expect(await places()).toEqual(
      five([
        ['low', 0],
        ['low', 1],
        ['high', 10],
      ]),
    );
    expect(await readEvent(store, 'two logs', 'event 2')).toBeUndefined();
    expect(await readAlert(store, 'two logs', 'alert low 2')).toBeUndefined();
    expect(await readAlert(store, 'two logs', 'alert low 1')).toMatchObject({ log: 'low', seq: 1 });
  });

  it('sees each batch as soon as its head is durable, while many are written and read at once', async () => {
    let size = 0;
    const reading = Array.from({ length: 3 }, async () => {
      while (size < 12) {
        const before = size;
        expect((await timeline('growing')).length).toBeGreaterThanOrEqual(before);
      }
    });
    for (let seq = 0; seq < 12; seq++) {
      await add({ log: 'growing', tenant: 'growing', seq });
      await commit('growing', seq + 1);
      size = seq + 1;
    }
    await Promise.all(reading);
    expect(await timeline('growing')).toHaveLength(12);
  });

  it('sees a row that was inserted twice once, and the highest version of one that was replaced', async () => {
    for (const _ of [1, 2]) await add({ log: 'twice', tenant: 'twice', seq: 0 });
    await add({ log: 'twice', tenant: 'twice', seq: 1, content: 'secret' });
    await add({ log: 'twice', tenant: 'twice', seq: 1, version: 1, content: '', state: 'erased' });
    await commit('twice', 2);
    expect(await timeline('twice')).toEqual([
      ['twice', 0, 'Text 0'],
      ['twice', 1, ''],
    ]);
    const event = await readEvent(store, 'twice', 'event 1');
    expect(event).toMatchObject({ core: 'core 1 of twice, version 1', content: '', state: 'erased' });
    const scope = { tenant: 'twice', before_seq: 100, limit: 100 };
    expect(await searchContent(store, { ...scope, words: ['secret'] })).toEqual([]);
    expect((await searchContent(store, { ...scope, words: ['text'] })).map(({ seq }) => seq)).toEqual([0]);
    expect(await readSessionAlerts(store, 'twice', 's', 1)).toMatchObject({ count: 2, newest: [{ seq: 1 }] });
  });

  it('finds an event by its id in the log that it asks for, and another kind of record under no id', async () => {
    await add({ log: 'here', tenant: 'ids', seq: 5, session_id: 'a' });
    await add({ log: 'there', tenant: 'ids', seq: 5, session_id: 'b' });
    await add({ log: 'here', tenant: 'ids', seq: 6, kind: 'duplicate' });
    for (const log of ['here', 'there']) await commit(log, 7);
    const find = (event_id: string, log: string) => findEvent(store, { tenant: 'ids', event_id, log });
    expect(await find('event 5', 'here')).toEqual({ log: 'here', session_id: 'a', seq: 5 });
    expect(await find('event 5', 'there')).toEqual({ log: 'there', session_id: 'b', seq: 5 });
    expect(await find('event 5', '')).toMatchObject({ seq: 5 });
    expect(await find('event 5', 'elsewhere')).toBeUndefined();
    expect(await find('event 6', 'here')).toBeUndefined();
    expect(await findEvent(store, { tenant: 'two logs', event_id: 'event 5', log: '' })).toBeUndefined();
  });

  it('sees a page of a session after a number, and content only when it asks for it', async () => {
    for (let seq = 0; seq < 5; seq++) await add({ log: 'pages', tenant: 'pages', seq });
    await commit('pages', 5);
    expect((await timeline('pages', { after: 1, limit: 2 })).map(([, seq]) => seq)).toEqual([2, 3]);
    const scope = { tenant: 'pages', session_id: 's', after: -1, limit: 1 };
    const [withheld] = await readTimeline(store, scope, false);
    expect(withheld).toMatchObject({ seq: 0, params: '', content: '', state: '' });
  });

  it('is shown risk and number of all alerts of a session, however few it asks for', async () => {
    for (const seq of [0, 1]) await add({ log: 'risks', tenant: 'risks', seq });
    await add({ log: 'risks', tenant: 'risks', seq: 2, session_id: 'another' });
    await commit('risks', 3);
    expect(await readSessionAlerts(store, 'risks', 's', 1)).toMatchObject({ risk: 94, count: 2, newest: [{ seq: 1 }] });
    expect(await readSessionAlerts(store, 'risks', 'none', 1)).toEqual({ risk: 0, count: 0, newest: [] });
  });
});

describe('the heads that readers use', () => {
  const sizeOf = async (log: string) => {
    const { head_logs, head_sizes } = await readHeads(store);
    return head_sizes[head_logs.indexOf(log)];
  };

  it('are read once for each change of the table, and anew after a command, which may change anything', async () => {
    await commit('kept', 3);
    expect(await sizeOf('kept')).toBe(3);
    expect(await readHeads(store)).toBe(await readHeads(store));
    await commit('kept', 4);
    expect(await sizeOf('kept')).toBe(4);
    await store.command("DELETE FROM heads WHERE log = 'kept'");
    expect(await sizeOf('kept')).toBeUndefined();
  });

  it('are read anew after a commit that failed, since it may have been durable', async () => {
    const before = await readHeads(store);
    await expect(store.insert('heads', new RowWriter().string('cut'))).rejects.toThrow();
    expect(await readHeads(store)).not.toBe(before);
  });

  it('are read each time from a store that others write to', async () => {
    const server: Store = { ...store, kind: 'server', rows: (sql, params) => store.rows(sql, params) };
    await commit('shared', 1);
    const [first, second] = [await readHeads(server), await readHeads(server)];
    expect(first).toEqual(second);
    expect(first).not.toBe(second);
  });
});

describe('the newest checkpoint', () => {
  it('is the one that was stored last, at once', async () => {
    const checkpoint = (size: number) => ({
      log: 'signed',
      size,
      root: HASH,
      note: `note ${size}`,
      signed_at_ms: size,
    });
    expect(await readLastCheckpoint(store, 'signed')).toBeUndefined();
    for (const size of [1, 7]) {
      await insertCheckpoint(store, checkpoint(size));
      expect(await readLastCheckpoint(store, 'signed')).toEqual(checkpoint(size));
      expect(await readLastCheckpoint(store, 'another')).toBeUndefined();
    }
    await store.command("DELETE FROM checkpoints WHERE log = 'signed' AND size = 7");
    expect(await readLastCheckpoint(store, 'signed')).toEqual(checkpoint(1));
  });
});
