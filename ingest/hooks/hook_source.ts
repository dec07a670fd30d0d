/**
 * What a hook source is: one file in `hosts/` that turns what an agent's host tells about itself, one JSON object at a
 * time, into events. It only reads: it names no time of ours, keeps nothing, and lets pass what it does not know.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../core/json/canonical.ts';
import { LIMITS } from '../../core/limits.ts';
import { objectOf, plainName } from '../mcp/mcp_message.ts';

/** An event without what the route adds: its id where it has none of its own, its time, and who acts. */
export type HookDraft = Record<string, unknown> & { type: string };

export interface HookView {
  /** Name of the hook, as the host calls it. */
  hook: string;
  /** Hosts send each hook in an order of their own; absent where the hook says nothing that is an event. */
  events: HookDraft[];
}

export interface HookOptions {
  /** A wrapper reports the calls of MCP servers itself: what the host says of them is kept beside, not as a second call. */
  wrapped: boolean;
}

export interface HookSource {
  /** Also the file's name, and the last part of the address. */
  name: string;
  title: string;
  /** Where the form of its messages is published. */
  reference: string;
  read(body: Record<string, unknown>, options: HookOptions): HookView;
  /** What the host is told when the session is suspended and it asks before a call; undefined where it asks nothing. */
  refusal(body: Record<string, unknown>, reason: string): Record<string, unknown> | undefined;
}

/** Checks the shape at compile time; the loader checks the rest. */
export function defineHookSource(source: HookSource): HookSource {
  return source;
}

/** A call as one of an MCP server, or as one of the host itself. */
export interface CalledTool {
  server: string;
  tool: string;
  /** Whether a wrapper in front of MCP servers would see it too. */
  mcp: boolean;
}

/** Parameters of any shape as the object that an event has. */
export function paramsOf(value: unknown): Record<string, unknown> {
  const fields = objectOf(value);
  if (fields !== undefined) return fields;
  if (typeof value === 'string') return objectOf(parsed(value)) ?? { input: value };
  return value === undefined || value === null ? {} : { input: value };
}

/** A result of any shape as the content of an event: text, or JSON. */
export function contentOf(value: unknown): unknown {
  if (typeof value === 'string' || Array.isArray(value) || objectOf(value) !== undefined) return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** SHA-256 of parameters' canonical JSON, by which two reports of one call can be matched that share no id. */
export function paramsDigest(params: Record<string, unknown>): string | undefined {
  try {
    return createHash('sha256').update(canonicalJson(params)).digest('hex');
  } catch {
    return undefined; // what JSON cannot hold
  }
}

/**
 * What the host says of a call that a wrapper reports itself: a message beside it. `join_by` says what the two have in
 * common, and nothing more: an id is certain, equal arguments are likely.
 */
export function besideTheWrapper(draft: HookDraft, hook: string): HookDraft {
  const { type: _, tool, params, content, ...rest } = draft;
  const given = objectOf(params);
  const digest = given === undefined ? undefined : paramsDigest(given);
  const join_by = draft.call_id === undefined ? 'arguments' : 'call_id';
  const extra = { method: hook, tool, join_by, ...(digest !== undefined && { params_sha256: digest }) };
  return { ...rest, type: 'protocol.message', extra: { ...objectOf(draft.extra), ...extra } };
}

/** An id of an event or a call as it may stand in an event. */
export const plainId = (value: unknown): string | undefined => plainName(value, LIMITS.id_chars_max);

/** The members that have a value. */
export function present(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''));
}
