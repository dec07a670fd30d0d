/** What a rule sees of an event: where it stands, and the values of its fields. */
import type { ProvenanceEvent } from '../../core/event.ts';
import { RULE_LIMITS } from './rule_limits.ts';

/** Where an event stands. Small: rows keep it for as long as their window is. */
export interface EventPoint {
  readonly tenant: string;
  readonly log: string;
  readonly seq: number;
  readonly event_id: string;
  readonly time_ms: number;
  readonly session_id: string;
  readonly session_seq: number;
  readonly type: string;
  /** Empty when there is none. */
  readonly server: string;
  readonly tool: string;
  readonly call_id: string;
}

/** An event as rules see it. */
export interface RuleRecord extends EventPoint {
  /** When it came; as if at its own time where that is not known. */
  readonly received_at_ms?: number;
  /** The value of a field such as `params.to`, or undefined. Through a list it gives a list. */
  get(field: string): unknown;
}

/** What the engine knows of an event beside the event itself. */
export interface DerivedFields {
  capability?: readonly string[];
  egress?: boolean;
  destination?: readonly string[];
  /** Ids of the signals that detectors emitted on this event. */
  signal?: readonly string[];
  severity?: readonly string[];
}

/** A value that can be compared. */
export type FieldValue = string | number | boolean;

/** An event of the program as a record. */
export function eventRecord(event: ProvenanceEvent, derived: DerivedFields = {}): RuleRecord {
  return new EventRecord(event, derived);
}

class EventRecord implements RuleRecord {
  private readonly event: ProvenanceEvent;
  private readonly derived: DerivedFields;

  constructor(event: ProvenanceEvent, derived: DerivedFields) {
    this.event = event;
    this.derived = derived;
  }

  get tenant(): string {
    return this.event.tenant;
  }
  get log(): string {
    return this.event.log;
  }
  get seq(): number {
    return this.event.seq;
  }
  get event_id(): string {
    return this.event.event_id;
  }
  get time_ms(): number {
    return this.event.time_ms;
  }
  get received_at_ms(): number {
    return this.event.received_at_ms;
  }
  get session_id(): string {
    return this.event.session_id;
  }
  get session_seq(): number {
    return this.event.session_seq;
  }
  get type(): string {
    return this.event.type;
  }
  get server(): string {
    return this.event.server ?? '';
  }
  get tool(): string {
    return this.event.tool ?? '';
  }
  get call_id(): string {
    return this.event.call_id ?? '';
  }

  get(field: string): unknown {
    const path = pathOf(field);
    const value = this.top(path[0] as string);
    return path.length === 1 ? value : valueAt(value, path, 1);
  }

  private top(field: string): unknown {
    if (Object.hasOwn(this.derived, field)) return this.derived[field as keyof DerivedFields];
    if (field === 'received_at') return new Date(this.event.received_at_ms).toISOString();
    if (field === 'rest' || field.endsWith('_ms')) return this.event.rest[field];
    return Object.hasOwn(this.event, field) ? this.event[field as keyof ProvenanceEvent] : this.event.rest[field];
  }
}

/** A copy of a record's place, without its fields. */
export function pointOf(record: EventPoint): EventPoint {
  const { tenant, log, seq, event_id, time_ms, session_id, session_seq, type, server, tool, call_id } = record;
  return { tenant, log, seq, event_id, time_ms, session_id, session_seq, type, server, tool, call_id };
}

/** What decides the order of events. */
export type EventPlace = Pick<EventPoint, 'time_ms' | 'log' | 'seq'>;

/** The order of all events: by time, then by log, then by place in the log. Negative when `a` is before `b`. */
export function comparePoints(a: EventPlace, b: EventPlace): number {
  if (a.time_ms !== b.time_ms) return a.time_ms - b.time_ms;
  if (a.log !== b.log) return a.log < b.log ? -1 : 1;
  return a.seq - b.seq;
}

/** All values inside a field: of a list its elements, of an object whatever is in it. Empty texts are no values. */
export function valuesOf(value: unknown): readonly FieldValue[] {
  if (typeof value === 'string') return value === '' ? NONE : [value];
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return [value];
  if (typeof value !== 'object' || value === null) return NONE;
  const values: FieldValue[] = [];
  collect(value, values, 0);
  return values;
}

const NONE: readonly FieldValue[] = [];

function collect(value: unknown, into: FieldValue[], depth: number): void {
  if (into.length >= RULE_LIMITS.field_values_max) return;
  if (typeof value === 'string' ? value !== '' : typeof value === 'boolean' || Number.isFinite(value)) {
    into.push(value as FieldValue);
  } else if (typeof value === 'object' && value !== null && depth < RULE_LIMITS.field_depth_max) {
    for (const inner of Array.isArray(value) ? value : Object.values(value)) collect(inner, into, depth + 1);
  }
}

/** The value as a comparison of texts sees it. */
export function textOf(value: FieldValue): string {
  return typeof value === 'string' ? value : String(value);
}

const DECIMAL = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/;
const DECIMAL_CHARS_MAX = 400;

/** The value as a number; a text counts when it is a decimal number and nothing else. */
export function numberOf(value: FieldValue): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean' || value.length > DECIMAL_CHARS_MAX || !DECIMAL.test(value)) return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function valueAt(value: unknown, path: readonly string[], from: number): unknown {
  let found = value;
  for (let at = from; at < path.length; at++) {
    if (Array.isArray(found))
      return found.slice(0, RULE_LIMITS.field_values_max).map((item) => valueAt(item, path, at));
    if (typeof found !== 'object' || found === null) return undefined;
    const key = path[at] as string;
    found = Object.hasOwn(found, key) ? (found as Record<string, unknown>)[key] : undefined;
  }
  return found;
}

/** Field names come from rules, so they are few. */
const paths = new Map<string, readonly string[]>();
const PATHS_MAX = 10_000;

function pathOf(field: string): readonly string[] {
  let path = paths.get(field);
  if (path === undefined) {
    path = field.split('.');
    if (paths.size >= PATHS_MAX) paths.clear();
    paths.set(field, path);
  }
  return path;
}
