/**
 * Reads a request's body within limits: size before and after gzip, silence of the client, total time. Whatever goes
 * wrong has its own code, and nothing of the body is kept.
 */
import { Readable } from 'node:stream';
import { createGunzip, constants as zlib } from 'node:zlib';
import { AppError, codeOf } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';

type BodyLimits = Pick<Limits, 'body_bytes_max' | 'body_idle_ms_max' | 'body_total_ms_max'>;

/** A body of up to this many bytes is read in one go, and has to arrive within the time that silence may last. */
const ONE_GO_BYTES_MAX = 65_536;

/**
 * The whole body, unpacked. `hold` is told of the bytes that it takes in memory, and may refuse them by throwing. Throws
 * `body_too_large`, `body_gzip_invalid`, `body_incomplete`, `body_timeout`, `encoding_unsupported`.
 */
export async function readBody(request: Request, limits: BodyLimits, hold: (bytes: number) => void): Promise<Buffer> {
  const encoding = (request.headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new AppError(
      'encoding_unsupported',
      `content-encoding must be gzip or identity (got ${JSON.stringify(encoding.slice(0, 40))})`,
    );
  }
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > limits.body_bytes_max) throw tooLarge(limits);
  if (request.body === null) return Buffer.alloc(0);
  if (encoding === 'gzip') return gunzip(request.body, limits, hold);
  if (announced === 0 || announced > ONE_GO_BYTES_MAX) return collect(chunksOf(request.body, limits), limits, hold);
  hold(announced);
  return within(request.arrayBuffer(), limits.body_idle_ms_max);
}

const tooLarge = ({ body_bytes_max }: BodyLimits) =>
  new AppError('body_too_large', `a body has at most ${body_bytes_max} bytes after unpacking; send it in parts`);
const incomplete = (cause: unknown) =>
  new AppError('body_incomplete', 'the connection ended before the body did', { cause });

/** The result, unless it takes longer than `wait_ms`. Whatever else goes wrong is the connection's fault. */
async function inTime<T>(result: Promise<T>, wait_ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new AppError('body_timeout', 'the body stopped arriving, or came too slowly')),
      Math.max(0, wait_ms),
    );
  });
  try {
    return await Promise.race([result, late]);
  } catch (error) {
    throw error instanceof AppError ? error : incomplete(error);
  } finally {
    clearTimeout(timer);
  }
}

async function within(bytes: Promise<ArrayBuffer>, wait_ms: number): Promise<Buffer> {
  return Buffer.from(await inTime(bytes, wait_ms));
}

/** Pieces of a body; ends with an error when the client is silent or slow for too long. */
async function* chunksOf(body: ReadableStream<Uint8Array>, limits: BodyLimits): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const ends_ms = performance.now() + limits.body_total_ms_max;
  try {
    for (;;) {
      const { done, value } = await inTime(
        reader.read(),
        Math.min(limits.body_idle_ms_max, ends_ms - performance.now()),
      );
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function collect(
  chunks: AsyncIterable<Uint8Array>,
  limits: BodyLimits,
  hold: (bytes: number) => void,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > limits.body_bytes_max) throw tooLarge(limits);
    hold(chunk.length);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

async function gunzip(
  body: ReadableStream<Uint8Array>,
  limits: BodyLimits,
  hold: (bytes: number) => void,
): Promise<Buffer> {
  const unpacked = createGunzip({ finishFlush: zlib.Z_FINISH });
  const source = Readable.from(chunksOf(body, limits));
  source.on('error', (error) => unpacked.destroy(error));
  source.pipe(unpacked);
  try {
    return await collect(unpacked, limits, hold);
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (!codeOf(error).startsWith('Z_')) throw incomplete(error);
    throw new AppError('body_gzip_invalid', 'the body is not a whole gzip stream', { cause: error });
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}
