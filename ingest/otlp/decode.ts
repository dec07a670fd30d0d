/** Requests of OTLP/HTTP, in JSON or protobuf, as records. Bounded: so many records, values so deep, attributes so many. */
import { AppError, messageOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { objectOf } from '../mcp/mcp_message.ts';
import type { Attributes, OtlpRecord } from './otlp_record.ts';
import { decodeRequest, LOGS_REQUEST, TRACES_REQUEST } from './proto.ts';

export type Signal = 'traces' | 'logs';
export type Encoding = 'json' | 'protobuf';

const SHAPE = {
  traces: { type: TRACES_REQUEST, resources: 'resourceSpans', scopes: 'scopeSpans', records: 'spans' },
  logs: { type: LOGS_REQUEST, resources: 'resourceLogs', scopes: 'scopeLogs', records: 'logRecords' },
} as const;
const VALUE_DEPTH_MAX = 32;

/** The records of a request, in its order. Throws `body_malformed`, `too_many_records`. */
export function decodeOtlp(bytes: Buffer, signal: Signal, encoding: Encoding): OtlpRecord[] {
  const { resources, scopes, records } = SHAPE[signal];
  const request = requestOf(bytes, signal, encoding);
  const found: OtlpRecord[] = [];
  for (const of_resource of objectsIn(request[resources])) {
    const resource = attributesOf(objectOf(of_resource.resource)?.attributes);
    for (const of_scope of objectsIn(of_resource[scopes])) {
      const scope = textIn(objectOf(of_scope.scope)?.name);
      for (const raw of objectsIn(of_scope[records])) {
        if (found.length >= LIMITS.otlp_records_max) {
          throw new AppError(
            'too_many_records',
            `a request has at most ${LIMITS.otlp_records_max} spans or log records`,
          );
        }
        found.push(signal === 'traces' ? spanOf(raw, resource, scope) : logOf(raw, resource, scope));
      }
    }
  }
  return found;
}

function requestOf(bytes: Buffer, signal: Signal, encoding: Encoding): Record<string, unknown> {
  try {
    const value: unknown =
      encoding === 'json' ? JSON.parse(bytes.toString('utf8')) : decodeRequest(SHAPE[signal].type, bytes);
    const request = objectOf(value);
    if (request !== undefined) return request;
  } catch (error) {
    // A decoder reads values by recursion, and says so by running out of room.
    const why = error instanceof RangeError ? 'it is cut off, or nested too deeply' : messageOf(error).slice(0, 200);
    throw new AppError('body_malformed', `the body is no ${encoding} of OTLP ${signal}: ${why}`, { cause: error });
  }
  throw new AppError('body_malformed', `the body is no request of OTLP ${signal}`);
}

function spanOf(raw: Record<string, unknown>, resource: Attributes, scope: string): OtlpRecord {
  const start_ms = millisOf(raw.startTimeUnixNano) ?? 0;
  return {
    kind: 'span',
    name: textIn(raw.name),
    span_kind: kindOf(raw.kind),
    attributes: attributesOf(raw.attributes),
    resource,
    scope,
    ...idsOf(raw),
    start_ms,
    end_ms: Math.max(start_ms, millisOf(raw.endTimeUnixNano) ?? start_ms),
    failed: ['2', 'STATUS_CODE_ERROR'].includes(String(objectOf(raw.status)?.code)),
  };
}

function logOf(raw: Record<string, unknown>, resource: Attributes, scope: string): OtlpRecord {
  const attributes = attributesOf(raw.attributes);
  const body = plainOf(raw.body);
  const named = textIn(raw.eventName) || textIn(attributes['event.name']) || textIn(body);
  // Some senders leave the time of the event to an attribute.
  const told = Date.parse(textIn(attributes['event.timestamp']));
  const at_ms = millisOf(raw.timeUnixNano) ?? millisOf(raw.observedTimeUnixNano) ?? (Number.isNaN(told) ? 0 : told);
  const place = { kind: 'log', name: named.slice(0, 200), span_kind: 0, attributes, resource, scope } as const;
  return { ...place, ...idsOf(raw), start_ms: at_ms, end_ms: at_ms, failed: false, body };
}

const KINDS = ['', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];

/** JSON may have the number or, of old senders, the name. */
function kindOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? Math.max(0, KINDS.indexOf(value.replace('SPAN_KIND_', ''))) : 0;
}

const TRACE_ID = /^[0-9a-f]{32}$/;
const SPAN_ID = /^[0-9a-f]{16}$/;

function idsOf(raw: Record<string, unknown>) {
  return {
    trace_id: hexOf(raw.traceId, TRACE_ID),
    span_id: hexOf(raw.spanId, SPAN_ID),
    parent_span_id: hexOf(raw.parentSpanId, SPAN_ID),
  };
}

/** Hexadecimal in JSON, bytes in protobuf; an id of zeros stands for none. */
function hexOf(value: unknown, form: RegExp): string | undefined {
  const text = Buffer.isBuffer(value) ? value.toString('hex') : textIn(value).toLowerCase();
  return form.test(text) && !/^0+$/.test(text) ? text : undefined;
}

/** A 64-bit integer as a text or a number; what a double loses of it is less than a microsecond. */
function millisOf(nanos: unknown): number | undefined {
  const value = typeof nanos === 'string' || typeof nanos === 'number' ? Number(nanos) : Number.NaN;
  return Number.isFinite(value) && value > 0 ? value / 1e6 : undefined;
}

function attributesOf(value: unknown): Attributes {
  const found: Attributes = {};
  let count = 0;
  for (const { key, value: any } of objectsIn(value)) {
    if (typeof key !== 'string' || ++count > LIMITS.otlp_attributes_max) continue;
    // `__proto__` is a name like any other.
    Object.defineProperty(found, key, { value: plainOf(any), enumerable: true, configurable: true, writable: true });
  }
  return found;
}

/** An AnyValue as a plain value. Bytes become base64. */
function plainOf(any: unknown, depth = 0): unknown {
  const of = objectOf(any);
  if (of === undefined) return undefined;
  if (depth > VALUE_DEPTH_MAX) return '(nested too deeply)';
  if (typeof of.stringValue === 'string') return of.stringValue;
  if (typeof of.boolValue === 'boolean') return of.boolValue;
  if (of.intValue !== undefined) return integerOf(of.intValue);
  if (typeof of.doubleValue === 'number') return of.doubleValue;
  if (of.arrayValue !== undefined)
    return objectsIn(objectOf(of.arrayValue)?.values).map((each) => plainOf(each, depth + 1));
  if (of.kvlistValue !== undefined) {
    const members = objectsIn(objectOf(of.kvlistValue)?.values).slice(0, LIMITS.otlp_attributes_max);
    return Object.fromEntries(members.map(({ key, value }) => [textIn(key), plainOf(value, depth + 1)]));
  }
  if (Buffer.isBuffer(of.bytesValue)) return of.bytesValue.toString('base64');
  return typeof of.bytesValue === 'string' ? of.bytesValue : undefined;
}

/** What a number cannot hold stays a text. */
function integerOf(value: unknown): unknown {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

const textIn = (value: unknown) => (typeof value === 'string' ? value : '');

function objectsIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((each) => objectOf(each) !== undefined) : [];
}
