import { expect, it } from 'vitest';
import { unwrapCloudEvent } from './cloudevents.ts';

const ENVELOPE = {
  specversion: '1.0',
  id: 'e-1',
  source: 'https://gateway.example.com',
  type: 'com.example.event',
  time: '2026-01-15T09:00:00Z',
  data: { type: 'prompt', content: 'hello' },
};

it('takes the event out of its envelope, with id and time of the envelope', () => {
  const event = { event_id: 'e-1', time: ENVELOPE.time, type: 'prompt', content: 'hello' };
  expect(unwrapCloudEvent(ENVELOPE)).toEqual(event);
});

it('lets the event keep its own id and time', () => {
  const data = { event_id: 'own', time: '2026-01-15T08:00:00Z', type: 'prompt' };
  expect(unwrapCloudEvent({ ...ENVELOPE, data })).toEqual(data);
});

it('treats null as absent', () => {
  const data = { event_id: null, time: null, type: 'prompt' };
  expect(unwrapCloudEvent({ ...ENVELOPE, data })).toEqual({ event_id: 'e-1', time: ENVELOPE.time, type: 'prompt' });
});

it.each([[{ type: 'prompt' }], [null], [5], ['text'], [[1]]])('gives back what is no envelope: %j', (value) => {
  expect(unwrapCloudEvent(value)).toBe(value);
});

it.each([
  [{ ...ENVELOPE, specversion: '0.3' }, 'specversion must be "1.0" (got "0.3")'],
  [{ ...ENVELOPE, specversion: 1 }, 'specversion must be "1.0" (got no text)'],
  [{ ...ENVELOPE, specversion: `9${'x'.repeat(100)}` }, `(got "9${'x'.repeat(39)}…")`],
  [{ ...ENVELOPE, id: '' }, 'needs id as text'],
  [{ ...ENVELOPE, source: 5 }, 'needs source as text'],
  [{ ...ENVELOPE, type: undefined }, 'needs type as text'],
  [{ ...ENVELOPE, data: undefined }, 'data must be a provenance event'],
  [{ ...ENVELOPE, data: [1] }, 'data must be a provenance event'],
  [{ ...ENVELOPE, data: null }, 'data must be a provenance event'],
])('refuses an envelope that breaks the specification: %#', (value, message) => {
  expect(() => unwrapCloudEvent(value)).toThrow(
    expect.objectContaining({ code: 'cloudevent_invalid', message: expect.stringContaining(message) }),
  );
});
