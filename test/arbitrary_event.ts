/** Arbitrary valid events, as producers might send them, for property tests. */
import fc from 'fast-check';
import { EVENT_TYPES } from '../core/event.ts';
import { EVENT_EXAMPLES } from '../core/event_examples.ts';

export type RawEvent = { event_id: string; type: string; time: string } & Record<string, unknown>;

const key = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('__proto__', 'constructor', '10', '9'),
);
const scalar = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('a\n\nb', 'x\u0000y', "'; DROP TABLE events; --", '\n\n(1)', '\u2028', '-0'),
);
/** JSON with awkward keys and text. */
export const json: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown; object: unknown; list: unknown }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, scalar, tie('object'), tie('list')),
  object: fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map(objectOf),
  list: fc.array(tie('value'), { maxLength: 4 }),
})).value;
const object = fc.array(fc.tuple(key, json), { maxLength: 6 }).map(objectOf);

function objectOf(members: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const [name, value] of members) {
    Object.defineProperty(made, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return made;
}

const name = fc.constantFrom('ana@example.com', 'bob', "o'neil", 'é', '日本', 'x y');
const optional = fc.record(
  {
    user_id: fc.option(name),
    user_role: fc.option(name),
    agent: fc.option(name),
    client: fc.option(name),
    session_id: fc.option(fc.constantFrom('s-1', 's-2', 's-3')),
    conversation_id: fc.option(fc.constantFrom('k-1', 'k-2')),
    trace_id: fc.option(fc.constantFrom('t-1')),
    server: fc.option(fc.constantFrom('', 'files', 'mail')),
    is_error: fc.option(fc.boolean()),
    params: fc.option(object),
    content: fc.option(fc.oneof(fc.string({ unit: 'grapheme' }), object, fc.array(json, { maxLength: 3 }))),
    data_sources: fc.option(
      fc.array(fc.oneof(fc.constant('file:///a'), fc.constant({ uri: 'b', z: 1, a: 2 })), { maxLength: 3 }),
    ),
    duration_ms: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
    extra: fc.option(fc.oneof(object, fc.string(), fc.integer())),
    unknown_field: json,
  },
  { requiredKeys: [] },
);

/** An event with this id; optional fields and unknown ones come and go. */
export function arbitraryEvent(event_id: fc.Arbitrary<string>): fc.Arbitrary<RawEvent> {
  return fc
    .tuple(event_id, fc.constantFrom(...EVENT_TYPES), optional, fc.nat(1_000_000), fc.boolean())
    .map(([id, type, more, at, from_example]) => {
      const { session_id: _, ...example } = EVENT_EXAMPLES[type] as Record<string, unknown>;
      const required = from_example ? example : requiredOf(example);
      const time = new Date(Date.UTC(2026, 0, 15) + at).toISOString();
      const server = type === 'server.version' ? { server: 'tickets' } : {};
      return { ...required, ...more, ...server, tenant: 'default', event_id: id, type, time } as RawEvent;
    });
}

const REQUIRED = [
  'tool',
  'tools',
  'uri',
  'approval',
  'tool_approval',
  'decision',
  'token_ref',
  'token',
  'revocation',
  'config',
  'server_info',
  'external',
];

function requiredOf(example: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(example).filter(([field]) => REQUIRED.includes(field)));
}
