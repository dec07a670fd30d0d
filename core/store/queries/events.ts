/** Events as people read them: the timeline of a session, one event, words in content. */
import { Buffer } from 'node:buffer';
import type { Condition } from '../../query/compile.ts';
import { RowReader } from '../row_binary.ts';
import type { Store } from '../store.ts';
import {
  BY_KEY,
  COMMITTED_AT_SEQ,
  COMMITTED_CONTENT,
  COMMITTED_EVENTS,
  COMMITTED_WITH_ID,
  type Heads,
  readHeads,
} from './committed.ts';

/** What is stored of a record. Its core says what it is, when it came and where it stands. */
export interface StoredEvent {
  log: string;
  seq: number;
  core: string;
  who: string;
  what: string;
  detail: string;
  params: string;
  content: string;
  /** 'kept', 'erased' or 'expired'; '' where content was not asked for. */
  state: string;
}

interface Scope {
  tenant: string;
  session_id: string;
  after: number;
  limit: number;
}

type EventPart = Omit<StoredEvent, 'params' | 'content' | 'state'>;
type ContentPart = Pick<StoredEvent, 'log' | 'seq' | 'params' | 'content' | 'state'>;

// Each column costs a file to open: what a core says as well is not read from a column.
const EVENT_COLUMNS = 'log, seq, core, who, what, detail';
const CONTENT_COLUMNS = 'log, seq, params, content, state';

function readEventParts(bytes: Buffer): EventPart[] {
  const row = new RowReader(bytes);
  const parts: EventPart[] = [];
  while (!row.done) {
    const place = { log: row.string(), seq: row.u64(), core: row.string() };
    parts.push({ ...place, who: row.string(), what: row.string(), detail: row.string() });
  }
  return parts;
}

function readContentParts(bytes: Buffer): ContentPart[] {
  const row = new RowReader(bytes);
  const parts: ContentPart[] = [];
  while (!row.done) {
    const place = { log: row.string(), seq: row.u64() };
    parts.push({ ...place, params: row.string(), content: row.string(), state: row.string() });
  }
  return parts;
}

const BOUNDED = { bounded: true };

/** A session's events in log order after a sequence number (-1: from the start), with content or without. */
export async function readTimeline(store: Store, scope: Scope, with_content: boolean): Promise<StoredEvent[]> {
  const params = { ...scope, ...(await readHeads(store)) };
  // Both tables are in the order of the session: two short reads side by side cost less than one join.
  const [events, contents] = await Promise.all([
    store.binary(
      `SELECT ${EVENT_COLUMNS}
       FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND session_id = {session_id:String} AND seq > {after:Int64}
         AND kind = 'event'
       ORDER BY log, seq
       LIMIT {limit:UInt32}
       ${BY_KEY}`,
      params,
      BOUNDED,
    ),
    with_content
      ? store.binary(
          `SELECT ${CONTENT_COLUMNS}
           FROM ${COMMITTED_CONTENT} AND tenant = {tenant:String} AND session_id = {session_id:String} AND seq > {after:Int64}
           ORDER BY log, seq
           LIMIT {limit:UInt32}
           ${BY_KEY}`,
          params,
          BOUNDED,
        )
      : NOTHING,
  ]);
  return withContent(readEventParts(events), readContentParts(contents));
}

const NOTHING = Buffer.alloc(0);

/** Adds content to the events that it belongs to. */
function withContent(events: readonly EventPart[], contents: readonly ContentPart[]): StoredEvent[] {
  const by_place = new Map(contents.map((part) => [`${part.log} ${part.seq}`, part]));
  return events.map((event) => {
    const { params, content, state } = by_place.get(`${event.log} ${event.seq}`) ?? NO_CONTENT;
    return { ...event, params, content, state };
  });
}

const NO_CONTENT = { params: '', content: '', state: '' };

/** Where a record stands. */
export interface Place {
  log: string;
  session_id: string;
  seq: number;
}

/** The event with an id in a tenant, or undefined. Other kinds of records are not found here. */
export async function readEvent(store: Store, tenant: string, event_id: string): Promise<StoredEvent | undefined> {
  const place = await findEvent(store, { tenant, event_id, log: '' });
  return place && readRecord(store, tenant, place);
}

/** Where the event with an id stands in a log, or undefined. An empty log stands for all of them. */
export async function findEvent(
  store: Store,
  wanted: { tenant: string; event_id: string; log: string },
): Promise<Place | undefined> {
  const [place] = await store.rows<Place>(
    `SELECT log, session_id, seq
     FROM ${COMMITTED_WITH_ID} AND tenant = {tenant:String} AND kind IN ('event', 'alert')
       AND ({log:String} = '' OR log = {log:String})
     ORDER BY seq
     LIMIT 1
     SETTINGS max_threads = 1, query_plan_optimize_lazy_materialization = 0`,
    { ...wanted, ...(await readHeads(store)) },
  );
  return place;
}

async function readRecord(store: Store, tenant: string, place: Place): Promise<StoredEvent | undefined> {
  const params = { tenant, ...place, ...(await readHeads(store)) };
  const [events, contents] = await Promise.all([
    store.binary(
      `SELECT ${EVENT_COLUMNS}
       FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND session_id = {session_id:String} AND log = {log:String}
         AND seq = {seq:UInt64}
       ${BY_KEY}`,
      params,
      BOUNDED,
    ),
    store.binary(
      `SELECT ${CONTENT_COLUMNS}
       FROM ${COMMITTED_CONTENT} AND tenant = {tenant:String} AND session_id = {session_id:String} AND log = {log:String}
         AND seq = {seq:UInt64}
       ${BY_KEY}`,
      params,
      BOUNDED,
    ),
  ]);
  return withContent(readEventParts(events), readContentParts(contents))[0];
}

/** The record with a sequence number, of whatever kind, if it belongs to the tenant. */
export async function readRecordAt(
  store: Store,
  tenant: string,
  log: string,
  seq: number,
): Promise<StoredEvent | undefined> {
  const [place] = await store.rows<Place>(
    `SELECT log, session_id, seq
     FROM ${COMMITTED_AT_SEQ} AND tenant = {tenant:String} AND log = {log:String}
     LIMIT 1`,
    { tenant, log, seq, ...(await readHeads(store)) },
  );
  return place && readRecord(store, tenant, place);
}

/** The record that came from a place of the log's source, if it belongs to the tenant; whether it is one of the program's own does not matter. */
export async function readRecordFrom(
  store: Store,
  tenant: string,
  log: string,
  offset: number,
): Promise<StoredEvent | undefined> {
  const [place] = await store.rows<Place>(
    `SELECT log, session_id, seq
     FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND log = {log:String} AND kind != 'config'
       AND seq IN (SELECT seq FROM leaves WHERE log = {log:String} AND offset = {offset:UInt64})
     LIMIT 1`,
    { tenant, log, offset, ...(await readHeads(store)) },
  );
  return place && readRecord(store, tenant, place);
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
  /** The content and the parameters in which the words stand, whole. */
  text: string;
}

type Found = Pick<SearchHit, 'log' | 'seq' | 'session_id' | 'text'>;

/** Both texts as the index of words has them (schema/006_smaller.sql). */
const ALL_TEXT = "concat(content, ' ', params)";

/** Events whose content and parameters together hold all the words, newest first. Words are lower case letters and digits. */
export async function searchContent(
  store: Store,
  scope: { tenant: string; words: readonly string[]; before_seq: number; limit: number },
): Promise<SearchHit[]> {
  const heads = await readHeads(store);
  const found = await store.rows<Found>(
    `SELECT log, seq, session_id, trimBoth(${ALL_TEXT}) AS text
     FROM ${COMMITTED_CONTENT} AND tenant = {tenant:String} AND session_id != '' AND seq < {before_seq:UInt64}
       AND state = 'kept' AND hasAllTokens(${ALL_TEXT}, {words:Array(String)})
     ORDER BY seq DESC
     LIMIT {limit:UInt32}`,
    { ...scope, ...heads },
  );
  if (found.length === 0) return [];
  const session_ids = [...new Set(found.map((hit) => hit.session_id))];
  const seqs = found.map((hit) => hit.seq);
  const events = await store.rows<Omit<SearchHit, 'text'>>(
    `SELECT log, seq, session_id, event_id, type, toUnixTimestamp64Milli(time) AS time_ms, user_id, server, tool
     FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND session_id IN {session_ids:Array(String)}
       AND seq IN {seqs:Array(UInt64)} AND kind = 'event'`,
    { tenant: scope.tenant, session_ids, seqs, ...heads },
  );
  const by_place = new Map(events.map((event) => [`${event.log} ${event.seq}`, event]));
  return found.flatMap(({ log, seq, text }) => {
    const event = by_place.get(`${log} ${seq}`);
    return event === undefined ? [] : [{ ...event, text }];
  });
}

export interface EventSearch {
  tenant: string;
  matching: Condition;
  /** With it the events after this sequence number, oldest first. Else those below `before_seq`, newest first. */
  after?: number | undefined;
  before_seq: number;
  limit: number;
}

/** Sequence numbers that are looked at first; each further look is at eight times as many. */
const FIRST_LOOK = 65_536;

const NEWEST_FIRST = 'ORDER BY seq DESC';
const OLDEST_FIRST = 'ORDER BY seq';

/**
 * Events that a query asks for. What is near the end of the log is looked at first, so that a question which much
 * answers is not asked of everything.
 */
export async function findEvents(
  store: Store,
  { tenant, matching, after, before_seq, limit }: EventSearch,
  with_content: boolean,
): Promise<{ events: StoredEvent[]; head: number }> {
  const heads = await readHeads(store);
  const head = Math.max(0, ...heads.head_sizes);
  const found: (EventPart & { session_id: string })[] = [];
  const order = after === undefined ? NEWEST_FIRST : OLDEST_FIRST;
  let [low, high] = after === undefined ? [0, Math.min(head, before_seq)] : [after + 1, head];
  for (let look = FIRST_LOOK; low < high && found.length < limit; look *= 8) {
    const [from_seq, to_seq] =
      after === undefined ? [Math.max(low, high - look), high] : [low, Math.min(high, low + look)];
    if (after === undefined) high = from_seq;
    else low = to_seq;
    const rows = await store.rows<EventPart & { session_id: string }>(
      `SELECT ${EVENT_COLUMNS}, session_id
       FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND seq >= {from_seq:UInt64} AND seq < {to_seq:UInt64}
         AND kind = 'event' AND ${matching.sql}
       ${order}
       LIMIT {left:UInt32}`,
      { ...matching.params, tenant, from_seq, to_seq, left: limit - found.length, ...heads },
    );
    found.push(...rows);
  }
  const contents = with_content && found.length > 0 ? await readContents(store, tenant, found, heads) : [];
  return { events: withContent(found, contents), head };
}

async function readContents(
  store: Store,
  tenant: string,
  places: readonly { session_id: string; seq: number }[],
  heads: Heads,
): Promise<ContentPart[]> {
  const session_ids = [...new Set(places.map((place) => place.session_id))];
  const seqs = places.map((place) => place.seq);
  const bytes = await store.binary(
    `SELECT ${CONTENT_COLUMNS}
     FROM ${COMMITTED_CONTENT} AND tenant = {tenant:String} AND session_id IN {session_ids:Array(String)}
       AND seq IN {seqs:Array(UInt64)}`,
    { tenant, session_ids, seqs, ...heads },
    BOUNDED,
  );
  return readContentParts(bytes);
}
