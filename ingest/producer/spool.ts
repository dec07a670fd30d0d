/**
 * The queue of a producer on disk: one folder a run, in it segments of whole lines. A line is in the file before `append`
 * returns, so a killed process loses none; files are synchronised once a second, so a power cut loses that much.
 */
import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../../core/limits.ts';

export interface SpoolBatch {
  lines: Buffer[];
  /** Where the next batch begins. */
  next: Position;
}

interface Position {
  segment: number;
  offset: number;
}

const NEWLINE = 0x0a;
const nameOf = (segment: number) => `${String(segment).padStart(8, '0')}.ndjson`;

export class Spool {
  readonly folder: string;
  /** Bytes that are not delivered yet. */
  pending_bytes = 0;
  private position: Position;
  private last: number;
  private last_bytes = 0;
  private file: number | undefined;
  private dirty = false;
  private readonly bytes_max: number;

  /** Opens a run's folder; makes it when it is not there. Continues where it was left. */
  constructor(folder: string, bytes_max: number = LIMITS.spool_bytes_max) {
    this.folder = folder;
    this.bytes_max = bytes_max;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const segments = segmentsOf(folder);
    this.position = readPosition(folder, segments[0] ?? 1);
    this.last = segments.at(-1) ?? this.position.segment;
    for (const segment of segments.filter((each) => each < this.position.segment)) this.remove(segment);
    for (const segment of segments.filter((each) => each >= this.position.segment)) {
      this.pending_bytes += sizeOf(join(folder, nameOf(segment)));
    }
    this.pending_bytes = Math.max(0, this.pending_bytes - this.position.offset);
  }

  /** Adds a line. False when the spool is full; throws what the disk says. */
  append(line: Buffer): boolean {
    if (this.pending_bytes + line.length + 1 > this.bytes_max) return false;
    if (this.file === undefined || this.last_bytes >= LIMITS.spool_segment_bytes_max) this.openNext();
    const bytes = Buffer.allocUnsafe(line.length + 1);
    line.copy(bytes);
    bytes[line.length] = NEWLINE;
    let written = 0;
    while (written < bytes.length) written += writeSync(this.file ?? -1, bytes, written);
    this.last_bytes += bytes.length;
    this.pending_bytes += bytes.length;
    this.dirty = true;
    return true;
  }

  /** The next lines, at most so many and about so many bytes, but at least one; undefined when there are none. */
  read(records_max: number, bytes_max: number): SpoolBatch | undefined {
    while (this.position.segment <= this.last) {
      const batch = this.readHere(records_max, bytes_max);
      if (batch !== undefined) return batch;
      // An end without a line feed was cut off by a kill. Only an older segment is surely over.
      if (this.position.segment === this.last) return undefined;
      const { segment, offset } = this.position;
      this.pending_bytes -= Math.max(0, sizeOf(join(this.folder, nameOf(segment))) - offset);
      this.remove(segment);
      this.position = { segment: segment + 1, offset: 0 };
    }
    return undefined;
  }

  /** What was read is delivered. Should this not reach the disk, it is delivered again, under the same ids. */
  acknowledge(batch: SpoolBatch): void {
    this.pending_bytes -= batch.lines.reduce((sum, line) => sum + line.length + 1, 0);
    this.position = batch.next;
    const part = join(this.folder, 'position.part');
    writeFileSync(part, `${batch.next.segment} ${batch.next.offset}\n`, { mode: 0o600 });
    renameSync(part, join(this.folder, 'position'));
  }

  /** Has the disk keep what was written, without waiting. */
  sync(): void {
    if (!this.dirty || this.file === undefined) return;
    this.dirty = false;
    fdatasync(this.file, () => undefined);
  }

  /** Closes the files. The folder goes when all is delivered. */
  close(): void {
    if (this.file !== undefined) {
      if (this.dirty) fdatasyncSync(this.file);
      closeSync(this.file);
      this.file = undefined;
    }
    if (this.read(1, 1) === undefined) rmSync(this.folder, { recursive: true, force: true });
  }

  private openNext(): void {
    if (this.file !== undefined) {
      fdatasyncSync(this.file);
      closeSync(this.file);
    }
    // Never behind an end that may be torn.
    if (existsSync(join(this.folder, nameOf(this.last)))) this.last++;
    this.file = openSync(join(this.folder, nameOf(this.last)), 'ax', 0o600);
    this.last_bytes = 0;
  }

  private readHere(records_max: number, bytes_max: number): SpoolBatch | undefined {
    const { segment, offset } = this.position;
    const path = join(this.folder, nameOf(segment));
    const left = sizeOf(path) - offset;
    for (let size = Math.min(left, bytes_max); size > 0; size = Math.min(left, size * 4)) {
      const bytes = readPart(path, offset, size);
      const lines = linesOf(bytes, records_max);
      if (lines.length > 0) {
        const taken = lines.reduce((sum, line) => sum + line.length + 1, 0);
        return { lines, next: { segment, offset: offset + taken } };
      }
      if (size === left) break;
    }
    return undefined;
  }

  private remove(segment: number): void {
    rmSync(join(this.folder, nameOf(segment)), { force: true });
  }
}

function segmentsOf(folder: string): number[] {
  return readdirSync(folder)
    .filter((name) => /^\d{8}\.ndjson$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b);
}

function readPosition(folder: string, first: number): Position {
  try {
    const [, segment, offset] = /^(\d+) (\d+)\n$/.exec(readFileSync(join(folder, 'position'), 'utf8')) ?? [];
    if (segment !== undefined && Number(segment) >= first) return { segment: Number(segment), offset: Number(offset) };
  } catch {
    // No position yet: from the beginning. Ids make a repetition harmless.
  }
  return { segment: first, offset: 0 };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function readPart(path: string, offset: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  const file = openSync(path, 'r');
  try {
    return bytes.subarray(0, readSync(file, bytes, 0, size, offset));
  } finally {
    closeSync(file);
  }
}

function linesOf(bytes: Buffer, records_max: number): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; lines.length < records_max; ) {
    const end = bytes.indexOf(NEWLINE, from);
    if (end < 0) break;
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return lines;
}
