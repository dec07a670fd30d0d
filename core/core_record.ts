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

/**
 * Reads stored core bytes back. Throws `core_malformed` when they are not what `formatCore` writes: the bytes are
 * compared with a fresh rendering, so no second spelling of the same core is ever taken.
 */
export function parseCore(text: string): Core {
  let core: Core;
  try {
    core = JSON.parse(text) as Core;
  } catch (cause) {
    throw new AppError('core_malformed', 'the core is not JSON', { cause });
  }
  const known = typeof core === 'object' && core !== null && typeof core.commit === 'object' && core.commit !== null;
  if (!known || core.core_version !== CORE_VERSION || formatCore(core) !== text) {
    throw new AppError('core_malformed', 'the core is not in canonical form or of another version');
  }
  return core;
}
