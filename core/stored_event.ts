/** An event as detectors and readers see it, built from the stored parts alone: a replay sees what the first run saw. */
import type { DataSource, EventType, ProvenanceEvent, ToolDefinition } from './event.ts';
import { DETAIL_FIELDS, type Fields, groupFields, WHAT_FIELDS, WHO_FIELDS } from './groups.ts';

const OWN_FIELDS = new Set<string>([
  'agent',
  'call_id',
  'client',
  'content',
  'data_sources',
  'is_error',
  'params',
  'server',
  'session_id',
  'tenant',
  'tool',
  'tools',
  'user_id',
  'user_role',
]);
const REST_FIELDS = new Set<string>(
  [...WHO_FIELDS, ...WHAT_FIELDS, ...DETAIL_FIELDS].filter((field) => !OWN_FIELDS.has(field)),
);

const isRest = (field: string): boolean => REST_FIELDS.has(field);

export interface EventPlace {
  log: string;
  seq: number;
  session_seq: number;
  event_id: string;
  type: string;
  time: string;
  time_ms: number;
  received_at_ms: number;
}

/** Builds the event from its place in the log and its fields; `content` is text, `params` an object. */
export function eventOf(place: EventPlace, fields: Fields): ProvenanceEvent {
  const rest: Fields = {};
  // In one order, so that an event and its replay list them alike.
  const names = Object.keys(fields).filter(isRest);
  for (const name of names.length > 1 ? names.sort() : names) rest[name] = fields[name];
  const event: ProvenanceEvent = {
    log: place.log,
    seq: place.seq,
    event_id: place.event_id,
    type: place.type as EventType,
    time: place.time,
    time_ms: place.time_ms,
    received_at_ms: place.received_at_ms,
    tenant: fields.tenant as string,
    session_id: fields.session_id as string,
    session_seq: place.session_seq,
    rest,
  };
  if (fields.user_id !== undefined) event.user_id = fields.user_id as string;
  if (fields.user_role !== undefined) event.user_role = fields.user_role as string;
  if (fields.agent !== undefined) event.agent = fields.agent as string;
  if (fields.client !== undefined) event.client = fields.client as string;
  if (fields.call_id !== undefined) event.call_id = fields.call_id as string;
  if (fields.server !== undefined) event.server = fields.server as string;
  if (fields.tool !== undefined) event.tool = fields.tool as string;
  if (fields.params !== undefined) event.params = fields.params as Fields;
  if (fields.content !== undefined) event.content = fields.content as string;
  if (fields.is_error !== undefined) event.is_error = fields.is_error as boolean;
  if (fields.tools !== undefined) event.tools = fields.tools as ToolDefinition[];
  if (fields.data_sources !== undefined) event.data_sources = fields.data_sources as DataSource[];
  return event;
}

/** The stored parts of a record as one set of fields. `content` is there when the core committed to one. */
export function storedFields(parts: {
  who: string;
  what: string;
  detail: string;
  params: string;
  content: string;
  has_content: boolean;
}): Fields {
  const fields: Fields = { ...groupFields(parts.who), ...groupFields(parts.what), ...groupFields(parts.detail) };
  if (parts.params !== '') fields.params = groupFields(parts.params);
  if (parts.has_content) fields.content = parts.content;
  return fields;
}
