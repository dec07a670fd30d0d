import { expect, it } from 'vitest';
import { type FirstRecord, sameEvent } from './duplicate.ts';
import { parseRecord } from './parse.ts';
import type { ParsedEvent } from './record.ts';

const EVENT = {
  event_id: 'e-1',
  type: 'tool.result',
  time: '2026-01-15T09:00:00Z',
  tool: 'read',
  params: { a: 1 },
  content: 'text',
  user_id: 'ana@example.com',
};

function parse(event: object): ParsedEvent {
  const bytes = Buffer.from(JSON.stringify(event));
  const record = {
    bytes,
    tenant: '*',
    accepted_by: 'k',
    received_at_ms: Date.UTC(2026, 0, 16),
    salt: Buffer.alloc(32),
  };
  const parsed = parseRecord(record);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed;
}

const whoOf = (more: object) =>
  JSON.stringify({ accepted_by: 'k', tenant: 'default', user_id: 'ana@example.com', ...more });
const WHO = whoOf({ session_id: 's', session_source: 'given' });

function first(event: object, who: string): FirstRecord {
  const { what, params, content, detail, time_ms, fields } = parse(event);
  return { type: String(fields.type), time_ms, who, what, params, content, detail };
}

const same = (second: object, who = WHO, first_who = WHO) =>
  sameEvent(first(EVENT, first_who), { parsed: parse(second), who });

it('takes the same event for the same, in whatever order its keys come', () => {
  expect(same(EVENT)).toBe(true);
  expect(same(Object.fromEntries(Object.entries(EVENT).reverse()))).toBe(true);
});

it.each([
  ['type', { type: 'tool.call' }],
  ['time', { time: '2026-01-15T09:00:01Z' }],
  ['tool', { tool: 'write' }],
  ['params', { params: { a: 2 } }],
  ['content', { content: 'texts' }],
  ['an unknown field', { more: 1 }],
])('sees another %s as other content', (_, change) => {
  expect(same({ ...EVENT, ...change })).toBe(false);
});

it('does not mind who accepted it', () => {
  expect(same(EVENT, whoOf({ accepted_by: 'other', session_id: 's', session_source: 'given' }))).toBe(true);
});

it('does not mind which session we derived, but minds the one that a producer gave', () => {
  const gap = (session_id: string) => whoOf({ session_id, session_source: 'gap' });
  expect(same(EVENT, gap('gap-2'), gap('gap-1'))).toBe(true);
  expect(same(EVENT, whoOf({ session_id: 'other', session_source: 'given' }))).toBe(false);
});

it('cannot contradict a record whose content is gone', () => {
  expect(sameEvent(undefined, { parsed: parse(EVENT), who: WHO })).toBe(true);
});
