/** Short builders for the events of examples and tests, and the small conversion from a raw event to the program's own. */
import { ProducerEvent, type ProvenanceEvent } from '../core/event.ts';

/** A producer's event without the fields that every event has. */
export type RawEvent = { type: string } & Record<string, unknown>;

/** What the user asked for. */
export function prompt(content: string): RawEvent {
  return { type: 'prompt', content };
}

/** A tool call. */
export function call(server: string, tool: string, params: Record<string, unknown>): RawEvent {
  return { type: 'tool.call', server, tool, params };
}

/** What a tool answered: text, or JSON such as MCP content blocks. */
export function result(server: string, tool: string, content: unknown): RawEvent {
  return { type: 'tool.result', server, tool, content };
}

/** The definitions that a server published. */
export function tools(server: string, definitions: readonly Record<string, unknown>[]): RawEvent {
  return { type: 'tools.list', server, tools: definitions };
}

const START_MS = Date.UTC(2026, 0, 15, 9);

/** An event that comes some time after the one before; otherwise a second lies between. */
export function after(ms: number, event: RawEvent): RawEvent {
  return { ...event, after_ms: ms };
}

/** An event of another session, user or agent than the example's own. */
export function elsewhere(session: string, event: RawEvent, who: Record<string, string> = {}): RawEvent {
  return { ...event, ...who, session_id: session };
}

/** Stands for the example's own session where an event of another one names its parent. */
export const OWN_SESSION = 'the session of the example';

/** An event of a session whose agent works for another one: for that of the example's own session, unless named. */
export function delegated(session: string, event: RawEvent, parent_session_id = OWN_SESSION): RawEvent {
  const who = { agent: session, parent_agent: 'assistant' };
  return elsewhere(session, { ...event, delegation: { parent_session_id } }, who);
}

/**
 * Complete raw records, as a producer would send them: with ids and times, in one session, except where an event names
 * a session of its own.
 */
export function exampleRecords(session_id: string, events: readonly RawEvent[]): RawEvent[] {
  let time_ms = START_MS;
  return events.map(({ after_ms, session_id: own, delegation, ...event }, at) => {
    time_ms += typeof after_ms === 'number' ? after_ms : 1_000;
    return {
      event_id: `${session_id}-${at + 1}`,
      time: new Date(time_ms).toISOString(),
      session_id: own === undefined ? session_id : `${session_id}-${own}`,
      user_id: 'ana@example.com',
      user_role: 'analyst',
      agent: 'assistant',
      ...event,
      ...(typeof delegation === 'object' && { delegation: withParent(delegation, session_id) }),
    } as RawEvent;
  });
}

function withParent(delegation: object | null, session_id: string): object {
  const { parent_session_id } = (delegation ?? {}) as { parent_session_id?: unknown };
  return { ...delegation, ...(parent_session_id === OWN_SESSION && { parent_session_id: session_id }) };
}

/** Validates a raw record and turns it into the event that detectors see. Throws what the schema throws. */
export function toProvenance(record: unknown, seq: number): ProvenanceEvent {
  const { type, event_id, time, tenant, session_id, user_id, user_role, agent, client, call_id, ...other } =
    ProducerEvent.parse(record);
  const { server, tool, params, content, is_error, tools: definitions, data_sources, ...rest } = other;
  const time_ms = Date.parse(time);
  const optional = {
    user_id,
    user_role,
    agent,
    client,
    call_id,
    server,
    tool,
    params,
    content: typeof content === 'object' && content !== null ? JSON.stringify(content) : content,
    is_error,
    tools: definitions,
    data_sources,
  };
  return {
    log: 'example',
    seq,
    event_id,
    type,
    time,
    time_ms,
    received_at_ms: time_ms,
    tenant: tenant ?? 'default',
    session_id: session_id ?? event_id,
    session_seq: seq,
    ...withoutNull(optional),
    rest: withoutNull(rest),
  };
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], null | undefined> };

/** Null means absent. */
function withoutNull<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)) as Present<T>;
}
