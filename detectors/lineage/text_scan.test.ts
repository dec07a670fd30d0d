import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextScan, TOKEN } from './text_scan.ts';

const hashesOf = (text: string) => {
  const scan = new TextScan().scan(text);
  return [...scan.hashes.subarray(0, scan.words)];
};
const wordsOf = (text: string) => {
  const scan = new TextScan().scan(text);
  return Array.from({ length: scan.words }, (_, at) => text.slice(scan.starts[at], scan.ends[at]));
};
const tokensOf = (text: string) => {
  const scan = new TextScan().scan(text);
  return Array.from({ length: scan.tokens }, (_, at) => text.slice(scan.token_starts[at], scan.token_ends[at]));
};

describe('TextScan', () => {
  it.each([
    ['letters of another case', 'The Depot', 'tHE dEPOT'],
    ['other letters of another case', 'Ärger in ŁÓDŹ, Θεός', 'ärger in łódź, ΘΕΌΣ'.replace('Σ', 'ς')],
    ['other white space and punctuation', 'one two-three', ' one\n\ttwo   (three)'],
    ['invisible characters', 'pay\u00admaster', 'pay\u200bmas\u2060ter'],
    ['full-width letters', 'Depot 7', 'Ｄｅｐｏｔ　７'],
  ])('takes %s for the same words', (_name, one, other) => {
    expect(hashesOf(one)).toEqual(hashesOf(other));
  });

  it('tells different words apart', () => {
    const words = Array.from({ length: 5_000 }, (_, at) => `w${at.toString(36)}`);
    expect(new Set(hashesOf(words.join(' '))).size).toBe(words.length);
  });

  it('takes each character of a script without spaces for a word', () => {
    expect(wordsOf('会议 ok、计划')).toEqual(['会', '议', 'ok', '计', '划']);
  });

  it.each([
    ['see ORD-2231, or a/b.txt', ['ORD-2231', 'a/b.txt']],
    ['It ended. So did we.', []],
    ['mail ann@example.com!', ['ann@example.com']],
    ['50%25 and "report.pdf".', ['50%25', 'report.pdf']],
    ['InternationalConferenceCentre', ['InternationalConferenceCentre']],
    ['plain words only', []],
  ])('sets apart the tokens of %s that are more than words', (text, expected) => {
    expect(tokensOf(text)).toEqual(expected);
  });

  it('says what a token holds', () => {
    const scan = new TextScan().scan('Ab/3');
    expect(scan.token_flags[0]).toBe(TOKEN.upper | TOKEN.lower | TOKEN.slash | TOKEN.digit);
  });

  it('cuts a long run by what it holds, so that any piece of it is cut alike', () => {
    const letters = fc.string({
      unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789'),
      minLength: 200,
      maxLength: 400,
    });
    fc.assert(
      fc.property(letters, fc.nat(100), (run, cut) => {
        const whole = new Set(hashesOf(run));
        const piece = hashesOf(run.slice(cut, cut + 100));
        expect(piece.filter((hash) => whole.has(hash)).length).toBeGreaterThanOrEqual(piece.length / 4);
      }),
    );
  });

  it('yields words and tokens inside the part that it looks at, in order and apart', () => {
    const parts = fc.constantFrom(
      'a',
      'Bc',
      '9',
      ' ',
      '\n',
      '.',
      '/',
      '@',
      '%',
      'é',
      '会',
      '\u200b',
      '\u0000',
      '-',
      '\ud83d',
      'x'.repeat(30),
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 60 }), fc.nat(40), fc.nat(40), (all, one, other) => {
        const text = all.join('');
        const from = Math.min(one, text.length);
        const to = Math.max(from, Math.min(text.length, from + other));
        const scan = new TextScan().scan(text, from, to);
        for (const [starts, ends, count] of [
          [scan.starts, scan.ends, scan.words],
          [scan.token_starts, scan.token_ends, scan.tokens],
        ] as const) {
          let last = from;
          for (let at = 0; at < count; at++) {
            expect(starts[at]).toBeGreaterThanOrEqual(last);
            expect(ends[at]).toBeGreaterThan(starts[at] as number);
            last = ends[at] as number;
          }
          expect(last).toBeLessThanOrEqual(to);
        }
      }),
    );
  });

  it('finds the same words in a part as in the whole, but for those at its edges', () => {
    const sentence = 'The northern depot reported that twelve pallets were damaged';
    expect(wordsOf(sentence).slice(2, 6)).toEqual(['depot', 'reported', 'that', 'twelve']);
    const scan = new TextScan().scan(sentence, 13, 40);
    expect(sentence.slice(scan.starts[0], scan.ends[0])).toBe('depot');
    expect(scan.wordFrom(14)).toBe(1);
    expect(scan.wordFrom(100)).toBe(scan.words);
  });
});
