/**
 * Which session an event belongs to. A producer's own id comes first, then the ids of conversation, client, MCP
 * session and trace; else events of one user and client with less than half an hour between them are one session.
 * The gap is measured on our clock, since a producer's clock is a claim.
 */
import { hash } from 'node:crypto';
import type { Fields } from '../core/groups.ts';
import { LIMITS } from '../core/limits.ts';
import type { SessionSource } from '../core/session.ts';

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

/** Open sessions that were derived from gaps, in the order of last use. */
export class GapSessions {
  private readonly open = new Map<string, OpenGap>();
  evicted = 0;

  static keyOf(tenant: string, user: string, client: string): string {
    return `${tenant}\0${user}\0${client}`;
  }

  /** The open session of a key at this time, or undefined. */
  find(key: string, received_at_ms: number): string | undefined {
    const gap = this.open.get(key);
    return gap !== undefined && received_at_ms - gap.last_received_ms < LIMITS.session_gap_ms
      ? gap.session_id
      : undefined;
  }

  set(key: string, session_id: string, received_at_ms: number): void {
    this.open.delete(key);
    this.open.set(key, { session_id, last_received_ms: received_at_ms });
    for (const [oldest, gap] of this.open) {
      const over = this.open.size > LIMITS.session_cache_max;
      if (!over && received_at_ms - gap.last_received_ms < LIMITS.session_gap_ms) break;
      if (over) this.evicted++;
      this.open.delete(oldest);
    }
  }
}

/** The session of an event, and how it is known. `seq` makes the id of a new derived session unique. */
export function sessionOf(
  gaps: GapSessions,
  fields: Fields,
  tenant: string,
  received_at_ms: number,
  seq: number,
): { session_id: string; source: SessionSource } {
  for (const [field, source] of NAMED) {
    const named = fields[field];
    if (typeof named === 'string') return { session_id: named, source };
  }
  const key = GapSessions.keyOf(tenant, String(fields.user_id ?? ''), String(fields.client ?? ''));
  const session_id =
    gaps.find(key, received_at_ms) ?? `gap-${hash('sha256', `${key}\0${seq}`, 'base64url').slice(0, 22)}`;
  gaps.set(key, session_id, received_at_ms);
  return { session_id, source: 'gap' };
}
