/**
 * A client's configuration on disk: read, replaced as a whole, and taken back to the bytes that it had. Beside it lies
 * what it was before, for its owner alone.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError, messageOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { type Launcher, type Rewritten, unwrapText, wrapText } from './rewrite.ts';

type Maps = readonly (readonly string[])[];

export interface Planned extends Rewritten {
  /** Where the bytes lie, behind links. */
  file: string;
  before: string;
  /** Writes it. Throws `client_config_changed` where somebody else wrote in the meantime. */
  apply(): void;
}

interface Backup {
  /** The bytes before the wrapper came, in base64. */
  before: string;
  /** SHA-256 of the file as it was left. */
  after_sha256: string;
}

const BACKUP = '.tracewarden-backup';
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What wrapping would make of a file. Nothing is written yet. Throws `client_config_invalid`, `file_unreadable`. */
export function planWrap(path: string, maps: Maps, launcher: Launcher): Planned {
  const { file, bytes, text } = read(path);
  const rewritten = wrapText(text, maps, launcher);
  // What it is without any wrapper: of a file that is wrapped in part, that is not what it is now.
  const known = backupOf(file);
  const original =
    known?.after_sha256 === sha256(bytes) ? Buffer.from(known.before, 'base64') : withoutWrapper(text, bytes, maps);
  const apply = () => {
    const after = Buffer.from(rewritten.text);
    const backup: Backup = { before: original.toString('base64'), after_sha256: sha256(after) };
    unchanged(file, bytes);
    replace(`${file}${BACKUP}`, Buffer.from(`${JSON.stringify(backup)}\n`), 0o600);
    replace(file, after, statSync(file).mode & 0o777);
  };
  return { ...rewritten, file, before: text, apply };
}

/** What taking the wrapper away would make of a file: the bytes of before, or where it was edited since, the same servers. */
export function planUndo(path: string, maps: Maps): Planned {
  const { file, bytes, text } = read(path);
  const known = backupOf(file);
  const rewritten = unwrapText(text, maps);
  const after =
    known?.after_sha256 === sha256(bytes) ? Buffer.from(known.before, 'base64') : Buffer.from(rewritten.text);
  const apply = () => {
    unchanged(file, bytes);
    replace(file, after, statSync(file).mode & 0o777);
    rmSync(`${file}${BACKUP}`, { force: true });
  };
  return { ...rewritten, text: after.toString('utf8'), file, before: text, apply };
}

function withoutWrapper(text: string, bytes: Buffer, maps: Maps): Buffer {
  const { text: plain, changed } = unwrapText(text, maps);
  return changed.length === 0 ? bytes : Buffer.from(plain);
}

function read(path: string): { file: string; bytes: Buffer; text: string } {
  try {
    const file = realpathSync(path);
    if (statSync(file).size > LIMITS.config_chars_max * 16) throw new Error('it is too large for a configuration');
    const bytes = readFileSync(file);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { file, bytes, text };
  } catch (error) {
    throw new AppError('file_unreadable', `${path}: ${messageOf(error)}`, { cause: error });
  }
}

function backupOf(file: string): Backup | undefined {
  if (!existsSync(`${file}${BACKUP}`)) return undefined;
  try {
    const { before, after_sha256 } = JSON.parse(readFileSync(`${file}${BACKUP}`, 'utf8')) as Partial<Backup>;
    if (typeof before === 'string' && typeof after_sha256 === 'string') return { before, after_sha256 };
  } catch {
    // Told below.
  }
  throw new AppError('client_config_invalid', `${file}${BACKUP} is no backup of this program; move it away`);
}

function unchanged(file: string, bytes: Buffer): void {
  if (readFileSync(file).equals(bytes)) return;
  throw new AppError('client_config_changed', `${file} was written by somebody else just now; run it again`);
}

/** Whole or not at all: a new file in the same folder takes the place of the old one. */
function replace(file: string, bytes: Buffer, mode: number): void {
  const fresh = join(dirname(file), `.${process.pid}.tracewarden-new`);
  try {
    writeFileSync(fresh, bytes, { flag: 'wx', mode, flush: true });
    chmodSync(fresh, mode); // the umask does not count
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw new AppError('file_unwritable', `${file}: ${messageOf(error)}`, { cause: error });
  }
}
