/**
 * From bytes to an event, or to a rejection that names the value and the rule. Pure: the same record gives the same
 * answer on every machine, since both end in the log.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { AppError } from '../core/errors.ts';
import { ProducerEvent } from '../core/event.ts';
import { asStored, DETAIL_FIELDS, type Fields, groupText, WHAT_FIELDS, WHO_FIELDS } from '../core/groups.ts';
import { canonicalJson } from '../core/json/canonical.ts';
import { parseStrict } from '../core/json/strict.ts';
import { quoteShort } from '../core/json/text.ts';
import { LIMITS } from '../core/limits.ts';
import { unwrapCloudEvent } from './cloudevents.ts';
import { isPlainlyValid } from './plain_event.ts';
import type { AcceptedRecord, Parsed, ParsedEvent, ParsedRejection } from './record.ts';

const EARLIEST_MS = Date.parse(LIMITS.time_earliest);
// What the program writes itself is not a producer's to set.
const OURS = new Set<string>(['accepted_by', 'session_source', 'content_json']);
const OWN_FIELDS = ['event_id', 'type', 'time', 'params', 'content', 'extra', 'salt'];
const VOCABULARY = new Set<string>(
  [...WHO_FIELDS, ...WHAT_FIELDS, ...DETAIL_FIELDS, ...OWN_FIELDS].filter((field) => !OURS.has(field)),
);
/** The fields of each type; one of another type is as unknown to it as one that nobody knows. */
const FIELDS_OF_TYPE = new Map<unknown, ReadonlySet<string>>(
  ProducerEvent.options.map((option) => [
    option.shape.type.value,
    new Set([...Object.keys(option.shape), 'extra'].filter((field) => VOCABULARY.has(field))),
  ]),
);
/** Fields whose value may stand in a message: names, ids, times; never what people or tools said, never a salt. */
const SHOWN = new Set<PropertyKey>([...WHO_FIELDS, ...WHAT_FIELDS, 'event_id', 'type', 'time']);

/** What a record says, without the bytes that are stored of it. */
export type ReadRecord = Pick<ParsedEvent, 'ok' | 'fields' | 'tenant' | 'time_ms'> | ParsedRejection;

/** Parses one accepted record. Never throws for what a producer sent. */
export function parseRecord(record: AcceptedRecord): Parsed {
  return orRejection(record, parseEvent);
}

/** The fields alone of what `parseRecord` makes of a record, for who stores nothing. */
export function readRecord(record: AcceptedRecord): ReadRecord {
  return orRejection(record, readEvent);
}

function orRejection<T>(record: AcceptedRecord, read: (record: AcceptedRecord) => T): T | ParsedRejection {
  try {
    return read(record);
  } catch (error) {
    // One record that trips a fault of ours must not stop the log for everybody else.
    const known = error instanceof AppError;
    const reason = known ? error.code : 'parse_failed';
    // The engine's own words may repeat the input, and change between versions.
    const message = known ? error.message : `the record could not be read (${nameOf(error)})`;
    return { ok: false, tenant: record.tenant, reason, message };
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

function parseEvent(record: AcceptedRecord): ParsedEvent {
  const { fields, tenant, time_ms } = readEvent(record);
  const what = groupText(fields, WHAT_FIELDS);
  const params = fields.params === undefined ? '' : canonicalJson(fields.params);
  const detail = groupText(fields, DETAIL_FIELDS);
  return { ok: true, fields, tenant, time_ms, what, params, content: (fields.content as string) ?? '', detail };
}

/** What may throw is all in here: what is stored is written from values that JSON text gave, within its limits. */
function readEvent(record: AcceptedRecord) {
  if (record.bytes.length > LIMITS.record_bytes_max) {
    const message = `a record has at most ${LIMITS.record_bytes_max} bytes, this one ${record.bytes.length}`;
    throw new AppError('record_too_large', message);
  }
  const fields = validate(unwrapCloudEvent(parseStrict(record.bytes)));
  const tenant = tenantOf(fields, record);
  const time_ms = timeOf(fields, record);
  if (fields.content !== undefined) boundContent(fields);
  if (fields.params !== undefined) boundParams(fields, record.bytes.length);
  fields.tenant = tenant;
  fields.accepted_by = record.accepted_by;
  return { ok: true as const, fields, tenant, time_ms };
}

/**
 * Checks against the schema, leaves out what says nothing, and moves unknown fields under `extra`. The
 * values are those that were sent: the schema's own copy lacks keys such as `__proto__`.
 */
function validate(value: unknown): Fields {
  if (!isPlainlyValid(value)) {
    const result = ProducerEvent.safeParse(value);
    if (!result.success) throw new AppError('schema_invalid', describeIssues(value, result.error.issues));
  }
  const input = value as Fields;
  const known = FIELDS_OF_TYPE.get(input.type) ?? VOCABULARY;
  const fields: Fields = {};
  let unknown: Fields | undefined;
  for (const key of Object.keys(input)) {
    const field = input[key];
    if (saysNothing(key, field)) continue;
    if (!known.has(key)) {
      unknown ??= {};
      Object.defineProperty(unknown, key, { value: field, enumerable: true, configurable: true, writable: true });
    } else if (key === 'params' || key === 'content' || typeof field !== 'object') fields[key] = field;
    else fields[key] = asStored(field);
  }
  if (fields.data_sources !== undefined) normalizeSources(fields);
  if (unknown !== undefined) fields.extra = asStored(withOwnExtra(fields.extra, unknown));
  return fields;
}

/** What is the same as absent. */
function saysNothing(key: string, value: unknown): boolean {
  if (value === null) return VOCABULARY.has(key);
  if (key === 'server') return value === '';
  if (key === 'is_error') return value === false;
  return key === 'data_sources' && (value as unknown[]).length === 0;
}

/** Text stands for an object with that URI. */
function normalizeSources(fields: Fields): void {
  const sources = fields.data_sources as unknown[];
  fields.data_sources = sources.map((source) => (typeof source === 'string' ? { uri: source } : source));
}

/** Joins unknown fields with a producer's own `extra`; where the two cannot be told apart, theirs stays one field. */
function withOwnExtra(own: unknown, unknown: Fields): Fields {
  if (own === undefined) return unknown;
  const apart = isObject(own) && Object.keys(own).every((key) => !Object.hasOwn(unknown, key));
  return apart ? { ...own, ...unknown } : { ...unknown, extra: own };
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Issue {
  code?: string | undefined;
  path: PropertyKey[];
  message: string;
}

/** `user_id: must not hold control characters (got "a\u0007")`, for the first three issues. */
function describeIssues(value: unknown, issues: readonly Issue[]): string {
  return issues
    .slice(0, 3)
    .map((issue) => {
      const at = issue.path.map((part) => quoteShort(String(part)).slice(1, -1)).join('.') || 'event';
      const got = issue.path.reduce<unknown>((part, key) => (part as Fields | undefined)?.[String(key)], value);
      return `${at.slice(0, 160)}: ${issue.message.slice(0, 200)}${shown(got, issue)}`;
    })
    .join('; ');
}

/** The value in question: itself where it is a name, an id, a time or a choice, else only what kind of value it is. */
function shown(value: unknown, { code, path }: Issue): string {
  if (value === undefined) return ' (it is missing)';
  if (value === null) return ' (got null)';
  if (typeof value === 'object') return ` (got ${Array.isArray(value) ? 'an array' : 'an object'})`;
  const may_show = code === 'invalid_value' || (path.length === 1 && SHOWN.has(path[0] as PropertyKey));
  if (typeof value === 'string') return may_show ? ` (got ${quoteShort(value)})` : ` (got ${value.length} characters)`;
  return may_show ? ` (got ${String(value)})` : ` (got a ${typeof value})`;
}

function tenantOf(fields: Fields, record: AcceptedRecord): string {
  const named = fields.tenant as string | undefined;
  if (named === '*') throw new AppError('tenant_mismatch', 'tenant "*" is reserved for the log itself');
  if (record.tenant === '*') return named ?? 'default';
  if (named !== undefined && named !== record.tenant) {
    throw new AppError('tenant_mismatch', `tenant ${quoteShort(named)} is not the tenant of the key that sent it`);
  }
  return record.tenant;
}

function timeOf(fields: Fields, record: AcceptedRecord): number {
  const time_ms = Date.parse(fields.time as string);
  if (time_ms < EARLIEST_MS || time_ms > record.received_at_ms + LIMITS.time_ahead_ms_max || Number.isNaN(time_ms)) {
    const rule = `must lie between ${LIMITS.time_earliest} and ${LIMITS.time_ahead_ms_max / 3_600_000} h after its arrival`;
    throw new AppError('time_out_of_range', `time ${quoteShort(fields.time as string)} ${rule}`);
  }
  return time_ms;
}

function boundContent(fields: Fields): void {
  const value = fields.content;
  if (typeof value !== 'string') fields.content_json = true;
  const text = typeof value === 'string' ? value : canonicalJson(value);
  const cut = truncate(text);
  if (cut !== undefined) {
    noteTruncation(fields, 'content', cut);
    fields.content = `${cut.head}\n[… ${cut.left_out_bytes} bytes left out …]\n${cut.tail}`;
  } else fields.content = text;
}

/** No character of JSON text becomes more than this many bytes of its canonical text: `1e20` grows most. */
const CANONICAL_GROWTH_MAX = 8;

function boundParams(fields: Fields, record_bytes: number): void {
  const small = record_bytes * CANONICAL_GROWTH_MAX <= LIMITS.field_bytes_max;
  const cut = small ? undefined : truncate(canonicalJson(fields.params));
  if (cut === undefined) {
    fields.params = asStored(fields.params);
    return;
  }
  noteTruncation(fields, 'params', cut);
  fields.params = { truncated: { head: cut.head, tail: cut.tail } };
}

interface Cut {
  head: string;
  tail: string;
  sha256: string;
  size_bytes: number;
  left_out_bytes: number;
}

/** Above the limit a field keeps head, tail, digest and size. */
function truncate(text: string): Cut | undefined {
  // Three bytes a UTF-16 unit is the most; only a suspicious length is worth counting.
  if (text.length * 3 <= LIMITS.field_bytes_max) return undefined;
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= LIMITS.field_bytes_max) return undefined;
  const head = wholeText(bytes.subarray(0, LIMITS.field_head_bytes));
  const tail = wholeText(bytes.subarray(bytes.length - LIMITS.field_tail_bytes));
  return {
    head,
    tail,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    size_bytes: bytes.length,
    left_out_bytes: bytes.length - Buffer.byteLength(head) - Buffer.byteLength(tail),
  };
}

function noteTruncation(fields: Fields, name: string, cut: Cut): void {
  const capture = isObject(fields.capture) ? fields.capture : {};
  fields.capture = asStored({
    ...capture,
    [name]: { level: 'truncated', sha256: cut.sha256, size_bytes: cut.size_bytes },
  });
}

/** Text of bytes that may have been cut inside a character: the broken ends go. */
function wholeText(bytes: Buffer): string {
  let from = 0;
  let to = bytes.length;
  while (from < 4 && ((bytes[from] ?? 0) & 0xc0) === 0x80) from++;
  let lead = to - 1;
  while (lead > to - 4 && ((bytes[lead] ?? 0) & 0xc0) === 0x80) lead--;
  const byte = bytes[lead] ?? 0;
  const width = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
  if (lead + width > to) to = lead;
  return bytes.toString('utf8', from, to);
}
