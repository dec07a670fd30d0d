import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplayPoints } from './replay_points.ts';

describe('a place from which a replay may begin', () => {
  it('is where everything before was looked at', () => {
    const points = new ReplayPoints();
    points.seen('a', 4, 10);
    points.seen('a', 5, 20);
    expect(points.before(5)).toBe(5);
    expect(points.before(6)).toBe(6);
  });

  it('is not between two events of a session that changed places, but before both', () => {
    const points = new ReplayPoints();
    points.seen('a', 4, 20);
    points.seen('b', 5, 15);
    points.seen('a', 6, 10);
    expect([4, 5, 6, 7].map((below) => points.before(below))).toEqual([4, 4, 4, 7]);
  });

  it('may be between events of two sessions in whatever order', () => {
    const points = new ReplayPoints();
    points.seen('a', 4, 20);
    points.seen('b', 5, 10);
    expect(points.before(5)).toBe(5);
  });

  it('may be between an event that was looked at and one that comes late', () => {
    const points = new ReplayPoints();
    points.seen('a', 4, 20);
    points.released(5);
    points.seen('a', 5, 10);
    expect(points.before(5)).toBe(5);
  });

  it('lies before all that overlap', () => {
    const points = new ReplayPoints();
    points.seen('a', 1, 20);
    points.seen('b', 2, 20);
    points.seen('a', 3, 10);
    points.seen('b', 4, 10);
    expect([2, 3, 4, 5].map((below) => points.before(below))).toEqual([1, 1, 1, 5]);
  });

  it('does not lag without end behind sessions that are never in order', () => {
    const points = new ReplayPoints();
    for (let seq = 0; seq < 120_000; seq += 2) {
      points.seen('a', seq + 1, -seq);
      if (seq > 100) points.released(seq - 100);
    }
    expect(points.before(119_900)).toBeGreaterThan(60_000);
  });
});

it('knows which sessions may still have events that wait', () => {
  const points = new ReplayPoints();
  points.seen('a', 1, 1);
  points.seen('b', 2, 2);
  points.seen('a', 3, 3);
  expect([points.oldest, points.keyOf(3)]).toEqual([1, 'a']);
  points.released(3);
  expect([points.holds('a'), points.holds('b'), points.oldest, points.keyOf(2)]).toEqual([true, false, 3, undefined]);
  points.released(4);
  expect([points.holds('a'), points.oldest]).toEqual([false, undefined]);
});

it('never begins a replay behind one event and before another that was sorted in front of it', () => {
  const events = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), time_ms: fc.nat(20) }), { maxLength: 40 });
  fc.assert(
    fc.property(events, fc.nat(40), (arrivals, below) => {
      const points = new ReplayPoints();
      for (const [seq, { key, time_ms }] of arrivals.entries()) points.seen(key, seq, time_ms);
      const place = points.before(Math.min(below, arrivals.length));
      const earlier = arrivals.slice(0, place);
      for (const { key, time_ms } of arrivals.slice(place)) {
        expect(earlier.filter((each) => each.key === key && each.time_ms > time_ms)).toEqual([]);
      }
      // And it goes no further back than to the first event that changed places.
      expect(place === Math.min(below, arrivals.length) || place < below).toBe(true);
    }),
  );
});
