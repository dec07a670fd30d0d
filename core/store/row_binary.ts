/**
 * ClickHouse's RowBinary: the format of hot-path inserts and of bulk reads. Bytes pass as they are, so no text in a
 * row can ever become SQL. Format: https://clickhouse.com/docs/interfaces/formats/RowBinary
 */
import { Buffer } from 'node:buffer';
import { AppError } from '../errors.ts';

/** Bytes of every FixedString column. */
const FIXED_BYTES = 32;

/**
 * Appends values to a growing buffer that is reused from batch to batch. Throws `row_value_invalid` on a value that
 * its column cannot hold: one byte too few would shift every column after it.
 */
export class RowWriter {
  private buffer: Buffer;
  private at = 0;

  constructor(bytes = 1 << 20) {
    this.buffer = Buffer.allocUnsafe(bytes);
  }

  private room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + bytes));
    this.buffer.copy(larger, 0, 0, this.at);
    this.buffer = larger;
  }

  private length(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.buffer[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.buffer[this.at++] = rest;
  }

  /** String: text as UTF-8, or bytes as they are. */
  string(value: string | Uint8Array): this {
    if (typeof value !== 'string') {
      this.room(value.length + 10);
      this.length(value.length);
      this.buffer.set(value, this.at);
      this.at += value.length;
      return this;
    }
    // Three bytes a UTF-16 unit is the most UTF-8 needs; short text is written once, its length patched in front.
    if (value.length < 42) {
      this.room(value.length * 3 + 1);
      const written = this.buffer.write(value, this.at + 1, 'utf8');
      this.buffer[this.at] = written;
      this.at += written + 1;
      return this;
    }
    const bytes = Buffer.byteLength(value);
    this.room(bytes + 10);
    this.length(bytes);
    this.at += this.buffer.write(value, this.at, 'utf8');
    return this;
  }

  strings(values: readonly string[]): this {
    this.room(10);
    this.length(values.length);
    for (const value of values) this.string(value);
    return this;
  }

  private whole(value: number, min: number, max: number): void {
    if (Number.isInteger(value) && value >= min && value <= max) return;
    throw new AppError('row_value_invalid', `a column takes whole numbers from ${min} to ${max}, not ${value}`);
  }

  /** FixedString(32). */
  fixed(value: Uint8Array): this {
    if (value.length !== FIXED_BYTES) {
      throw new AppError('row_value_invalid', `a column takes ${FIXED_BYTES} bytes, not ${value.length}`);
    }
    this.room(value.length);
    this.buffer.set(value, this.at);
    this.at += value.length;
    return this;
  }

  u8(value: number): this {
    this.whole(value, 0, 255);
    this.room(1);
    this.buffer[this.at++] = value;
    return this;
  }

  u32(value: number): this {
    this.whole(value, 0, 2 ** 32 - 1);
    this.room(4);
    this.at = this.buffer.writeUInt32LE(value, this.at);
    return this;
  }

  /** UInt64 of a safe integer. */
  u64(value: number): this {
    this.whole(value, 0, Number.MAX_SAFE_INTEGER);
    this.room(8);
    this.at = this.buffer.writeUInt32LE(value >>> 0, this.at);
    this.at = this.buffer.writeUInt32LE(Math.floor(value / 2 ** 32), this.at);
    return this;
  }

  /** Int64 of a safe integer, negative ones too; also DateTime64(3) in milliseconds. */
  i64(value: number): this {
    this.whole(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    this.room(8);
    this.at = this.buffer.writeBigInt64LE(BigInt(value), this.at);
    return this;
  }

  /** Whole rows that are encoded already. */
  raw(rows: Uint8Array): this {
    this.room(rows.length);
    this.buffer.set(rows, this.at);
    this.at += rows.length;
    return this;
  }

  get size(): number {
    return this.at;
  }

  /** The bytes so far. They are valid until the next append. */
  bytes(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  clear(): this {
    this.at = 0;
    return this;
  }
}

/**
 * Reads values in the order of the columns. Throws `row_binary_truncated` past the end. A whole number above 2^53,
 * which the program never writes, reads as some other number above 2^53: never as one that could be right.
 */
export class RowReader {
  private readonly buffer: Buffer;
  private at = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  get done(): boolean {
    return this.at >= this.buffer.length;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.at;
  }

  private take(bytes: number): number {
    const start = this.at;
    this.at += bytes;
    if (this.at > this.buffer.length) {
      throw new AppError('row_binary_truncated', `a row ends at byte ${this.buffer.length}, in the middle of a value`);
    }
    return start;
  }

  private length(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.buffer[this.take(1)] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
  }

  string(): string {
    const length = this.length();
    const start = this.take(length);
    return this.buffer.toString('utf8', start, start + length);
  }

  /** A String as bytes; a view, not a copy. */
  blob(): Buffer {
    const length = this.length();
    const start = this.take(length);
    return this.buffer.subarray(start, start + length);
  }

  strings(): string[] {
    return Array.from({ length: this.length() }, () => this.string());
  }

  fixed(bytes: number): Buffer {
    const start = this.take(bytes);
    return this.buffer.subarray(start, start + bytes);
  }

  u8(): number {
    return this.buffer[this.take(1)] as number;
  }

  u32(): number {
    return this.buffer.readUInt32LE(this.take(4));
  }

  u64(): number {
    const start = this.take(8);
    return this.buffer.readUInt32LE(start) + this.buffer.readUInt32LE(start + 4) * 2 ** 32;
  }

  i64(): number {
    return Number(this.buffer.readBigInt64LE(this.take(8)));
  }
}

/** Rows of a stream whose pieces may end inside a row. `read` takes one row; it is called again when the row was cut. */
export async function* streamRows<T>(pieces: AsyncIterable<Buffer>, read: (row: RowReader) => T): AsyncGenerator<T[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const row = new RowReader(bytes);
    const rows: T[] = [];
    let whole = 0;
    while (!row.done) {
      try {
        rows.push(read(row));
      } catch (error) {
        if (!(error instanceof AppError && error.code === 'row_binary_truncated')) throw error;
        break;
      }
      whole = row.position;
    }
    rest = bytes.subarray(whole);
    if (rows.length > 0) yield rows;
  }
  if (rest.length > 0) throw new AppError('row_binary_truncated', 'the answer ends in the middle of a row');
}
