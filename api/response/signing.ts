/**
 * Signatures of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com): `v1` is HMAC-SHA256, `v1a` Ed25519, both over
 * `id.timestamp.body`. Several signatures stand side by side, so that keys can be exchanged without a gap. Pure.
 */
import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign, timingSafeEqual } from 'node:crypto';

/** How far a signed time may be from ours. */
export const SIGNED_TIME_S_MAX = 300;
const SIGNATURES_MAX = 16;

/** The keys of one generation: 32 bytes for HMAC, 32 bytes as an Ed25519 seed. */
export interface SigningKeys {
  hmac: Buffer;
  ed25519: Buffer;
}

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

function privateKey(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
}

/** What a receiver needs: the shared secret, and the public key for those who verify without being able to sign. */
export function shownKeys(keys: SigningKeys): { secret: string; public_key: string } {
  const spki = createPublicKey(privateKey(keys.ed25519)).export({ format: 'der', type: 'spki' });
  return {
    secret: `whsec_${keys.hmac.toString('base64')}`,
    public_key: `whpk_${spki.subarray(-32).toString('base64')}`,
  };
}

export interface SignedMessage {
  id: string;
  timestamp_s: number;
  body: string;
}

const signedBytes = ({ id, timestamp_s, body }: SignedMessage) => `${id}.${timestamp_s}.${body}`;
const hmacOf = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** The three headers of a message, signed with each of the keys. */
export function signedHeaders(message: SignedMessage, keys: readonly SigningKeys[]): Record<string, string> {
  const text = signedBytes(message);
  const signatures = [
    ...keys.map(({ hmac }) => `v1,${hmacOf(hmac, text).toString('base64')}`),
    ...keys.map(({ ed25519 }) => `v1a,${sign(null, Buffer.from(text), privateKey(ed25519)).toString('base64')}`),
  ];
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestamp_s),
    'webhook-signature': signatures.join(' '),
  };
}

/** What is wrong with a message that says it is signed with one of the shared secrets, or undefined when it is. */
export function signatureFault(
  headers: { id: string | undefined; timestamp: string | undefined; signature: string | undefined },
  body: string,
  secrets: readonly Buffer[],
  now_ms: number,
): 'unsigned' | 'too_old' | 'wrong' | undefined {
  const { id, timestamp, signature } = headers;
  if (id === undefined || timestamp === undefined || signature === undefined) return 'unsigned';
  if (!/^[\x21-\x7e]{1,200}$/.test(id) || !/^\d{1,12}$/.test(timestamp)) return 'unsigned';
  const timestamp_s = Number(timestamp);
  const text = signedBytes({ id, timestamp_s, body });
  const wanted = secrets.map((secret) => hmacOf(secret, text));
  let right = false;
  for (const part of signature.split(' ').slice(0, SIGNATURES_MAX)) {
    if (!part.startsWith('v1,')) continue;
    const given = Buffer.from(part.slice(3), 'base64');
    for (const each of wanted) right = (given.length === each.length && timingSafeEqual(given, each)) || right;
  }
  if (!right) return 'wrong';
  // Said only to whoever holds the secret: the time is part of what is signed.
  return Math.abs(now_ms / 1000 - timestamp_s) > SIGNED_TIME_S_MAX ? 'too_old' : undefined;
}
