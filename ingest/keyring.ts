/**
 * The keys of one log in the data folder, made on first start: the Ed25519 key that signs checkpoints, and the key of
 * the pseudonyms. Each is a file of its own with mode 0600.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { createPseudonymizer, type Pseudonymizer } from '../core/pseudonym.ts';
import { readIfThere, readSecret, writeWhole } from '../core/secret_file.ts';
import { toBase64 } from '../core/tlog/bytes.ts';
import { ed25519FromSeed } from '../core/tlog/ed25519_node.ts';
import { formatVerifierKey, newVerifierKey, parseSignerKey, parseVerifierKey } from '../core/tlog/note_key.ts';

export interface Keyring {
  /** Name of the log: the origin line of its checkpoints and the name of its key. */
  origin: string;
  /** The public key in C2SP vkey form. */
  vkey: string;
  seed: Uint8Array;
  pseudonyms: Pseudonymizer;
}

/** Where the signer keeps what it signed last. */
export const signedHeadPath = (folder: string) => join(folder, 'signer', 'last_head.json');

const paths = (folder: string) => ({
  signing: join(folder, 'keys', 'log.skey'),
  verifying: join(folder, 'keys', 'log.vkey'),
  pseudonym: join(folder, 'keys', 'pseudonym.key'),
});

/** Opens the keys of a folder, making them when there are none. `origin` names a new log and must match an old one. */
export function openKeyring(folder: string, origin?: string): Keyring {
  const path = paths(folder);
  if (readIfThere(path.signing) === undefined) createKeys(folder, origin);
  const key = parseSignerKey((readSecret(path.signing) ?? '').trim());
  if (origin !== undefined && origin !== key.name) {
    throw new AppError('origin_mismatch', `this folder holds the log ${key.name}, the configuration names ${origin}`);
  }
  const pseudonyms = readPseudonyms(folder);
  if (pseudonyms === undefined) throw new AppError('pseudonym_key_invalid', `${path.pseudonym} is missing`);
  const vkey = formatVerifierKey(newVerifierKey(key.name, ed25519FromSeed(key.seed).public_key));
  return { origin: key.name, vkey, seed: key.seed, pseudonyms };
}

/** The pseudonyms of a folder, or undefined where their key is not at hand, as in a copy made for an auditor. */
export function readPseudonyms(folder: string): Pseudonymizer | undefined {
  const path = paths(folder).pseudonym;
  const text = readIfThere(path) === undefined ? undefined : readSecret(path)?.trim();
  if (text === undefined) return undefined;
  if (!/^[0-9a-f]{64}$/.test(text)) throw new AppError('pseudonym_key_invalid', `${path} must hold 64 hex digits`);
  return createPseudonymizer(Buffer.from(text, 'hex'));
}

/** The public key of a folder, for verifying without any secret. */
export function readVkey(folder: string): string | undefined {
  const text = readIfThere(paths(folder).verifying)?.trim();
  if (text !== undefined) parseVerifierKey(text);
  return text;
}

function createKeys(folder: string, origin: string | undefined): void {
  const path = paths(folder);
  // Another key would begin another log beside the one that is there.
  if (readIfThere(signedHeadPath(folder)) !== undefined) {
    throw new AppError('signing_key_missing', `${path.signing} is missing, and this folder holds a log that it signed`);
  }
  const name = origin ?? `tracewarden.local/${randomBytes(8).toString('hex')}`;
  const seed = randomBytes(32);
  const key = newVerifierKey(name, ed25519FromSeed(seed).public_key);
  const secret = toBase64(Buffer.concat([Buffer.from([1]), seed]));
  if (readIfThere(path.pseudonym) === undefined) writeWhole(path.pseudonym, `${randomBytes(32).toString('hex')}\n`);
  writeWhole(path.verifying, `${formatVerifierKey(key)}\n`, 0o644);
  // The signing key last: while it is missing, a start that was cut short begins again.
  writeWhole(path.signing, `PRIVATE+KEY+${name}+${key.key_id}+${secret}\n`);
}
