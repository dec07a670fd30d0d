/**
 * Puts the events of each session into the order of their producers' times, within bounds. An event is held until the
 * log has gone on for a while (measured on `received_at`, so a replay of the same log holds and releases alike) or
 * until too many are held. What comes after a later event of its session was released is marked late.
 */
import type { ProvenanceEvent } from '../core/event.ts';

export interface ReorderLimits {
  reorder_ms_max: number;
  reorder_events_max: number;
}

export interface Released {
  event: ProvenanceEvent;
  late: boolean;
}

interface Waiting {
  /** In order of (time_ms, seq). */
  events: ProvenanceEvent[];
  last_time_ms: number;
  last_seq: number;
}

interface Held {
  key: string;
  event: ProvenanceEvent;
}

export interface Reorder {
  push(key: string, event: ProvenanceEvent): void;
  /** The events that are due, in order. */
  take(): Released[];
  /** Tells that the log's clock has come this far without a new event. */
  advance(received_at_ms: number): void;
  /** All that is held. */
  flush(): Released[];
  /** Forgets a session that holds nothing; one that does is kept. */
  forget(key: string): boolean;
  /** The order is known to have been kept up to here: for a session that was rebuilt. */
  resume(key: string, time_ms: number, seq: number): void;
  /** The smallest seq held, or undefined. */
  readonly held_from: number | undefined;
}

/** An empty buffer. */
export function createReorder(limits: ReorderLimits): Reorder {
  const sessions = new Map<string, Waiting>();
  let held: Held[] = []; // in order of arrival
  const inside = new Set<ProvenanceEvent>();
  let head = 0;
  let clock_ms = 0;

  function waitingOf(key: string): Waiting {
    let waiting = sessions.get(key);
    if (waiting === undefined) {
      waiting = { events: [], last_time_ms: Number.NEGATIVE_INFINITY, last_seq: -1 };
      sessions.set(key, waiting);
    }
    return waiting;
  }

  /** Releases, of the session of a held event that is due, all that comes before it, and it. */
  function release(due: Held, into: Released[]): void {
    const waiting = sessions.get(due.key);
    if (waiting === undefined || !inside.has(due.event)) return; // went out with a later one
    for (const event of waiting.events.splice(0, waiting.events.indexOf(due.event) + 1)) {
      inside.delete(event);
      const late = isBefore(event.time_ms, event.seq, waiting.last_time_ms, waiting.last_seq);
      if (!late) {
        waiting.last_time_ms = event.time_ms;
        waiting.last_seq = event.seq;
      }
      into.push({ event, late });
    }
  }

  function takeWhile(due: (next: Held) => boolean): Released[] {
    const released: Released[] = [];
    while (head < held.length && due(held[head] as Held)) release(held[head++] as Held, released);
    if (head > 1_024 && head * 2 > held.length) {
      held = held.slice(head);
      head = 0;
    }
    return released;
  }

  return {
    push(key, event) {
      clock_ms = Math.max(clock_ms, event.received_at_ms);
      insertInOrder(waitingOf(key).events, event);
      held.push({ key, event });
      inside.add(event);
    },
    take: () =>
      takeWhile(
        ({ event }) =>
          held.length - head > limits.reorder_events_max || event.received_at_ms + limits.reorder_ms_max <= clock_ms,
      ),
    advance(received_at_ms) {
      clock_ms = Math.max(clock_ms, received_at_ms);
    },
    flush: () => takeWhile(() => true),
    forget(key) {
      if ((sessions.get(key)?.events.length ?? 0) > 0) return false;
      sessions.delete(key);
      return true;
    },
    resume(key, time_ms, seq) {
      const waiting = waitingOf(key);
      if (isBefore(waiting.last_time_ms, waiting.last_seq, time_ms, seq)) {
        waiting.last_time_ms = time_ms;
        waiting.last_seq = seq;
      }
    },
    get held_from() {
      let least: number | undefined;
      for (const { seq } of inside) if (least === undefined || seq < least) least = seq;
      return least;
    },
  };
}

function isBefore(time_ms: number, seq: number, other_time_ms: number, other_seq: number): boolean {
  return time_ms < other_time_ms || (time_ms === other_time_ms && seq < other_seq);
}

/** From the end, since most events come in order. */
function insertInOrder(events: ProvenanceEvent[], event: ProvenanceEvent): void {
  let at = events.length;
  while (at > 0) {
    const before = events[at - 1] as ProvenanceEvent;
    if (!isBefore(event.time_ms, event.seq, before.time_ms, before.seq)) break;
    at--;
  }
  events.splice(at, 0, event);
}
