/**
 * Keyed pseudonyms of tenant, user and session: what a core may say of people in clear. HMAC-SHA256 under the log's
 * pseudonym key, first 16 bytes in base64url (22 characters). Without the key a name cannot be tried out.
 */
import { createHmac } from 'node:crypto';

export type PseudonymKind = 'tenant' | 'user' | 'session';
const CACHE_MAX = 65_536;

export interface Pseudonymizer {
  of(kind: PseudonymKind, tenant: string, value: string): string;
}

/** A pseudonymizer over a 32-byte key. Pure but for a bounded cache. */
export function createPseudonymizer(key: Uint8Array): Pseudonymizer {
  if (key.length !== 32) throw new RangeError(`a pseudonym key has 32 bytes, this one ${key.length}`);
  const cache = new Map<string, string>();
  const of = (kind: PseudonymKind, tenant: string, value: string): string => {
    const text = `${kind}\0${tenant}\0${value}`;
    const known = cache.get(text);
    if (known !== undefined) return known;
    const made = createHmac('sha256', key).update(text).digest().subarray(0, 16).toString('base64url');
    if (cache.size >= CACHE_MAX) cache.clear();
    cache.set(text, made);
    return made;
  };
  return { of };
}
