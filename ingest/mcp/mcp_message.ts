/** Reads JSON-RPC messages of MCP, of both eras: with a handshake (to 2025-11-25) and with `_meta` alone (2026-07-28). */
import { LIMITS } from '../../core/limits.ts';
import type { Skimmed } from './json_skim.ts';

export interface McpMessage {
  id?: string | number | undefined;
  method?: string | undefined;
  params?: Record<string, unknown> | undefined;
  result?: unknown;
  error?: unknown;
}

/** The messages of a line, or undefined when it holds none. */
export function readMessages(text: string): McpMessage[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const messages = (Array.isArray(value) ? value : [value]).map(messageOf);
  return messages.every((message) => message !== undefined) && messages.length > 0 ? messages : undefined;
}

function messageOf(value: unknown): McpMessage | undefined {
  const fields = objectOf(value);
  if (fields === undefined) return undefined;
  const { id, method, params, result, error } = fields;
  if (typeof method !== 'string' && result === undefined && error === undefined) return undefined;
  return {
    id: typeof id === 'string' || typeof id === 'number' ? id : undefined,
    method: typeof method === 'string' ? method : undefined,
    params: objectOf(params),
    result,
    error,
  };
}

/** What is known of a message that was too long to be held. */
export function skimmedMessage({ scalars, payload }: Skimmed): McpMessage {
  const id = scalars.get('id');
  const method = scalars.get('method');
  const name = scalars.get('params.name');
  const uri = scalars.get('params.uri');
  const is_answer = payload?.name === 'result' || payload?.name === 'error';
  return {
    id: typeof id === 'string' || typeof id === 'number' ? id : undefined,
    method: typeof method === 'string' ? method : undefined,
    params: is_answer ? undefined : { name, uri },
    ...(is_answer && { [payload.name]: { isError: scalars.get('result.isError') === true } }),
  };
}

export function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** A name that any event may carry: without control characters, well formed and not too long. */
export function plainName(value: unknown, chars_max: number = LIMITS.name_chars_max): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd')
    .slice(0, chars_max);
  return text === '' ? undefined : text.toWellFormed();
}
