import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNews, keep, useEntry } from './bounded.ts';
import { duration, inLogOrder, listing, quote, shorten } from './wording.ts';

describe('quote', () => {
  it('gives one line between its own marks, whatever the text holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const quoted = quote(text);
        expect(quoted).toMatch(/^“[^“”\n\r\u0000-\u001f]*”$/);
        expect(quoted.length).toBeLessThanOrEqual(162);
      }),
    );
  });

  it('masks secrets before it cuts', () => {
    const token = `ghp_${'q7Xw2Lr9Tz4Kd8Vn3Bm6'}${'Yc1Hs5Jf0Gp8Aq2E'}`;
    expect(quote(`${'x'.repeat(140)} ${token}`)).not.toContain('ghp_q7');
  });
});

describe('the words of findings', () => {
  it('lists what there is, and counts the rest', () => {
    expect(listing([])).toBe('nothing');
    expect(listing(['a'])).toBe('a');
    expect(listing(['a', 'b'])).toBe('a and b');
    expect(listing(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more');
  });

  it('tells times as people do', () => {
    expect([90_000, 3_600_000, 86_400_000, 5 * 86_400_000].map(duration)).toEqual([
      '90 seconds',
      '60 minutes',
      '24 hours',
      '5 days',
    ]);
  });

  it('cuts what is long and leaves the rest', () => {
    expect(shorten('a'.repeat(10), 10)).toBe('a'.repeat(10));
    expect(shorten('a'.repeat(11), 10)).toBe(`${'a'.repeat(9)}…`);
  });

  it('puts evidence into the order of the log without touching the original', () => {
    const step = (seq: number) => ({ event: { log: 'l', seq, event_id: String(seq), server: '', tool: '' }, role: '' });
    const steps = [step(3), step(1)];
    expect(inLogOrder(steps).map(({ event }) => event.seq)).toEqual([1, 3]);
    expect(steps[0]?.event.seq).toBe(3);
  });
});

describe('bounded lists', () => {
  it('keep the last entries', () => {
    const list: number[] = [];
    for (let n = 0; n < 10; n++) keep(list, n, 3);
    expect(list).toEqual([7, 8, 9]);
  });

  it('tell something once, until it is forgotten', () => {
    const told: string[] = [];
    expect([
      isNews(told, 'a', 2),
      isNews(told, 'a', 2),
      isNews(told, 'b', 2),
      isNews(told, 'c', 2),
      isNews(told, 'a', 2),
    ]).toEqual([true, false, true, true, true]);
  });

  it('move what is used to the end', () => {
    const list = ['a', 'b', 'c'];
    expect(useEntry(list, (entry) => entry === 'a')).toBe('a');
    expect(list).toEqual(['b', 'c', 'a']);
    expect(useEntry(list, (entry) => entry === 'x')).toBeUndefined();
  });
});
