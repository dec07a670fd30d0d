/** All that a page needs to check a log by itself: plain JavaScript, no `node:` module anywhere below this file. */
import { nobleVerify } from './ed25519_noble.ts';
import { type NoteVerifier, noteVerifier, parseVerifierKey } from './note_key.ts';

export {
  type Checkpoint,
  type OpenedCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  type TreeHead,
} from './checkpoint.ts';
export { CompactRange } from './compact_range.ts';
export type { Hasher } from './hasher.ts';
export { nobleHasher } from './noble_hasher.ts';
export { type NoteSignature, type OpenedNote, openNote, parseNote } from './note.ts';
export type { NoteVerifier, VerifierKey } from './note_key.ts';
export {
  type ConsistencyProof,
  consistencyCoordinates,
  foldSubtrees,
  type InclusionProof,
  inclusionCoordinates,
  type NodeCoordinate,
  rootCoordinates,
  verifyConsistency,
  verifyInclusion,
} from './proof.ts';
export { fullTiles, parseTilePath, partialWidth, TILE_WIDTH, type Tile, tilePath } from './tile_path.ts';
export { parseTlogProof, type TlogProof, verifyTlogProof } from './tlog_proof.ts';

/**
 * A verifier for a key in its text form `name+id+key`, in plain JavaScript. Throws as `parseVerifierKey`. Take the text
 * from where the reader trusts it, never from what is being checked.
 */
export function trustKey(vkey: string): NoteVerifier {
  return noteVerifier(parseVerifierKey(vkey), nobleVerify);
}
