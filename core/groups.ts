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
  'mcp_session_id',
  'model',
  'parent_agent',
  'session_id',
  'session_source',
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
  'is_error',
  'mime_type',
  'server',
  'server_digest',
  'server_version',
  'span_id',
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
