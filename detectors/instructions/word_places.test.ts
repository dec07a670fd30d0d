import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WordPlaces } from './word_places.ts';

const key = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 6 }).map((high) => high * 2 ** 32 + 7),
);
const step = fc.record({ key, bit: fc.constantFrom(1, 2, 4, 8, 16), noted: fc.boolean(), next: fc.boolean() });

it('knows of each word what a plain map of sets knows', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 0, max: 50 }), (steps, forgotten) => {
      const places = new WordPlaces(1_000);
      const bits = new Map<number, number>();
      const held = new Map<number, Set<number>>();
      let sentence = 0;
      for (const { key, bit, noted, next } of steps) {
        if (next) sentence++;
        bits.set(key, (bits.get(key) ?? 0) | bit);
        if (noted) {
          places.note(key, bit, sentence);
          held.set(key, (held.get(key) ?? new Set()).add(sentence));
        } else places.mark(key, bit);
      }
      for (const [key, seen] of bits) {
        expect(places.seen(key)).toBe(seen);
        expect(places.holding(key)).toEqual([...(held.get(key) ?? [])]);
      }
      places.forgetBefore(forgotten);
      for (const [key, seen] of bits) {
        expect(places.seen(key)).toBe(seen);
        expect(places.holding(key)).toEqual([...(held.get(key) ?? [])].filter((id) => id >= forgotten));
      }
    }),
  );
});

it('knows nothing of a word that it did not meet, though it falls into the same slot', () => {
  const places = new WordPlaces(10);
  places.note(7, 4, 0);
  expect([places.seen(7 + 2 ** 32), places.holding(7 + 2 ** 32)]).toEqual([0, []]);
});

it('takes in no word beyond its maximum, but goes on with those it knows', () => {
  const places = new WordPlaces(3);
  for (let key = 1; key <= 5; key++) places.note(key, 4, key);
  places.mark(2, 16);
  expect([1, 2, 3, 4, 5].map((key) => places.seen(key))).toEqual([4, 20, 4, 0, 0]);
});

it('notes no more sentences of a word that stands in very many', () => {
  const places = new WordPlaces(10);
  for (let id = 0; id < 300; id++) places.note(1, 4, id);
  expect(places.holding(1)).toHaveLength(256);
});
