import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WordMarks } from './word_marks.ts';

const key = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 6 }).map((high) => high * 2 ** 32 + 7),
);
const step = fc.record({ key, bit: fc.constantFrom(1, 2, 4, 8, 16) });

it('knows of each word what a plain map knows', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const marks = new WordMarks(1_000);
      const bits = new Map<number, number>();
      for (const { key, bit } of steps) {
        bits.set(key, (bits.get(key) ?? 0) | bit);
        marks.mark(key, bit);
      }
      for (const [key, seen] of bits) expect(marks.seen(key)).toBe(seen);
    }),
  );
});

it('knows nothing of a word that it did not meet, though it falls into the same slot', () => {
  const marks = new WordMarks(10);
  marks.mark(7, 4);
  expect(marks.seen(7 + 2 ** 32)).toBe(0);
});

it('takes in no word beyond its maximum, but goes on with those it knows', () => {
  const marks = new WordMarks(3);
  for (let key = 1; key <= 5; key++) marks.mark(key, 4);
  marks.mark(2, 16);
  expect([1, 2, 3, 4, 5].map((key) => marks.seen(key))).toEqual([4, 20, 4, 0, 0]);
});
