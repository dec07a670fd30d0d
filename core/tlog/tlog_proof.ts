/** C2SP tlog-proof@v1: one text that proves offline that an entry is in a log. */
import { AppError } from '../errors.ts';
import { isCount, parseDecimal } from './bits.ts';
import { fromBase64, fromUtf8, quote, toBase64 } from './bytes.ts';
import { type OpenedCheckpoint, openCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { type Hasher, isHash } from './hasher.ts';
import { parseNote } from './note.ts';
import type { NoteVerifier } from './note_key.ts';
import { verifyInclusion } from './proof.ts';

/**
 * The parts of a proof. `hashes` go from the leaf's sibling up; `checkpoint` is the signed note verbatim; `extra` is
 * covered by no signature, so never believe it for itself.
 */
export type TlogProof = { index: number; hashes: Uint8Array[]; checkpoint: string; extra?: Uint8Array };

/** What the reader of a proof must know already: the entry's leaf hash, the log's name, and the trusted keys. */
export type TlogProofClaim = { leaf_hash: Uint8Array; origin: string; verifiers: readonly NoteVerifier[] };

const TLOG_PROOF_BYTES_MAX = 2_000_000;

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
const HASHES_MAX = 53; // the height of a tree of 2^53 leaves

/**
 * The text of a proof; an empty `extra` is left out. Throws `tlog_proof_invalid` on an index that is not a whole number
 * up to 2^53 - 1 or a hash that is not 32 bytes, and whatever `parseTlogProof` finds wrong with the checkpoint.
 */
export function formatTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  if (!isCount(index)) throw new AppError('tlog_proof_invalid', `index ${index} is not a whole number up to 2^53 - 1`);
  if (!hashes.every(isHash)) throw new AppError('tlog_proof_invalid', 'a proof hash is not 32 bytes');
  const extra_lines = extra === undefined || extra.length === 0 ? [] : [`extra ${toBase64(extra)}`];
  const lines = [FIRST_LINE, ...extra_lines, `index ${index}`, ...hashes.map(toBase64), '', checkpoint];
  const text = lines.join('\n');
  parseTlogProof(text);
  return text;
}

/**
 * Reads a proof from its text or UTF-8 bytes (C2SP tlog-proof, "Format"); nothing is verified. Throws
 * `tlog_proof_malformed`, or `note_malformed` or `checkpoint_malformed` for the checkpoint in it.
 */
export function parseTlogProof(proof: string | Uint8Array): TlogProof {
  const text = typeof proof === 'string' ? proof : fromUtf8(proof);
  if (text === undefined) throw malformed('not valid UTF-8');
  if (proof.length > TLOG_PROOF_BYTES_MAX) throw malformed(`longer than ${TLOG_PROOF_BYTES_MAX}`);
  const split = text.indexOf('\n\n');
  if (split < 0) throw malformed('no blank line before the checkpoint');
  const [first, ...lines] = text.slice(0, split).split('\n');
  if (first !== FIRST_LINE) throw malformed(`first line ${quote(first ?? '')} is not ${FIRST_LINE}`);
  const extra = lines[0]?.startsWith('extra ') ? parseExtra(lines.shift() ?? '') : undefined;
  const index = parseIndex(lines.shift() ?? '');
  if (lines.length > HASHES_MAX) throw malformed(`${lines.length} hashes, no proof has more than ${HASHES_MAX}`);
  const hashes = lines.map(parseHash);
  const checkpoint = text.slice(split + 2);
  parseCheckpoint(parseNote(checkpoint).text);
  return extra === undefined ? { index, hashes, checkpoint } : { index, hashes, checkpoint, extra };
}

function malformed(reason: string): AppError {
  return new AppError('tlog_proof_malformed', `tlog-proof: ${reason}`);
}

function parseExtra(line: string): Uint8Array {
  const extra = fromBase64(line.slice('extra '.length));
  if (extra === undefined || extra.length === 0) throw malformed(`line ${quote(line)} has no canonical base64`);
  return extra;
}

function parseIndex(line: string): number {
  const index = line.startsWith('index ') ? parseDecimal(line.slice('index '.length)) : undefined;
  if (index === undefined) throw malformed(`line ${quote(line)} is not "index" and a plain decimal up to 2^53 - 1`);
  return index;
}

function parseHash(line: string): Uint8Array {
  const hash = fromBase64(line);
  if (!isHash(hash)) throw malformed(`line ${quote(line)} is not the canonical base64 of 32 bytes`);
  return hash;
}

/**
 * Returns the checkpoint only if it is the named log's, signed by a trusted key of that name, and the leaf hash is in
 * its tree at the proof's index. Throws as `openCheckpoint` and `verifyInclusion`. The caller must compute `leaf_hash`
 * from the entry itself.
 */
export function verifyTlogProof(hasher: Hasher, proof: TlogProof, claim: TlogProofClaim): OpenedCheckpoint {
  const checkpoint = openCheckpoint(proof.checkpoint, claim.origin, claim.verifiers);
  const { size, root } = checkpoint;
  verifyInclusion(hasher, { index: proof.index, size, leaf_hash: claim.leaf_hash, proof: proof.hashes, root });
  return checkpoint;
}
