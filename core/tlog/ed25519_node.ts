/** Ed25519 signing and verification on node:crypto; Node only. */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { Ed25519Keys, Ed25519Verify } from './note_key.ts';

// What stands before the 32 raw bytes in DER (RFC 8410): OpenSSL takes keys in no rawer form on Node 20.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * The key pair of a 32-byte seed (RFC 8032 section 5.1.5). `sign` gives 64 bytes, always the same for one message.
 * Throws `seed_invalid` on another length; the seed is never in a message.
 */
export function ed25519FromSeed(seed: Uint8Array): Ed25519Keys {
  if (seed.length !== 32) throw new AppError('seed_invalid', `an Ed25519 seed is 32 bytes, got ${seed.length}`);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    public_key: new Uint8Array(spki.subarray(SPKI_PREFIX.length)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

/**
 * RFC 8032 section 5.1.7 by OpenSSL. The key must have passed `checkPublicKey`, since OpenSSL itself accepts points of
 * small order. Anything malformed is false.
 */
export const nodeVerify: Ed25519Verify = (public_key, message, signature) => {
  if (public_key.length !== 32 || signature.length !== 64) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, public_key]), format: 'der', type: 'spki' });
    return verify(null, message, key, signature);
  } catch {
    return false;
  }
};
