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
  // By kind and tenant, then by value: looking up a joined text would cost more than the rest of this.
  const caches = new Map<string, Map<string, Map<string, string>>>();
  let cached = 0;
  const cacheOf = (kind: PseudonymKind, tenant: string): Map<string, string> => {
    const of_kind = caches.get(kind) ?? new Map<string, Map<string, string>>();
    caches.set(kind, of_kind);
    const of_tenant = of_kind.get(tenant) ?? new Map<string, string>();
    of_kind.set(tenant, of_tenant);
    return of_tenant;
  };
  const of = (kind: PseudonymKind, tenant: string, value: string): string => {
    const known = caches.get(kind)?.get(tenant)?.get(value);
    if (known !== undefined) return known;
    const text = `${kind}\0${tenant}\0${value}`;
    const made = createHmac('sha256', key).update(text).digest().subarray(0, 16).toString('base64url');
    if (++cached > CACHE_MAX) {
      caches.clear();
      cached = 1;
    }
    cacheOf(kind, tenant).set(value, made);
    return made;
  };
  return { of };
}
