/** Which session a message says it belongs to, by members of `_meta` that clients are known to set. */
import { objectOf, plainName } from './mcp_message.ts';

export interface McpSession {
  /** The field of the event that holds it: what a client tells of a conversation, or what is known from outside. */
  field: 'session_id' | 'conversation_id' | 'client_session_id';
  id: string;
  /** How it is known, for people. */
  basis: string;
}

const CONVERSATIONS = [
  'vscode.conversationId',
  'threadId',
  'ai.opencode/sessionID',
  'sessionID',
  'antigravity.google/conversation_id',
] as const;

/** The conversation that `_meta` of a request names, if it does. */
export function conversationOf(params: Record<string, unknown> | undefined): McpSession | undefined {
  const meta = objectOf(params?._meta);
  if (meta === undefined) return undefined;
  for (const name of CONVERSATIONS) {
    const id = plainName(meta[name], 200);
    if (id !== undefined) return { field: 'conversation_id', id, basis: `_meta ${name}` };
  }
  return undefined;
}

/** The id by which the client's other reports know this call, if it gives one. */
export function toolUseOf(params: Record<string, unknown> | undefined): string | undefined {
  return plainName(objectOf(params?._meta)?.['claudecode/toolUseId'], 200);
}

/** Ids of W3C trace context in `_meta`. */
export function traceOf(params: Record<string, unknown> | undefined): { trace_id?: string; span_id?: string } {
  const parent = objectOf(params?._meta)?.traceparent;
  const [, trace_id, span_id] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-/.exec(typeof parent === 'string' ? parent : '') ?? [];
  return trace_id === undefined || span_id === undefined ? {} : { trace_id, span_id };
}
