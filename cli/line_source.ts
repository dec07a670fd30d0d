/** The lines of a file or of standard input, packed or not, each within the limit of a record. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { AppError, codeOf, messageOf } from '../core/errors.ts';
import { LineFramer } from '../core/json/frame.ts';
import { LIMITS } from '../core/limits.ts';

export interface LineSource {
  /** The lines in order. One that is too long is left out and told. Throws `file_unreadable`. */
  lines: AsyncGenerator<Buffer>;
  /** Bytes of the file read so far, packed ones as they are. */
  readonly read_bytes: number;
}

/** Opens a file, or standard input for `-`. A name that ends in `.gz` is unpacked. */
export function openLines(file: string, onOverlong: (bytes: number) => void): LineSource {
  let read_bytes = 0;
  const source = file === '-' ? process.stdin : createReadStream(file);
  source.on('data', (chunk: Buffer) => {
    read_bytes += chunk.length;
  });
  return {
    lines: linesOf(unpacked(source, file), file, onOverlong),
    get read_bytes() {
      return read_bytes;
    },
  };
}

function unpacked(source: Readable, file: string): AsyncIterable<Buffer> {
  if (!file.endsWith('.gz')) return source;
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  return source.pipe(gunzip);
}

async function* linesOf(
  source: AsyncIterable<Buffer>,
  file: string,
  onOverlong: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const framer = new LineFramer({ line_bytes_max: LIMITS.record_bytes_max });
  for await (const chunk of readable(source, file)) {
    for (const line of framer.push(chunk)) {
      if (Buffer.isBuffer(line)) yield Buffer.from(line);
      else onOverlong(line.bytes);
    }
  }
  for (const line of framer.end()) {
    if (Buffer.isBuffer(line)) yield Buffer.from(line);
    else onOverlong(line.bytes);
  }
}

/** Every fault of the file, also of its packing, with its name. */
async function* readable(source: AsyncIterable<Buffer>, file: string): AsyncGenerator<Buffer> {
  try {
    yield* source;
  } catch (cause) {
    const why = codeOf(cause).startsWith('Z_') ? 'it is not a whole gzip file' : messageOf(cause);
    throw new AppError('file_unreadable', `${file}: ${why}; what lies before that place was read`, { cause });
  }
}
