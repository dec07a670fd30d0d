/** Small byte helpers that behave the same in Node and in a browser: comparison, hex, strict base64, strict UTF-8. */
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js';

/** Lower-case hex of some bytes, and the concatenation of several byte arrays. */
export { bytesToHex, concatBytes };

// Half of a surrogate pair on its own: such a string has no UTF-8 form.
const LONE_SURROGATE = /\p{Surrogate}/u;

/** True if both arrays hold the same bytes. Not constant time: only for public values such as hashes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Standard padded base64 (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The bytes of standard padded base64; undefined unless the text is the one canonical encoding of its bytes. */
export function fromBase64(text: string): Uint8Array | undefined {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return undefined;
  }
  if (btoa(binary) !== text) return undefined; // spaces, missing padding, stray last bits
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

/** The UTF-8 bytes of a string; undefined if the string holds a lone surrogate. */
export function toUtf8(text: string): Uint8Array | undefined {
  return LONE_SURROGATE.test(text) ? undefined : new TextEncoder().encode(text);
}

/** The string of some UTF-8 bytes, a leading byte order mark included; undefined if they are not valid UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A piece of untrusted text, quoted and cut short for an error message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
