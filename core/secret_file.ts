/** Files that hold secrets or state that must not tear: written whole, durable, readable by their owner alone. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError, codeOf } from './errors.ts';

export const OWNER_ONLY = 0o600;

/** Replaces a file in one step: after a crash it holds the old bytes or the new ones. Durable when it returns. */
export function writeWhole(path: string, text: string, mode: number = OWNER_ONLY): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const part = `${path}.part`;
  const file = openSync(part, 'w', mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(part, path);
  syncFolder(dirname(path));
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The text of a file, or undefined when there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The text of a secret. Throws `secret_readable` when others may read the file. */
export function readSecret(path: string): string | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  const mode = statSync(path).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new AppError(
      'secret_readable',
      `${path} can be read by others (mode ${mode.toString(8)}); run: chmod 600 on it`,
    );
  }
  return text;
}
