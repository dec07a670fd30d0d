/**
 * Holds: what must not be erased and does not expire, because somebody said so, with a reason and until a time. A hold
 * and its release are records of the log; what is in force is read from them. Pure.
 */
import { EVIDENCE_HELD } from './enforcement.ts';
import type { Fields } from './groups.ts';
import { LIMITS } from './limits.ts';

export const HOLD_ADDED = 'hold.added';
export const HOLD_RELEASED = 'hold.released';
/** Types of the records that make and end holds; a suspension makes one of its session. */
export const HOLD_TYPES = [HOLD_ADDED, HOLD_RELEASED, EVIDENCE_HELD] as const;

const DAY_MS = 86_400_000;

/** Of one session or of one user in all sessions: the other one is ''. */
export interface Hold {
  hold_id: string;
  session_id: string;
  user_id: string;
  reason: string;
  actor: string;
  added_at_ms: number;
  expires_at_ms: number;
  /** When it was released before its time. */
  released_at_ms: number | undefined;
  release_reason: string;
}

/** A record that makes or ends a hold. */
export interface HoldRecord {
  type: string;
  event_id: string;
  received_at_ms: number;
  actor: string;
  detail: Fields;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The holds that records of one tenant make, in the order of the log, those that have ended among them. */
export function holdsOf(records: readonly HoldRecord[]): Hold[] {
  const holds = new Map<string, Hold>();
  for (const record of records) {
    const { type, event_id, detail, received_at_ms } = record;
    if (type !== HOLD_RELEASED) {
      if (!holds.has(event_id)) holds.set(event_id, holdOf(record));
      continue;
    }
    const hold = holds.get(text(detail.hold_id));
    if (hold === undefined || hold.released_at_ms !== undefined) continue;
    hold.released_at_ms = received_at_ms;
    hold.release_reason = text(detail.reason);
  }
  return [...holds.values()];
}

function holdOf({ type, event_id, received_at_ms, actor, detail }: HoldRecord): Hold {
  const expires_at_ms =
    type === EVIDENCE_HELD ? received_at_ms + LIMITS.evidence_hold_days * DAY_MS : Number(detail.expires_at_ms);
  return {
    hold_id: event_id,
    session_id: text(detail.session_id),
    user_id: text(detail.user_id),
    reason: text(detail.reason),
    actor,
    added_at_ms: received_at_ms,
    expires_at_ms,
    released_at_ms: undefined,
    release_reason: '',
  };
}

/** Whether a hold counts at a time. */
export function isInForce({ released_at_ms, expires_at_ms }: Hold, now_ms: number): boolean {
  return released_at_ms === undefined && now_ms < expires_at_ms;
}

/** What holds in force cover, for asking of many records. */
export class HeldThings {
  private readonly sessions = new Map<string, string>();
  private readonly users = new Map<string, string>();

  constructor(holds: readonly Hold[], now_ms: number) {
    for (const hold of holds) {
      if (!isInForce(hold, now_ms)) continue;
      if (hold.session_id !== '') this.sessions.set(hold.session_id, hold.hold_id);
      if (hold.user_id !== '') this.users.set(hold.user_id, hold.hold_id);
    }
  }

  /** The hold that covers a record of this session and user, or undefined. */
  holdOn({ session_id, user_id }: { session_id: string; user_id: string }): string | undefined {
    return this.sessions.get(session_id) ?? this.users.get(user_id);
  }
}
