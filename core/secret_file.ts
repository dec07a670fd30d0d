/** Files that hold secrets or state that must not tear: written whole, durable, readable by their owner alone. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AppError, codeOf } from './errors.ts';

export const OWNER_ONLY = 0o600;

/** Replaces a file in one step: after a crash it holds the old bytes or the new ones. Durable when it returns. */
export function writeWhole(path: string, text: string, mode: number = OWNER_ONLY): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const part = `${path}.part`;
  rmSync(part, { force: true }); // of a crash: it may have another mode, or lead elsewhere
  try {
    const file = openSync(part, 'wx', mode);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
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
