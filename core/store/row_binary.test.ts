import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from './migrate.ts';
import { RowReader, RowWriter, streamRows } from './row_binary.ts';
import { openEmbeddedStore, type Store } from './store.ts';
import { columnsOf, TABLES, type TableName } from './tables.ts';

const coded = (code: string) => expect.objectContaining({ name: 'AppError', code });

type Value =
  | { type: 'String'; value: string }
  | { type: 'Blob'; value: Uint8Array }
  | { type: 'Array(String)'; value: string[] }
  | { type: 'FixedString(32)'; value: Uint8Array }
  | { type: 'UInt8' | 'UInt32' | 'UInt64' | 'DateTime64(3)'; value: number };

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ maxLength: 300 }));
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const MAX = Number.MAX_SAFE_INTEGER;
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const anyValue: fc.Arbitrary<Value> = fc.oneof(
  fc.record({ type: fc.constant('String' as const), value: anyText }),
  fc.record({ type: fc.constant('Blob' as const), value: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ type: fc.constant('Array(String)' as const), value: fc.array(anyText, { maxLength: 200 }) }),
  fc.record({ type: fc.constant('FixedString(32)' as const), value: hash }),
  fc.record({ type: fc.constant('UInt8' as const), value: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ type: fc.constant('UInt32' as const), value: u32 }),
  fc.record({ type: fc.constant('UInt64' as const), value: fc.integer({ min: 0, max: MAX }) }),
  fc.record({ type: fc.constant('DateTime64(3)' as const), value: fc.integer({ min: -MAX, max: MAX }) }),
);

function write(to: RowWriter, { type, value }: Value): void {
  if (type === 'String' || type === 'Blob') to.string(value);
  else if (type === 'Array(String)') to.strings(value);
  else if (type === 'FixedString(32)') to.fixed(value);
  else if (type === 'UInt8') to.u8(value);
  else if (type === 'UInt32') to.u32(value);
  else if (type === 'UInt64') to.u64(value);
  else to.i64(value);
}

function read(from: RowReader, type: Value['type']): Value['value'] {
  if (type === 'String') return from.string();
  if (type === 'Blob') return new Uint8Array(from.blob());
  if (type === 'Array(String)') return from.strings();
  if (type === 'FixedString(32)') return new Uint8Array(from.fixed(32));
  if (type === 'UInt8') return from.u8();
  if (type === 'UInt32') return from.u32();
  return type === 'UInt64' ? from.u64() : from.i64();
}

/** Text as it is after UTF-8: half of a surrogate pair has no bytes of its own. */
const stored = (value: Value['value']): Value['value'] => {
  if (typeof value === 'string') return Buffer.from(value).toString();
  return Array.isArray(value) ? value.map((text) => Buffer.from(text).toString()) : value;
};

function encode(rows: readonly (readonly Value[])[]): Buffer {
  const to = new RowWriter(1);
  for (const row of rows) for (const value of row) write(to, value);
  return Buffer.from(to.bytes());
}

describe('rows as binary', () => {
  it('read back as they were written, whatever the values and their order', () => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 40 }), (values) => {
        const from = new RowReader(encode([values]));
        for (const { type, value } of values) expect(read(from, type)).toEqual(stored(value));
        expect(from.done).toBe(true);
      }),
    );
  });

  it('read back at the lengths where the prefix of a string grows by a byte', () => {
    for (const length of [0, 1, 41, 42, 43, 126, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152]) {
      for (const unit of ['a', 'é', '€', '😀']) {
        const text = unit.repeat(length);
        expect(new RowReader(Buffer.from(new RowWriter(1).string(text).bytes())).string()).toBe(text);
      }
    }
  });

  it('are cut anywhere in a stream and come out whole and in order', async () => {
    const rows = fc.array(fc.array(anyValue, { minLength: 3, maxLength: 3 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(rows, fc.array(fc.nat(), { maxLength: 30 }), async (written, cuts) => {
        const bytes = encode(written);
        const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
        let next = 0;
        const back: Value['value'][][] = [];
        const takeRow = (row: RowReader) => {
          const shape = written[back.length + next] ?? [];
          return shape.map(({ type }) => read(row, type));
        };
        async function* pieces() {
          let from = 0;
          for (const to of [...at, bytes.length]) {
            yield bytes.subarray(from, to);
            from = to;
          }
        }
        // The shapes of rows differ, so the reader has to know how many rows it has read of this piece.
        const counted = (row: RowReader) => {
          const values = takeRow(row);
          next++;
          return values;
        };
        for await (const part of streamRows(pieces(), counted)) {
          back.push(...part);
          next = 0;
        }
        expect(back).toEqual(written.map((row) => row.map(({ value }) => stored(value))));
      }),
    );
  });

  it('that end in the middle of a value are refused, never read as fewer or other values', async () => {
    const sample: Value[] = [
      { type: 'UInt64', value: 7 },
      { type: 'String', value: 'text' },
      { type: 'Array(String)', value: ['a', 'bc'] },
      { type: 'FixedString(32)', value: new Uint8Array(32) },
    ];
    const bytes = encode([sample]);
    for (let length = 1; length < bytes.length; length++) {
      const from = new RowReader(bytes.subarray(0, length));
      expect(() => sample.map(({ type }) => read(from, type))).toThrow(coded('row_binary_truncated'));
      const cut = (async function* () {
        yield bytes;
        yield bytes.subarray(0, length);
      })();
      const drain = async () => {
        for await (const _ of streamRows(cut, (row) => sample.map(({ type }) => read(row, type))));
      };
      await expect(drain()).rejects.toThrow(coded('row_binary_truncated'));
    }
  });

  it('let errors of the reader pass when they are not about a cut row', async () => {
    const drain = async () => {
      const one = (async function* () {
        yield Buffer.from([1]);
      })();
      for await (const _ of streamRows(one, () => JSON.parse('{'))) expect.unreachable();
    };
    await expect(drain()).rejects.toThrow(SyntaxError);
  });

  it('that are encoded already are taken as they are', () => {
    const row = Buffer.from(new RowWriter().string('text').u64(7).bytes());
    expect(new RowWriter(1).raw(row).u8(1).raw(row).bytes()).toEqual(Buffer.concat([row, Buffer.of(1), row]));
  });

  it('take no value that their column cannot hold', () => {
    const to = new RowWriter(8);
    const refused = [
      () => to.u8(256),
      () => to.u8(-1),
      () => to.u8(Number.NaN),
      () => to.u32(2 ** 32),
      () => to.u32(1.5),
      () => to.u64(-1),
      () => to.u64(2 ** 53),
      () => to.u64(Number.NaN),
      () => to.i64(-(2 ** 53)),
      () => to.i64(Number.POSITIVE_INFINITY),
      () => to.fixed(new Uint8Array(31)),
      () => to.fixed(new Uint8Array(0)),
    ];
    for (const attempt of refused) expect(attempt).toThrow(coded('row_value_invalid'));
    expect(to.size).toBe(0);
  });

  it('never read a number above 2^53 as one below it', () => {
    for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(value);
      expect(Number.isSafeInteger(new RowReader(bytes).u64())).toBe(false);
      expect(Number.isSafeInteger(new RowReader(bytes).i64())).toBe(false);
    }
  });
});

describe('rows in the engine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tracewarden-rows-'));
  let store: Store;

  beforeAll(async () => {
    store = await openEmbeddedStore(folder);
    await migrate(store);
  });

  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const hostile = [
    '',
    '\n\n',
    '{"n":1}\n\ndrop table events',
    "'; DROP TABLE events; --",
    '"`\\\'\\N\0\0\r\n\t\b\f\v',
    '😀 e\u0301 \u202e \ufeff \uffff \u{10ffff}',
    '{x:String} FORMAT Null',
    'x'.repeat(1 << 20),
  ];
  const TIMES = [0, -1, -62_135_596_800_000, 1_700_000_000_123, 253_402_300_799_999];

  /** A value of a column that differs with its row. */
  function sampleOf(type: string, row: number): Value {
    const at = <T>(list: readonly T[]) => list[row % list.length] as T;
    if (type === 'Array(String)') return { type, value: row % 2 === 0 ? [] : hostile.slice(0, row % 7) };
    if (type === 'FixedString(32)') return { type, value: new Uint8Array(32).fill(row) };
    if (type === 'UInt8') return { type, value: at([0, 1, 127, 128, 255]) };
    if (type === 'UInt32') return { type, value: at([0, 1, 2 ** 31, 2 ** 32 - 1]) };
    if (type === 'UInt64') return { type, value: at([0, 1, 2 ** 32, 2 ** 32 + 1, MAX]) };
    if (type === 'DateTime64(3)') return { type, value: at(TIMES) };
    return { type: 'String', value: at(hostile) };
  }

  /** Selects a column in the binary form of its plain type. */
  const plain = (name: string, type: string) => {
    if (type === 'String') return `toString(${name})`;
    return type === 'Array(String)' ? `arrayMap(x -> toString(x), ${name})` : name;
  };

  it.each(Object.keys(TABLES) as TableName[])('hold every column of %s just as it was written', async (table) => {
    const columns = Object.entries(TABLES[table]);
    const rows = Array.from({ length: 16 }, (_, row) => columns.map(([, type]) => sampleOf(type, row)));
    const to = new RowWriter();
    for (const row of rows) for (const value of row) write(to, value);
    await store.insert(table, to);
    const selected = columns.map(([name, type]) => plain(name, type)).join(', ');
    const from = new RowReader(await store.binary(`SELECT ${selected} FROM ${table}`));
    const back: unknown[] = [];
    while (!from.done) back.push(columns.map(([, type]) => read(from, sampleOf(type, 0).type)));
    // Rows with one key may have merged already, into one of those that were written.
    const texts = new Set(rows.map((row) => JSON.stringify(row.map(({ value }) => value))));
    for (const row of back) expect(texts).toContain(JSON.stringify(row));
    expect(back.length).toBeGreaterThan(4);
  });

  it('are in the order of the columns that inserts name', () => {
    expect(columnsOf('cursors')).toBe('log, name, seq');
  });

  it('are those of the tables: every column of a table is written, but for those with a default', async () => {
    for (const table of Object.keys(TABLES) as TableName[]) {
      const rows = await store.rows<{ name: string; type: string }>(
        `SELECT name, type FROM system.columns
         WHERE database = currentDatabase() AND table = {table:String} AND default_kind = '' ORDER BY position`,
        { table },
      );
      const types = rows.map(({ name, type }) => [
        name,
        type.replace(/LowCardinality\((\w+)\)/, '$1').replace("DateTime64(3, 'UTC')", 'DateTime64(3)'),
      ]);
      expect(Object.entries(TABLES[table])).toEqual(types);
    }
  });
});
