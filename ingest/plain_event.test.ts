import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ProducerEvent } from '../core/event.ts';
import { EVENT_EXAMPLES } from '../core/event_examples.ts';
import { json } from '../test/arbitrary_event.ts';
import { isPlainlyValid } from './plain_event.ts';

const CALL = { event_id: 'e-1', type: 'tool.call', time: '2026-01-15T09:00:00Z', tool: 'read', params: { a: 1 } };
const TYPES = Object.keys(EVENT_EXAMPLES);
const FIELDS = [...new Set(Object.values(EVENT_EXAMPLES).flatMap((example) => Object.keys(example)))];

const two = fc.integer({ min: 0, max: 62 }).map((value) => String(value).padStart(2, '0'));
const time = fc
  .tuple(fc.constantFrom('2023', '2024', '0000', '9999', '1'), two, two, two, two, two, fc.constantFrom('', '.5', '.'))
  .map(([year, month, day, hour, minute, second, part]) => {
    return `${year}-${month}-${day}T${hour}:${minute}:${second}${part}Z`;
  });
const odd = fc.oneof(
  json,
  time,
  fc.constantFrom<unknown>(null, '', 'a\u0000', 'x'.repeat(300), -1, 1.5, 2 ** 60, false, [], [''], [{ uri: '' }], {}),
  fc.constantFrom<unknown>(['a'], [{ uri: 'a' }], [{ uri: 'a', sensitivity: 'no' }], ['x'.repeat(2_049)], 'read', 'é'),
);

it('takes no event that the schema refuses, whatever stands in its fields', () => {
  const changes = fc.dictionary(fc.constantFrom(...FIELDS, 'row_count', 'unknown_field', '__proto__'), odd, {
    maxKeys: 3,
  });
  fc.assert(
    fc.property(fc.constantFrom(...TYPES), changes, (type, changed) => {
      const value: unknown = JSON.parse(
        JSON.stringify({ ...EVENT_EXAMPLES[type as keyof typeof EVENT_EXAMPLES], ...changed }),
      );
      if (isPlainlyValid(value)) expect(ProducerEvent.safeParse(value).success).toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

it('takes no time that the schema refuses', () => {
  fc.assert(
    fc.property(time, (each) => {
      const value = { ...CALL, time: each };
      if (isPlainlyValid(value)) expect(ProducerEvent.safeParse(value).success).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});

it.each([
  ['a call', CALL],
  ['a call with nulls', { ...CALL, user_id: null, content: null, data_sources: null, tools: null }],
  ['a result with sources', { ...CALL, type: 'tool.result', content: 'text', data_sources: ['a', { uri: 'b' }] }],
  ['fields that nobody knows', { ...CALL, made_up: { a: [1] } }],
  ['the last day of a month', { ...CALL, time: '2026-03-31T23:59:59.123456Z' }],
])('recognises %s', (_, event) => {
  expect(isPlainlyValid(event)).toBe(true);
});

it.each([
  ['no object', [CALL]],
  ['a call without a tool', { ...CALL, tool: null }],
  ['a type with fields of its own', EVENT_EXAMPLES.approval],
  ['a field that it does not look into', { ...CALL, decision: { action: 'allow' } }],
  ['a day that most months have not', { ...CALL, time: '2026-02-29T00:00:00Z' }],
  ['a control character in a name', { ...CALL, user_id: 'a\u0085' }],
])('leaves %s to the schema', (_, event) => {
  expect(isPlainlyValid(event)).toBe(false);
});
