/** One-time login codes and the short-lived browser sessions that they open. In memory: a restart ends them. */
import { randomBytes } from 'node:crypto';
import type { Principal } from './access.ts';

const CODE_MS = 10 * 60_000;
const SESSION_MS = 8 * 3_600_000;
const OPEN_MAX = 1_000;

interface Entry {
  principal: Principal;
  ends_ms: number;
}

export interface LoginCodes {
  /** A code that opens one browser session within ten minutes. */
  issue(principal: Principal): string;
  /** Opens a session of a browser whose owner is known already. */
  open(principal: Principal): string;
  /** Trades a code for a session token; a code works once. */
  redeem(code: string): string | undefined;
  /** Who a session token belongs to. */
  check(token: string): Principal | undefined;
  /** Ends a session. */
  end(token: string): void;
}

export function createLoginCodes(now: () => number): LoginCodes {
  const codes = new Map<string, Entry>();
  const sessions = new Map<string, Entry>();
  const put = (map: Map<string, Entry>, principal: Principal, life_ms: number): string => {
    for (const [token, entry] of map) if (entry.ends_ms <= now() || map.size >= OPEN_MAX) map.delete(token);
    const token = randomBytes(32).toString('base64url');
    map.set(token, { principal, ends_ms: now() + life_ms });
    return token;
  };
  const live = (entry: Entry | undefined) =>
    entry !== undefined && entry.ends_ms > now() ? entry.principal : undefined;
  return {
    issue: (principal) => put(codes, principal, CODE_MS),
    open: (principal) => put(sessions, principal, SESSION_MS),
    redeem(code) {
      const principal = live(codes.get(code));
      codes.delete(code);
      return principal && put(sessions, principal, SESSION_MS);
    },
    check: (token) => live(sessions.get(token)),
    end: (token) => void sessions.delete(token),
  };
}
