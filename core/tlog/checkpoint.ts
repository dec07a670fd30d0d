/** C2SP tlog-checkpoint: the signed statement of a log's size and root. */
import { AppError } from '../errors.ts';
import { isCount, parseDecimal } from './bits.ts';
import { fromBase64, quote, toBase64 } from './bytes.ts';
import { isHash } from './hasher.ts';
import { type NoteSignature, openNote, signNote } from './note.ts';
import { isKeyName, type NoteSigner, type NoteVerifier } from './note_key.ts';

/** What a log states: its name, its number of leaves, and the 32-byte RFC 6962 root of them. */
export type TreeHead = { origin: string; size: number; root: Uint8Array };

/** A checkpoint as read; `extensions` are lines after the third, which no signature of ours ever carries. */
export type Checkpoint = TreeHead & { extensions: string[] };

/** A checkpoint whose note was verified: `verified` names each known key that signed. */
export type OpenedCheckpoint = Checkpoint & { verified: NoteSignature[] };

/**
 * The note text `origin`, `size`, `base64(root)`, each on its line. Throws `checkpoint_invalid` if the origin is no key
 * name (our logs sign under their origin), the size is not a whole number up to 2^53 - 1, or the root is not 32 bytes.
 */
export function formatCheckpoint({ origin, size, root }: TreeHead): string {
  if (!isKeyName(origin)) {
    throw new AppError(
      'checkpoint_invalid',
      `origin ${quote(origin)} is empty or has a space, plus or control character`,
    );
  }
  if (!isCount(size)) throw new AppError('checkpoint_invalid', `size ${size} is not a whole number up to 2^53 - 1`);
  if (!isHash(root)) throw new AppError('checkpoint_invalid', 'the root is not 32 bytes');
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/**
 * Reads a note text as a checkpoint (C2SP tlog-checkpoint, "Note text"). Nothing is verified. Throws
 * `checkpoint_malformed` naming the broken rule.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const fail = (reason: string) => new AppError('checkpoint_malformed', `checkpoint: ${reason}`);
  if (!text.endsWith('\n')) throw fail('the last line does not end with a newline');
  const [origin = '', size_text = '', root_text = '', ...extensions] = text.slice(0, -1).split('\n');
  if (origin === '') throw fail('the origin is empty');
  const size = parseDecimal(size_text);
  if (size === undefined) throw fail(`size ${quote(size_text)} is not a plain decimal up to 2^53 - 1`);
  const root = fromBase64(root_text);
  if (!isHash(root)) throw fail(`root ${quote(root_text)} is not the canonical base64 of 32 bytes`);
  if (extensions.includes('')) throw fail('an extension line is empty');
  return { origin, size, root, extensions };
}

/**
 * A checkpoint note signed by these signers, of whom one must be named as the origin (else `checkpoint_invalid`).
 * Throws as `formatCheckpoint` and `signNote`. Whether the log may sign this head at all is the caller's to decide:
 * it must be consistent with every head signed before.
 */
export function signCheckpoint(head: TreeHead, signers: readonly NoteSigner[]): string {
  const text = formatCheckpoint(head);
  if (!signers.some(({ name }) => name === head.origin)) {
    throw new AppError('checkpoint_invalid', `no signer is named as the origin ${quote(head.origin)}`);
  }
  return signNote(text, signers);
}

/**
 * Verifies a checkpoint note: the rules of `openNote`, the expected origin, and a valid signature by a known key that
 * is named as the origin, so that other known keys (witnesses) cannot speak for the log. Throws as `openNote`, and
 * `checkpoint_malformed`, `checkpoint_origin_mismatch`, `checkpoint_not_by_log`.
 */
export function openCheckpoint(
  note: string | Uint8Array,
  origin: string,
  verifiers: readonly NoteVerifier[],
): OpenedCheckpoint {
  const { text, verified } = openNote(note, verifiers);
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== origin) {
    throw new AppError('checkpoint_origin_mismatch', `origin ${quote(checkpoint.origin)} is not ${quote(origin)}`);
  }
  if (!verified.some(({ name }) => name === origin)) {
    throw new AppError('checkpoint_not_by_log', `no known key named ${quote(origin)} signed the checkpoint`);
  }
  return { ...checkpoint, verified };
}
