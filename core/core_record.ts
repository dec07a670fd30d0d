/**
 * The core: the canonical bytes (RFC 8785) of one record that the log commits to. In clear it holds a closed list of
 * fields: versions, ids, type, times, place in the log, session link, reason codes and pseudonyms. Everything else is
 * a salted commitment, so that it can be erased.
 */
import { AppError } from './errors.ts';
import { CORE_VERSION } from './event.ts';
import { LIMITS } from './limits.ts';

/** What a record is to the log. Only `event` is part of a session's chain and seen by detectors. */
export const KINDS = ['event', 'rejected', 'duplicate', 'conflict', 'alert', 'action', 'config'] as const;
export type Kind = (typeof KINDS)[number];

/**
 * The parts of a record that are committed to, disclosed and erased as one (docs/adr/0003): who acted; what was
 * called; parameters; content; and everything else the record carried.
 */
export const GROUPS = ['who', 'what', 'params', 'content', 'detail'] as const;
export type Group = (typeof GROUPS)[number];

/** The closed list of what a core says in clear, with the commitments. Members that do not apply are absent. */
export interface Core {
  commit: Partial<Record<Group, string>>;
  core_version: number;
  event_id?: string;
  /** Of a duplicate or a conflict: the sequence number of the record that came first. */
  first_seq?: number;
  kind: Kind;
  /** Of a rejected record: why, as a code. */
  reason?: string;
  received_at: string;
  seq: number;
  session?: string;
  /** Leaf hash of the session's record before this one, base64; absent in the first. */
  session_prev?: string;
  session_seq?: number;
  tenant: string;
  time?: string;
  type: string;
  user?: string;
}

/** The members in the order of RFC 8785 (UTF-16 code units), which for these names is alphabetical. */
const MEMBERS = [
  'commit',
  'core_version',
  'event_id',
  'first_seq',
  'kind',
  'reason',
  'received_at',
  'seq',
  'session',
  'session_prev',
  'session_seq',
  'tenant',
  'time',
  'type',
  'user',
] as const satisfies readonly (keyof Core)[];
const COMMIT_ORDER = ['content', 'detail', 'params', 'what', 'who'] as const satisfies readonly Group[];

/** The canonical text of a core. Throws `core_too_large` above the C2SP entry size. */
export function formatCore(core: Core): string {
  let commits = '';
  for (const group of COMMIT_ORDER) {
    const value = core.commit[group];
    if (value !== undefined) commits += `${commits === '' ? '' : ','}"${group}":"${value}"`;
  }
  let text = `{"commit":{${commits}},"core_version":${CORE_VERSION}`;
  for (let i = 2; i < MEMBERS.length; i++) {
    const member = MEMBERS[i] as Exclude<keyof Core, 'commit'>;
    const value = core[member];
    if (value !== undefined) text += `,"${member}":${typeof value === 'number' ? value : JSON.stringify(value)}`;
  }
  text += '}';
  // A character is at most three bytes in UTF-8; only a suspicious length is worth counting.
  if (text.length * 3 > LIMITS.core_bytes_max && Buffer.byteLength(text) > LIMITS.core_bytes_max) {
    throw new AppError('core_too_large', `a core has at most ${LIMITS.core_bytes_max} bytes`);
  }
  return text;
}

const CODES = { quote: 0x22, zero: 0x30, nine: 0x39 } as const;
/** Characters that JSON.stringify would write otherwise than they are, or might. */
const ESCAPED = /[\u0000-\u001f\\\ud800-\udfff]/;
const DIGITS_MAX = 15;
const COMMITMENT_CHARS = 44;
const NUMBERS: ReadonlySet<string> = new Set<keyof Core>(['core_version', 'first_seq', 'seq', 'session_seq']);
const MEMBER_HEADS = MEMBERS.map((name) => ({ name, head: `,"${name}":`, is_number: NUMBERS.has(name) })).slice(2);
const COMMIT_HEADS = COMMIT_ORDER.map((name) => ({ name, first: `"${name}":"`, next: `,"${name}":"` }));
const VERSION_PART = `},"core_version":${CORE_VERSION}`;

/**
 * Reads a core that is written exactly as `formatCore` writes one, in one pass. Undefined where it is not, or where
 * only the slow way can tell.
 */
function readPlain(text: string): Core | undefined {
  if (!text.startsWith('{"commit":{') || ESCAPED.test(text)) return undefined;
  let at = 11;
  const commit: Core['commit'] = {};
  let first = true;
  for (const head of COMMIT_HEADS) {
    const start = first ? head.first : head.next;
    if (!text.startsWith(start, at)) continue;
    const from = at + start.length;
    at = from + COMMITMENT_CHARS;
    if (text.indexOf('"', from) !== at) return undefined;
    commit[head.name] = text.substring(from, at);
    at++;
    first = false;
  }
  if (!text.startsWith(VERSION_PART, at)) return undefined;
  at += VERSION_PART.length;
  const core: Record<string, unknown> = { commit, core_version: CORE_VERSION };
  for (const { name, head, is_number } of MEMBER_HEADS) {
    if (!text.startsWith(head, at)) continue;
    const from = at + head.length;
    at = is_number ? numberEnd(text, from) : stringEnd(text, from);
    if (at < 0) return undefined;
    core[name] = is_number ? Number(text.substring(from, at)) : text.substring(from + 1, at - 1);
  }
  return at === text.length - 1 && text.endsWith('}') ? (core as unknown as Core) : undefined;
}

function stringEnd(text: string, from: number): number {
  if (text.charCodeAt(from) !== CODES.quote) return -1;
  const close = text.indexOf('"', from + 1);
  return close < 0 ? -1 : close + 1;
}

/** The end of a whole number without sign or leading zeros that a double holds exactly; -1 when it is none. */
function numberEnd(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code >= CODES.zero && code <= CODES.nine; code = text.charCodeAt(at)) at++;
  const digits = at - from;
  const leads_with_zero = text.charCodeAt(from) === CODES.zero && digits > 1;
  return digits === 0 || digits > DIGITS_MAX || leads_with_zero ? -1 : at;
}

/** Whether every member is of its type, so that no object can hide behind a canonical spelling. */
function isTyped(core: Core): boolean {
  const members = core as unknown as Record<string, unknown>;
  for (const name of MEMBERS) {
    const value = members[name];
    if (value === undefined || name === 'commit') continue;
    if (NUMBERS.has(name) ? !Number.isSafeInteger(value) : typeof value !== 'string') return false;
  }
  return Object.values(core.commit).every((value) => typeof value === 'string');
}

/**
 * Reads stored core bytes back. Throws `core_malformed` when they are not what `formatCore` writes: the bytes are
 * compared with a fresh rendering, so no second spelling of the same core is ever taken.
 */
export function parseCore(text: string): Core {
  const plain = readPlain(text);
  if (plain !== undefined) return plain;
  let core: Core;
  try {
    core = JSON.parse(text) as Core;
  } catch (cause) {
    throw new AppError('core_malformed', 'the core is not JSON', { cause });
  }
  const known = typeof core === 'object' && core !== null && typeof core.commit === 'object' && core.commit !== null;
  if (!known || core.core_version !== CORE_VERSION || !isTyped(core) || formatCore(core) !== text) {
    throw new AppError('core_malformed', 'the core is not in canonical form or of another version');
  }
  return core;
}
