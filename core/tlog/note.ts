/** C2SP signed notes: a text and the signatures under it, read, checked and written byte for byte. */
import { AppError } from '../errors.ts';
import { bytesToHex, concatBytes, fromBase64, fromUtf8, quote, toBase64, toUtf8 } from './bytes.ts';
import { isKeyName, type NoteSigner, type NoteVerifier } from './note_key.ts';

/** One signature line. `key_id` is 8 hex digits; `signature` is what follows the id, at least one byte. */
export type NoteSignature = { name: string; key_id: string; signature: Uint8Array };

/** A note taken apart, nothing verified. `text` ends with a newline; `text_bytes` is what signatures are over. */
export type Note = { text: string; text_bytes: Uint8Array; signatures: NoteSignature[] };

/** A note of which at least one signature is valid: `verified` has each known key once, `unknown` all other lines. */
export type OpenedNote = { text: string; verified: NoteSignature[]; unknown: NoteSignature[] };

/** Longest note that is read, in UTF-8 bytes: the limit of golang.org/x/mod/sumdb/note. */
export const NOTE_BYTES_MAX = 1_000_000;
/** Most signatures that are read, as in Go; C2SP asks for at least 16. */
const NOTE_SIGNATURES_MAX = 100;

const SIGNATURE_PREFIX = '\u2014 ';
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/; // below 0x20, newline excepted

/**
 * Takes a note apart without verifying anything (C2SP signed-note, "Format"). Takes the text or its UTF-8 bytes. Throws
 * `note_malformed` naming the broken rule.
 */
export function parseNote(note: string | Uint8Array): Note {
  const text_of_note = noteText(note);
  const split = text_of_note.lastIndexOf('\n\n');
  if (split < 0) throw malformed('no blank line before the signatures');
  const text = text_of_note.slice(0, split + 1);
  const block = text_of_note.slice(split + 2);
  if (!block.endsWith('\n')) throw malformed('the last line does not end with a newline');
  const lines = block.slice(0, -1).split('\n');
  if (lines.length > NOTE_SIGNATURES_MAX) {
    throw malformed(`${lines.length} signatures, at most ${NOTE_SIGNATURES_MAX} are read`);
  }
  return { text, text_bytes: new TextEncoder().encode(text), signatures: lines.map(parseSignatureLine) };
}

function malformed(reason: string): AppError {
  return new AppError('note_malformed', `signed note: ${reason}`);
}

/** The note as a string, checked for everything that holds for the whole of it. */
function noteText(note: string | Uint8Array): string {
  const bytes = typeof note === 'string' ? toUtf8(note) : note;
  const text = typeof note === 'string' ? note : fromUtf8(note);
  if (bytes === undefined || text === undefined) throw malformed('not valid UTF-8');
  if (bytes.length > NOTE_BYTES_MAX) throw malformed(`${bytes.length} bytes, at most ${NOTE_BYTES_MAX} are read`);
  if (CONTROL.test(text)) throw malformed('a control character other than newline');
  return text;
}

function parseSignatureLine(line: string): NoteSignature {
  if (!line.startsWith(SIGNATURE_PREFIX))
    throw malformed(`line ${quote(line)} does not start with an em dash and space`);
  const rest = line.slice(SIGNATURE_PREFIX.length);
  const space = rest.indexOf(' ');
  const name = rest.slice(0, Math.max(space, 0));
  if (!isKeyName(name)) throw malformed(`line ${quote(line)} has no valid key name`);
  const bytes = fromBase64(rest.slice(space + 1));
  if (bytes === undefined) throw malformed(`line ${quote(line)} has no canonical base64`);
  if (bytes.length < 5) throw malformed(`line ${quote(line)} has ${bytes.length} bytes, an id and a signature need 5`);
  return { name, key_id: bytesToHex(bytes.slice(0, 4)), signature: bytes.slice(4) };
}

/**
 * Verifies a note (C2SP signed-note, "Signatures"). Lines of unknown (name, id) are ignored. Throws `note_malformed`;
 * `note_signature_invalid` if any line of a known key does not verify; `note_unverified` if no known key signed;
 * `note_key_ambiguous` if two verifiers share name and id. Do not use any part of a note that this has not returned.
 */
export function openNote(note: string | Uint8Array, verifiers: readonly NoteVerifier[]): OpenedNote {
  const known = byKey(verifiers);
  const { text, text_bytes, signatures } = parseNote(note);
  const verified = new Map<string, NoteSignature>();
  const unknown: NoteSignature[] = [];
  for (const line of signatures) {
    const verifier = known.get(keyOf(line));
    if (verifier === undefined) {
      unknown.push(line);
      continue;
    }
    if (!verifier.verify(text_bytes, line.signature)) {
      throw new AppError('note_signature_invalid', `signature of ${line.name}+${line.key_id} does not verify`);
    }
    verified.set(keyOf(line), line);
  }
  if (verified.size === 0) throw new AppError('note_unverified', 'no signature of the note is by a known key');
  return { text, verified: [...verified.values()], unknown };
}

/**
 * Signs a text: gives the text, a blank line, and one line for each signer in their order. Throws `note_text_invalid`
 * unless the text ends with a newline, has no other control character and no lone surrogate; `note_signers_invalid`
 * unless there are 1 to 100 signers with valid names; `note_key_ambiguous` if two share name and id.
 */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  const text_bytes = toUtf8(text);
  if (text_bytes === undefined || !text.endsWith('\n') || CONTROL.test(text)) {
    throw new AppError(
      'note_text_invalid',
      `note text ${quote(text)} must be lines of text that each end with a newline`,
    );
  }
  if (signers.length < 1 || signers.length > NOTE_SIGNATURES_MAX) {
    throw new AppError('note_signers_invalid', `${signers.length} signers, must be 1 to ${NOTE_SIGNATURES_MAX}`);
  }
  const lines = [...byKey(signers).values()].map((signer) => signatureLine(signer, signer.sign(text_bytes)));
  const note = `${text}\n${lines.join('')}`;
  noteText(note);
  return note;
}

function signatureLine({ name, key_id }: NoteSigner, signature: Uint8Array): string {
  const id = Uint8Array.from(key_id.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  if (!isKeyName(name) || bytesToHex(id) !== key_id || id.length !== 4 || signature.length === 0) {
    throw new AppError(
      'note_signers_invalid',
      `signer ${quote(name)} needs a key name, an id of 8 hex digits, a signature`,
    );
  }
  return `${SIGNATURE_PREFIX}${name} ${toBase64(concatBytes(id, signature))}\n`;
}

function keyOf({ name, key_id }: { name: string; key_id: string }): string {
  return `${name}+${key_id}`; // a name has no plus
}

function byKey<T extends { name: string; key_id: string }>(keys: readonly T[]): Map<string, T> {
  const known = new Map(keys.map((key) => [keyOf(key), key]));
  if (known.size !== keys.length) {
    throw new AppError('note_key_ambiguous', `two of ${keys.length} keys have the same name and id`);
  }
  return known;
}
