/**
 * Recognises events that are plainly valid, which nearly all are, without the cost of the whole schema. It decides
 * only one way: what it does not recognise may still be valid, and the schema says. A property test holds the two
 * together.
 */
import { LIMITS } from '../core/limits.ts';

type Check = (value: unknown) => boolean;

/** Types that need nothing of their own but, for a call and its result, the tool. */
const NEEDS_TOOL = new Map<unknown, boolean>([
  ['session.start', false],
  ['prompt', false],
  ['reasoning', false],
  ['tool.call', true],
  ['tool.result', true],
  ['response', false],
  ['session.end', false],
]);

const isText: Check = (value) => typeof value === 'string';
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isName = printable(LIMITS.name_chars_max);
const isId = printable(LIMITS.id_chars_max);
const isUri = printable(LIMITS.uri_chars_max);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
/** Only UTC, and not the last of February in a leap year. */
const TIME =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/;
const isTime: Check = (value) => typeof value === 'string' && value.length <= 64 && TIME.test(value);
const never: Check = () => false;

/** What is known of fields; `never` is left to the schema unless it is null. */
const CHECKS = new Map<string, Check>([
  ['event_id', isId],
  ['time', isTime],
  ['type', isText],
  ['tenant', isId],
  ['user_id', isName],
  ['user_role', isName],
  ['user_source', never],
  ['session_id', isId],
  ['conversation_id', isId],
  ['client_session_id', isId],
  ['mcp_session_id', isId],
  ['agent', isName],
  ['agent_version', isName],
  ['model', isName],
  ['client', isName],
  ['parent_agent', isName],
  ['host', isName],
  ['source_address', isName],
  ['delegation', never],
  ['call_id', isId],
  ['trace_id', isId],
  ['span_id', isId],
  ['server', (value) => value === '' || isName(value)],
  ['server_version', isName],
  ['server_digest', isName],
  ['tool', isName],
  ['params', isObject],
  ['content', (value) => typeof value === 'string' || (typeof value === 'object' && value !== null)],
  ['is_error', (value) => typeof value === 'boolean'],
  ['duration_ms', (value) => Number.isFinite(value) && (value as number) >= 0],
  ['row_count', isCount],
  ['memory_store', isId],
  ['tools', never],
  ['data_sources', isPlainSources],
  ['token_ref', isId],
  ['token_audience', never],
  ['decision', never],
  ['capture', never],
  ['client_seq', isCount],
  ['client_prev_hash', never],
  ['salt', never],
  // Of one type each.
  ['roots', never],
  ['reason', never],
]);

/** Whether the schema would accept this event, as far as can be told at a glance. */
export function isPlainlyValid(value: unknown): boolean {
  if (!isObject(value)) return false;
  const event = value as Record<string, unknown>;
  const needs_tool = NEEDS_TOOL.get(event.type);
  if (needs_tool === undefined || !isId(event.event_id) || !isTime(event.time)) return false;
  if (needs_tool && !isName(event.tool)) return false;
  for (const name of Object.keys(event)) {
    const field = event[name];
    if (field === null) continue;
    const check = CHECKS.get(name);
    // Fields that the schema does not know may hold anything.
    if (check !== undefined && !check(field)) return false;
  }
  return true;
}

function printable(chars_max: number): Check {
  return (value) => {
    if (typeof value !== 'string' || value.length === 0 || value.length > chars_max) return false;
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at);
      if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return false;
    }
    return true;
  };
}

function isPlainSources(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > LIMITS.data_sources_max) return false;
  for (const source of value) {
    if (typeof source === 'object' && source !== null && Object.keys(source).length === 1) {
      if (!isUri((source as { uri?: unknown }).uri)) return false;
    } else if (!isUri(source)) return false;
  }
  return true;
}
