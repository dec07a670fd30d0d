/** How far a file was ingested, kept in the data folder, so that the next run goes on where this one was cut off. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readIfThere, writeWhole } from '../core/secret_file.ts';

const HEAD_BYTES = 65_536;

export interface IngestPosition {
  /** Lines that are under the head already. */
  lines: number;
  done: boolean;
}

/** Names a file by where it lies and how it begins, so that another file in its place starts anew. */
export function positionPath(data: string, file: string): string {
  const handle = openSync(file, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const length = readSync(handle, head, 0, HEAD_BYTES, 0);
    const id = createHash('sha256').update(resolve(file)).update('\0').update(head.subarray(0, length)).digest('hex');
    return join(data, 'ingest', `${id.slice(0, 32)}.json`);
  } finally {
    closeSync(handle);
  }
}

export function readPosition(path: string): IngestPosition {
  const text = readIfThere(path);
  if (text === undefined) return { lines: 0, done: false };
  const stored = JSON.parse(text) as Partial<IngestPosition>;
  const lines = Number.isSafeInteger(stored.lines) && (stored.lines ?? -1) >= 0 ? (stored.lines as number) : 0;
  return { lines, done: stored.done === true };
}

export function writePosition(path: string, position: IngestPosition): void {
  writeWhole(path, `${JSON.stringify(position)}\n`);
}

export function fileBytes(file: string): number {
  return statSync(file).size;
}
