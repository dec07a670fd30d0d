/**
 * Which session an event belongs to. A producer's own id comes first, then the ids of conversation, client, MCP
 * session and trace; else events of one user and client with less than half an hour between them are one session.
 * The gap is measured on our clock, since a producer's clock is a claim.
 */
import { hash } from 'node:crypto';
import type { Fields } from '../core/groups.ts';
import { LIMITS } from '../core/limits.ts';
import type { SessionSource, SessionState } from '../core/session.ts';

interface OpenGap {
  session_id: string;
  last_received_ms: number;
}

const NAMED: readonly (readonly [field: string, source: SessionSource])[] = [
  ['session_id', 'given'],
  ['conversation_id', 'conversation'],
  ['client_session_id', 'client'],
  ['mcp_session_id', 'mcp'],
  ['trace_id', 'trace'],
];

/**
 * Open sessions that were derived from gaps, in the order of last use. What is open follows from the stored rows of
 * sessions and the latest arrival alone, so that a restart finds the same ones.
 */
export class GapSessions {
  private readonly open = new Map<string, OpenGap>();
  private now_ms = 0;
  evicted = 0;

  static keyOf(tenant: string, user: string, client: string): string {
    return `${tenant}\0${user}\0${client}`;
  }

  /** Moves our clock to the arrival of a record; it never runs backwards. */
  advance(received_at_ms: number): void {
    if (received_at_ms > this.now_ms) this.now_ms = received_at_ms;
  }

  /** The session of a key that is open now, or undefined. */
  find(key: string): string | undefined {
    const gap = this.open.get(key);
    return gap !== undefined && this.isOpen(gap) ? gap.session_id : undefined;
  }

  private isOpen(gap: OpenGap): boolean {
    return this.now_ms - gap.last_received_ms < LIMITS.session_gap_ms;
  }

  /** Notes that a derived session has a new record; `key_before` is its key before that record. */
  follow(session: SessionState, key_before?: string): void {
    const key = gapKey(session);
    const { session_id, last_received_ms } = session;
    // A record that named the session itself may have been the first to say whose it is.
    if (key_before !== undefined && key_before !== key && this.open.get(key_before)?.session_id === session_id) {
      this.open.delete(key_before);
    }
    this.open.delete(key);
    this.open.set(key, { session_id, last_received_ms });
    for (const [oldest, gap] of this.open) {
      const over = this.open.size > LIMITS.session_cache_max;
      if (!over && this.isOpen(gap)) break;
      if (over) this.evicted++;
      this.open.delete(oldest);
    }
  }
}

/** The key under which events without any session id join a derived session. */
export function gapKey(session: { tenant: string; user_id: string; client: string }): string {
  return GapSessions.keyOf(session.tenant, session.user_id, session.client);
}

function gapKeyOfEvent(fields: Fields, tenant: string): string {
  return GapSessions.keyOf(tenant, String(fields.user_id ?? ''), String(fields.client ?? ''));
}

/** The stored session that an event may belong to, or undefined when it can only begin a new one. */
export function knownSession(gaps: GapSessions, fields: Fields, tenant: string): string | undefined {
  return namedSession(fields)?.session_id ?? gaps.find(gapKeyOfEvent(fields, tenant));
}

function namedSession(fields: Fields): { session_id: string; source: SessionSource } | undefined {
  for (const [field, source] of NAMED) {
    const named = fields[field];
    if (typeof named === 'string') return { session_id: named, source };
  }
  return undefined;
}

/** The session of an event, and how it is known. `seq` makes the id of a new derived session unique. */
export function sessionOf(
  gaps: GapSessions,
  fields: Fields,
  tenant: string,
  seq: number,
): { session_id: string; source: SessionSource } {
  const named = namedSession(fields);
  if (named !== undefined) return named;
  const key = gapKeyOfEvent(fields, tenant);
  const session_id = gaps.find(key) ?? `gap-${hash('sha256', `${key}\0${seq}`, 'base64url').slice(0, 22)}`;
  return { session_id, source: 'gap' };
}
