import { expect, it } from 'vitest';
import { eventOf, storedFields } from './stored_event.ts';

const PLACE = {
  log: 'test.example.com/log',
  seq: 7,
  session_seq: 2,
  event_id: 'e-7',
  type: 'tool.result',
  time: '2026-01-15T09:00:00Z',
  time_ms: 1,
  received_at_ms: 2,
};
const PARTS = {
  who: '{"accepted_by":"key-1","client":"desktop","session_id":"s-1","session_source":"given","tenant":"default"}',
  what: '{"call_id":"c-1","is_error":true,"server":"files","tool":"read","trace_id":"t-1"}',
  detail: '{"extra":{"a":1}}',
  params: '{"path":"/a"}',
  content: '',
  has_content: true,
};

it('builds an event from its place and its stored parts', () => {
  expect(eventOf(PLACE, storedFields(PARTS))).toStrictEqual({
    ...PLACE,
    tenant: 'default',
    session_id: 's-1',
    client: 'desktop',
    call_id: 'c-1',
    server: 'files',
    tool: 'read',
    is_error: true,
    params: { path: '/a' },
    content: '',
    rest: { accepted_by: 'key-1', extra: { a: 1 }, session_source: 'given', trace_id: 't-1' },
  });
});

it('tells empty content from content that is gone or was never there', () => {
  expect(eventOf(PLACE, storedFields({ ...PARTS, has_content: false }))).not.toHaveProperty('content');
});

it('has no params where none were stored, and empty ones where they were empty', () => {
  expect(eventOf(PLACE, storedFields({ ...PARTS, params: '' }))).not.toHaveProperty('params');
  expect(eventOf(PLACE, storedFields({ ...PARTS, params: '{}' }))).toHaveProperty('params', {});
});
