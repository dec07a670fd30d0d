/** Keys of C2SP signed notes: their names, ids and text forms, and how a key becomes a verifier or a signer. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { AppError } from '../errors.ts';
import { bytesToHex, concatBytes, fromBase64, quote, toBase64 } from './bytes.ts';
import { checkPublicKey } from './key_check.ts';
import { nobleHasher } from './noble_hasher.ts';

/** True if the 64-byte signature over the message is by the 32-byte public key; malformed input is false, no error. */
export type Ed25519Verify = (public_key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** A key pair that can sign; where the private half is held is its own matter. */
export type Ed25519Keys = { public_key: Uint8Array; sign: (message: Uint8Array) => Uint8Array };

/** A public key with its name. `key_id` is 8 lower-case hex digits and follows from the other two. */
export type VerifierKey = { name: string; key_id: string; public_key: Uint8Array };

/** Checks the signatures that carry this name and id. */
export type NoteVerifier = {
  name: string;
  key_id: string;
  verify: (message: Uint8Array, signature: Uint8Array) => boolean;
};

/** Makes the signatures that carry this name and id. */
export type NoteSigner = { name: string; key_id: string; sign: (message: Uint8Array) => Uint8Array };

/** A private key in the text form of golang.org/x/mod/sumdb/note. `seed` is 32 secret bytes. */
export type SignerKey = { name: string; key_id: string; seed: Uint8Array };

const ED25519 = 0x01; // the one signature type here (C2SP signed-note, "Signature types")
const SIGNER_KEY_PREFIX = 'PRIVATE+KEY+';

/** True for a key name: not empty, no Unicode space, no plus, no control character, no lone surrogate. */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\p{White_Space}+\u0000-\u001f\p{Surrogate}]/u.test(name);
}

/** The first four bytes of SHA-256(name || 0x0A || 0x01 || public key) as 8 hex digits (C2SP signed-note). */
export function keyId(name: string, public_key: Uint8Array): string {
  const head = new TextEncoder().encode(`${name}\n`);
  const digest = nobleHasher.sha256(concatBytes(head, Uint8Array.of(ED25519), public_key));
  return bytesToHex(digest.slice(0, 4));
}

/**
 * Names a raw Ed25519 public key of 32 bytes. Throws `verifier_key_invalid` on a bad name, `public_key_unsafe` on a key
 * that `checkPublicKey` refuses.
 */
export function newVerifierKey(name: string, public_key: Uint8Array): VerifierKey {
  if (!isKeyName(name)) {
    throw new AppError(
      'verifier_key_invalid',
      `key name ${quote(name)} is empty or has a space, plus or control character`,
    );
  }
  checkPublicKey(public_key);
  return { name, key_id: keyId(name, public_key), public_key: new Uint8Array(public_key) };
}

/** The text `name+hex id+base64(0x01 || public key)`. */
export function formatVerifierKey({ name, key_id, public_key }: VerifierKey): string {
  return `${name}+${key_id}+${toBase64(concatBytes(Uint8Array.of(ED25519), public_key))}`;
}

/**
 * Reads what `formatVerifierKey` writes, and nothing else. Throws `verifier_key_invalid` naming the broken rule (three
 * parts, canonical base64, type 0x01, id that matches the key), or `public_key_unsafe`.
 */
export function parseVerifierKey(text: string): VerifierKey {
  const fail = (reason: string) => new AppError('verifier_key_invalid', `verifier key ${quote(text)}: ${reason}`);
  const { name, key_id, secret_or_public } = splitKey(text, fail);
  const key = newVerifierKey(name, secret_or_public);
  if (key.key_id !== key_id) throw fail(`its id should be ${key.key_id}`);
  return key;
}

/**
 * Reads `PRIVATE+KEY+name+hex id+base64(0x01 || seed)`, the form of Go's note package. Throws `signer_key_invalid`; the
 * text is never in the message.
 */
export function parseSignerKey(text: string): SignerKey {
  const fail = (reason: string) => new AppError('signer_key_invalid', `signer key: ${reason}`);
  if (!text.startsWith(SIGNER_KEY_PREFIX)) throw fail(`it must start with ${SIGNER_KEY_PREFIX}`);
  const { name, key_id, secret_or_public } = splitKey(text.slice(SIGNER_KEY_PREFIX.length), fail);
  if (keyId(name, ed25519.getPublicKey(secret_or_public)) !== key_id) throw fail('its id does not match its seed');
  return { name, key_id, seed: secret_or_public };
}

/** The parts of `name+hex id+base64(0x01 || 32 bytes)`. */
function splitKey(text: string, fail: (reason: string) => AppError) {
  const [, name, key_id, encoded] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(text) ?? [];
  if (name === undefined || key_id === undefined || encoded === undefined) {
    throw fail('it must be name+id+key');
  }
  if (!isKeyName(name)) throw fail('the name is empty or has a space or control character');
  if (!/^[0-9a-f]{8}$/.test(key_id)) throw fail('the id must be 8 lower-case hex digits');
  const typed = fromBase64(encoded);
  if (typed === undefined) throw fail('the key is not canonical base64');
  if (typed[0] !== ED25519) throw fail('its type is not 0x01 (Ed25519)');
  if (typed.length !== 33) throw fail(`the key has ${typed.length - 1} bytes, must be 32`);
  return { name, key_id, secret_or_public: typed.slice(1) };
}

/** A verifier for a parsed key: pass `nodeVerify` or `nobleVerify`. */
export function noteVerifier(key: VerifierKey, verify: Ed25519Verify): NoteVerifier {
  const { name, key_id, public_key } = key;
  return { name, key_id, verify: (message, signature) => verify(public_key, message, signature) };
}

/** A signer of this name for a key pair. Throws as `newVerifierKey`. */
export function noteSigner(name: string, keys: Ed25519Keys): NoteSigner {
  const { key_id } = newVerifierKey(name, keys.public_key);
  return { name, key_id, sign: (message) => keys.sign(message) };
}
