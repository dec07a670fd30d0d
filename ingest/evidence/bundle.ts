/**
 * Writes a bundle: one zip with records, what opens their commitments, their proofs against one signed checkpoint, the
 * key, and files to read, under a manifest that is signed with the log's key. docs/adr/0024 says what it proves.
 */
import { Buffer } from 'node:buffer';
import { createHash, hash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { crc32, createDeflateRaw } from 'node:zlib';
import { BUNDLE_FORMAT, type BundleFile, type FileDigest, type Manifest } from '../../core/bundle/manifest.ts';
import { descriptor, directory, localHeader, ZIP_BYTES_MAX, type ZipEntry } from '../../core/bundle/zip.ts';
import { AppError } from '../../core/errors.ts';

/** A file of a bundle, in pieces. */
export interface BundlePart {
  name: Exclude<BundleFile, 'manifest.json' | 'manifest.sig'>;
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;
}

/** What the manifest says beside the digests of the files. Asked for when all files were written. */
export type ManifestFacts = Omit<Manifest, 'format' | 'files'>;

const DEFLATE_LEVEL = 4;
const PIECE_BYTES = 262_144;

/**
 * The bytes of a bundle, in pieces; memory does not grow with it. The same parts give the same bytes. Throws
 * `export_too_large` beyond what a zip can hold.
 */
export async function* writeBundle(
  parts: readonly BundlePart[],
  facts: () => ManifestFacts,
  sign: (manifest_sha256: Uint8Array) => string,
): AsyncGenerator<Uint8Array> {
  const writer = new ZipWriter();
  for (const { name, chunks } of parts) yield* writer.file(name, chunks, true);
  const manifest: Manifest = { format: BUNDLE_FORMAT, ...facts(), files: Object.fromEntries(writer.digests) };
  const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`, 'utf8');
  yield* writer.file('manifest.json', [text], false);
  yield* writer.file('manifest.sig', [sign(hash('sha256', text, 'buffer'))], false);
  yield writer.end();
}

class ZipWriter {
  readonly digests = new Map<string, FileDigest>();
  private readonly entries: ZipEntry[] = [];
  private written = 0;

  async *file(name: string, chunks: BundlePart['chunks'], deflated: boolean): AsyncGenerator<Uint8Array> {
    const whole = createHash('sha256');
    const packed = createHash('sha256');
    const entry: ZipEntry = { name, deflated, crc32: 0, packed_bytes: 0, bytes: 0 };
    yield this.counted(localHeader(entry));
    async function* raw(): AsyncGenerator<Buffer> {
      for await (const piece of piecesOf(chunks)) {
        whole.update(piece);
        entry.crc32 = crc32(piece, entry.crc32);
        entry.bytes += piece.length;
        yield piece;
      }
    }
    for await (const piece of deflated ? deflate(raw()) : raw()) {
      packed.update(piece);
      entry.packed_bytes += piece.length;
      if (entry.bytes > ZIP_BYTES_MAX) throw tooLarge();
      yield this.counted(piece);
    }
    yield this.counted(descriptor(entry));
    this.entries.push(entry);
    const digests = { sha256: whole.digest('hex'), packed_sha256: packed.digest('hex') };
    this.digests.set(name, { bytes: entry.bytes, ...digests });
  }

  end(): Uint8Array {
    return this.counted(directory(this.entries));
  }

  private counted(bytes: Uint8Array): Uint8Array {
    this.written += bytes.length;
    if (this.written > ZIP_BYTES_MAX) throw tooLarge();
    return bytes;
  }
}

const tooLarge = () =>
  new AppError(
    'export_too_large',
    `a bundle and each file in it have at most ${ZIP_BYTES_MAX} bytes; take a shorter period`,
  );

/** Small pieces are joined: each costs a call of the compressor. */
async function* piecesOf(chunks: BundlePart['chunks']): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    const piece = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : Buffer.from(chunk);
    waiting.push(piece);
    bytes += piece.length;
    if (bytes < PIECE_BYTES) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

function deflate(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const packer = createDeflateRaw({ level: DEFLATE_LEVEL, chunkSize: PIECE_BYTES });
  // An error of the source becomes one of the reading below.
  pipeline(Readable.from(chunks), packer, () => undefined);
  return packer as AsyncIterable<Buffer>;
}
