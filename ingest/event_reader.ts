/** Reads events without a log: for looking at a file with the detectors alone. */
import { Buffer } from 'node:buffer';
import type { ProvenanceEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { eventOf } from '../core/stored_event.ts';
import { GapSessions, gapKey, sessionOf } from './derive_session.ts';
import { readRecord } from './parse.ts';

export interface Unreadable {
  seq: number;
  reason: string;
  message: string;
}

export type ReadEvent = { event: ProvenanceEvent } | { unreadable: Unreadable } | { duplicate_of: string };

export interface EventReader {
  /** The event of one record's bytes, as the log would hand it to the detectors. */
  read(bytes: Buffer): ReadEvent;
}

const NO_SALT = Buffer.alloc(32);

/**
 * A reader that numbers records as they come and derives sessions as the log does. Nothing says when a record of a
 * file arrived, so its own time, never running backwards, stands for that. The ids of the last `dedup_horizon_max`
 * events are remembered.
 */
export function createEventReader(now_ms: number): EventReader {
  const gaps = new GapSessions();
  const seen = new Set<string>();
  const counts = new Map<string, number>();
  let seq = -1;
  let clock_ms = 0;

  function isRepeated(key: string): boolean {
    if (seen.has(key)) return true;
    seen.add(key);
    if (seen.size > LIMITS.dedup_horizon_max) {
      for (const oldest of seen) {
        seen.delete(oldest);
        break;
      }
    }
    return false;
  }

  function nextOf(key: string): number {
    const count = counts.get(key) ?? 0;
    counts.delete(key);
    counts.set(key, count + 1);
    if (counts.size <= LIMITS.session_cache_max) return count;
    for (const oldest of counts.keys()) {
      if (counts.size <= LIMITS.session_cache_max) break;
      counts.delete(oldest);
    }
    return count;
  }

  return {
    read(bytes) {
      seq++;
      const record = { bytes, tenant: '*', accepted_by: 'file', received_at_ms: now_ms, salt: NO_SALT };
      const parsed = readRecord(record);
      if (!parsed.ok) return { unreadable: { seq, reason: parsed.reason, message: parsed.message } };
      const { fields, tenant, time_ms } = parsed;
      const event_id = fields.event_id as string;
      if (isRepeated(`${tenant}\0${event_id}`)) return { duplicate_of: event_id };
      clock_ms = Math.max(clock_ms, time_ms);
      gaps.advance(clock_ms);
      const { session_id, source } = sessionOf(gaps, fields, tenant, seq);
      const user_id = String(fields.user_id ?? '');
      const client = String(fields.client ?? '');
      if (source === 'gap') followGap(gaps, { tenant, session_id, user_id, client }, clock_ms);
      const place = {
        log: 'file',
        seq,
        session_seq: nextOf(`${tenant}\0${session_id}`),
        event_id,
        type: fields.type as string,
        time: fields.time as string,
        time_ms,
        received_at_ms: clock_ms,
      };
      fields.session_id = session_id;
      return { event: eventOf(place, fields) };
    },
  };
}

function followGap(
  gaps: GapSessions,
  session: { tenant: string; session_id: string; user_id: string; client: string },
  received_ms: number,
): void {
  const state = { ...session, last_received_ms: received_ms } as Parameters<GapSessions['follow']>[0];
  gaps.follow(state, gapKey(session));
}
