/** Events as people read them: the timeline of a session, one event, words in content. */
import type { Store } from '../store.ts';

export interface StoredEvent {
  log: string;
  seq: number;
  kind: string;
  type: string;
  event_id: string;
  session_id: string;
  session_seq: number;
  time_ms: number;
  received_at_ms: number;
  core: string;
  who: string;
  what: string;
  detail: string;
  params: string;
  content: string;
  /** 'kept', 'erased' or 'expired'; '' where content was not asked for. */
  state: string;
}

const EVENT_COLUMNS = `toString(e.log) AS log, e.seq AS seq, toString(e.kind) AS kind, toString(e.type) AS type, e.event_id AS event_id,
            e.session_id AS session_id, e.session_seq AS session_seq, toUnixTimestamp64Milli(e.time) AS time_ms,
            toUnixTimestamp64Milli(e.received_at) AS received_at_ms, e.core AS core, e.who AS who, e.what AS what, e.detail AS detail`;

interface Scope {
  tenant: string;
  session_id: string;
  after: number;
  limit: number;
}

type ContentPart = Pick<StoredEvent, 'log' | 'seq' | 'params' | 'content' | 'state'>;

/** A session's events in log order after a sequence number (-1: from the start), with content or without. */
export async function readTimeline(store: Store, scope: Scope, with_content: boolean): Promise<StoredEvent[]> {
  // Both tables are in the order of the session: two short reads side by side cost less than one join.
  const [events, contents] = await Promise.all([
    store.rows<StoredEvent>(
      `SELECT ${EVENT_COLUMNS}
       FROM v_events AS e
       WHERE e.tenant = {tenant:String} AND e.session_id = {session_id:String} AND e.kind = 'event' AND e.seq > {after:Int64}
       ORDER BY e.log, e.seq
       LIMIT {limit:UInt32}`,
      { ...scope },
    ),
    with_content ? readContents(store, scope) : [],
  ]);
  const by_place = new Map(contents.map((part) => [`${part.log} ${part.seq}`, part]));
  return events.map((event) => {
    const { params, content, state } = by_place.get(`${event.log} ${event.seq}`) ?? NO_CONTENT;
    return { ...event, params, content, state };
  });
}

const NO_CONTENT = { params: '', content: '', state: '' };

function readContents(store: Store, scope: Scope): Promise<ContentPart[]> {
  return store.rows<ContentPart>(
    `SELECT toString(log) AS log, seq, params, content, toString(state) AS state
     FROM v_content
     WHERE tenant = {tenant:String} AND session_id = {session_id:String} AND v_content.seq > {after:Int64}
     ORDER BY v_content.log, v_content.seq
     LIMIT {limit:UInt32}`,
    { ...scope },
  );
}

/** The event with an id in a tenant, or undefined. Other kinds of records are not found here. */
export async function readEvent(store: Store, tenant: string, event_id: string): Promise<StoredEvent | undefined> {
  const place = await findEvent(store, tenant, event_id);
  return place && readRecord(store, tenant, place.session_id, place.seq);
}

/** Where the event with an id stands, or undefined. */
export async function findEvent(
  store: Store,
  tenant: string,
  event_id: string,
): Promise<{ session_id: string; seq: number } | undefined> {
  const [place] = await store.rows<{ session_id: string; seq: number }>(
    `SELECT session_id, seq FROM v_events
     WHERE tenant = {tenant:String} AND event_id = {event_id:String} AND kind IN ('event', 'alert')
     ORDER BY seq LIMIT 1`,
    { tenant, event_id },
  );
  return place;
}

async function readRecord(
  store: Store,
  tenant: string,
  session_id: string,
  seq: number,
): Promise<StoredEvent | undefined> {
  const rows = await store.rows<StoredEvent>(
    `SELECT ${EVENT_COLUMNS}, c.params AS params, c.content AS content, toString(c.state) AS state
     FROM (SELECT * FROM v_events WHERE tenant = {tenant:String} AND session_id = {session_id:String} AND seq = {seq:UInt64}) AS e
     LEFT JOIN (SELECT log, seq, params, content, state FROM v_content
                WHERE tenant = {tenant:String} AND session_id = {session_id:String} AND seq = {seq:UInt64}) AS c
       ON e.log = c.log AND e.seq = c.seq`,
    { tenant, session_id, seq },
  );
  return rows[0];
}

/** The record with a sequence number, of whatever kind, if it belongs to the tenant. */
export async function readRecordAt(
  store: Store,
  tenant: string,
  log: string,
  seq: number,
): Promise<StoredEvent | undefined> {
  const [place] = await store.rows<{ session_id: string }>(
    `SELECT session_id FROM v_events WHERE tenant = {tenant:String} AND log = {log:String} AND seq = {seq:UInt64}`,
    { tenant, log, seq },
  );
  return place && readRecord(store, tenant, place.session_id, seq);
}

export interface SearchHit {
  log: string;
  seq: number;
  session_id: string;
  event_id: string;
  type: string;
  time_ms: number;
  user_id: string;
  server: string;
  tool: string;
  /** The text in which the words stand, whole. */
  text: string;
}

/** Events whose content or parameters hold all the words, newest first. Words are lower case letters and digits. */
export async function searchContent(
  store: Store,
  scope: { tenant: string; words: readonly string[]; before_seq: number; limit: number },
): Promise<SearchHit[]> {
  return store.rows<SearchHit>(
    `SELECT toString(e.log) AS log, e.seq AS seq, e.session_id AS session_id, e.event_id AS event_id, toString(e.type) AS type,
            toUnixTimestamp64Milli(e.time) AS time_ms, e.user_id AS user_id, toString(e.server) AS server, toString(e.tool) AS tool, c.text AS text
     FROM
     (
         SELECT log, seq, session_id, if(hasAllTokens(content, {words:Array(String)}), content, params) AS text
         FROM v_content
         WHERE tenant = {tenant:String} AND session_id != '' AND seq < {before_seq:UInt64} AND state = 'kept'
           AND (hasAllTokens(content, {words:Array(String)}) OR hasAllTokens(params, {words:Array(String)}))
         ORDER BY seq DESC
         LIMIT {limit:UInt32}
     ) AS c
     INNER JOIN
     (
         SELECT * FROM v_events
         WHERE tenant = {tenant:String} AND kind = 'event' AND seq < {before_seq:UInt64}
           AND session_id IN
           (
               SELECT session_id FROM v_content
               WHERE tenant = {tenant:String} AND session_id != '' AND seq < {before_seq:UInt64} AND state = 'kept'
                 AND (hasAllTokens(content, {words:Array(String)}) OR hasAllTokens(params, {words:Array(String)}))
               ORDER BY seq DESC
               LIMIT {limit:UInt32}
           )
     ) AS e ON e.session_id = c.session_id AND e.log = c.log AND e.seq = c.seq
     ORDER BY seq DESC`,
    scope,
  );
}
