/**
 * One span or one log record of OpenTelemetry, as dialects read it: attributes as plain values, ids in hexadecimal,
 * times in milliseconds. Both encodings of OTLP end here.
 */
import { LIMITS } from '../../core/limits.ts';
import { objectOf, plainName } from '../mcp/mcp_message.ts';

export type Attributes = Record<string, unknown>;

export interface OtlpRecord {
  kind: 'span' | 'log';
  /** Of a span its name, of a log record the name of its event. */
  name: string;
  /** `SpanKind` of a span: 1 internal, 2 server, 3 client, 4 producer, 5 consumer; 0 where it says none. */
  span_kind: number;
  attributes: Attributes;
  resource: Attributes;
  scope: string;
  trace_id?: string | undefined;
  span_id?: string | undefined;
  parent_span_id?: string | undefined;
  /** Of a log record both are its time. */
  start_ms: number;
  end_ms: number;
  /** Whether the span's status is an error. */
  failed: boolean;
  /** Of a log record. */
  body?: unknown;
}

/** An event without its id and without what the route adds. `part` tells the events of one record apart. */
export type OtlpDraft = Record<string, unknown> & { type: string; part: string; at_ms: number };

/** What a dialect is: one file in `dialects/` that reads the records of one kind of sender. */
export interface Dialect {
  /** Also the file's name. */
  name: string;
  title: string;
  /** Where its attributes are documented. */
  reference: string;
  /** Asked after all others: it reads what any sender may write. */
  general?: true;
  knows(record: OtlpRecord): boolean;
  /** The events of a record; none where it tells of nothing that is an event. */
  read(record: OtlpRecord): OtlpDraft[];
}

/** Checks the shape at compile time; the loader checks the rest. */
export function defineDialect(dialect: Dialect): Dialect {
  return dialect;
}

/** The first of these attributes that holds a text or a number. */
export function textOf(of: Attributes, ...names: string[]): string | undefined {
  for (const name of names) {
    const value = of[name];
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  }
  return undefined;
}

/** The same as a name that an event may carry. */
export const nameOf = (of: Attributes, ...names: string[]) => plainName(textOf(of, ...names));
export const idOf = (of: Attributes, ...names: string[]) => plainName(textOf(of, ...names), LIMITS.id_chars_max);

/** A value that may be JSON in a text, as JSON. */
export function jsonOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Parameters as an event has them; a text that is no object is the only parameter. */
export function paramsOf(value: unknown): Record<string, unknown> | undefined {
  if (value === undefined) return undefined;
  const read = jsonOf(value);
  return objectOf(read) ?? { input: read };
}

/** Content as an event has it. */
export function contentOf(value: unknown): unknown {
  if (typeof value === 'string' || Array.isArray(value) || objectOf(value) !== undefined) return value;
  return value === undefined || value === null ? undefined : JSON.stringify(value);
}

/** The members that have a value. */
export function present(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''));
}

/** Who acts, in which session, as most senders say it. What a dialect knows better it says itself. */
export function actingOf({ attributes, resource, trace_id, span_id }: OtlpRecord): Record<string, unknown> {
  const user = nameOf(attributes, 'enduser.id', 'user.id', 'user.email', 'enduser.pseudo.id');
  const roles = attributes['user.roles'];
  return present({
    user_id: user,
    ...(user !== undefined && { user_source: 'claimed' }),
    user_role: plainName(Array.isArray(roles) ? roles[0] : roles),
    conversation_id: idOf(attributes, 'gen_ai.conversation.id', 'session.id'),
    mcp_session_id: idOf(attributes, 'mcp.session.id'),
    agent: nameOf(attributes, 'gen_ai.agent.name') ?? nameOf(resource, 'service.name'),
    agent_version: nameOf(attributes, 'gen_ai.agent.version') ?? nameOf(resource, 'service.version'),
    client: nameOf(resource, 'service.name'),
    host: nameOf(resource, 'host.name'),
    model: nameOf(attributes, 'gen_ai.response.model', 'gen_ai.request.model'),
    trace_id,
    span_id,
  });
}

export interface CallTold {
  server: string | undefined;
  tool: string;
  call_id: string;
  params: Record<string, unknown> | undefined;
  /** Undefined where the sender withheld it. */
  result: unknown;
  /** Whether there is a result at all, withheld or not. */
  ended: boolean;
  is_error: boolean;
  more?: Record<string, unknown>;
  /** Size of a result that was withheld. */
  result_bytes?: number | undefined;
}

/** A span that is a whole call gives two events: the call when it began, and its result when it ended. */
export function callAndResult(record: OtlpRecord, acting: Record<string, unknown>, told: CallTold): OtlpDraft[] {
  const { server, tool, call_id, params, result, ended, is_error, more = {}, result_bytes } = told;
  const place = { ...acting, ...more, ...present({ server }), tool, call_id };
  const call: OtlpDraft = {
    ...place,
    type: 'tool.call',
    part: 'call',
    at_ms: record.start_ms,
    ...(params === undefined ? { capture: { params: 'absent' } } : { params }),
  };
  if (!ended) return [call];
  const content = contentOf(result);
  const withheld = result_bytes === undefined ? 'absent' : { level: 'size_only', size_bytes: result_bytes };
  const answer: OtlpDraft = {
    ...place,
    type: 'tool.result',
    part: 'result',
    at_ms: record.end_ms,
    is_error,
    duration_ms: Math.max(0, record.end_ms - record.start_ms),
    ...(content === undefined ? { capture: { content: withheld } } : { content }),
  };
  return [call, answer];
}

/** A whole number that is not negative, also where it came as a text. */
export function countOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(Math.floor(number)) && number >= 0
    ? Math.floor(number)
    : undefined;
}

const HIDDEN = new Set(['<REDACTED>', '[REDACTED]']);

/** A prompt that a sender may have held back, and then often says how long it was. */
export function promptOf(acting: Record<string, unknown>, at_ms: number, prompt: unknown, chars: unknown): OtlpDraft {
  const draft = { ...acting, type: 'prompt', part: 'prompt', at_ms };
  if (typeof prompt === 'string' && !HIDDEN.has(prompt)) return { ...draft, content: prompt };
  const size_bytes = countOf(chars);
  return { ...draft, capture: { content: size_bytes === undefined ? 'absent' : { level: 'size_only', size_bytes } } };
}
