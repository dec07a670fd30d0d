import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RowReader, RowWriter } from '../core/store/row_binary.ts';
import { openServerStore, type Store } from '../core/store/store.ts';
import { type Front, startFront } from './clickhouse_front.ts';
import { coded, collect, describeStore } from './store_contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'tracewarden-server-'));
const QUERY_MS_MAX = 300;
let front: Front;
let store: Store;

beforeAll(async () => {
  front = await startFront(folder);
  store = openServerStore(front.url, { query_ms_max: QUERY_MS_MAX });
});

afterAll(async () => {
  await store.close();
  await front.close();
  rmSync(folder, { recursive: true });
});

describeStore('the store of a server, over the embedded engine behind a front', async () => ({
  store,
  close: async () => {},
}));

const real = process.env.CLICKHOUSE_URL;
const why = 'CLICKHOUSE_URL names no server, so the contract was not run against a real one';
if (real === undefined) console.log(why);
describe.skipIf(real === undefined)('a real server', () => {
  describeStore('the store of a real server', async () => {
    const opened = openServerStore(real ?? '', { query_ms_max: QUERY_MS_MAX });
    return { store: opened, close: () => opened.close() };
  });
});

const cursor = (name: string) => new RowWriter().string('log').string(name).u64(1);
const one = () => store.rows('SELECT 1 AS one');

describe('the store of a server', () => {
  it('puts settings into the SQL and sends no setting but that of when to answer', async () => {
    front.requests.length = 0;
    await one();
    await store.insert('cursors', cursor('settings'));
    await collect(store.stream('SELECT 1'));
    for (const { fields } of front.requests) {
      expect(fields.filter((name) => !['query', 'query_id'].includes(name))).toEqual(['wait_end_of_query']);
    }
    expect(front.requests.map(({ query }) => query).join()).toMatch(/max_execution_time = 0\.3[\s\S]*async_insert = 0/);
  });

  it('sends long values in the body of a form, where no limit of a URL holds, and short ones in the URL', async () => {
    front.requests.length = 0;
    await store.rows('SELECT {text:String} AS text', { text: 'short' });
    await store.rows('SELECT length({text:String}) AS n', { text: 'long'.repeat(2_000) });
    const ids = Array.from({ length: 2_000 }, (_, i) => `session ${i} ${'é'.repeat(190)}`);
    const row = new RowReader(await store.binary('SELECT length({ids:Array(String)})', { ids }));
    expect(row.u64()).toBe(2_000);
    expect(front.requests.map(({ form }) => form)).toEqual([false, true, true]);
  });

  it('stores the bytes of rows as they are', async () => {
    const note = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
    const rows = new RowWriter()
      .string('bytes')
      .u64(1)
      .fixed(Buffer.alloc(32, 0xff))
      .string(Buffer.from(note, 'latin1'));
    await store.insert('checkpoints', rows.i64(-1));
    const row = new RowReader(await store.binary("SELECT root, note, signed_at FROM checkpoints WHERE log = 'bytes'"));
    expect([row.fixed(32), row.blob(), row.i64()]).toEqual([Buffer.alloc(32, 0xff), Buffer.from(note, 'latin1'), -1]);
  });

  it('fails every method with the code of the store when the connection is lost, and tries nothing twice', async () => {
    const attempts: (() => Promise<unknown>)[] = [
      one,
      () => store.binary('SELECT 1'),
      () => collect(store.stream('SELECT 1')),
      () => store.command('SELECT 1'),
      () => store.insert('cursors', cursor('reset')),
    ];
    for (const attempt of attempts) {
      for (const next of ['reset', 'page'] as const) {
        front.requests.length = 0;
        front.next = next;
        await expect(attempt()).rejects.toThrow(coded('store_failed'));
        expect(front.requests).toHaveLength(1);
        expect(await one()).toEqual([{ one: 1 }]);
      }
    }
    expect(await store.rows("SELECT name FROM cursors WHERE name = 'reset'")).toEqual([]);
  });

  it('never takes the part of an answer that arrived for the answer', async () => {
    for (const attempt of [one, () => store.binary('SELECT 1'), () => collect(store.stream('SELECT 1, 2, 3'))]) {
      front.next = 'cut';
      await expect(attempt()).rejects.toThrow(coded('store_failed'));
    }
  });

  it('ends a stream with an error however the server tells one that it met after the first rows', async () => {
    const sql = 'SELECT number, throwIf(number = 150000) FROM numbers(200000) SETTINGS max_block_size = 1000';
    for (const late of ['tag', 'reset'] as const) {
      front.late_errors = late;
      let bytes = 0;
      const read = async () => {
        for await (const piece of store.stream(sql)) {
          bytes += piece.length;
          expect(piece.includes('__exception__')).toBe(false);
        }
      };
      await expect(read()).rejects.toThrow(coded('store_failed'));
      expect(bytes).toBeGreaterThan(0);
    }
    front.late_errors = 'tag';
  });

  it('reads a stream no faster than it is used', async () => {
    front.bytes_sent = 0;
    const pieces = store.stream('SELECT number FROM numbers(20000000)')[Symbol.asyncIterator]();
    await pieces.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(front.bytes_sent).toBeLessThan(40_000_000);
    await pieces.return?.(undefined);
  });

  it('fails with the code of the store when nobody listens or the password is wrong, and tells no password', async () => {
    const wrong = [front.url.replace('p%40ss', 'wrong'), 'http://writer:pw-4711@127.0.0.1:1/default'];
    for (const url of wrong) {
      const other = openServerStore(url);
      await expect(other.rows('SELECT 1')).rejects.toThrow(coded('store_failed'));
      await expect(other.rows('SELECT 1')).rejects.not.toThrow(/wrong|4711/);
      await other.close();
    }
  });

  it('refuses a URL that is none without printing it', () => {
    for (const url of ['', 'nothing', 'ftp://writer:pw-4711@host', 'http://writer:pw-4711@[']) {
      expect(() => openServerStore(url)).toThrow(coded('store_url_invalid'));
      expect(() => openServerStore(url)).not.toThrow(/4711/);
    }
  });
});
