/**
 * The same schema on a cluster: each table becomes a replicated one on every shard, under the name `<table>_local`, and a
 * distributed one over them under its own name, so that queries and inserts stay what they are. Made from the statements
 * of the single-node schema; no second schema is kept. Written after the documentation, and not run on a cluster.
 */
import { AppError } from '../errors.ts';
import { openServerStore, type Store } from './store.ts';

export interface Cluster {
  /** The name of the cluster in the servers' settings. Put into SQL: letters, digits and underscores alone. */
  name: string;
  database: string;
}

/**
 * What a cluster needs beside its tables. An insert is acknowledged when a majority of replicas has it: with two replicas
 * a shard both do, and a reader misses nothing, whichever it asks. Subqueries over other tables see all shards.
 */
export const CLUSTER_SETTINGS = {
  distributed_foreground_insert: 1,
  insert_quorum: 'auto',
  distributed_product_mode: 'global',
  optimize_skip_unused_shards: 1,
  mutations_execute_subqueries_on_initiator: 1,
  distributed_ddl_task_timeout: 3_600,
} as const;

const CREATE_TABLE =
  /^CREATE TABLE IF NOT EXISTS (\w+)\s*\(([\s\S]*)\)\s*ENGINE = (\w*MergeTree)(?:\(([^()]*)\))?\s+ORDER BY (\([^()]*\)|\w+)([\s\S]*)$/;
const CREATE_VIEW = /^CREATE OR REPLACE VIEW (\w+) AS\b([\s\S]*)$/;
const ALTER = /^ALTER TABLE (\w+) ([\s\S]*)$/;
const DELETE = /^DELETE FROM (\w+) ([\s\S]*)$/;
const OPTIMIZE = /^OPTIMIZE TABLE (\w+)\b([\s\S]*)$/;

/**
 * The statements that do on a cluster what one statement of the program does on one server; SELECT and INSERT stay.
 * Throws `cluster_statement_unknown` for what it does not know, since half a schema is worse than none.
 */
export function onCluster(sql: string, cluster: Cluster): string[] {
  const text = sql.trim();
  const on = `ON CLUSTER ${cluster.name}`;
  const local = (table: string) => `${cluster.database}.${table}_local ${on}`;
  const whole = (table: string) => `${cluster.database}.${table} ${on}`;
  const created = CREATE_TABLE.exec(text);
  if (created !== null) {
    const [, table = '', columns = '', engine = '', version = '', order = '', rest = ''] = created;
    // Rows that were removed and are written again must not be taken for a repetition of the first insert.
    const settings = /\bSETTINGS\b/.test(rest) ? ', ' : '\nSETTINGS ';
    const place = `'/clickhouse/tables/{shard}/{database}/${table}', '{replica}'`;
    const replicated = `Replicated${engine}(${place}${version === '' ? '' : `, ${version}`})`;
    return [
      `CREATE TABLE IF NOT EXISTS ${local(table)}\n(${columns})\nENGINE = ${replicated}\nORDER BY ${order}${rest.trimEnd()}${settings}replicated_deduplication_window = 0`,
      `CREATE TABLE IF NOT EXISTS ${whole(table)} AS ${cluster.database}.${table}_local\nENGINE = Distributed(${cluster.name}, ${cluster.database}, ${table}_local, ${shardingKey(order)})`,
    ];
  }
  const view = CREATE_VIEW.exec(text);
  if (view !== null) return [`CREATE OR REPLACE VIEW ${whole(view[1] ?? '')} AS${view[2]}`];
  const altered = ALTER.exec(text);
  if (altered !== null) {
    const [, table = '', change = ''] = altered;
    const there = `ALTER TABLE ${local(table)} ${everywhere(change)}`;
    // A column is seen through the distributed table too; codecs, indexes and rows are the shards' own.
    return /^ADD COLUMN\b/.test(change) ? [there, `ALTER TABLE ${whole(table)} ${change}`] : [there];
  }
  const deleted = DELETE.exec(text);
  if (deleted !== null) return [`DELETE FROM ${local(deleted[1] ?? '')} ${everywhere(deleted[2] ?? '')}`];
  const optimized = OPTIMIZE.exec(text);
  if (optimized !== null) return [`OPTIMIZE TABLE ${local(optimized[1] ?? '')}${optimized[2]}`];
  if (/^(SELECT|INSERT|WITH)\b/.test(text)) return [sql];
  throw new AppError('cluster_statement_unknown', `no form for a cluster is known of: ${text.slice(0, 80)}`);
}

/** Waits for all replicas where one server waits for itself. */
function everywhere(change: string): string {
  return change.replace(/\bmutations_sync = 1\b/, 'mutations_sync = 2');
}

/**
 * What is written twice has to meet on one shard, or it never merges away: shards follow the first columns of a table's
 * key. Of the tables that are read by their log, all of one log lies together; all else is spread by two columns.
 */
export function shardingKey(order: string): string {
  const columns = order
    .replace(/[()]/g, '')
    .split(',')
    .map((each) => each.trim());
  return `cityHash64(${columns.slice(0, columns[0] === 'log' ? 1 : 2).join(', ')})`;
}

/** Opens a cluster by the URL of one of its servers. Throws `config_invalid` for a database that cannot stand in SQL. */
export function openClusterStore(url: string, name: string): Store {
  const database = databaseOf(url);
  if (!/^\w{1,64}$/.test(database)) {
    throw new AppError(
      'config_invalid',
      'clickhouse_url: on a cluster the name of the database is letters, digits and _',
    );
  }
  const store = openServerStore(url, { settings: CLUSTER_SETTINGS });
  return {
    kind: store.kind,
    rows: (sql, params) => store.rows(sql, params),
    binary: (sql, params, options) => store.binary(sql, params, options),
    stream: (sql, params) => store.stream(sql, params),
    insert: (table, rows) => store.insert(table, rows),
    close: () => store.close(),
    async command(sql, params) {
      for (const statement of onCluster(sql, { name, database })) await store.command(statement, params);
    },
  };
}

function databaseOf(url: string): string {
  try {
    const { pathname, searchParams } = new URL(url);
    return decodeURIComponent(pathname.slice(1)) || searchParams.get('database') || 'default';
  } catch {
    throw new AppError('store_url_invalid', 'the URL of the ClickHouse server cannot be used');
  }
}
