import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { coded, describeStore } from '../../test/store_contract.ts';
import { inlineParams } from './bind.ts';
import { RowReader, RowWriter } from './row_binary.ts';
import { openEmbeddedStore, type Store } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tracewarden-store-'));
const STAGING = join(folder, 'staging');
const QUERY_MS_MAX = 300;

mkdirSync(STAGING, { recursive: true });
writeFileSync(join(STAGING, 'events.7.rowbinary'), 'left over by a crash');

let store: Store;

describeStore('the embedded store', async () => {
  store = await openEmbeddedStore(folder, { query_ms_max: QUERY_MS_MAX });
  return { store, close: async () => {} };
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const cursor = (name: string, seq: number) => new RowWriter().string('log').string(name).u64(seq);

describe('the folder of the embedded store', () => {
  it('holds no staging file of an earlier run', () => {
    expect(existsSync(join(STAGING, 'events.7.rowbinary'))).toBe(false);
  });

  it('holds the rows of an insert while it runs, readable by their owner alone, and nothing afterwards', async () => {
    const inserting = store.insert('cursors', cursor('staged', 1));
    const files = readdirSync(STAGING);
    expect(files).toHaveLength(1);
    expect(statSync(join(STAGING, files[0] ?? '')).mode & 0o777).toBe(0o600);
    await inserting;
    expect(readdirSync(STAGING)).toEqual([]);
  });

  it('holds no staging file after an insert that failed', async () => {
    await expect(store.insert('cursors', new RowWriter().string('cut'))).rejects.toThrow(coded('store_failed'));
    expect(readdirSync(STAGING)).toEqual([]);
  });

  it('that cannot be written fails the insert with the code of the store', async () => {
    rmSync(STAGING, { recursive: true });
    try {
      await expect(store.insert('cursors', cursor('unwritten', 1))).rejects.toThrow(coded('store_failed'));
    } finally {
      mkdirSync(STAGING, { mode: 0o700 });
    }
    await store.insert('cursors', cursor('written', 1));
  });

  it('is refused to a second process, which changes nothing of the first', async () => {
    const left = join(STAGING, 'cursors.99.rowbinary');
    writeFileSync(left, 'of an insert that runs');
    const second = child(folder);
    expect(await second.line()).toBe('refused folder_in_use');
    await second.end();
    expect(existsSync(left)).toBe(true);
    rmSync(left);
    await store.insert('cursors', cursor('first', 5));
    expect(await store.rows("SELECT seq FROM cursors FINAL WHERE name = 'first'")).toEqual([{ seq: 5 }]);
  });
});

describe('a store whose process is killed', () => {
  it('has every row of the inserts that had returned, and opens again without help', async () => {
    const killed = mkdtempSync(join(tmpdir(), 'tracewarden-killed-'));
    chmodSync(killed, 0o700);
    for (let round = 0; round < 3; round++) {
      const writer = child(killed);
      expect(await writer.line()).toBe(`found ${round * 2}`);
      expect(await writer.line()).toBe('inserted');
      expect(await writer.line()).toBe('inserted');
      writer.process.kill('SIGKILL');
      await writer.end();
    }
    rmSync(killed, { recursive: true });
  });
});

describe('the changes of a table', () => {
  const changes = () => ['cursors', 'heads'].map((table) => store.changesOf?.(table as 'cursors') ?? -1);

  it('are counted by the embedded store when an insert or a command has ended, well or not, and by no read', async () => {
    const [cursors = 0, heads = 0] = changes();
    await store.rows('SELECT 1');
    await store.insert('cursors', cursor('counted', 1));
    expect(changes()).toEqual([cursors + 1, heads]);
    await expect(store.insert('cursors', new RowWriter().string('cut'))).rejects.toThrow();
    expect(changes()).toEqual([cursors + 2, heads]);
    await store.command('SELECT 1');
    await expect(store.command('no SQL')).rejects.toThrow();
    expect(changes()).toEqual([cursors + 4, heads + 2]);
  });
});

describe('values in SQL', () => {
  it('come back equal from the engine, whatever text or list of texts they are', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 }).map((raw) => Buffer.from(raw).toString());
    await fc.assert(
      fc.asyncProperty(text, fc.array(text, { maxLength: 6 }), async (one, many) => {
        const row = new RowReader(await store.binary('SELECT {one:String}, {many:Array(String)}', { one, many }));
        expect([row.string(), row.strings(), row.done]).toEqual([one, many, true]);
      }),
      { numRuns: 200 },
    );
  });

  it('are hexadecimal digits, so that none can end the place where it stands', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.string({ unit: 'binary' })), (one, many) => {
        const sql = inlineParams('SELECT {one:String}, {many:Array(String)}', { one, many });
        expect(sql).toMatch(/^SELECT x'[0-9a-f]*', CAST\(x'[0-9a-f]*', 'Array\(String\)'\)$/);
      }),
    );
  });

  it('are refused when one is missing, inherited, not finite or above 2^53', () => {
    const refused: [string, Record<string, number>][] = [
      ['SELECT {a:UInt8}', {}],
      ['SELECT {toString:String}', {}],
      ['SELECT {a:UInt64}', { a: 2 ** 53 }],
      ['SELECT {a:Float64}', { a: Number.NaN }],
      ['SELECT {a:Float64}', { a: Number.POSITIVE_INFINITY }],
    ];
    for (const [sql, params] of refused) expect(() => inlineParams(sql, params)).toThrow(coded('store_failed'));
  });

  it('keep the quotes of their type', async () => {
    const sql = "SELECT toString({at:DateTime64(3, 'UTC')}) AS at";
    expect(await store.rows(sql, { at: '2024-01-02 03:04:05.678' })).toEqual([{ at: '2024-01-02 03:04:05.678' }]);
  });
});

/** Opens the store in a process of its own, says how many rows it found, and inserts two rows one after the other. */
function child(of: string): { process: ChildProcess; line(): Promise<string>; end(): Promise<void> } {
  const here = (file: string) => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
  const script = `
    import { openEmbeddedStore } from ${here('./store.ts')};
    import { migrate } from ${here('./migrate.ts')};
    import { RowWriter } from ${here('./row_binary.ts')};
    try {
      const store = await openEmbeddedStore(process.argv[1]);
      await migrate(store);
      const [row] = await store.rows('SELECT count() AS n FROM cursors FINAL');
      console.log('found ' + row.n);
      for (let i = 0; i < 2; i++) {
        await store.insert('cursors', new RowWriter().string('log').string('row ' + (row.n + i)).u64(i));
        console.log('inserted');
      }
      setInterval(() => {}, 1000);
    } catch (error) {
      console.log('refused ' + error.code);
    }`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script, of];
  const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(started, 'exit');
  const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
  return {
    process: started,
    line: async () => String((await lines.next()).value),
    end: async () => {
      await ended;
    },
  };
}
