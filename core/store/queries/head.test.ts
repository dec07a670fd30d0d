import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../migrate.ts';
import { RowWriter } from '../row_binary.ts';
import { openEmbeddedStore, type Store } from '../store.ts';
import { type HeadRow, insertHead, moveCursor, readCursor, readHead, removeAbove, sessionsAbove } from './head.ts';
import { readOpenGaps, readRecentSessions, readSessions } from './session_state.ts';

const folder = mkdtempSync(join(tmpdir(), 'tracewarden-head-'));
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

const headOf = (log: string, size: number): HeadRow => ({
  log,
  size,
  root: Buffer.alloc(32, size),
  range: [Buffer.alloc(32, 1), Buffer.alloc(32, 2)],
  received_at_ms: 1_700_000_000_000 + size,
});

function addRecord(log: string, tenant: string, session: string, seq: number): Promise<unknown> {
  const events = new RowWriter().string(tenant).string(session).string(log).u64(seq).u8(0);
  events.string('event').string('prompt').string(`event ${seq}`).u32(0).i64(0).i64(0);
  for (let i = 0; i < 6; i++) events.string('');
  events.u8(0).string('').string('{}').string('').string('').string('');
  const content = new RowWriter().string(tenant).string(session).string(log).u64(seq).u8(0);
  content.string('kept').string('').string('text').string('salt');
  const alerts = new RowWriter().string(tenant).string(`alert ${log} ${seq}`).string(log).u64(seq);
  alerts.string('rule').u32(1).string('high').u8(75).string('').string('').string(session).string('').string('');
  alerts.i64(0).i64(0).strings([]).string('[]');
  return Promise.all([
    store.insert('events', events),
    store.insert('content', content),
    store.insert('alerts', alerts),
    store.insert('leaves', new RowWriter().string(log).u64(seq).fixed(HASH).u64(seq)),
  ]);
}

interface SessionRow {
  log: string;
  tenant: string;
  session_id: string;
  last_seq: number;
  source?: string;
  last_received_ms?: number;
}

async function addSession({ log, tenant, session_id, last_seq, source, last_received_ms }: SessionRow): Promise<void> {
  const row = new RowWriter().string(tenant).string(session_id).string(log).u64(last_seq).fixed(HASH);
  row
    .u32(last_seq + 1)
    .u32(2)
    .u32(3)
    .u32(4)
    .i64(-5)
    .i64(6)
    .i64(7)
    .i64(last_received_ms ?? 8);
  row
    .string(source ?? 'given')
    .string('user')
    .string('role')
    .string('agent')
    .string('client');
  await store.insert('sessions', row.strings(['s1', 's2']).strings([]));
}

const countOf = async (table: string, log: string) => {
  const counts = await store.rows<{ n: number }>(`SELECT count() AS n FROM ${table} FINAL WHERE log = {log:String}`, {
    log,
  });
  return counts[0]?.n;
};

describe('the head of a log', () => {
  it('is undefined before the first, and then the one of the largest size, whole', async () => {
    expect(await readHead(store, 'heads')).toBeUndefined();
    for (const size of [1, 3, 2]) await insertHead(store, headOf('heads', size));
    await insertHead(store, headOf('another', 9));
    expect(await readHead(store, 'heads')).toEqual(headOf('heads', 3));
    await insertHead(store, { ...headOf('heads', 4), range: [] });
    expect(await readHead(store, 'heads')).toEqual({ ...headOf('heads', 4), range: [] });
  });

  it('decides what readers see', async () => {
    for (const seq of [0, 1, 2]) await addRecord('seen', 'acme', 's', seq);
    const seen = async (view: string) => {
      const rows = await store.rows<{ seq: number }>(`SELECT seq FROM ${view} WHERE log = 'seen' ORDER BY seq`);
      return rows.map((row) => row.seq);
    };
    for (const view of ['v_events', 'v_content', 'v_alerts']) expect(await seen(view)).toEqual([]);
    await insertHead(store, headOf('seen', 2));
    for (const view of ['v_events', 'v_content', 'v_alerts']) expect(await seen(view)).toEqual([0, 1]);
  });
});

describe('rows above the head', () => {
  it('are removed from every table of that log alone, and counted', async () => {
    for (const log of ['cut', 'whole']) {
      for (let seq = 0; seq < 6; seq++) await addRecord(log, 'acme', `session ${seq}`, seq);
      for (let seq = 0; seq < 6; seq++)
        await addSession({ log, tenant: 'acme', session_id: `session ${seq}`, last_seq: seq });
      const nodes = new RowWriter();
      for (const [level, index] of [
        [8, 0],
        [8, 1],
        [16, 0],
      ] as const)
        nodes.string(log).u8(level).u64(index).fixed(HASH);
      await store.insert('nodes', nodes);
    }
    const removed = await removeAbove(store, 'cut', 4);
    expect(removed).toEqual({ leaves: 2, events: 2, content: 2, alerts: 2, sessions: 2, nodes: 3 });
    for (const table of ['leaves', 'events', 'content', 'alerts', 'sessions']) {
      expect([await countOf(table, 'cut'), await countOf(table, 'whole')]).toEqual([4, 6]);
    }
    expect([await countOf('nodes', 'cut'), await countOf('nodes', 'whole')]).toEqual([0, 3]);
    expect(await removeAbove(store, 'cut', 4)).toEqual({});
  });

  it('keep the nodes whose leaves are all below the head', async () => {
    const nodes = new RowWriter();
    for (const [level, index] of [
      [8, 0],
      [8, 1],
      [8, 2],
      [16, 0],
      [24, 0],
    ] as const)
      nodes.string('nodes').u8(level).u64(index).fixed(HASH);
    await store.insert('nodes', nodes);
    await removeAbove(store, 'nodes', 512);
    const rows = await store.rows("SELECT level, idx FROM nodes WHERE log = 'nodes' ORDER BY level, idx");
    expect(rows).toEqual([
      { level: 8, idx: 0 },
      { level: 8, idx: 1 },
    ]);
  });

  it('can be written again after they were removed', async () => {
    await addRecord('again', 'acme', 's', 0);
    await removeAbove(store, 'again', 0);
    await addRecord('again', 'acme', 's', 0);
    for (const table of ['leaves', 'events', 'content', 'alerts']) expect(await countOf(table, 'again')).toBe(1);
  });

  it('name the sessions that they touched, by rows of events and of sessions, once each and of that log alone', async () => {
    await addRecord('touched', 'acme', 'below', 0);
    await addRecord('touched', 'acme', 'by event', 5);
    await addRecord('touched', 'acme', 'by event', 6);
    await addRecord('touched', 'other', 'by event', 7);
    await addRecord('touched', 'acme', '', 8);
    await addRecord('elsewhere', 'acme', 'of another log', 9);
    await addSession({ log: 'touched', tenant: 'acme', session_id: 'by summary', last_seq: 5 });
    await addSession({ log: 'touched', tenant: 'acme', session_id: 'summary below', last_seq: 4 });
    const found = await sessionsAbove(store, 'touched', 5);
    expect(found.map(({ tenant, session_id }) => `${tenant}/${session_id}`).sort()).toEqual([
      'acme/by event',
      'acme/by summary',
      'other/by event',
    ]);
    expect(await sessionsAbove(store, 'touched', 100)).toEqual([]);
  });
});

describe('the cursor of a reader', () => {
  it('is 0 before it moved, and then the furthest that it was moved to', async () => {
    expect(await readCursor(store, 'log', 'detection')).toBe(0);
    for (const seq of [3, 9, 5]) await moveCursor(store, 'log', 'detection', seq);
    await moveCursor(store, 'log', 'other', 99);
    expect(await readCursor(store, 'log', 'detection')).toBe(9);
  });
});

describe('the state of sessions', () => {
  it('reads back whole, in its newest version, for the sessions that were asked for', async () => {
    await addSession({ log: 'state', tenant: 'acme', session_id: "it's", last_seq: 1 });
    await addSession({ log: 'state', tenant: 'acme', session_id: "it's", last_seq: 4 });
    await addSession({ log: 'state', tenant: 'other', session_id: "it's", last_seq: 9 });
    await addSession({ log: 'state 2', tenant: 'acme', session_id: "it's", last_seq: 8 });
    const keys = [
      { tenant: 'acme', session_id: "it's" },
      { tenant: 'acme', session_id: 'new' },
    ];
    expect(await readSessions(store, 'state', keys)).toEqual([
      {
        tenant: 'acme',
        session_id: "it's",
        session_source: 'given',
        last_seq: 4,
        last_leaf: HASH.toString('base64'),
        events: 5,
        calls: 2,
        errors: 3,
        prompts: 4,
        first_time_ms: -5,
        last_time_ms: 6,
        first_received_ms: 7,
        last_received_ms: 8,
        user_id: 'user',
        user_role: 'role',
        agent: 'agent',
        client: 'client',
        servers: ['s1', 's2'],
        tools: [],
      },
    ]);
    expect(await readSessions(store, 'state', [])).toEqual([]);
  });

  it('is found for more sessions than one query asks for', async () => {
    const rows = new RowWriter();
    const keys = Array.from({ length: 4_500 }, (_, i) => ({
      tenant: `tenant ${i % 7}`,
      session_id: `'é\\${i}`.repeat(20),
    }));
    for (const [i, key] of keys.entries()) {
      rows.string(key.tenant).string(key.session_id).string('many').u64(i).fixed(HASH);
      rows.u32(1).u32(0).u32(0).u32(0).i64(0).i64(0).i64(0).i64(0);
      for (let n = 0; n < 5; n++) rows.string('');
      rows.strings([]).strings([]);
    }
    await store.insert('sessions', rows);
    const found = await readSessions(store, 'many', keys);
    expect(found.map(({ last_seq }) => last_seq).sort((a, b) => a - b)).toEqual(keys.map((_, i) => i));
    expect(found.every(({ session_id, last_seq }) => session_id === keys[last_seq]?.session_id)).toBe(true);
  });

  it('of gaps is read from a time on, the newest of them, oldest first', async () => {
    for (let i = 0; i < 5; i++) {
      const row = { log: 'gaps', tenant: 'acme', session_id: `gap ${i}`, last_seq: 10 + i };
      await addSession({ ...row, source: 'gap', last_received_ms: 1_000 * i });
    }
    await addSession({ log: 'gaps', tenant: 'acme', session_id: 'given', last_seq: 20, last_received_ms: 9_000 });
    const ids = async (since: number, rows_max: number) => {
      const states = await readOpenGaps(store, 'gaps', since, rows_max);
      return states.map(({ session_id }) => session_id);
    };
    expect(await ids(2_000, 10)).toEqual(['gap 2', 'gap 3', 'gap 4']);
    expect(await ids(0, 2)).toEqual(['gap 3', 'gap 4']);
    expect(await ids(-1, 10)).toHaveLength(5);
  });

  it('of those that moved last is read oldest first', async () => {
    for (const seq of [5, 1, 9, 7])
      await addSession({ log: 'recent', tenant: 'acme', session_id: `s${seq}`, last_seq: seq });
    await addSession({ log: 'recent', tenant: 'acme', session_id: 's1', last_seq: 12 });
    const states = await readRecentSessions(store, 'recent', 3);
    expect(states.map(({ session_id, last_seq }) => [session_id, last_seq])).toEqual([
      ['s7', 7],
      ['s9', 9],
      ['s1', 12],
    ]);
  });
});
