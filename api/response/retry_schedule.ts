/** When a message that was not taken is sent again. Pure: chance is passed in. */
import { LIMITS } from '../../core/limits.ts';

const JITTER = 0.2;

export interface RetrySchedule {
  /** How long to wait after so many attempts, or undefined when that was the last. */
  delayMs(attempts: number, chance: number, retry_after_s?: number): number | undefined;
  /** Whoever still waits so long after it was made is given up: longer than all waits together. */
  give_up_ms: number;
  /** How long a target rests after so many failures in a row beyond those that stopped it. */
  restMs(times: number): number;
}

/** A schedule from the waits between attempts, in seconds. A receiver that asks for a longer wait gets it. */
export function retrySchedule(waits_s: readonly number[]): RetrySchedule {
  const sum_s = waits_s.reduce((sum, each) => sum + each, 0);
  const first_ms = (waits_s[0] ?? 1) * 1000;
  return {
    delayMs(attempts, chance, retry_after_s = 0) {
      const wait_s = waits_s[attempts - 1];
      if (wait_s === undefined) return undefined;
      const asked_s = Math.min(retry_after_s, LIMITS.webhook_retry_after_s_max);
      // Never sooner than planned: whoever fails under load would be hit again by all at once.
      return Math.round(Math.max(wait_s, asked_s) * 1000 * (1 + JITTER * chance));
    },
    give_up_ms: Math.round(sum_s * 1000 * (1 + 2 * JITTER)) + 60 * first_ms,
    restMs: (times) => Math.min(first_ms * 2 ** Math.min(times, 16), LIMITS.webhook_rest_ms_max),
  };
}
