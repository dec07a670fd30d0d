/** Bounds how many mails one person gets: whoever can cause alerts must not be able to flood a mailbox. In memory. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { LIMITS } from '../../core/limits.ts';

const HOUR_S = 3_600;

export interface MailLimit {
  /** Counts one mail to an address. False when it has had as many as it may within the hour. */
  take(address: string): Promise<boolean>;
  /** It was not sent after all. */
  giveBack(address: string): Promise<void>;
}

export function openMailLimit(): MailLimit {
  const limiter = new RateLimiterMemory({ points: LIMITS.mail_per_person_per_hour_max, duration: HOUR_S });
  const key = (address: string) => address.toLowerCase();
  return {
    take: (address) =>
      limiter.consume(key(address)).then(
        () => true,
        () => false,
      ),
    giveBack: async (address) => void (await limiter.reward(key(address))),
  };
}
