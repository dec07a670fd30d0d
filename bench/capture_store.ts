/** A store that keeps the encoded rows of every insert in files, so that the same rows can be inserted bare. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RowWriter } from '../core/store/row_binary.ts';
import type { Store } from '../core/store/store.ts';
import type { TableName } from '../core/store/tables.ts';

export class CaptureStore implements Store {
  readonly kind = 'embedded';
  private readonly folder: string;
  private count = 0;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  insert(table: TableName, rows: RowWriter): Promise<void> {
    if (rows.size > 0) {
      writeFileSync(join(this.folder, `${String(this.count++).padStart(6, '0')}.${table}`), rows.bytes());
    }
    return Promise.resolve();
  }

  rows<T>(): Promise<T[]> {
    return Promise.resolve([]);
  }

  binary(): Promise<Buffer> {
    return Promise.resolve(Buffer.alloc(0));
  }

  async *stream(): AsyncGenerator<Buffer> {}

  command(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
