import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../core/limits.ts';
import { findPassages, notePassages, PASSAGE_WEIGHT_MIN, winnow } from './passages.ts';
import { SourceStore } from './source_store.ts';
import { TextScan } from './text_scan.ts';

const SOURCE = `The northern depot reported that twelve pallets of ceramic tiles were damaged during transport last Tuesday,
and the carrier has accepted liability for nine of them. A replacement shipment leaves the harbour on Friday morning,
provided that the customs form is signed by the warehouse manager before noon. Nobody at the depot was hurt.`;
const FACTS = {
  ref: { log: 'l', seq: 1, event_id: 'e', server: 'wiki', tool: 'read' },
  untrusted: true,
  sensitivity: 'unknown',
  memory_store: undefined,
} as const;

function passagesIn(text: string, ...sources: string[]) {
  const counters = { evicted_values: 0, truncated_texts: 0, work: 0 };
  const store = new SourceStore(LIMITS, counters);
  for (const source of sources) {
    const opened = store.open(FACTS, [{ key: '', text: source, field: false }], []);
    notePassages(store, opened, new TextScan().scan(source));
  }
  const found = findPassages(store, new TextScan().scan(text), counters);
  return found.filter((passage) => passage.weight >= PASSAGE_WEIGHT_MIN);
}
const word = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'), minLength: 3, maxLength: 9 });

describe('winnow', () => {
  it('keeps one of any six shingles in a row, so that a run of eight words is known again', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 8, maxLength: 120 }), (words) => {
        const kept: number[] = [];
        winnow(new TextScan().scan(words.join(' ')), (_hash, at) => kept.push(at));
        expect(kept).toEqual([...new Set(kept)].sort((one, other) => one - other));
        for (let from = 0; from + 8 <= words.length; from++) {
          expect(kept.some((at) => at >= from && at <= from + 5)).toBe(true);
        }
      }),
    );
  });

  it('keeps the only shingle of three words, and none of two', () => {
    const kept = (text: string) => {
      let count = 0;
      winnow(new TextScan().scan(text), () => count++);
      return count;
    };
    expect([kept('one two three'), kept('one two')]).toEqual([1, 0]);
  });
});

describe('findPassages', () => {
  it('finds a copy of any part of twelve words or more, and says where it stood', () => {
    const words = SOURCE.split(/\s+/);
    fc.assert(
      fc.property(fc.nat(words.length - 12), fc.integer({ min: 12, max: 40 }), fc.boolean(), (from, count, loud) => {
        const copy = words.slice(from, from + count).join(loud ? '\n\n' : ' ');
        const [passage] = passagesIn(`Dear all: ${loud ? copy.toUpperCase() : copy} -- regards`, SOURCE);
        expect(passage).toBeDefined();
        if (passage === undefined) return;
        const stood = SOURCE.slice(passage.source_start, passage.source_end).split(/\s+/);
        expect(stood.length).toBeGreaterThanOrEqual(Math.min(count, words.length - from) - 1);
        expect(copy.toLowerCase()).toContain(stood[0]?.toLowerCase());
      }),
    );
  });

  it.each([
    ['a word replaced', SOURCE.replace('ceramic', 'glazed')],
    ['words left out', SOURCE.replace('during transport ', '').replace(', and the carrier has', '; it')],
    ['words put in', SOURCE.replace('leaves the', 'we hear leaves the')],
    [
      'every tenth word replaced',
      SOURCE.split(/\s+/)
        .map((each, at) => (at % 10 === 9 ? 'xxxx' : each))
        .join(' '),
    ],
  ])('follows a passage over an edit: %s', (_name, text) => {
    const passages = passagesIn(text, SOURCE);
    expect(passages).toHaveLength(1);
    expect(passages[0]?.chars).toBeGreaterThan(SOURCE.length * 0.75);
    expect(passages[0]?.source_end).toBeGreaterThan(SOURCE.length - 20);
  });

  it('finds none in texts that share no more than ordinary phrases', () => {
    const other = `The manager of the harbour reported last Friday that the replacement of the customs form was accepted. Nine
      of the pallets are at the depot in the north; a carrier was hurt during the transport of tiles on Tuesday.`;
    expect(passagesIn(other, SOURCE)).toEqual([]);
  });

  it('finds none in unrelated random texts', () => {
    const text = fc.array(word, { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(text, text, (one, other) => {
        // Words of a small vocabulary repeat by chance; those of one text are kept out of the other.
        const known = new Set(one);
        const apart = other.filter((each) => !known.has(each));
        expect(passagesIn(apart.join(' '), one.join(' '))).toEqual([]);
      }),
    );
  });

  it('finds a passage of a script without spaces, and of an unbroken run of characters', () => {
    const chinese = '今天的会议讨论了新的仓库计划，并决定在下个月开始建设工作，预算为三百万元。';
    expect(passagesIn(`转发：${chinese.slice(3, 24)}`, chinese)).toHaveLength(1);
    const run = Array.from({ length: 60 }, (_, at) => (at * 104_729).toString(36)).join('');
    expect(passagesIn(`x${run.slice(57, 220)}y`, run)).toHaveLength(1);
  });

  it('tells apart the sources of two passages', () => {
    const [one, other] = [SOURCE.slice(0, 150), SOURCE.slice(170)];
    const found = passagesIn(`${other.slice(0, 90)} / ${one.slice(0, 100)}`, one, other);
    expect(found.map((passage) => passage.source.text)).toEqual([other, one]);
  });
});
