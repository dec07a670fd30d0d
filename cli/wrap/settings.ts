/** What a wrapper is told: flags before the environment, the environment before its configuration file. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AppError, codeOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { OWNER_ONLY, readSecret } from '../../core/secret_file.ts';
import type { RedactionRules } from '../../ingest/redaction/redactor.ts';
import type { WrapFlags } from './flags.ts';

/** Members of `wrap.json`. */
export interface WrapFile {
  url?: string;
  key?: string;
  /** `whsec_…` of the gateway's subscription: with it a suspension is confirmed. */
  enforcement_secret?: string;
  fail?: string;
  spool?: string;
  redact?: { fields?: string[]; patterns?: string[]; text_bytes_max?: number };
}

export interface WrapSettings {
  url: string;
  key: string | undefined;
  enforcement_secret: string | undefined;
  fail: 'open' | 'closed';
  spool: string;
  rules: RedactionRules;
  redaction_key: Buffer;
}

const DEFAULT_URL = 'http://127.0.0.1:7733';
const MEMBERS = new Set(['url', 'key', 'enforcement_secret', 'fail', 'spool', 'redact']);

/** Where the configuration of wrappers lies: `wrap.json`. */
export function wrapFolder(env: NodeJS.ProcessEnv): string {
  return join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'tracewarden');
}

/** Throws `config_invalid`, `secret_readable` and what the disk says. */
export async function readSettings(flags: WrapFlags, env: NodeJS.ProcessEnv): Promise<WrapSettings> {
  const file = readFile(flags.config ?? join(wrapFolder(env), 'wrap.json'), flags.config !== undefined);
  const url = checkedUrl(flags.url ?? (env.TRACEWARDEN_URL || file.url) ?? DEFAULT_URL);
  const fail = flags.fail ?? file.fail ?? 'open';
  if (fail !== 'open' && fail !== 'closed') throw invalid(`fail must be open or closed, not ${fail.slice(0, 40)}`);
  const state = join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'tracewarden');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  return {
    url,
    key: keyOf(flags, env, file),
    enforcement_secret: env.TRACEWARDEN_ENFORCEMENT_SECRET || file.enforcement_secret,
    fail,
    spool: flags.spool ?? file.spool ?? join(state, 'spool'),
    rules: await rulesOf(file.redact),
    redaction_key: hostKey(join(state, 'redaction.key')),
  };
}

function readFile(path: string, must_be_there: boolean): WrapFile {
  const text = readSecret(path);
  if (text === undefined) {
    if (must_be_there) throw invalid(`${path} is not there`);
    return {};
  }
  if (text.length > LIMITS.config_chars_max)
    throw invalid(`${path} has more than ${LIMITS.config_chars_max} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(`${path} is no JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${path} is no JSON object`);
  for (const [name, member] of Object.entries(value)) {
    if (!MEMBERS.has(name)) throw invalid(`${path} has a member that nobody knows: ${name.slice(0, 40)}`);
    const fits = name === 'redact' ? typeof member === 'object' && member !== null : typeof member === 'string';
    if (!fits) throw invalid(`${name} in ${path} is not of its type`);
  }
  return value as WrapFile;
}

function keyOf(flags: WrapFlags, env: NodeJS.ProcessEnv, file: WrapFile): string | undefined {
  const path = flags['key-file'];
  const key = (path === undefined ? env.TRACEWARDEN_KEY || file.key : readSecret(path))?.trim();
  if (path !== undefined && key === undefined) throw invalid(`${path} is not there`);
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) throw invalid('the key holds characters that no key has');
  return key;
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const web = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (web && url?.username === '' && url.password === '') return text;
  throw invalid('the URL of the service must begin with http:// or https:// and hold no user');
}

async function rulesOf(redact: WrapFile['redact']): Promise<RedactionRules> {
  const { fields = [], patterns = [], text_bytes_max } = redact ?? {};
  const texts = (list: unknown) =>
    Array.isArray(list) && list.length <= 100 && list.every((one) => typeof one === 'string');
  if (!texts(fields) || !texts(patterns))
    throw invalid('redact.fields and redact.patterns are lists of at most 100 texts');
  if (text_bytes_max !== undefined && !(Number.isSafeInteger(text_bytes_max) && text_bytes_max >= 0)) {
    throw invalid('redact.text_bytes_max must be a whole number of bytes');
  }
  if (patterns.length === 0) return { fields, patterns: [], text_bytes_max };
  // Only here: the linear-time engine is larger than the whole wrapper.
  const { compilePattern } = await import('./patterns.ts');
  return { fields, patterns: patterns.map(compilePattern), text_bytes_max };
}

/** The key of placeholders: one for all wrappers of this user, so that equal secrets look equal in all of them. */
function hostKey(path: string): Buffer {
  try {
    writeFileSync(path, randomBytes(32), { mode: OWNER_ONLY, flag: 'wx' });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  const key = readFileSync(path);
  if (key.length === 32) return key;
  throw invalid(`${path} must hold 32 bytes; remove it and a new one is made`);
}

function invalid(message: string): AppError {
  return new AppError('config_invalid', message);
}
