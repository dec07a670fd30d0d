import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeliveryRow } from '../../core/store/queries/deliveries.ts';
import type { Subscription } from '../../core/subscription.ts';
import type { Message } from './message.ts';
import { retrySchedule } from './retry_schedule.ts';
import { TargetQueue } from './target_queue.ts';

const SUBSCRIPTION = { state: 'active', per_second_max: 100 } as unknown as Subscription;
const ROW = { message_id: 'msg_1', version: 1, state: 'waiting', attempts: 0, created_at_ms: 0, due_at_ms: 0 };

/** A queue whose store refuses the outcome so many times, at a target that answers so. */
function queueOn(
  write_faults: number,
  answer: { status: number; error: string; final?: boolean } = { status: 200, error: '' },
) {
  const seen = { sends: 0, faults: 0, written: [] as DeliveryRow[] };
  const queue = new TargetQueue(
    {
      subscription: () => SUBSCRIPTION,
      schedule: retrySchedule([5]),
      now: Date.now,
      random: () => 0,
      send: async () => {
        seen.sends++;
        return answer;
      },
      write: async (row) => {
        if (seen.faults < write_faults) throw new Error('the store is away');
        seen.written.push(row);
      },
      load: async () => [],
      onGone: async () => undefined,
      onFault: () => {
        seen.faults++;
      },
    },
    0,
  );
  return { queue, seen };
}

describe('TargetQueue', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('sends a message again a second after its outcome could not be stored, not at once and not for nothing', async () => {
    const { queue, seen } = queueOn(2);
    queue.add({ ...ROW } as DeliveryRow, {} as Message);
    await vi.advanceTimersByTimeAsync(900);
    expect(seen).toMatchObject({ sends: 1, faults: 1 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(seen).toMatchObject({ sends: 2, faults: 2 });
    await vi.advanceTimersByTimeAsync(1_200);
    expect(seen.sends).toBe(3);
    expect(seen.written.map(({ state, attempts }) => [state, attempts])).toEqual([['sent', 1]]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen.sends).toBe(3);
    expect(queue.waiting).toBe(0);
    await queue.close();
  });

  it('rests after failures of its target, and not after messages that can never be taken', async () => {
    const rowOf = (i: number) =>
      ({ ...ROW, message_id: `msg_${i}`, created_at_ms: Date.now(), due_at_ms: Date.now() }) as DeliveryRow;
    const refused = queueOn(0, { status: 550, error: 'smtp_550', final: true });
    const failing = queueOn(0, { status: 503, error: 'http_503' });
    for (const { queue } of [refused, failing]) for (let i = 0; i < 20; i++) queue.add(rowOf(i), {} as Message);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([refused.seen.sends, refused.queue.status.resting]).toEqual([20, false]);
    expect(refused.seen.written.every(({ state }) => state === 'dead')).toBe(true);
    expect(failing.seen.sends).toBeLessThan(20);
    expect(failing.queue.status.resting).toBe(true);
    await refused.queue.close();
    await failing.queue.close();
  });
});
