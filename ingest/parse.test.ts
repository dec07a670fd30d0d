import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import { json } from '../test/arbitrary_event.ts';
import { parseRecord } from './parse.ts';
import type { AcceptedRecord, ParsedEvent, ParsedRejection } from './record.ts';

const RECEIVED_MS = Date.UTC(2026, 0, 15, 10);
const SECRET = 'hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2';
const EVENT = { event_id: 'e-1', type: 'tool.call', time: '2026-01-15T09:00:00Z', tool: 'read' };

function accepted(text: string | Buffer, tenant = 'default'): AcceptedRecord {
  const bytes = Buffer.from(text as string);
  return { bytes, tenant, accepted_by: 'key-1', received_at_ms: RECEIVED_MS, salt: Buffer.alloc(32) };
}

function parsed(event: unknown, tenant?: string): ParsedEvent {
  const result = parseRecord(accepted(typeof event === 'string' ? event : JSON.stringify(event), tenant));
  if (!result.ok) throw new Error(`${result.reason}: ${result.message}`);
  return result;
}

function rejected(event: unknown, tenant?: string): ParsedRejection {
  const text = typeof event === 'string' || Buffer.isBuffer(event) ? event : JSON.stringify(event);
  const result = parseRecord(accepted(text, tenant));
  if (result.ok) throw new Error('the record was taken');
  return result;
}

const raw = (members: string) => `${JSON.stringify(EVENT).slice(0, -1)},${members}}`;

it.each<[what: string, event: unknown, reason: string, message: string]>([
  ['text that is no JSON', '{"event_id":', 'json_malformed', 'it ends too early'],
  ['nothing', '', 'json_malformed', 'the text is empty'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff]), 'json_invalid_utf8', 'not valid UTF-8'],
  ['a key that comes twice', raw('"tool":"write"'), 'json_duplicate_key', '"tool"'],
  ['a key that comes twice deep inside', raw('"params":{"a":[{"b":1,"b":2}]}'), 'json_duplicate_key', '"b"'],
  ['half of a surrogate pair', raw('"content":"\\ud800"'), 'json_lone_surrogate', 'half of a \\u pair'],
  [
    'a number that loses digits',
    raw('"params":{"n":12345678901234567890}'),
    'json_number_loses_digits',
    '12345678901234567890',
  ],
  ['deep nesting', raw(`"params":{"a":${'['.repeat(70)}${']'.repeat(70)}}`), 'json_too_deep', 'more than 64'],
  ['a list', [EVENT], 'schema_invalid', 'event: must be a JSON object (got an array)'],
  ['a number', '5', 'schema_invalid', 'event: must be a JSON object'],
  [
    'no id',
    { ...EVENT, event_id: undefined },
    'schema_invalid',
    'event_id: Invalid input: expected string, received undefined (it is missing)',
  ],
  [
    'no type',
    { ...EVENT, type: undefined },
    'schema_invalid',
    'type: must be one of the event types of this schema (it is missing)',
  ],
  [
    'an unknown type',
    { ...EVENT, type: 'tool.maybe' },
    'schema_invalid',
    'type: must be one of the event types of this schema (got "tool.maybe")',
  ],
  ['no tool in a call', { ...EVENT, tool: undefined }, 'schema_invalid', 'tool: '],
  [
    'no time',
    { ...EVENT, time: undefined },
    'schema_invalid',
    'time: must be an RFC 3339 time with an offset (it is missing)',
  ],
  [
    'a time without an offset',
    { ...EVENT, time: '2026-01-15T09:00:00' },
    'schema_invalid',
    'time: must be an RFC 3339 time with an offset (got "2026-01-15T09:00:00")',
  ],
  ['a date', { ...EVENT, time: '2026-01-15' }, 'schema_invalid', 'time: must be an RFC 3339 time'],
  [
    'a day that does not exist',
    { ...EVENT, time: '2026-02-30T09:00:00Z' },
    'schema_invalid',
    'time: must be an RFC 3339 time',
  ],
  ['a time as a number', { ...EVENT, time: 1_768_467_600 }, 'schema_invalid', '(got 1768467600)'],
  [
    'a time long ago',
    { ...EVENT, time: '1999-12-31T23:59:59Z' },
    'time_out_of_range',
    'time "1999-12-31T23:59:59Z" must lie between 2000-01-01T00:00:00Z and 24 h after its arrival',
  ],
  ['a time far ahead', { ...EVENT, time: '2026-01-16T10:00:01Z' }, 'time_out_of_range', 'time "2026-01-16T10:00:01Z"'],
  [
    'a number as a tool',
    { ...EVENT, tool: 5 },
    'schema_invalid',
    'tool: Invalid input: expected string, received number (got 5)',
  ],
  [
    'an empty id',
    { ...EVENT, event_id: '' },
    'schema_invalid',
    'event_id: Too small: expected string to have >=1 characters (got "")',
  ],
  [
    'an id that is too long',
    { ...EVENT, event_id: 'x'.repeat(201) },
    'schema_invalid',
    `event_id: Too big: expected string to have <=200 characters (got "${'x'.repeat(40)}…")`,
  ],
  [
    'a control character in a name',
    { ...EVENT, user_id: 'ana\u0007' },
    'schema_invalid',
    'user_id: must not hold control characters (got "ana\\u0007")',
  ],
  [
    'NUL in a name',
    { ...EVENT, tool: 'a\u0000b' },
    'schema_invalid',
    'tool: must not hold control characters (got "a\\u0000b")',
  ],
  [
    'a line break in a name',
    { ...EVENT, session_id: 's\n\n1' },
    'schema_invalid',
    'session_id: must not hold control characters',
  ],
  [
    'text as params',
    { ...EVENT, params: SECRET },
    'schema_invalid',
    `params: Invalid input: expected record, received string (got ${SECRET.length} characters)`,
  ],
  [
    'a number as content',
    { ...EVENT, content: 5 },
    'schema_invalid',
    'content: must be text, an object or an array (got a number)',
  ],
  [
    'a word as is_error',
    { ...EVENT, is_error: 'yes' },
    'schema_invalid',
    'is_error: Invalid input: expected boolean, received string (got "yes")',
  ],
  [
    'an empty URI',
    { ...EVENT, data_sources: [''] },
    'schema_invalid',
    'data_sources.0: must be a URI of 1 to 2048 characters',
  ],
  [
    'a URI with a control character',
    { ...EVENT, data_sources: [{ uri: 'a\u0001' }] },
    'schema_invalid',
    'data_sources.0',
  ],
  ['an unknown choice', { ...EVENT, user_source: 'hearsay' }, 'schema_invalid', '(got "hearsay")'],
  [
    'an unknown choice inside',
    { ...EVENT, decision: { action: 'maybe' } },
    'schema_invalid',
    'decision.action: Invalid option: expected one of "allow"|"deny"|"ask"|"modify"|"redact" (got "maybe")',
  ],
  [
    'a reason that is too long',
    { ...EVENT, decision: { action: 'deny', reason: SECRET.repeat(60) } },
    'schema_invalid',
    'decision.reason: Too big: expected string to have <=4096 characters (got 4740 characters)',
  ],
  [
    'a level of capture that is unknown',
    { ...EVENT, capture: { content: SECRET } },
    'schema_invalid',
    'capture.content: must be one of full, hash, size_only, absent, truncated',
  ],
  [
    'a salt that is too short',
    { ...EVENT, salt: SECRET },
    'schema_invalid',
    `salt: must be 32 bytes in base64 (got ${SECRET.length} characters)`,
  ],
  [
    'the tenant of another key',
    { ...EVENT, tenant: 'other' },
    'tenant_mismatch',
    'tenant "other" is not the tenant of the key that sent it',
  ],
  ['the reserved tenant', { ...EVENT, tenant: '*' }, 'tenant_mismatch', 'tenant "*" is reserved for the log itself'],
  [
    'an envelope of another version',
    { ...EVENT, specversion: '0.3' },
    'cloudevent_invalid',
    'specversion must be "1.0" (got "0.3")',
  ],
])('refuses %s and names value and rule', (_, event, reason, message) => {
  const result = rejected(event);
  expect(result.reason).toBe(reason);
  expect(result.message).toContain(message);
  expect(result.message).not.toContain('hunter2');
});

it('refuses a record that is too long and says how long it is', () => {
  const bytes = Buffer.alloc(LIMITS.record_bytes_max + 1, 0x20);
  expect(rejected(bytes)).toMatchObject({
    reason: 'record_too_large',
    message: 'a record has at most 16777216 bytes, this one 16777217',
  });
});

it('never repeats more than 60 characters of a value, and none of a control character', () => {
  const long = `\u001b[31m\u202e${'y'.repeat(300)}`;
  const text_fields = [
    'event_id',
    'type',
    'time',
    'tool',
    'user_id',
    'tenant',
    'session_id',
    'server',
    'content',
    'salt',
  ];
  for (const field of text_fields) {
    for (const value of [long, [long], { [long]: long }]) {
      const result = parseRecord(accepted(JSON.stringify({ ...EVENT, [field]: value })));
      if (result.ok) continue;
      expect(result.message, field).not.toMatch(/y{61}|[\u0000-\u001f\u202e]/);
      expect(result.message.length).toBeLessThan(600);
    }
  }
  const nested = rejected({ ...EVENT, capture: { [long]: 'x' } });
  expect(nested.message).not.toMatch(/y{61}|[\u0000-\u001f\u202e]/);
});

it('answers for any JSON at all, and never throws', () => {
  fc.assert(
    fc.property(json, fc.boolean(), (value, in_event) => {
      const result = parseRecord(accepted(JSON.stringify(in_event ? { ...EVENT, ...fieldsOf(value) } : value)));
      if (!result.ok)
        expect(result.reason).toMatch(/^(schema_invalid|cloudevent_invalid|time_out_of_range|tenant_mismatch)$/);
    }),
    { numRuns: 500 },
  );
});

it('answers for any bytes at all, and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      expect(parseRecord(accepted(Buffer.from(bytes))).ok).toBe(false);
    }),
  );
});

it('keeps text of every kind in content and params as it is', () => {
  for (const text of [
    'a\n\nb',
    '\n\n(1)',
    "'; DROP TABLE events; --",
    'NUL\u0000NUL',
    '\u001b[31m',
    '{"a":1}',
    '🙂',
    '\u2028',
  ]) {
    const event = parsed({ ...EVENT, content: text, params: { [text]: text }, more: text });
    expect(event.content).toBe(text);
    expect(JSON.parse(event.params)).toEqual({ [text]: text });
    expect(JSON.parse(event.detail)).toEqual({ extra: { more: text } });
  }
});

it('stores JSON content as its canonical text and says so', () => {
  const event = parsed({ ...EVENT, content: [{ type: 'text', text: 'hello' }] });
  expect(event.content).toBe('[{"text":"hello","type":"text"}]');
  expect(JSON.parse(event.what)).toMatchObject({ content_json: true });
});

it('keeps empty content and empty params apart from absent ones', () => {
  expect(parsed({ ...EVENT, content: '', params: {} }).fields).toMatchObject({ content: '', params: {} });
  expect(parsed(EVENT).fields).not.toHaveProperty('content');
});

it('treats null, false, an empty server and no data sources as absent', () => {
  const empty = {
    user_id: null,
    params: null,
    content: null,
    is_error: false,
    server: '',
    data_sources: [],
    tools: null,
  };
  expect(parsed({ ...EVENT, ...empty })).toEqual(parsed(EVENT));
});

it('keeps unknown fields under extra, a key named __proto__ too', () => {
  const { fields, detail } = parsed(raw('"color":"red","nothing":null,"empty":"","__proto__":{"admin":true}'));
  expect(detail).toBe('{"extra":{"__proto__":{"admin":true},"color":"red","empty":"","nothing":null}}');
  expect(Object.getPrototypeOf(fields)).toBe(Object.prototype);
  expect((fields as { admin?: unknown }).admin).toBeUndefined();
});

it('keeps a key named __proto__ inside params and inside what a gateway decided', () => {
  const event = parsed(
    raw('"params":{"__proto__":{"to":"x@example.com"}},"decision":{"action":"allow","__proto__":1}'),
  );
  expect(event.params).toBe('{"__proto__":{"to":"x@example.com"}}');
  expect(event.what).toContain('"decision":{"__proto__":1,"action":"allow"}');
});

it.each([
  ['an object', '"extra":{"a":1},"b":2', '{"a":1,"b":2}'],
  ['an object that says otherwise', '"extra":{"b":1},"b":2', '{"b":2,"extra":{"b":1}}'],
  ['text', '"extra":"a","b":2', '{"b":2,"extra":"a"}'],
  ['a list', '"extra":[1],"b":2', '{"b":2,"extra":[1]}'],
  ['an object alone', '"extra":{"z":1,"a":2}', '{"a":2,"z":1}'],
  ['text alone', '"extra":"a"', '"a"'],
])('joins unknown fields with an extra field of the producer that is %s', (_, members, extra) => {
  expect(parsed(raw(members)).detail).toBe(`{"extra":${extra}}`);
});

it("does not let a producer set the program's own fields", () => {
  const { fields, detail } = parsed({ ...EVENT, accepted_by: 'admin', session_source: 'given', content_json: true });
  expect(fields.accepted_by).toBe('key-1');
  expect(fields).not.toHaveProperty('session_source');
  expect(JSON.parse(detail)).toEqual({ extra: { accepted_by: 'admin', content_json: true, session_source: 'given' } });
});

it('takes a field of another type for an unknown one', () => {
  expect(JSON.parse(parsed({ ...EVENT, uri: 5, roots: 'none' }).detail)).toEqual({ extra: { roots: 'none', uri: 5 } });
});

it('takes the tenant of the key, or of the event where the key may speak for all', () => {
  expect(parsed(EVENT, 'acme').tenant).toBe('acme');
  expect(parsed({ ...EVENT, tenant: 'acme' }, 'acme').tenant).toBe('acme');
  expect(parsed({ ...EVENT, tenant: 'acme' }, '*').tenant).toBe('acme');
  expect(parsed(EVENT, '*').tenant).toBe('default');
  expect(rejected({ ...EVENT, tenant: '*' }, '*').reason).toBe('tenant_mismatch');
});

it('takes times up to a day ahead and back to the year 2000, in any offset', () => {
  expect(parsed({ ...EVENT, time: '2026-01-16T10:00:00Z' }).time_ms).toBe(Date.UTC(2026, 0, 16, 10));
  expect(parsed({ ...EVENT, time: '2000-01-01T02:00:00+02:00' }).time_ms).toBe(Date.UTC(2000, 0, 1));
  expect(parsed({ ...EVENT, time: '2026-01-15T09:00:00.123456789Z' }).time_ms).toBe(
    Date.UTC(2026, 0, 15, 9, 0, 0, 123),
  );
});

it.each(['a', 'é', '日', '🙂'])('cuts content of %s above the limit into head and tail of whole characters', (unit) => {
  const text = `x${unit.repeat(LIMITS.field_bytes_max)}`;
  const bytes = Buffer.from(text);
  const { content, fields } = parsed({ ...EVENT, content: text });
  const [, head = '', left_out, tail = ''] = /^(x.*)\n\[… (\d+) bytes left out …\]\n(.*)$/s.exec(content) ?? [];
  expect(isUtf8(Buffer.from(content))).toBe(true);
  expect(content).not.toContain('\ufffd');
  expect(text.startsWith(head) && text.endsWith(tail)).toBe(true);
  expect(Buffer.byteLength(head) + Buffer.byteLength(tail) + Number(left_out)).toBe(bytes.length);
  expect(LIMITS.field_head_bytes - Buffer.byteLength(head)).toBeLessThan(4);
  expect(LIMITS.field_tail_bytes - Buffer.byteLength(tail)).toBeLessThan(4);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  expect(fields.capture).toEqual({ content: { level: 'truncated', sha256, size_bytes: bytes.length } });
});

it('cuts params above the limit and keeps their digest and size', () => {
  const params = { body: '日'.repeat(LIMITS.field_bytes_max / 2) };
  const event = parsed({ ...EVENT, params, capture: { params: 'full', content: 'absent' } });
  const text = JSON.stringify(params);
  const cut = (JSON.parse(event.params) as { truncated: { head: string; tail: string } }).truncated;
  expect(text.startsWith(cut.head) && text.endsWith(cut.tail)).toBe(true);
  expect(event.params).not.toContain('\ufffd');
  const sha256 = createHash('sha256').update(text).digest('hex');
  const params_capture = { level: 'truncated', sha256, size_bytes: Buffer.byteLength(text) };
  expect(event.fields.capture).toEqual({ params: params_capture, content: 'absent' });
});

it('leaves content at the limit whole', () => {
  const text = 'é'.repeat(LIMITS.field_bytes_max / 2);
  expect(parsed({ ...EVENT, content: text }).content).toBe(text);
});

function fieldsOf(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
