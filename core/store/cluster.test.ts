/** What the schema becomes on a cluster. The engine reads every statement; none was run on a cluster. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { coded } from '../../test/store_contract.ts';
import { CLUSTER_SETTINGS, onCluster, openClusterStore, shardingKey } from './cluster.ts';
import { migrate, readMigrations } from './migrate.ts';
import { openStoreOf } from './open.ts';
import { removeErased } from './queries/erase.ts';
import { removeAbove, removeForeign } from './queries/head.ts';
import { removeOldSummaries } from './queries/retention.ts';
import { openEmbeddedStore, type Store } from './store.ts';
import { TABLES } from './tables.ts';

const CLUSTER = { name: 'soc', database: 'tracewarden' };
const one = (sql: string) => onCluster(sql, CLUSTER);
const schema = readMigrations().flatMap(({ statements }) => statements);

let store: Store;
const folder = mkdtempSync(join(tmpdir(), 'tracewarden-cluster-'));
beforeAll(async () => {
  store = await openEmbeddedStore(folder);
  await migrate(store);
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The statement as the engine understands it; throws where it does not. */
const formatted = async (statement: string) =>
  (await store.rows<{ text: string }>('SELECT formatQuerySingleLine({statement:String}) AS text', { statement }))[0]
    ?.text ?? '';

describe('the schema on a cluster', () => {
  it('is a replicated table on each shard and a distributed one over them, with the columns and the key of one server', async () => {
    expect(
      one(`CREATE TABLE IF NOT EXISTS heads
(
    log  LowCardinality(String),
    size UInt64
)
ENGINE = ReplacingMergeTree(size)
ORDER BY log
SETTINGS fsync_after_insert = 1`),
    ).toEqual([
      `CREATE TABLE IF NOT EXISTS tracewarden.heads_local ON CLUSTER soc
(
    log  LowCardinality(String),
    size UInt64
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/heads', '{replica}', size)
ORDER BY log
SETTINGS fsync_after_insert = 1, replicated_deduplication_window = 0`,
      `CREATE TABLE IF NOT EXISTS tracewarden.heads ON CLUSTER soc AS tracewarden.heads_local
ENGINE = Distributed(soc, tracewarden, heads_local, cityHash64(log))`,
    ]);
  });

  it('has every table that is written, once, and differs from one server in the engine and the names alone', async () => {
    const made = schema.filter((each) => each.startsWith('CREATE TABLE'));
    const named = made.map((each) => /EXISTS (\w+)/.exec(each)?.[1] ?? '');
    expect([...new Set(named)].sort()).toEqual(expect.arrayContaining(Object.keys(TABLES).sort()));
    for (const [i, statement] of made.entries()) {
      const [local = '', distributed = ''] = one(statement);
      const table = named[i] ?? '';
      const back = (await formatted(local))
        .replace(`tracewarden.${table}_local ON CLUSTER soc`, table)
        .replace(/Replicated(\w+)\('[^']*', '\{replica\}'(?:, (\w+))?\)/, (_, engine, version) =>
          version ? `${engine}(${version})` : engine,
        )
        .replace(/(,| SETTINGS) replicated_deduplication_window = 0/, '');
      expect(back).toBe(await formatted(statement));
      expect(await formatted(distributed)).toContain(
        `AS tracewarden.${table}_local ENGINE = Distributed(soc, tracewarden, ${table}_local,`,
      );
    }
  });

  it('is made of statements that the engine reads, of every migration there is', async () => {
    const sent: string[] = [];
    await migrate({ ...store, rows: async () => [], command: async (sql) => void sent.push(sql) } as Store);
    const statements = sent.filter((each) => !each.startsWith('INSERT'));
    expect(statements).toHaveLength(schema.length + 1);
    for (const statement of statements) {
      for (const each of one(statement)) {
        expect(each).toContain('ON CLUSTER soc');
        expect(await formatted(each)).toContain('ON CLUSTER soc');
      }
    }
  });

  it('spreads rows by a number that follows from the key, so that a repeated row meets the first', async () => {
    const orders = schema.flatMap((each) => {
      const found = /^CREATE TABLE IF NOT EXISTS (\w+)[\s\S]*ORDER BY (\([^)]*\)|\w+)/.exec(each);
      return found === null ? [] : [{ table: found[1] ?? '', order: found[2] ?? '' }];
    });
    expect(orders.length).toBeGreaterThan(12);
    for (const { table, order } of orders) {
      const key = shardingKey(order);
      for (const column of /\((.*)\)/.exec(key)?.[1]?.split(', ') ?? []) expect(order).toContain(column);
      const [row] = await store.rows<{ type: string }>(`SELECT toTypeName(any(${key})) AS type FROM ${table}`);
      expect(row?.type, table).toBe('UInt64');
    }
    expect(shardingKey('(log, seq, leaf_hash)')).toBe('cityHash64(log)');
    expect(shardingKey('(tenant, session_id, log, seq)')).toBe('cityHash64(tenant, session_id)');
    expect(shardingKey('key_id')).toBe('cityHash64(key_id)');
  });

  it('changes columns in both tables, and all else where the rows are', () => {
    expect(one('ALTER TABLE alerts ADD COLUMN IF NOT EXISTS a String')).toEqual([
      'ALTER TABLE tracewarden.alerts_local ON CLUSTER soc ADD COLUMN IF NOT EXISTS a String',
      'ALTER TABLE tracewarden.alerts ON CLUSTER soc ADD COLUMN IF NOT EXISTS a String',
    ]);
    expect(one('ALTER TABLE content MODIFY COLUMN salt CODEC(ZSTD(1))')).toHaveLength(1);
    expect(one('CREATE OR REPLACE VIEW v AS SELECT 1')).toEqual([
      'CREATE OR REPLACE VIEW tracewarden.v ON CLUSTER soc AS SELECT 1',
    ]);
  });

  it('removes rows on every replica, for each statement that the program removes with', async () => {
    const sent: string[] = [];
    const recording = { ...store, rows: store.rows.bind(store), insert: store.insert.bind(store) } as Store;
    recording.command = async (sql) => void sent.push(sql);
    const of = { log: 'l', tenant: 't', from: 0, to: 1 };
    await removeForeign(recording, 'l', 0);
    await removeErased(recording, of);
    await removeOldSummaries(recording, { log: 'l', tenant: 't', before_ms: 0, held_sessions: [], held_users: [] });
    await removeAbove(recording, 'l', 0);
    expect(sent.length).toBeGreaterThan(10);
    for (const sql of sent.filter((each) => !/^\s*INSERT/.test(each))) {
      const [statement = '', ...more] = one(sql);
      expect(more).toEqual([]);
      expect(await formatted(statement)).toMatch(/^(ALTER TABLE|DELETE FROM) tracewarden\.\w+_local ON CLUSTER soc/);
      expect(statement).not.toMatch(/mutations_sync = 1\b/);
    }
  });

  it('leaves queries and inserts as they are, and refuses what it knows no form of', () => {
    for (const sql of ['SELECT 1', 'INSERT INTO heads SELECT 1', 'WITH 1 AS x SELECT x'])
      expect(one(sql)).toEqual([sql]);
    for (const sql of [
      'DROP TABLE heads',
      'CREATE MATERIALIZED VIEW m AS SELECT 1',
      'CREATE TABLE t (a UInt8) ENGINE = Memory',
    ]) {
      expect(() => one(sql)).toThrow(coded('cluster_statement_unknown'));
    }
  });

  it('is asked for by settings that the engine has', async () => {
    for (const [name, value] of Object.entries(CLUSTER_SETTINGS)) {
      const [row] = await store.rows<{ n: number }>(
        'SELECT count() AS n FROM system.settings WHERE name = {name:String}',
        { name },
      );
      expect([name, value, row?.n]).toEqual([name, value, 1]);
    }
  });

  it('needs a server, and a database that can stand in SQL', async () => {
    await expect(openStoreOf({ data: folder, clickhouse_cluster: 'soc' })).rejects.toThrow(coded('config_invalid'));
    expect(() => openClusterStore('http://u:p@localhost:8123/a%20b', 'soc')).toThrow(coded('config_invalid'));
    expect(() => openClusterStore('no url', 'soc')).toThrow(coded('store_url_invalid'));
    const opened = openClusterStore('http://u:p@localhost:8123/tracewarden', 'soc');
    expect(opened.kind).toBe('server');
    await opened.close();
  });
});
