/**
 * The signer: holds the log's key and its own memory of what it signed last, apart from the store. It signs a head
 * only with a proof that the head continues that memory, so that no fault or attack on the store can make it sign a
 * second history.
 */
import { manifestNote } from '../core/bundle/manifest.ts';
import { AppError } from '../core/errors.ts';
import { readIfThere, writeWhole } from '../core/secret_file.ts';
import { equalBytes, fromBase64, toBase64 } from '../core/tlog/bytes.ts';
import { signCheckpoint } from '../core/tlog/checkpoint.ts';
import { ed25519FromSeed } from '../core/tlog/ed25519_node.ts';
import { nodeHasher } from '../core/tlog/node_hasher.ts';
import { signNote } from '../core/tlog/note.ts';
import { noteSigner } from '../core/tlog/note_key.ts';
import { verifyConsistency } from '../core/tlog/proof.ts';
import { signedHeadPath } from './keyring.ts';
import type { SignedHead } from './takeover.ts';

export interface LogSigner {
  readonly origin: string;
  /** The head that was signed last, or undefined. */
  last(): SignedHead | undefined;
  /**
   * Signs a head as a C2SP checkpoint. `proof` is a consistency proof from the last head, empty for the first or the
   * same one. Remembers before it returns. Throws `checkpoint_refused` when the head does not continue the last one.
   */
  sign(head: SignedHead, proof: readonly Uint8Array[]): string;
  /** Signs the manifest of a bundle by its SHA-256, as a note that can be no checkpoint. */
  signManifest(sha256: Uint8Array): string;
}

/** A signer in this process, with its memory in a file. */
export function openSigner(folder: string, origin: string, seed: Uint8Array): LogSigner {
  const path = signedHeadPath(folder);
  const signer = noteSigner(origin, ed25519FromSeed(seed));
  let last = readLast(path, origin);
  return {
    origin,
    last: () => last,
    sign(head, proof) {
      if (last !== undefined) checkContinues(last, head, proof);
      const note = signCheckpoint({ origin, ...head }, [signer]);
      if (last === undefined || last.size !== head.size) {
        writeWhole(path, `${JSON.stringify({ origin, size: head.size, root: toBase64(head.root) })}\n`);
        last = { size: head.size, root: new Uint8Array(head.root) };
      }
      return note;
    },
    signManifest: (sha256) => signNote(manifestNote(origin, sha256), [signer]),
  };
}

function checkContinues(last: SignedHead, head: SignedHead, proof: readonly Uint8Array[]): void {
  const refuse = (why: string, cause?: unknown) =>
    new AppError('checkpoint_refused', `size ${head.size} after ${last.size}: ${why}`, { cause, fatal: true });
  if (head.size < last.size) throw refuse('the log became shorter');
  if (head.size === last.size) {
    if (!equalBytes(head.root, last.root)) throw refuse('another root was signed for this size');
    return;
  }
  try {
    verifyConsistency(nodeHasher, {
      old_size: last.size,
      new_size: head.size,
      old_root: last.root,
      new_root: head.root,
      proof,
    });
  } catch (cause) {
    throw refuse('the proof does not hold', cause);
  }
}

/** What the signer of a folder remembers, without its key. Throws `signer_memory_corrupt`. */
export function readSignedHead(folder: string, origin: string): SignedHead | undefined {
  return readLast(signedHeadPath(folder), origin);
}

function readLast(path: string, origin: string): SignedHead | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  const stored = parseMemory(text);
  const root = typeof stored.root === 'string' ? fromBase64(stored.root) : undefined;
  if (stored.origin !== origin || !Number.isSafeInteger(stored.size) || root?.length !== 32) {
    throw new AppError('signer_memory_corrupt', `${path} does not hold a head of ${origin}`, { fatal: true });
  }
  return { size: stored.size as number, root };
}

function parseMemory(text: string): { origin?: unknown; size?: unknown; root?: unknown } {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return {};
  }
}
