/** Reads sessions back from the store for the engine, in pieces that fit into memory. */
import type { ProvenanceEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { readSessionEvents, readSessionsEvents } from '../core/store/queries/takeover.ts';
import type { Store } from '../core/store/store.ts';
import { sessionKey } from '../detectors/engine.ts';

interface SessionPlace {
  tenant: string;
  session_id: string;
}

/** A session with the number of its events so far. */
export interface EarlierEvents extends SessionPlace {
  events: number;
}

const SESSIONS_AT_ONCE = 200;
const EVENTS_AT_ONCE = 2_000;
const PAGE_EVENTS = 500;
/** Characters of the content of one session that are read back; what is older is left out. */
const SESSION_CHARS_MAX = 67_108_864;

/** The events of sessions before a sequence number, one session after the other. */
export async function* readEarlier(
  store: Store,
  log: string,
  sessions: readonly EarlierEvents[],
  before: number,
): AsyncGenerator<[key: string, events: readonly ProvenanceEvent[]]> {
  let group: EarlierEvents[] = [];
  let events = 0;
  for (const session of sessions) {
    if (session.events > EVENTS_AT_ONCE) {
      yield [sessionKey(session), await readSession(store, log, session, before)];
      continue;
    }
    if (group.length >= SESSIONS_AT_ONCE || events + session.events > EVENTS_AT_ONCE) {
      yield* await readSessionsEvents(store, log, group, before, EVENTS_AT_ONCE);
      group = [];
      events = 0;
    }
    group.push(session);
    events += session.events;
  }
  if (group.length > 0) yield* await readSessionsEvents(store, log, group, before, EVENTS_AT_ONCE);
}

/** One session's events before a sequence number, in log order: the newest, as many as a replay may take. */
export async function readSession(
  store: Store,
  log: string,
  { tenant, session_id }: SessionPlace,
  before: number,
): Promise<ProvenanceEvent[]> {
  const pages: ProvenanceEvent[][] = [];
  let left = LIMITS.replay_events_per_session_max;
  let chars = 0;
  for (let end = before; left > 0 && chars < SESSION_CHARS_MAX; ) {
    const rows_max = Math.min(PAGE_EVENTS, left);
    const page = await readSessionEvents(store, log, { tenant, session_id }, end, rows_max);
    pages.unshift(page);
    left -= page.length;
    for (const event of page) chars += charsOf(event);
    const first = page[0];
    if (first === undefined || page.length < rows_max) break;
    end = first.seq;
  }
  return pages.flat();
}

function charsOf({ content, params }: ProvenanceEvent): number {
  return (content?.length ?? 0) + (params === undefined ? 0 : JSON.stringify(params).length);
}
