/**
 * The store: one ClickHouse client in two settings, an embedded engine in this process or a server by URL. This file
 * is the only one that touches the driver. Values are always bound; rows go in as RowBinary.
 *
 * Three ways of the embedded engine are dangerous, and are closed here (docs/adr/0002):
 * - rows given inline after the SQL can end the data and become SQL: rows go through a staging file instead;
 * - settings given to the client stick to the connection: settings stand inside the SQL instead;
 * - after a query ran out of time the next answer on its connection can be the old one: the connection answers a
 *   throw-away query first.
 */
import { Buffer } from 'node:buffer';
import { mkdirSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer as bufferOf } from 'node:stream/consumers';
import { type ClickHouseClient, type ClickHouseClientConfigOptions, createClient } from '@clickhouse/client';
import type { Session } from 'chdb';
import { AppError, messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { RowWriter } from './row_binary.ts';

import { columnsOf, structureOf, type TableName } from './tables.ts';

export type QueryParams = Record<string, string | number | boolean | readonly string[] | readonly number[]>;

export interface Store {
  readonly kind: 'embedded' | 'server';
  /** Rows of a SELECT as objects. Bounded in time; throws `query_too_slow` or `store_failed`. */
  rows<T>(sql: string, params?: QueryParams): Promise<T[]>;
  /** The answer of a SELECT as RowBinary bytes, for bulk reads. */
  binary(sql: string, params?: QueryParams): Promise<Buffer>;
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

const TIMEOUT_EXCEEDED = '159';

/** One connection: one statement at a time, and never an answer that belongs to another question. */
class Connection {
  private readonly client: ClickHouseClient;
  private last: Promise<unknown> = Promise.resolve();

  constructor(client: ClickHouseClient) {
    this.client = client;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  private async guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: string }).code !== TIMEOUT_EXCEEDED) throw storeError(error);
      // The engine may hand the rest of the failed answer to the next query: let that be this one.
      await this.client.query({ query: 'SELECT 1', format: 'JSONEachRow' }).then(
        (result) => result.text(),
        () => undefined,
      );
      throw new AppError('query_too_slow', `the query took longer than ${LIMITS.query_ms_max} ms`, { cause: error });
    }
  }

  select(sql: string, params: QueryParams, format: 'JSONEachRow' | 'RowBinary'): Promise<Buffer> {
    const query = `${sql}\nFORMAT ${format}`;
    return this.inTurn(() =>
      this.guarded(async () => {
        const result = await this.client.exec({ query, query_params: params });
        return bufferOf(result.stream);
      }),
    );
  }

  command(sql: string, params: QueryParams): Promise<void> {
    return this.inTurn(() =>
      this.guarded(async () => {
        await this.client.command({ query: sql, query_params: params });
      }),
    );
  }

  send(sql: string, bytes: Buffer): Promise<void> {
    return this.inTurn(() =>
      this.guarded(async () => {
        const result = await this.client.exec({ query: sql, values: Readable.from([bytes], { objectMode: false }) });
        await bufferOf(result.stream);
      }),
    );
  }

  /** Opens a streaming read. It runs beside other statements of a server's connection. */
  async *read(sql: string, params: QueryParams): AsyncGenerator<Buffer> {
    const result = await this.guarded(() =>
      this.client.exec({ query: `${sql}\nFORMAT RowBinary`, query_params: params }),
    );
    for await (const piece of result.stream) yield piece as Buffer;
  }

  close(): Promise<void> {
    return this.inTurn(() => this.client.close());
  }
}

function storeError(error: unknown): AppError {
  return new AppError('store_failed', `the store refused: ${messageOf(error).split('\n')[0]?.slice(0, 500)}`, {
    cause: error,
  });
}

/** Puts the time limit into the SQL, where it cannot stick to the connection. */
function bounded(sql: string): string {
  return `${sql}\nSETTINGS max_execution_time = ${LIMITS.query_ms_max / 1000}`;
}

function parseRows<T>(bytes: Buffer): T[] {
  const text = bytes.toString('utf8').trimEnd();
  return text === '' ? [] : (JSON.parse(`[${text.replaceAll('\n', ',')}]`) as T[]);
}

abstract class BaseStore implements Store {
  abstract readonly kind: 'embedded' | 'server';
  protected readonly writer: Connection;
  private readonly readers: Connection[];
  private turn = 0;

  constructor(writer: Connection, readers: Connection[]) {
    this.writer = writer;
    this.readers = readers;
  }

  private get reader(): Connection {
    this.turn = (this.turn + 1) % this.readers.length;
    return this.readers[this.turn] as Connection;
  }

  async rows<T>(sql: string, params: QueryParams = {}): Promise<T[]> {
    // JSONEachRow escapes newlines inside values, so every newline ends a row.
    return parseRows<T>(await this.reader.select(bounded(sql), params, 'JSONEachRow'));
  }

  binary(sql: string, params: QueryParams = {}): Promise<Buffer> {
    return this.reader.select(sql, params, 'RowBinary');
  }

  command(sql: string, params: QueryParams = {}): Promise<void> {
    return this.writer.command(sql, params);
  }

  abstract stream(sql: string, params?: QueryParams): AsyncIterable<Buffer>;

  abstract insert(table: TableName, rows: RowWriter): Promise<void>;

  async close(): Promise<void> {
    for (const connection of [...this.readers, this.writer]) await connection.close();
  }
}

class EmbeddedStore extends BaseStore {
  override readonly kind = 'embedded';
  private readonly staging: string;
  private readonly openSession: () => Session;
  private count = 0;

  constructor(writer: Connection, readers: Connection[], staging: string, openSession: () => Session) {
    super(writer, readers);
    this.staging = staging;
    this.openSession = openSession;
  }

  /** Each stream has a session of its own: the engine allows one stream a session. */
  override async *stream(sql: string, params: QueryParams = {}): AsyncGenerator<Buffer> {
    const session = this.openSession();
    try {
      for await (const chunk of session.queryStreamBind(sql, params, { format: 'RowBinary' })) {
        yield Buffer.from(chunk.raw());
      }
    } catch (error) {
      throw storeError(error);
    } finally {
      session.close();
    }
  }

  override async insert(table: TableName, rows: RowWriter): Promise<void> {
    if (rows.size === 0) return;
    const file = join(this.staging, `${table}.${this.count++}.rowbinary`);
    const columns = columnsOf(table);
    try {
      // Synchronous: an awaited write would let the next batch's work run before the engine gets this one.
      writeFileSync(file, rows.bytes(), { mode: 0o600 });
      await this.writer.command(
        `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM file({staging_file:String}, 'RowBinary', '${structureOf(table)}')`,
        { staging_file: file },
      );
    } catch (error) {
      throw error instanceof AppError ? error : storeError(error);
    } finally {
      rmSync(file, { force: true });
    }
  }
}

class ServerStore extends BaseStore {
  override readonly kind = 'server';

  override stream(sql: string, params: QueryParams = {}): AsyncIterable<Buffer> {
    return this.writer.read(sql, params);
  }

  override async insert(table: TableName, rows: RowWriter): Promise<void> {
    if (rows.size === 0) return;
    await this.writer.send(`INSERT INTO ${table} (${columnsOf(table)}) FORMAT RowBinary`, Buffer.from(rows.bytes()));
  }
}

const READERS = 2;

/**
 * Opens the embedded engine on a folder. One process, one folder: throws `folder_in_use` when another process holds
 * it, `engine_missing` when the optional engine package is not installed for this platform.
 */
export async function openEmbeddedStore(folder: string): Promise<Store> {
  const staging = join(folder, 'staging');
  mkdirSync(staging, { recursive: true, mode: 0o700 });
  for (const left of readdirSync(staging)) unlinkSync(join(staging, left));
  const { connect, openSession } = await engine(join(folder, 'engine'));
  try {
    const open = () => new Connection(createClient({ connection: connect() }));
    const connections = Array.from({ length: READERS + 1 }, open);
    return new EmbeddedStore(connections[0] as Connection, connections.slice(1), staging, openSession);
  } catch (cause) {
    if (/lock/i.test(messageOf(cause))) {
      throw new AppError('folder_in_use', `${folder} is held open by another process`, { cause });
    }
    throw storeError(cause);
  }
}

type EngineConnection = NonNullable<ClickHouseClientConfigOptions['connection']>;

async function engine(path: string): Promise<{ connect: () => EngineConnection; openSession: () => Session }> {
  try {
    const [{ createChdbConnection }, { Session }] = await Promise.all([import('chdb/connection'), import('chdb')]);
    // The engine's types are of another copy of the client's, which differ in optional members only.
    const connect = () => createChdbConnection({ path }) as unknown as EngineConnection;
    return { connect, openSession: () => new Session(path) };
  } catch (cause) {
    throw new AppError('engine_missing', 'the embedded engine (package chdb) is not installed for this platform', {
      cause,
    });
  }
}

/** Opens a ClickHouse server or cluster. The URL may carry user, password and database. */
export function openServerStore(url: string): Store {
  const open = () => new Connection(createClient({ url, request_timeout: 60_000, compression: { response: false } }));
  return new ServerStore(open(), [open(), open()]);
}
