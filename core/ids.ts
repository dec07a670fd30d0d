/** Ids that the program makes itself. */
import { randomBytes } from 'node:crypto';

/** A new random id with a readable prefix, such as `key-…`: 96 bits in base64url. */
export function newId(prefix: string): string {
  return `${prefix}-${randomBytes(12).toString('base64url')}`;
}
