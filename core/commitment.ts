/**
 * Salted commitments: the log commits to a field without holding it, so that the field can be erased and the log
 * still verifies. HMAC-SHA256 (RFC 2104) twice: a field's salt comes from the record's salt and the field's path,
 * the commitment from the field's salt, path and bytes. The path stops one field from passing for another.
 */
import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';

export const SALT_BYTES = 32;
const BLOCK = 64;
const COMMIT_DOMAIN = Buffer.from('prov/commit/v1\0', 'latin1');
const SALT_DOMAIN = Buffer.from('prov/salt/v1\0', 'latin1');

let inner = Buffer.allocUnsafe(BLOCK + 65_536);
const outer = Buffer.alloc(BLOCK + 32, 0x5c);
const derived = Buffer.alloc(SALT_BYTES);

function room(bytes: number): void {
  if (inner.length < BLOCK + bytes) inner = Buffer.allocUnsafe(2 * (BLOCK + bytes));
}

/** Writes the first block of both hashes. */
function setKey(key: Uint8Array): void {
  for (let i = 0; i < SALT_BYTES; i++) {
    const k = key[i] as number;
    inner[i] = k ^ 0x36;
    outer[i] = k ^ 0x5c;
  }
  inner.fill(0x36, SALT_BYTES, BLOCK);
}

/** HMAC under the key that was set over the `bytes` that stand in `inner` behind the first block. */
function hmac(bytes: number, encoding: 'binary' | 'base64'): string {
  // Digests as text: a buffer for each would cost more than the hash itself.
  outer.write(hash('sha256', inner.subarray(0, BLOCK + bytes), 'binary'), BLOCK, 'latin1');
  return hash('sha256', outer, encoding);
}

function checkSalt(salt: Uint8Array): void {
  // A shorter key would be padded with zeros by HMAC, and two salts could then give one commitment.
  if (salt.length !== SALT_BYTES) throw new RangeError(`a salt has ${SALT_BYTES} bytes, this one ${salt.length}`);
}

/** The salt of one field: HMAC(record salt, "prov/salt/v1\0" ‖ path). 32 bytes. */
export function fieldSalt(record_salt: Uint8Array, path: string): Buffer {
  return Buffer.from(saltText(record_salt, path), 'latin1');
}

function saltText(record_salt: Uint8Array, path: string): string {
  checkSalt(record_salt);
  room(SALT_DOMAIN.length + 3 * path.length);
  setKey(record_salt);
  let at = BLOCK + SALT_DOMAIN.copy(inner, BLOCK);
  at += inner.write(path, at, 'utf8');
  return hmac(at - BLOCK, 'binary');
}

/**
 * The commitment to `content` (text is taken as its UTF-8 bytes) under a field's salt:
 * HMAC(salt, "prov/commit/v1\0" ‖ u16be(len path) ‖ path ‖ u64be(len content) ‖ content). 32 bytes.
 */
export function commit(field_salt: Uint8Array, path: string, content: string | Uint8Array): Buffer {
  return Buffer.from(commitText(field_salt, path, content), 'base64');
}

function commitText(field_salt: Uint8Array, path: string, content: string | Uint8Array): string {
  checkSalt(field_salt);
  room(COMMIT_DOMAIN.length + 10 + 3 * path.length + (typeof content === 'string' ? 3 : 1) * content.length);
  setKey(field_salt);
  let at = BLOCK + COMMIT_DOMAIN.copy(inner, BLOCK);
  const path_bytes = inner.write(path, at + 2, 'utf8');
  at = inner.writeUInt16BE(path_bytes, at) + path_bytes;
  const length_at = at;
  at += 8;
  const bytes = typeof content === 'string' ? inner.write(content, at, 'utf8') : copy(content, at);
  inner.writeUInt32BE(Math.floor(bytes / 2 ** 32), length_at);
  inner.writeUInt32BE(bytes >>> 0, length_at + 4);
  return hmac(at + bytes - BLOCK, 'base64');
}

function copy(content: Uint8Array, at: number): number {
  inner.set(content, at);
  return content.length;
}

/** The commitment to one field of a record, in standard base64. */
export function commitField(record_salt: Uint8Array, path: string, content: string | Uint8Array): string {
  derived.write(saltText(record_salt, path), 'latin1');
  return commitText(derived, path, content);
}
