/**
 * Which part of a record each field belongs to, and the canonical bytes of those parts. These bytes are what is
 * stored and committed to; an event is read back from them alone.
 */
import { canonicalJson } from './json/canonical.ts';

export const WHO_FIELDS = [
  'accepted_by',
  'agent',
  'agent_version',
  'client',
  'client_session_id',
  'conversation_id',
  'delegation',
  'host',
  'mcp_session_id',
  'model',
  'parent_agent',
  'session_id',
  'session_source',
  'source_address',
  'tenant',
  'user_id',
  'user_role',
  'user_source',
] as const;

export const WHAT_FIELDS = [
  'call_id',
  'capture',
  'client_prev_hash',
  'client_seq',
  'content_json',
  'data_sources',
  'decision',
  'duration_ms',
  'is_error',
  'memory_store',
  'mime_type',
  'row_count',
  'server',
  'server_digest',
  'server_version',
  'span_id',
  'token_audience',
  'token_ref',
  'tool',
  'trace_id',
  'uri',
] as const;

export const DETAIL_FIELDS = [
  'approval',
  'config',
  'external',
  'extra',
  'reason',
  'revocation',
  'roots',
  'server_info',
  'token',
  'tool_approval',
  'tools',
] as const;

export type Fields = Record<string, unknown>;

/** The canonical JSON of the named fields that are there; the names must be sorted. '' when none is. */
export function groupText(fields: Fields, names: readonly string[]): string {
  let text = '';
  for (const name of names) {
    const value = fields[name];
    if (value === undefined) continue;
    const member = typeof value === 'string' ? JSON.stringify(value) : canonicalJson(value);
    text += `${text === '' ? '{' : ','}"${name}":${member}`;
  }
  return text === '' ? '' : `${text}}`;
}

/** Reads a group back; '' is an empty group. */
export function groupFields(text: string): Fields {
  return text === '' ? {} : (JSON.parse(text) as Fields);
}

/**
 * A JSON value as it reads back from its canonical text: keys in order, no negative zero. What is so already is given
 * back itself. Code that walks over keys then does the same on a live event and on its replay.
 */
export function asStored<T>(value: T): T {
  return isAsStored(value) ? value : (JSON.parse(canonicalJson(value)) as T);
}

function isAsStored(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return !Object.is(value, -0);
  if (Array.isArray(value)) return value.every(isAsStored);
  let before: string | undefined;
  for (const key of Object.keys(value)) {
    if (before !== undefined && key < before) return false;
    if (!isAsStored((value as Fields)[key])) return false;
    before = key;
  }
  return true;
}
