import { describe, expect, it } from 'vitest';
import { retrySchedule } from './retry_schedule.ts';

const schedule = retrySchedule([5, 300, 1_800]);

describe('the schedule of retries', () => {
  it('gives each wait in turn with up to a fifth more, and then none', () => {
    expect([1, 2, 3, 4].map((attempts) => schedule.delayMs(attempts, 0))).toEqual([
      5_000,
      300_000,
      1_800_000,
      undefined,
    ]);
    expect(schedule.delayMs(1, 1)).toBe(6_000);
  });

  it('waits longer where the receiver asks for it, within a day, and never shorter', () => {
    expect(schedule.delayMs(1, 0, 60)).toBe(60_000);
    expect(schedule.delayMs(2, 0, 1)).toBe(300_000);
    expect(schedule.delayMs(1, 0, 10_000_000)).toBe(86_400_000);
  });

  it('lets a target rest longer each time, up to a minute', () => {
    expect([0, 1, 2, 50].map((times) => schedule.restMs(times))).toEqual([5_000, 10_000, 20_000, 60_000]);
  });
});
