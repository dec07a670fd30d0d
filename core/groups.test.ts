import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asStored, DETAIL_FIELDS, groupFields, groupText, WHAT_FIELDS, WHO_FIELDS } from './groups.ts';
import { canonicalJson } from './json/canonical.ts';

const json = fc.jsonValue({ maxDepth: 4 }).filter((value) => value !== undefined);

it.each([
  ['who', WHO_FIELDS],
  ['what', WHAT_FIELDS],
  ['detail', DETAIL_FIELDS],
])('lists the fields of %s in the order of RFC 8785, each once', (_, fields) => {
  expect([...new Set(fields)].sort()).toEqual(fields);
});

it('writes a group as the canonical JSON of the fields that are there', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...WHAT_FIELDS), json), (fields) => {
      const text = groupText(fields, WHAT_FIELDS);
      expect(text).toBe(Object.keys(fields).length === 0 ? '' : canonicalJson(fields));
      expect(groupFields(text)).toEqual(JSON.parse(canonicalJson(fields)));
    }),
  );
});

it('leaves out what is absent and what belongs to another group', () => {
  expect(groupText({ tool: 'x', user_id: 'u', server: undefined }, WHAT_FIELDS)).toBe('{"tool":"x"}');
  expect(groupText({}, WHAT_FIELDS)).toBe('');
  expect(groupFields('')).toEqual({});
});

it('gives a value in the order and form in which it reads back from the log', () => {
  fc.assert(
    fc.property(json, (value) => {
      const stored = asStored(value);
      expect(JSON.stringify(stored)).toBe(JSON.stringify(JSON.parse(canonicalJson(value))));
      expect(JSON.stringify(asStored(stored))).toBe(JSON.stringify(stored));
    }),
  );
});

it('gives back what is in that form already without a copy', () => {
  const value = { a: [{ b: 1, c: { d: null } }], e: 'x' };
  expect(asStored(value)).toBe(value);
});

it('keeps a key named __proto__ as a key', () => {
  const value = JSON.parse('{"b":1,"__proto__":{"a":-0}}') as object;
  expect(JSON.stringify(asStored(value))).toBe('{"__proto__":{"a":0},"b":1}');
  expect(Object.getPrototypeOf(asStored(value))).toBe(Object.prototype);
});
