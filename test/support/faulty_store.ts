/** The engine, on which chosen writes fail, wait, or never end. */
import { AppError } from '../../core/errors.ts';
import type { RowWriter } from '../../core/store/row_binary.ts';
import type { Store } from '../../core/store/store.ts';
import type { TableName } from '../../core/store/tables.ts';

interface Fault {
  table: TableName;
  /** Whether the rows are durable although the write fails. */
  persisted: boolean;
  times: number;
}

type Params = Parameters<Store['rows']>[1];

export class FaultyStore implements Store {
  readonly kind = 'embedded';
  fault: Fault | undefined;
  /** Set while inserts are to wait. */
  gate: Promise<void> | undefined;
  /** Set while reads of single records are to wait. */
  reading: Promise<void> | undefined;
  /** Bulk reads that are still to fail. */
  failing_reads = 0;
  /** Told of each insert before it happens. */
  onInsert: (table: TableName) => void = () => undefined;
  private readonly engine: Store;
  private dead = false;
  private readonly writing = new Set<Promise<void>>();

  constructor(engine: Store) {
    this.engine = engine;
  }

  async insert(table: TableName, rows: RowWriter): Promise<void> {
    await this.gate;
    if (rows.size > 0) this.onInsert(table);
    await this.alive();
    const { fault } = this;
    // A table without rows in this batch is not written, so there is nothing to fail.
    if (fault?.table !== table || rows.size === 0) return this.write(table, rows);
    fault.times--;
    if (fault.times === 0) this.fault = undefined;
    if (fault.persisted) await this.write(table, rows);
    throw new AppError('store_failed', `injected: ${table}`);
  }

  async rows<T>(sql: string, params?: Params): Promise<T[]> {
    await this.reading;
    await this.alive();
    return this.engine.rows<T>(sql, params);
  }

  async binary(sql: string, params?: Params): Promise<Buffer> {
    await this.alive();
    if (this.failing_reads > 0) {
      this.failing_reads--;
      throw new AppError('store_failed', 'injected: a read');
    }
    return this.engine.binary(sql, params);
  }

  stream(sql: string, params?: Params): AsyncIterable<Buffer> {
    return this.engine.stream(sql, params);
  }

  async command(sql: string, params?: Params): Promise<void> {
    await this.alive();
    return this.engine.command(sql, params);
  }

  async close(): Promise<void> {
    // The engine is the test's to close.
  }

  /** As kill -9: what is being written may still become durable, and after that nothing; nobody is answered. */
  async kill(): Promise<void> {
    this.dead = true;
    await Promise.allSettled(this.writing);
  }

  private async write(table: TableName, rows: RowWriter): Promise<void> {
    const done = this.engine.insert(table, rows);
    this.writing.add(done);
    await done.finally(() => this.writing.delete(done));
    return this.alive();
  }

  private alive(): Promise<void> {
    return this.dead ? new Promise(() => undefined) : Promise.resolve();
  }
}
