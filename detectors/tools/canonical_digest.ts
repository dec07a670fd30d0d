/** SHA-256 the way every program computes it, for digests that producers and approvers send. */
import { hash } from 'node:crypto';
import { canonicalJson } from '../../core/json/canonical.ts';

/** SHA-256 of a text in UTF-8, in lower-case hex. */
export function sha256Hex(text: string): string {
  return hash('sha256', text);
}

/** SHA-256 of a value's canonical JSON (RFC 8785), or undefined for what JSON cannot hold. */
export function canonicalDigest(value: unknown): string | undefined {
  try {
    return sha256Hex(canonicalJson(value));
  } catch {
    return undefined;
  }
}

/** A digest without the prefix that it may be written with. */
export function bareDigest(digest: string): string {
  return digest.startsWith('sha256:') ? digest.slice(7) : digest;
}
