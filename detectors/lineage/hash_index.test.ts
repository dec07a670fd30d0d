import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTRY_BYTES, HashIndex } from './hash_index.ts';
import { HashSet } from './hash_set.ts';

const entriesOf = (index: HashIndex, hash: number) => {
  const found: [number, number][] = [];
  for (let at = index.first(hash); at >= 0; at = index.before(at)) found.push([index.sourceAt(at), index.placeAt(at)]);
  return found;
};
const small = fc.integer({ min: -6, max: 6 });

describe('HashIndex', () => {
  it('yields what a plain map would, the latest first, also after entries were dropped', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(small, fc.nat(4), fc.nat(99)), { maxLength: 200 }), fc.nat(4), (entries, gone) => {
        const index = new HashIndex();
        for (const [hash, source, place] of entries) index.add(hash, source, place);
        const expected = (hash: number, kept: typeof entries) =>
          kept
            .filter((entry) => entry[0] === hash)
            .map(([, source, place]) => [source, place])
            .reverse()
            .slice(0, 64);
        for (let hash = -6; hash <= 6; hash++) expect(entriesOf(index, hash)).toEqual(expected(hash, entries));
        index.compact((source) => source !== gone);
        const kept = entries.filter(([, source]) => source !== gone);
        expect(index.size).toBe(kept.length);
        for (let hash = -6; hash <= 6; hash++) expect(entriesOf(index, hash)).toEqual(expected(hash, kept));
      }),
    );
  });

  it('knows its memory to the byte', () => {
    const index = new HashIndex();
    expect(index.bytes).toBe(0);
    for (let at = 0; at < 1_000; at++) index.add(at * 7919, 1, at);
    expect(index.bytes).toBe(1_024 * ENTRY_BYTES);
  });

  it('goes through a bounded number of entries that collide', () => {
    const index = new HashIndex();
    for (let at = 1; at <= 10_000; at++) index.add(at << 20, 1, at);
    const before = index.steps;
    index.first(1 << 20);
    expect(index.steps - before).toBeLessThanOrEqual(64);
  });
});

describe('HashSet', () => {
  it('holds what was added and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.array(fc.integer()), (added, asked) => {
        const set = new HashSet();
        for (const hash of added) set.add(hash);
        // Zero shares the place of one.
        const same = (hash: number) => (hash === 0 ? 1 : hash);
        const known = new Set(added.map(same));
        expect(set.size).toBe(known.size);
        for (const hash of [...added, ...asked]) expect(set.has(hash)).toBe(known.has(same(hash)));
      }),
    );
  });
});
