/** What checking a bundle needs of Node: hashing, unpacking, and the file itself. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import type { CheckTools } from '../../core/bundle/check.ts';
import type { ByteSource } from '../../core/bundle/zip.ts';
import { commit, SALT_BYTES } from '../../core/commitment.ts';
import { nodeVerify } from '../../core/tlog/ed25519_node.ts';
import { nodeHasher } from '../../core/tlog/node_hasher.ts';

const PIECE_BYTES = 262_144;

export const nodeTools: CheckTools = {
  hasher: nodeHasher,
  digest: () => createHash('sha256'),
  commit: (salt, group, text) =>
    salt.length === SALT_BYTES ? commit(salt, group, text).toString('base64') : undefined,
  verify: nodeVerify,
  async *inflate(chunks) {
    const inflate = createInflateRaw({ chunkSize: PIECE_BYTES });
    const source = Readable.from(chunks);
    source.on('error', (error) => inflate.destroy(error));
    yield* source.pipe(inflate) as AsyncIterable<Uint8Array>;
  },
};

/** The bytes of an open file. */
export async function fileSource(file: FileHandle): Promise<ByteSource> {
  const { size } = await file.stat();
  return {
    size,
    async read(from, to) {
      const bytes = Buffer.alloc(to - from);
      let at = 0;
      while (at < bytes.length) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, from + at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return bytes.subarray(0, at);
    },
  };
}
