/**
 * Reads a request's body within limits: size before and after gzip, silence of the client, total time. Whatever goes
 * wrong has its own code, and nothing of the body is kept.
 */
import { Readable } from 'node:stream';
import { createGunzip, constants as zlib } from 'node:zlib';
import { AppError, codeOf } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';

/** The whole body, unpacked. Throws `body_too_large`, `body_gzip_invalid`, `body_timeout`, `encoding_unsupported`. */
export async function readBody(request: Request): Promise<Buffer> {
  const encoding = (request.headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new AppError(
      'encoding_unsupported',
      `content-encoding must be gzip or identity (got ${JSON.stringify(encoding.slice(0, 40))})`,
    );
  }
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > LIMITS.body_bytes_max) throw tooLarge();
  if (request.body === null) return Buffer.alloc(0);
  // A body that arrives whole needs no counting on the way; the client may not take for ever all the same.
  if (encoding === 'identity' && announced > 0) return within(request.arrayBuffer());
  return encoding === 'gzip' ? gunzip(request.body) : collect(chunksOf(request.body));
}

const tooLarge = () =>
  new AppError('body_too_large', `a body has at most ${LIMITS.body_bytes_max} bytes after unpacking; send it in parts`);
const timedOut = (what: string) => new AppError('body_timeout', `the body ${what}`);

async function within(bytes: Promise<ArrayBuffer>): Promise<Buffer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(timedOut(`did not arrive within ${LIMITS.body_total_ms_max} ms`)),
      LIMITS.body_total_ms_max,
    );
  });
  try {
    return Buffer.from(await Promise.race([bytes, late]));
  } catch (error) {
    throw error instanceof AppError ? error : incomplete(error);
  } finally {
    clearTimeout(timer);
  }
}

function incomplete(cause: unknown): AppError {
  return new AppError('body_incomplete', 'the connection ended before the body did', { cause });
}

/** Pieces of a body; ends with an error when the client is silent or slow for too long. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const ends_ms = performance.now() + LIMITS.body_total_ms_max;
  try {
    for (;;) {
      const left_ms = Math.min(LIMITS.body_idle_ms_max, ends_ms - performance.now());
      const piece = await nextPiece(reader, left_ms);
      if (piece === undefined) return;
      yield piece;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function nextPiece(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  wait_ms: number,
): Promise<Uint8Array | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timedOut('stopped arriving')), Math.max(0, wait_ms));
  });
  try {
    const { done, value } = await Promise.race([reader.read(), silence]);
    return done ? undefined : value;
  } catch (error) {
    throw error instanceof AppError ? error : incomplete(error);
  } finally {
    clearTimeout(timer);
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > LIMITS.body_bytes_max) throw tooLarge();
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

async function gunzip(body: ReadableStream<Uint8Array>): Promise<Buffer> {
  const unpacked = createGunzip({ finishFlush: zlib.Z_FINISH });
  const source = Readable.from(chunksOf(body));
  source.on('error', (error) => unpacked.destroy(error));
  source.pipe(unpacked);
  try {
    return await collect(unpacked);
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (!codeOf(error).startsWith('Z_')) throw incomplete(error);
    throw new AppError('body_gzip_invalid', 'the body is not a whole gzip stream', { cause: error });
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}
