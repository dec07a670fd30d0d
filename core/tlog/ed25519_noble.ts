/** Ed25519 verification in plain JavaScript (@noble/curves), for a browser. */
import { ed25519 } from '@noble/curves/ed25519.js';
import type { Ed25519Verify } from './note_key.ts';

/**
 * RFC 8032 section 5.1.7, without ZIP 215. Gives the same answer as `nodeVerify` for every key that `checkPublicKey`
 * lets through: noble multiplies by the cofactor and OpenSSL does not, which can only matter if the signature's first
 * half R is outside the prime-order group, so such a signature is refused. Anything malformed is false.
 */
export const nobleVerify: Ed25519Verify = (public_key, message, signature) => {
  if (public_key.length !== 32 || signature.length !== 64) return false;
  try {
    if (!ed25519.verify(signature, message, public_key, { zip215: false })) return false;
    return ed25519.Point.fromBytes(signature.slice(0, 32), false).isTorsionFree();
  } catch {
    return false;
  }
};
