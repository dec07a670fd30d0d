import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Core, formatCore, GROUPS, KINDS, parseCore } from './core_record.ts';
import { CORE_VERSION } from './event.ts';
import { canonicalJson } from './json/canonical.ts';

const KNOWN: Core = {
  commit: { who: `${'w'.repeat(43)}=`, content: `${'c'.repeat(43)}=` },
  core_version: 1,
  event_id: 'e-"1"',
  kind: 'event',
  received_at: '2026-01-15T09:00:01.000Z',
  seq: 12,
  session: 'AAAAAAAAAAAAAAAAAAAAAA',
  session_prev: `${'p'.repeat(43)}=`,
  session_seq: 3,
  tenant: 'BBBBBBBBBBBBBBBBBBBBBB',
  time: '2026-01-15T09:00:00Z',
  type: 'prompt',
};
const KNOWN_TEXT =
  `{"commit":{"content":"${'c'.repeat(43)}=","who":"${'w'.repeat(43)}="},"core_version":1,"event_id":"e-\\"1\\"",` +
  '"kind":"event","received_at":"2026-01-15T09:00:01.000Z","seq":12,"session":"AAAAAAAAAAAAAAAAAAAAAA",' +
  `"session_prev":"${'p'.repeat(43)}=","session_seq":3,"tenant":"BBBBBBBBBBBBBBBBBBBBBB",` +
  '"time":"2026-01-15T09:00:00Z","type":"prompt"}';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const plain = fc.string({ unit: 'grapheme-ascii', maxLength: 20 });
const commitment = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('base64'));
const count = fc.oneof(fc.maxSafeNat(), fc.nat(100));
const core: fc.Arbitrary<Core> = fc.record(
  {
    commit: fc.dictionary(fc.constantFrom(...GROUPS), commitment),
    core_version: fc.constant(CORE_VERSION),
    event_id: fc.oneof(text, plain),
    first_seq: count,
    kind: fc.constantFrom(...KINDS),
    reason: plain,
    received_at: plain,
    seq: count,
    session: text,
    session_prev: commitment,
    session_seq: count,
    tenant: text,
    time: plain,
    type: plain,
    user: text,
  },
  { requiredKeys: ['commit', 'core_version', 'kind', 'received_at', 'seq', 'tenant', 'type'] },
) as fc.Arbitrary<Core>;

it('writes known bytes', () => {
  expect(formatCore(KNOWN)).toBe(KNOWN_TEXT);
});

it('writes the canonical JSON of RFC 8785 and reads it back', () => {
  fc.assert(
    fc.property(core, (value) => {
      const written = formatCore(value);
      expect(written).toBe(canonicalJson(value));
      expect(parseCore(written)).toEqual(JSON.parse(written));
      expect(formatCore(parseCore(written))).toBe(written);
    }),
    { numRuns: 500 },
  );
});

it('takes no text that it would not write itself, whatever is changed in it', () => {
  fc.assert(
    fc.property(core, fc.nat(), fc.string({ unit: 'binary-ascii', minLength: 0, maxLength: 2 }), (value, at, piece) => {
      const written = formatCore(value);
      const changed = written.slice(0, at % written.length) + piece + written.slice((at % written.length) + 1);
      let read: Core;
      try {
        read = parseCore(changed);
      } catch (error) {
        expect(error).toMatchObject({ code: 'core_malformed' });
        return;
      }
      expect(formatCore(read)).toBe(changed);
    }),
    { numRuns: 2_000 },
  );
});

it.each([
  ['a space', KNOWN_TEXT.replace(',"kind"', ', "kind"')],
  ['another order', KNOWN_TEXT.replace(/"kind":"event",/, '').replace('{"commit"', '{"kind":"event","commit"')],
  ['an escape that is not needed', KNOWN_TEXT.replace('"prompt"', '"\\u0070rompt"')],
  ['a member that it does not know', KNOWN_TEXT.replace('}', ',"x":"y"}').replace('"type"', '"tyqe":"","type"')],
  ['a member at the end that it does not know', `${KNOWN_TEXT.slice(0, -1)},"zzz":1}`],
  ['a member twice', KNOWN_TEXT.replace('"kind":"event"', '"kind":"event","kind":"event"')],
  ['a number as text', KNOWN_TEXT.replace('"seq":12', '"seq":"12"')],
  ['text as a number', KNOWN_TEXT.replace('"type":"prompt"', '"type":5')],
  ['an object as text', KNOWN_TEXT.replace('"type":"prompt"', '"type":{"a":1}')],
  ['a leading zero', KNOWN_TEXT.replace('"seq":12', '"seq":012')],
  ['a fraction', KNOWN_TEXT.replace('"seq":12', '"seq":12.5')],
  ['a number beyond exact integers', KNOWN_TEXT.replace('"seq":12', '"seq":9007199254740993')],
  ['another version', KNOWN_TEXT.replace('"core_version":1', '"core_version":2')],
  ['null', KNOWN_TEXT.replace('"type":"prompt"', '"type":null')],
  ['a raw control character', KNOWN_TEXT.replace('prompt', 'pro\u0001mpt')],
  ['no commitments', KNOWN_TEXT.replace(/"commit":\{[^}]*\}/, '"commit":null')],
  ['a commitment to nothing that it knows', KNOWN_TEXT.replace('"who"', '"whom"')],
  ['text that is not JSON', KNOWN_TEXT.slice(0, -1)],
  ['nothing', ''],
  ['null itself', 'null'],
])('refuses %s', (_, changed) => {
  expect(() => parseCore(changed)).toThrow(expect.objectContaining({ code: 'core_malformed' }));
});

it('refuses to write a core above the size of a log entry', () => {
  expect(() => formatCore({ ...KNOWN, event_id: 'é'.repeat(40_000) })).toThrow(
    expect.objectContaining({ code: 'core_too_large' }),
  );
});
