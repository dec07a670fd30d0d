/**
 * The keys that sign the logs of the partitions: derived from one seed in the signer's folder, so that one file is kept
 * safe. The public keys stand in a file of their own, a line for each log, for everybody who verifies.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import { readIfThere, readSecret, writeWhole } from '../../core/secret_file.ts';
import { ed25519FromSeed } from '../../core/tlog/ed25519_node.ts';
import { formatVerifierKey, newVerifierKey, parseVerifierKey } from '../../core/tlog/note_key.ts';
import { type LogSigner, openSigner } from '../signer.ts';

/** Where the public keys stand in a data folder. */
export const logVkeysPath = (folder: string) => join(folder, 'keys', 'logs.vkeys');
const seedPath = (folder: string) => join(folder, 'keys', 'logs.seed');
/** Where the signer of a partition remembers what it signed last. */
export const signerFolder = (folder: string, partition: number) => join(folder, 'signer', `partition-${partition}`);

/** The signers of logs, in the order of their partitions; the seed is made on first start. Throws as `openSigner`. */
export function openLogSigners(folder: string, logs: readonly string[]): LogSigner[] {
  const path = seedPath(folder);
  if (readIfThere(path) === undefined) {
    // With another seed everything signed before would be another's.
    if (readIfThere(logVkeysPath(folder)) !== undefined) {
      throw new AppError(
        'signing_key_missing',
        `${path} is missing, and ${logVkeysPath(folder)} says that it was there`,
      );
    }
    writeWhole(path, `${randomBytes(32).toString('hex')}\n`);
  }
  const text = (readSecret(path) ?? '').trim();
  if (!/^[0-9a-f]{64}$/.test(text)) throw new AppError('signing_key_missing', `${path} must hold 64 hex digits`);
  const seeds = logs.map((log) =>
    createHmac('sha256', Buffer.from(text, 'hex')).update(`tracewarden/log/v1\0${log}`).digest(),
  );
  const vkeys = logs.map((log, i) =>
    formatVerifierKey(newVerifierKey(log, ed25519FromSeed(seeds[i] as Buffer).public_key)),
  );
  writeWhole(logVkeysPath(folder), `${vkeys.join('\n')}\n`, 0o644);
  return logs.map((log, i) => openSigner(signerFolder(folder, i), log, seeds[i] as Buffer));
}

/** The public keys of a folder or a file, in C2SP vkey form, by the log's name. Empty where there are none. */
export function readLogVkeys(path: string): Map<string, string> {
  const lines = (readIfThere(path)?.trim() ?? '').split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => [parseVerifierKey(line).name, line]));
}
