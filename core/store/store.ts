/**
 * The store in two settings, an embedded engine in this process or a ClickHouse server by URL. This file is the only
 * one that touches their drivers. Values are bound, or stand in the SQL as digits; rows go in as RowBinary.
 *
 * Four ways of the embedded engine are dangerous, and are closed here (docs/adr/0002):
 * - rows given inline after the SQL can end the data and become SQL: rows go through a staging file instead;
 * - settings given to the client stick to the connection: settings stand inside the SQL instead;
 * - after a query failed the next answer on its connection can be the rest of the old one: the connection is
 *   replaced;
 * - bound parameters are state of the whole process, and let one long read hold up everything: see bind.ts.
 */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer as bufferOf } from 'node:stream/consumers';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { Session } from 'chdb';
import { AppError, codeOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { formText, inlineParams, type QueryParams } from './bind.ts';
import { readTagged } from './exception_tag.ts';
import { parseRows } from './json_rows.ts';
import type { RowWriter } from './row_binary.ts';
import { storeError } from './store_error.ts';
import { columnsOf, structureOf, type TableName } from './tables.ts';

/** Every method throws `store_failed` for whatever goes wrong, with a text that quotes no row and no value. */
export interface Store {
  readonly kind: 'embedded' | 'server';
  /** A number that stands still while a table does. Missing, or undefined, where other processes may write too. */
  changesOf?(table: TableName): number | undefined;
  /**
   * Rows of a SELECT as objects. Bounded in time; throws `query_too_slow`. Throws `integer_too_large` when a number is
   * a whole one above 2^53, which would lose digits: the query then has to ask for toString().
   */
  rows<T>(sql: string, params?: QueryParams): Promise<T[]>;
  /** The answer of a SELECT as RowBinary bytes. Not bounded in time, unless that is asked for. */
  binary(sql: string, params?: QueryParams, options?: { bounded?: boolean }): Promise<Buffer>;
  /**
   * The answer of a SELECT as RowBinary in pieces, so that a table larger than memory can be read through. Pieces may
   * end inside a row. Not bounded in time.
   */
  stream(sql: string, params?: QueryParams): AsyncIterable<Buffer>;
  /** A statement without rows: DDL, DELETE, OPTIMIZE. */
  command(sql: string, params?: QueryParams): Promise<void>;
  /** Inserts encoded rows. They are durable when it returns; on an error some may be there. */
  insert(table: TableName, rows: RowWriter): Promise<void>;
  close(): Promise<void>;
}

export interface StoreOptions {
  /** How long a query of `rows` may take. */
  query_ms_max?: number;
  /** Settings of a server that go with every statement. */
  settings?: Readonly<Record<string, string | number>>;
}

type Format = 'JSONEachRow' | 'RowBinary';

/** One connection: one statement at a time, and never an answer that belongs to another question. */
abstract class Connection {
  private last: Promise<unknown> = Promise.resolve();

  protected inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work).catch((error: unknown) => this.failed(error));
    this.last = result.catch(() => undefined);
    return result;
  }

  protected async failed(error: unknown): Promise<never> {
    throw storeError(error);
  }

  abstract select(sql: string, params: QueryParams, format: Format): Promise<Buffer>;
  abstract command(sql: string, params: QueryParams): Promise<void>;
  abstract close(): Promise<void>;
}

// Meant to stick to the connection. Values stand in the SQL of the embedded engine, so it may be long. Threads for
// formatting an answer cost more than they save, except for a stream.
const STREAM_SETTINGS = 'SET max_query_size = 268435456';
const CONNECTION_SETTINGS = `${STREAM_SETTINGS}, output_format_parallel_formatting = 0`;

class EmbeddedConnection extends Connection {
  private readonly openSession: () => Session;
  private session: Session | undefined;
  private closed = false;

  constructor(openSession: () => Session) {
    super();
    this.openSession = openSession;
  }

  private async open(): Promise<Session> {
    if (this.closed) throw new AppError('store_failed', 'the store is closed');
    if (this.session !== undefined) return this.session;
    const session = this.openSession();
    await session.queryAsync(CONNECTION_SETTINGS);
    this.session = session;
    return session;
  }

  select(sql: string, params: QueryParams, format: Format): Promise<Buffer> {
    return this.inTurn(async () => {
      const query = inlineParams(sql, params);
      const bytes = (await (await this.open()).queryAsync(query, { format })).bytes();
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    });
  }

  command(sql: string, params: QueryParams): Promise<void> {
    return this.inTurn(async () => {
      const query = inlineParams(sql, params);
      await (await this.open()).queryAsync(query);
    });
  }

  /** The engine may hand the rest of a failed answer to the next query: that goes to a connection of its own. */
  protected override async failed(error: unknown): Promise<never> {
    const left = this.session;
    this.session = undefined;
    if (left !== undefined) {
      await this.open().catch(() => undefined); // first, since the engine would end with its last connection
      left.close();
    }
    throw storeError(error);
  }

  close(): Promise<void> {
    return this.inTurn(async () => {
      this.closed = true;
      this.session?.close();
    });
  }
}

/** Parameters longer than this in all go as a form in the body: servers and proxies bound the length of a URL. */
const URL_PARAMS_CHARS_MAX = 4_096;

class ServerConnection extends Connection {
  private readonly client: ClickHouseClient;

  constructor(client: ClickHouseClient) {
    super();
    this.client = client;
  }

  private async exec(sql: string, params: QueryParams, wait_end_of_query: 0 | 1) {
    const common = { clickhouse_settings: { wait_end_of_query } } as const;
    const fields = Object.entries(params).map(([name, value]) => [name, formText(value)] as const);
    const chars = fields.reduce((sum, [name, text]) => sum + name.length + text.length, 0);
    if (chars <= URL_PARAMS_CHARS_MAX) return this.client.exec({ query: sql, query_params: params, ...common });
    const boundary = randomUUID();
    const part = ([name, text]: readonly [string, string]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="param_${name}"\r\n\r\n${text}\r\n`;
    const body = `${fields.map(part).join('')}--${boundary}--\r\n`;
    return this.client.exec({
      query: sql,
      values: Readable.from([Buffer.from(body)], { objectMode: false }),
      http_headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
      ...common,
    });
  }

  /** The server answers when it has the whole answer, so that an error is never taken for rows. */
  select(sql: string, params: QueryParams, format: Format): Promise<Buffer> {
    return this.inTurn(async () => bufferOf((await this.exec(`${sql}\nFORMAT ${format}`, params, 1)).stream));
  }

  command(sql: string, params: QueryParams): Promise<void> {
    return this.inTurn(async () => {
      await bufferOf((await this.exec(sql, params, 1)).stream);
    });
  }

  send(sql: string, bytes: Buffer): Promise<void> {
    return this.inTurn(async () => {
      const values = Readable.from([bytes], { objectMode: false });
      const result = await this.client.exec({ query: sql, values, clickhouse_settings: { wait_end_of_query: 1 } });
      await bufferOf(result.stream);
    });
  }

  close(): Promise<void> {
    return this.inTurn(() => this.client.close());
  }

  /** Opens a streaming read. It runs beside other statements. */
  async *read(sql: string, params: QueryParams): AsyncGenerator<Buffer> {
    try {
      const { stream, response_headers } = await this.exec(`${sql}\nFORMAT RowBinary`, params, 0);
      yield* readTagged(stream as AsyncIterable<Buffer>, response_headers['x-clickhouse-exception-tag']);
    } catch (error) {
      throw storeError(error);
    }
  }
}

/** Puts the time limit into the SQL, where it cannot stick to the connection, behind settings of the query's own. */
function bounded(sql: string, query_ms_max: number): string {
  const before = /\bSETTINGS\s[^()]*$/.test(sql) ? ',' : '\nSETTINGS';
  return `${sql}${before} max_execution_time = ${query_ms_max / 1000}`;
}

/** Connections of which each is lent to one user at a time, so that a long read holds up no other while one is free. */
class Pool<C extends Connection> {
  private readonly free: C[];
  private readonly waiting: ((connection: C) => void)[] = [];

  constructor(connections: readonly C[]) {
    this.free = [...connections];
  }

  async use<T>(work: (connection: C) => Promise<T>): Promise<T> {
    const connection = this.free.pop() ?? (await new Promise<C>((resolve) => this.waiting.push(resolve)));
    try {
      return await work(connection);
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free.push(connection);
      else next(connection);
    }
  }
}

abstract class BaseStore<C extends Connection> implements Store {
  abstract readonly kind: 'embedded' | 'server';
  private readonly commander: C;
  protected readonly writers: Pool<C>;
  protected readonly readers: Pool<C>;
  protected readonly connections: readonly [C, ...C[]];
  private readonly query_ms_max: number;

  constructor(connections: readonly [C, ...C[]], options: StoreOptions) {
    this.commander = connections[0];
    this.writers = new Pool(connections.slice(1, 1 + WRITERS));
    this.readers = new Pool(connections.slice(1 + WRITERS));
    this.connections = connections;
    this.query_ms_max = options.query_ms_max ?? LIMITS.query_ms_max;
  }

  async rows<T>(sql: string, params: QueryParams = {}): Promise<T[]> {
    const query = bounded(sql, this.query_ms_max);
    return parseRows<T>(await this.readers.use((reader) => reader.select(query, params, 'JSONEachRow')));
  }

  binary(sql: string, params: QueryParams = {}, options: { bounded?: boolean } = {}): Promise<Buffer> {
    const query = options.bounded === true ? bounded(sql, this.query_ms_max) : sql;
    return this.readers.use((reader) => reader.select(query, params, 'RowBinary'));
  }

  command(sql: string, params: QueryParams = {}): Promise<void> {
    return this.commander.command(sql, params);
  }

  abstract stream(sql: string, params?: QueryParams): AsyncIterable<Buffer>;

  abstract insert(table: TableName, rows: RowWriter): Promise<void>;

  async close(): Promise<void> {
    for (const connection of this.connections) await connection.close();
  }
}

class EmbeddedStore extends BaseStore<EmbeddedConnection> {
  override readonly kind = 'embedded';
  private readonly inserts = new Map<TableName, number>();
  private commands = 0;
  private readonly staging: string;
  private readonly openSession: () => Session;
  private count = 0;

  constructor(
    connections: readonly [EmbeddedConnection, ...EmbeddedConnection[]],
    options: StoreOptions,
    staging: string,
    openSession: () => Session,
  ) {
    super(connections, options);
    this.staging = staging;
    this.openSession = openSession;
  }

  /** Each stream has a session of its own: the engine allows one stream a session. */
  override async *stream(sql: string, params: QueryParams = {}): AsyncGenerator<Buffer> {
    const query = inlineParams(sql, params);
    let session: Session | undefined;
    try {
      session = this.openSession();
      session.query(STREAM_SETTINGS);
      for await (const chunk of session.queryStream(query, { format: 'RowBinary' })) yield Buffer.from(chunk.raw());
    } catch (error) {
      throw storeError(error);
    } finally {
      session?.close();
    }
  }

  override async command(sql: string, params: QueryParams = {}): Promise<void> {
    try {
      await super.command(sql, params);
    } finally {
      this.commands++;
    }
  }

  /** No other process can write here: every change passes through this object, and counts when it has ended. */
  changesOf(table: TableName): number {
    return this.commands + (this.inserts.get(table) ?? 0);
  }

  override async insert(table: TableName, rows: RowWriter): Promise<void> {
    if (rows.size === 0) return;
    const file = join(this.staging, `${table}.${this.count++}.rowbinary`);
    const columns = columnsOf(table);
    try {
      // Synchronous: an awaited write would let the next batch's work run before the engine gets this one.
      writeFileSync(file, rows.bytes(), { mode: 0o600, flag: 'wx' });
      const sql = `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM file({staging_file:String}, 'RowBinary', '${structureOf(table)}')`;
      await this.writers.use((writer) => writer.command(sql, { staging_file: file }));
    } catch (error) {
      throw storeError(error);
    } finally {
      this.inserts.set(table, (this.inserts.get(table) ?? 0) + 1);
      rmSync(file, { force: true });
    }
  }
}

class ServerStore extends BaseStore<ServerConnection> {
  override readonly kind = 'server';

  override stream(sql: string, params: QueryParams = {}): AsyncIterable<Buffer> {
    const connection = this.connections.at(-1) ?? this.connections[0]; // a reader, as for commands
    return connection.read(sql, params);
  }

  /** Not on a writer's connection, which gives up sooner than DDL on a large table may take. */
  override command(sql: string, params: QueryParams = {}): Promise<void> {
    return this.readers.use((reader) => reader.command(sql, params));
  }

  override async insert(table: TableName, rows: RowWriter): Promise<void> {
    if (rows.size === 0) return;
    // A batch that was removed after a crash and is written again must not be taken for a repeated insert.
    const settings = 'async_insert = 0, insert_deduplicate = 0';
    const sql = `INSERT INTO ${table} (${columnsOf(table)}) SETTINGS ${settings} FORMAT RowBinary`;
    const bytes = Buffer.from(rows.bytes());
    await this.writers.use((writer) => writer.send(sql, bytes));
  }
}

/** Inserts at once: a batch writes to four tables or more, and most of a small insert is waiting for the disk. */
const WRITERS = 4;
/** Reads of the embedded engine at once. Each statement holds one of Node's worker threads, see cli/threads.ts. */
const READERS = 4;
const SERVER_READERS = 8;

/**
 * Opens the embedded engine on a folder. One process, one folder: throws `folder_in_use` when another process holds
 * it, `engine_missing` when the optional engine package is not installed for this platform.
 */
export async function openEmbeddedStore(folder: string, options: StoreOptions = {}): Promise<Store> {
  const staging = join(folder, 'staging');
  const data = join(folder, 'engine');
  const openSession = await engine(data);
  const connections: EmbeddedConnection[] = [];
  try {
    for (const each of [staging, data]) mkdirSync(each, { recursive: true, mode: 0o700 });
    for (let i = 0; i < 1 + WRITERS + READERS; i++) {
      const connection = new EmbeddedConnection(openSession);
      connections.push(connection);
      await connection.command('SELECT 1', {});
    }
    // Only now: while another process holds the folder, these files are its own.
    for (const left of readdirSync(staging)) rmSync(join(staging, left), { recursive: true, force: true });
    return new EmbeddedStore(connections as [EmbeddedConnection], options, staging, openSession);
  } catch (cause) {
    for (const connection of connections) await connection.close();
    if (heldByAnother(data)) {
      throw new AppError('folder_in_use', `${folder} is held open by another process`, { cause });
    }
    throw storeError(cause);
  }
}

/** The engine does not say why it cannot open a folder. Its status file names the process that holds it. */
function heldByAnother(data: string): boolean {
  try {
    const pid = Number(/^PID: (\d+)$/m.exec(readFileSync(join(data, 'status'), 'utf8'))?.[1]);
    return pid !== process.pid && process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM'; // it runs, as another user
  }
}

async function engine(path: string): Promise<() => Session> {
  try {
    const { Session } = await import('chdb');
    return () => new Session(path);
  } catch (cause) {
    throw new AppError('engine_missing', 'the embedded engine (package chdb) is not installed for this platform', {
      cause,
    });
  }
}

/** The client would print errors with the text of the server, which can quote values. */
const SILENT = { level: ClickHouseLogLevel.OFF };

/** A socket without a byte for this long is given up. Queries of `rows` end earlier; reads and DDL may take longer. */
const INSERT_IDLE_MS_MAX = 60_000;
const READ_IDLE_MS_MAX = 600_000;

/**
 * Opens a ClickHouse server or cluster. The URL may carry user, password and database; throws `store_url_invalid`.
 * Nothing is connected yet. A lost connection is an error of the statement that it hit: nothing is tried twice.
 */
export function openServerStore(url: string, options: StoreOptions = {}): Store {
  const common = { url, clickhouse_settings: options.settings ?? {}, log: SILENT, compression: { response: false } };
  const open = (request_timeout: number) => new ServerConnection(createClient({ ...common, request_timeout }));
  try {
    const readers = Array.from({ length: SERVER_READERS }, () => open(READ_IDLE_MS_MAX));
    const writers = Array.from({ length: WRITERS }, () => open(INSERT_IDLE_MS_MAX));
    return new ServerStore([open(READ_IDLE_MS_MAX), ...writers, ...readers], options);
  } catch {
    throw new AppError('store_url_invalid', 'the URL of the ClickHouse server cannot be used');
  }
}
