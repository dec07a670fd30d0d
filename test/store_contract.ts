/** What every store promises, run against the embedded engine and against a server alike. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate, readMigrations } from '../core/store/migrate.ts';
import { RowReader, RowWriter } from '../core/store/row_binary.ts';
import type { Store } from '../core/store/store.ts';
import { TABLES } from '../core/store/tables.ts';

export const coded = (code: string) => expect.objectContaining({ name: 'AppError', code });

/** Texts that have become SQL, have ended a value or have been changed on the way, in some store or other. */
const HOSTILE = [
  '',
  ' ',
  '\n\n',
  '{"n":1}\n\ndrop table victim',
  "'; DROP TABLE victim; --",
  "\\'; DROP TABLE victim; --",
  '"`\\\'\\N\\0\0\r\n\t\b\f\v',
  '{x:String}',
  '%00%27&param_log=other',
  '\r\n--boundary\r\nContent-Disposition: form-data; name="query"\r\n\r\nDROP TABLE victim',
  "unhex('27')",
  'null',
  '[]',
  '😀 e\u0301 \u202e \ufeff\u2028\uffff',
];

export const collect = async (pieces: AsyncIterable<Buffer>) => {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(Buffer.from(piece));
  return Buffer.concat(all);
};

/** A query that takes too long, and gives rows that the engine may hold ready before that. */
const SLOW = 'SELECT number FROM numbers(1000000000000) WHERE cityHash64(number) % 100000 = {rest:UInt64}';

/** A store whose queries may take some hundred milliseconds. */
interface OpenedStore {
  store: Store;
  close(): Promise<void>;
}

export function describeStore(name: string, open: () => Promise<OpenedStore>): void {
  describe(name, () => {
    let opened: OpenedStore;
    let store: Store;

    beforeAll(async () => {
      opened = await open();
      ({ store } = opened);
      await migrate(store);
      await store.command('CREATE TABLE IF NOT EXISTS victim (text String) ENGINE = MergeTree ORDER BY tuple()');
    });

    afterAll(() => opened.close());

    const victimIsThere = async () => {
      expect(await store.rows(`SELECT name FROM system.tables WHERE name = 'victim'`)).toEqual([{ name: 'victim' }]);
    };

    const echo = (text: string) => store.rows<{ text: string }>('SELECT {text:String} AS text', { text });

    it('applies the migrations once and then has nothing to do', async () => {
      expect(await migrate(store)).toEqual([]);
      const applied = await store.rows<{ name: string }>('SELECT name FROM schema_migrations FINAL ORDER BY name');
      expect(applied.map((row) => row.name)).toEqual(readMigrations().map((migration) => migration.name));
    });

    it('gives hostile strings back as they were bound, and none of them becomes SQL', async () => {
      for (const text of [...HOSTILE, 'é'.repeat(1 << 19)]) {
        expect(await echo(text)).toEqual([{ text }]);
        expect(new RowReader(await store.binary('SELECT {text:String}', { text })).string()).toBe(text);
        expect(new RowReader(await collect(store.stream('SELECT {text:String}', { text }))).string()).toBe(text);
      }
      await victimIsThere();
    });

    it('gives hostile strings in lists back as they were bound', async () => {
      const texts = [...HOSTILE, 'x'.repeat(1 << 20)];
      expect(await store.rows('SELECT {texts:Array(String)} AS texts', { texts })).toEqual([{ texts }]);
      expect(new RowReader(await store.binary('SELECT {texts:Array(String)}', { texts })).strings()).toEqual(texts);
      expect(await store.rows('SELECT {texts:Array(String)} AS texts', { texts: [] })).toEqual([{ texts: [] }]);
      await victimIsThere();
    });

    it('binds numbers and truth values with all their digits', async () => {
      const params = { a: Number.MAX_SAFE_INTEGER, b: Number.MIN_SAFE_INTEGER, c: 0.1, d: true, e: [0, 2 ** 53 - 1] };
      const sql = `SELECT {a:UInt64} AS a, {b:Int64} AS b, {c:Float64} AS c, {d:Bool} AS d, {e:Array(UInt64)} AS e,
                          number AS n FROM numbers(10) WHERE number IN {e:Array(UInt64)} LIMIT {limit:UInt32}`;
      expect(await store.rows(sql, { ...params, limit: 1 })).toEqual([{ ...params, n: 0 }]);
    });

    it('passes hostile strings through commands without one becoming SQL', async () => {
      for (const text of HOSTILE) await store.command('INSERT INTO victim SELECT {text:String}', { text });
      const rows = await store.rows<{ text: string }>('SELECT text FROM victim');
      expect(rows.map((row) => row.text).sort()).toEqual([...HOSTILE].sort());
      for (const text of HOSTILE) await store.command('DELETE FROM victim WHERE text = {text:String}', { text });
      expect(await store.rows('SELECT text FROM victim')).toEqual([]);
      await victimIsThere();
    });

    it('stores hostile text in every column of text, and no row becomes SQL', async () => {
      const tables = [
        'events',
        'content',
        'sessions',
        'alerts',
        'alert_actions',
        'edges',
        'signals',
        'observations',
        'session_facts',
        'checkpoints',
        'access_keys',
      ] as const;
      for (const table of tables) {
        const columns = Object.entries(TABLES[table]);
        const texts = columns.filter(([, type]) => type === 'String').map(([column]) => column);
        const rows = new RowWriter();
        for (const [at, text] of HOSTILE.entries()) {
          for (const [column, type] of columns) {
            if (type === 'String') rows.string(column === 'log' ? `${text}${at}` : text);
            else if (type === 'Array(String)') rows.strings([text, text]);
            else if (type === 'FixedString(32)') rows.fixed(Buffer.alloc(32, '\n\n'));
            else if (type === 'UInt8') rows.u8(10);
            else if (type === 'UInt32') rows.u32(0x0a0a0a0a);
            else if (type === 'UInt64') rows.u64(at);
            else rows.i64(0x0a0a_0a0a_0a);
          }
        }
        await store.insert(table, rows);
        const list = texts.map((column) => (column === 'log' ? "'' AS log" : column)).join(', ');
        const back = await store.rows<Record<string, string>>(`SELECT ${list} FROM ${table}`);
        const found = new Set(back.map((row) => JSON.stringify(texts.map((c) => (c === 'log' ? '' : row[c])))));
        const wanted = HOSTILE.map((text) => JSON.stringify(texts.map((c) => (c === 'log' ? '' : text))));
        expect([...found].sort()).toEqual([...new Set(wanted)].sort());
      }
      await victimIsThere();
    });

    it('refuses to give a whole number above 2^53 that would lose digits, wherever it stands', async () => {
      const refused = coded('integer_too_large');
      await expect(store.rows('SELECT toUInt64(9007199254740993) AS n')).rejects.toThrow(refused);
      await expect(store.rows('SELECT toInt64(-9007199254740993) AS n')).rejects.toThrow(refused);
      await expect(store.rows("SELECT [map('a', tuple(toUInt64(9007199254740993)))] AS n")).rejects.toThrow(refused);
      const rows = await store.rows(
        `SELECT toString(toUInt64(9007199254740993)) AS text, toUInt64(9007199254740991) AS n, '9007199254740993' AS t`,
      );
      expect(rows).toEqual([{ text: '9007199254740993', n: Number.MAX_SAFE_INTEGER, t: '9007199254740993' }]);
    });

    it('answers with the right rows after queries that took too long, many times and with readers beside them', async () => {
      const slow = (round: number) =>
        expect(store.rows(SLOW, { rest: round })).rejects.toThrow(coded('query_too_slow'));
      const right = async (round: number) => {
        const text = `answer ${round}`;
        expect(await echo(text)).toEqual([{ text }]);
        const bytes = await store.binary('SELECT {round:UInt64}, {text:String}', { round, text });
        const row = new RowReader(bytes);
        expect([row.u64(), row.string(), row.done]).toEqual([round, text, true]);
      };
      for (let round = 0; round < 8; round++) {
        await Promise.all([slow(round), right(round), right(round + 100), slow(round + 1)]);
        await Promise.all([right(round), right(round + 100), right(round + 200)]);
      }
    });

    it('bounds rows in time, bytes where that is asked for, and both behind settings of their own', async () => {
      const slow = coded('query_too_slow');
      const own = `${SLOW} SETTINGS max_threads = 1`;
      await expect(store.rows(own, { rest: 1 })).rejects.toThrow(slow);
      await expect(store.binary(SLOW, { rest: 1 }, { bounded: true })).rejects.toThrow(slow);
      await expect(store.binary(own, { rest: 1 }, { bounded: true })).rejects.toThrow(slow);
      const threads = `SELECT toString(getSetting('max_threads')) AS n, (SELECT 1 SETTINGS max_threads = 3) AS one`;
      expect(await store.rows(`${threads} SETTINGS max_threads = 1`)).toEqual([{ n: '1', one: 1 }]);
      expect(await store.rows("SELECT 'SETTINGS of (one)' AS text")).toEqual([{ text: 'SETTINGS of (one)' }]);
    });

    it('keeps no setting of one query for the next', async () => {
      await store.rows('SELECT 1');
      await expect(store.rows(SLOW, { rest: 1 })).rejects.toThrow(coded('query_too_slow'));
      for (let i = 0; i < 6; i++) {
        const row = new RowReader(await store.binary("SELECT toString(getSetting('max_execution_time'))"));
        expect(row.string()).toBe('0');
      }
    });

    it('lets a write, a command and other reads pass a long read', async () => {
      const order: string[] = [];
      const ends = (what: string) => () => {
        order.push(what);
      };
      const long = store.binary('SELECT sleep(2)').then(ends('long'));
      const others: Promise<unknown>[] = [
        store.insert('cursors', new RowWriter().string('log').string('beside').u64(1)).then(ends('insert')),
        store.command('SELECT {a:UInt8}', { a: 1 }).then(ends('command')),
        collect(store.stream('SELECT {a:UInt8}', { a: 1 })).then(ends('stream')),
      ];
      for (let i = 0; i < 5; i++) others.push(echo('beside').then(ends('read')));
      await Promise.all([long, ...others]);
      expect(order.at(-1)).toBe('long');
      expect(order.filter((what) => what === 'read')).toHaveLength(5);
    });

    it('reads a large answer in pieces, in order, while other statements run', async () => {
      const pieces = store.stream('SELECT number FROM numbers({n:UInt64})', { n: 500_000 });
      let bytes = 0;
      let last = -1;
      let rest: Buffer = Buffer.alloc(0);
      let count = 0;
      for await (const piece of pieces) {
        count++;
        bytes += piece.length;
        const joined = Buffer.concat([rest, piece]);
        const whole = joined.length - (joined.length % 8);
        const row = new RowReader(joined.subarray(0, whole));
        while (!row.done) if (row.u64() !== ++last) expect.unreachable(`row ${last} is another`);
        rest = joined.subarray(whole);
        if (count === 2) expect(await echo('inside')).toEqual([{ text: 'inside' }]);
      }
      expect([bytes, last, count > 2]).toEqual([4_000_000, 499_999, true]);
    });

    it('goes on after a stream that was left in the middle', async () => {
      for (let i = 0; i < 3; i++) {
        for await (const piece of store.stream('SELECT number FROM numbers(10000000)')) {
          expect(piece.length).toBeGreaterThan(0);
          break;
        }
        expect(await echo('after')).toEqual([{ text: 'after' }]);
      }
    });

    it('ends a stream with an error when the engine fails in the middle, after whole rows or none', async () => {
      const sql = 'SELECT number, throwIf(number = {at:UInt64}) FROM numbers(200000) SETTINGS max_block_size = 1000';
      for (const at of [0, 150_000]) {
        await expect(collect(store.stream(sql, { at }))).rejects.toThrow(coded('store_failed'));
      }
      expect(await echo('after')).toEqual([{ text: 'after' }]);
    });

    it('never takes an error in the middle of an answer for rows', async () => {
      const sql = 'SELECT number, throwIf(number = 150000) AS t FROM numbers(200000) SETTINGS max_block_size = 1000';
      await expect(store.binary(sql)).rejects.toThrow(coded('store_failed'));
      await expect(store.rows('SELECT number, throwIf(number = 150000) AS t FROM numbers(200000)')).rejects.toThrow(
        coded('store_failed'),
      );
    });

    it('refuses rows that are cut or too long, and goes on inserting', async () => {
      const whole = (name: string, seq: number) => new RowWriter().string('bad').string(name).u64(seq);
      const cut = new RowWriter().string('bad').string('sk-secret-4711');
      const long = whole('sk-secret-4711', 1).string('rest');
      for (const rows of [cut, long]) {
        await expect(store.insert('cursors', rows)).rejects.toThrow(coded('store_failed'));
        await expect(store.insert('cursors', rows)).rejects.not.toThrow(/secret|bad|staging/);
      }
      await store.insert('cursors', whole('good', 3));
      const rows = await store.rows("SELECT name, seq FROM cursors FINAL WHERE log = 'bad' AND name = 'good'");
      expect(rows).toEqual([{ name: 'good', seq: 3 }]);
    });

    it('says what was wrong without a word of the rows or the values', async () => {
      await store.insert('cursors', new RowWriter().string('log').string("sk-secret '(SECRET)' Exception: ").u64(1));
      const failing: [string, Record<string, string>][] = [
        ['SELECT toUInt64(name) FROM cursors', {}],
        ["SELECT CAST(name, 'Enum8(\\'a\\' = 1)') FROM cursors", {}],
        ['SELECT {a:UInt64}', { a: 'sk-secret' }],
        ['SELECT {a:String} + nothing', { a: 'sk-secret' }],
        ['SELECT {a:String} + 1', { a: 'sk-secret' }],
        ['SELECT {a:String} FROM nothing', { a: 'sk-secret' }],
        ['SELECT {a:String} FROM', { a: 'sk-secret' }],
        ['SELECT JSONExtractString({a:String}, 1, throwIf(1))', { a: 'sk-secret' }],
      ];
      const hidden = new RegExp(`secret|${Buffer.from('secret').toString('hex')}`, 'i');
      for (const [sql, params] of failing) {
        for (const method of ['rows', 'binary', 'command'] as const) {
          const error = await store[method](sql, params).then(
            () => expect.unreachable(sql),
            (thrown: unknown) => thrown as Error,
          );
          expect(error).toEqual(coded('store_failed'));
          expect([error.message, String(error.stack), String(error.cause)].join()).not.toMatch(hidden);
        }
      }
      await expect(store.rows('SELECT nothing FROM cursors')).rejects.toThrow(/47.*nothing/);
      await expect(store.rows('SELEC 1')).rejects.toThrow(/62/);
    });

    it('takes an insert without rows for done', async () => {
      await store.insert('cursors', new RowWriter());
    });

    it('inserts what a reused writer held at the time, and is durable for the next read', async () => {
      const rows = new RowWriter(16);
      for (let i = 0; i < 10; i++) {
        await store.insert('cursors', rows.clear().string('reused').string(`row ${i}`).u64(i));
        const [row] = await store.rows<{ n: number }>("SELECT count() AS n FROM cursors WHERE log = 'reused'");
        expect(row?.n).toBe(i + 1);
      }
    });
  });
}
