/** Leaf hashes as text, which is how session links and comparisons take them; RFC 6962 section 2.1. */
import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { LEAF_PREFIX } from '../../core/tlog/hasher.ts';

let scratch = Buffer.alloc(65_536, LEAF_PREFIX);

/** The hash of a leaf with this data, in standard base64. */
export function leafText(data: Uint8Array): string {
  if (data.length >= scratch.length) scratch = Buffer.alloc(2 * data.length, LEAF_PREFIX);
  scratch.set(data, 1);
  return hash('sha256', scratch.subarray(0, 1 + data.length), 'base64');
}
