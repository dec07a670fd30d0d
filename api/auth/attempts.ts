/**
 * How often one may ask. Each key has so many requests a minute, and each address so many that fail: guessing stops
 * early, and people whose keys work are not held back by a neighbour who guesses.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '../../core/errors.ts';
import type { Limits } from '../../core/limits.ts';

const MINUTE_S = 60;

export interface Attempts {
  /** Counts one request of a key. Throws `rate_limited`. */
  used(key_id: string): Promise<void>;
  /** Before a secret is looked at: throws `too_many_attempts` where this address failed too often with this name. */
  check(address: string, name: string): Promise<void>;
  /** Counts a failure; a name that nobody has is absent. Throws `too_many_attempts` where the address had too many. */
  failed(address: string, name?: string): Promise<void>;
}

export function createAttempts(limits: Pick<Limits, 'requests_per_minute_max' | 'failures_per_minute_max'>): Attempts {
  const { requests_per_minute_max, failures_per_minute_max } = limits;
  const requests = new RateLimiterMemory({ points: requests_per_minute_max, duration: MINUTE_S });
  const failures = new RateLimiterMemory({ points: failures_per_minute_max, duration: MINUTE_S });
  const by_name = new RateLimiterMemory({ points: failures_per_minute_max, duration: MINUTE_S });
  const guessing = `this address sent more than ${failures_per_minute_max} keys that do not work within a minute`;
  return {
    used: (key_id) =>
      take(requests, key_id, 'rate_limited', `this key may ask ${requests_per_minute_max} times a minute`),
    async check(address, name) {
      const spent = await by_name.get(pair(address, name));
      if (spent !== null && spent.consumedPoints >= failures_per_minute_max) {
        throw refusal('too_many_attempts', guessing, spent);
      }
    },
    async failed(address, name) {
      if (name !== undefined) await by_name.penalty(pair(address, name), 1);
      await take(failures, networkOf(address), 'too_many_attempts', guessing);
    },
  };
}

const pair = (address: string, name: string) => `${networkOf(address)} ${name}`;

/** One host has 2^64 addresses of IPv6: they count as one. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - groups.length - behind.length;
  return [...groups, ...Array<string>(Math.max(0, zeros)).fill('0'), ...behind].slice(0, 4).join(':');
}

async function take(limiter: RateLimiterMemory, key: string, code: string, message: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (spent) {
    if (spent instanceof RateLimiterRes) throw refusal(code, message, spent);
    throw spent;
  }
}

function refusal(code: string, message: string, { msBeforeNext }: RateLimiterRes): AppError {
  return new AppError(code, message, { cause: { retry_after_s: Math.max(1, Math.ceil(msBeforeNext / 1_000)) } });
}
