import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import { type Migration, migrate, readMigrations, splitStatements } from './migrate.ts';
import { openEmbeddedStore, type Store } from './store.ts';

const coded = (code: string) => expect.objectContaining({ name: 'AppError', code });
const folder = mkdtempSync(join(tmpdir(), 'tracewarden-migrate-'));
let store: Store;
let tests = 0;

/** The same store, whose commands fail from the n-th on as if the process had ended there. */
function failingAt(n: number): Store {
  let count = 0;
  return new Proxy(store, {
    get: (target, name) => {
      if (name !== 'command') return Reflect.get(target, name).bind(target);
      return async (sql: string, params?: Record<string, string>) => {
        if (count++ >= n) throw new AppError('store_failed', 'the process ended here');
        return target.command(sql, params);
      };
    },
  });
}

/** Two migrations, and a store without tables: the engine binds one folder to a process, so the store is the same. */
async function fresh(): Promise<Migration[]> {
  const tables = await store.rows<{ name: string; engine: string }>(
    'SELECT name, engine FROM system.tables WHERE database = currentDatabase()',
  );
  for (const { name, engine } of tables)
    await store.command(`DROP ${engine === 'View' ? 'VIEW' : 'TABLE'} ${name} SYNC`);
  const path = join(folder, `schema ${tests++}`);
  mkdirSync(path);
  writeFileSync(
    join(path, '002_second.sql'),
    '-- one; two\nCREATE TABLE IF NOT EXISTS b (x String) ENGINE = MergeTree ORDER BY x;',
  );
  writeFileSync(
    join(path, '001_first.sql'),
    `CREATE TABLE IF NOT EXISTS a (x String DEFAULT ';\n') ENGINE = MergeTree ORDER BY x;
     CREATE OR REPLACE VIEW v AS SELECT x, '--' AS dashes FROM a; -- a view; over a
     /* no; statement */`,
  );
  writeFileSync(join(path, 'notes.md'), 'not a migration');
  return readMigrations(path);
}

const namesOf = async () => {
  const rows = await store.rows<{ name: string }>(
    "SELECT name FROM system.tables WHERE database = currentDatabase() AND name != 'schema_migrations' ORDER BY name",
  );
  return rows.map((row) => row.name);
};

beforeAll(async () => {
  store = await openEmbeddedStore(folder);
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

describe('migrations', () => {
  it('are applied in the order of their names, once, and then there is nothing to do', async () => {
    const migrations = await fresh();
    expect(await migrate(store, migrations)).toEqual(['001_first.sql', '002_second.sql']);
    expect(await namesOf()).toEqual(['a', 'b', 'v']);
    expect(await migrate(store, migrations)).toEqual([]);
    expect(await migrate(store, migrations)).toEqual([]);
  });

  it('that are new are applied after the old ones', async () => {
    const migrations = await fresh();
    expect(await migrate(store, migrations.slice(0, 1))).toEqual(['001_first.sql']);
    expect(await migrate(store, migrations)).toEqual(['002_second.sql']);
  });

  it('that were changed after they were applied are refused before anything else is applied', async () => {
    const [first, second] = await fresh();
    if (first === undefined || second === undefined) return expect.unreachable();
    await migrate(store, [first]);
    const changed = { ...first, sha256: 'f'.repeat(64) };
    await expect(migrate(store, [second, changed])).rejects.toThrow(coded('migration_changed'));
    expect(await namesOf()).toEqual(['a', 'v']);
    expect(await migrate(store, [first, second])).toEqual(['002_second.sql']);
  });

  it('heal at the next start, whichever statement the process ended before', async () => {
    for (let n = 0; ; n++) {
      const migrations = await fresh();
      const ended = await migrate(failingAt(n), migrations).then(
        () => false,
        () => true,
      );
      await migrate(store, migrations);
      expect(await namesOf()).toEqual(['a', 'b', 'v']);
      expect(await migrate(store, migrations)).toEqual([]);
      if (!ended) {
        expect(n).toBe(6); // the table of migrations, three statements, and two notes of what was applied
        break;
      }
    }
  });

  it('of the program heal too, whichever statement the process ended before', async () => {
    const statements = readMigrations().flatMap((migration) => migration.statements);
    for (const n of [1, 2, 7, statements.length, statements.length + 2]) {
      await fresh();
      await expect(migrate(failingAt(n))).rejects.toThrow(coded('store_failed'));
      await migrate(store);
      expect(await migrate(store)).toEqual([]);
    }
    for (const statement of statements) await store.command(statement);
  });
});

describe('the statements of a file', () => {
  it('end at semicolons, but not at those in comments, strings and names', () => {
    const cases: [string, string[]][] = [
      ['', []],
      ['-- only; a comment', []],
      ['/* only; a comment */ ; ;', []],
      ['SELECT 1', ['SELECT 1']],
      ['SELECT 1;SELECT 2 ;\n\nSELECT 3', ['SELECT 1', 'SELECT 2', 'SELECT 3']],
      ['SELECT 1; -- one; of two\nSELECT 2;', ['SELECT 1', 'SELECT 2']],
      ["SELECT ';\n'; SELECT 'it''s; \\'; -- here';", ["SELECT ';\n'", "SELECT 'it''s; \\'; -- here'"]],
      ['SELECT "a;--b", `c;/*d`; SELECT 2', ['SELECT "a;--b", `c;/*d`', 'SELECT 2']],
      ["SELECT 1 -- it's; one\n, 2;", ['SELECT 1  \n, 2']],
      ["SELECT '/*'; SELECT '*/';", ["SELECT '/*'", "SELECT '*/'"]],
      ['SELECT 5--3;\n;', ['SELECT 5']],
      ['SELECT 5 - -3;', ['SELECT 5 - -3']],
    ];
    for (const [text, statements] of cases) expect(splitStatements(text)).toEqual(statements);
  });

  it('of the schema are whole: each begins as DDL that may run twice', () => {
    for (const { statements } of readMigrations()) {
      expect(statements.length).toBeGreaterThan(0);
      for (const statement of statements) {
        expect(statement).toMatch(
          /^(CREATE (TABLE|VIEW) IF NOT EXISTS|CREATE OR REPLACE VIEW|ALTER TABLE \w+ (\w+ (COLUMN|INDEX) IF|MODIFY (COLUMN|SETTING)|MATERIALIZE INDEX)) /,
        );
      }
    }
  });
});
