/** Refuses Ed25519 public keys on which two correct verifiers can disagree, before such a key is ever trusted. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { AppError } from '../errors.ts';
import { bytesToHex } from './bytes.ts';

/**
 * Returns only if the 32 bytes are the one canonical encoding (RFC 8032 section 5.1.3) of a point of the prime-order
 * group other than the neutral element. Throws `public_key_unsafe` otherwise: not a point, y not reduced, small order,
 * or mixed order. About a millisecond: call it when a key is registered, not for each signature.
 */
export function checkPublicKey(public_key: Uint8Array): void {
  const fail = (reason: string) =>
    new AppError('public_key_unsafe', `Ed25519 public key ${bytesToHex(public_key.slice(0, 40))}: ${reason}`);
  if (public_key.length !== 32) throw fail(`${public_key.length} bytes, must be 32`);
  const point = decodePoint(public_key);
  if (point === undefined) throw fail('not the canonical encoding of a curve point');
  if (point.isSmallOrder()) throw fail('the point has a small order');
  if (!point.isTorsionFree()) throw fail('the point has a mixed order');
}

function decodePoint(bytes: Uint8Array) {
  try {
    return ed25519.Point.fromBytes(bytes, false);
  } catch {
    return undefined;
  }
}
