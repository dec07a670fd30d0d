/** The secret that all roles of an installation share. Each use has a key of its own that is derived from it. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import { createPseudonymizer, type Pseudonymizer } from '../../core/pseudonym.ts';
import { readIfThere, readSecret, writeWhole } from '../../core/secret_file.ts';
import { Envelopes } from './envelope.ts';

export interface SharedKey {
  /** Tells two keys apart without telling either: the beginning of a hash of a derived key. */
  id: string;
  envelopes: Envelopes;
  pseudonyms: Pseudonymizer;
}

/** Reads the key, or makes it where nobody else can have one. Throws `shared_key_missing`, `shared_key_invalid`. */
export function openSharedKey(path: string, may_make: boolean): SharedKey {
  if (readIfThere(path) === undefined) {
    if (!may_make) {
      const message = `${path} is missing: all roles need the same key; make it once with: openssl rand -hex 32`;
      throw new AppError('shared_key_missing', message);
    }
    writeWhole(path, `${randomBytes(32).toString('hex')}\n`);
  }
  const key = readKey(path);
  return {
    id: createHash('sha256').update(derived(key, 'key-id')).digest('hex').slice(0, 16),
    envelopes: new Envelopes(key),
    pseudonyms: createPseudonymizer(derived(key, 'pseudonyms')),
  };
}

/** Where the key stands in a data folder, unless the settings name another file. */
export const sharedKeyPath = (folder: string) => join(folder, 'keys', 'shared.key');

/** The pseudonyms alone, or undefined where the key is not at hand. */
export function readSharedPseudonyms(path: string): Pseudonymizer | undefined {
  return readIfThere(path) === undefined ? undefined : createPseudonymizer(derived(readKey(path), 'pseudonyms'));
}

function readKey(path: string): Buffer {
  const text = (readSecret(path) ?? '').trim();
  if (!/^[0-9a-f]{64}$/.test(text)) throw new AppError('shared_key_invalid', `${path} must hold 64 hex digits`);
  return Buffer.from(text, 'hex');
}

function derived(key: Uint8Array, name: string): Buffer {
  return createHmac('sha256', key).update(`tracewarden/${name}/v1`).digest();
}
