/** What a writer reads when it takes a log over: recent ids, last records, the configuration in force. */
import { Buffer } from 'node:buffer';
import { parseCore } from '../../core_record.ts';
import { AppError } from '../../errors.ts';
import type { ProvenanceEvent } from '../../event.ts';
import { eventOf, storedFields } from '../../stored_event.ts';
import { RowReader } from '../row_binary.ts';
import type { Store } from '../store.ts';
import { COMMITTED_CONTENT, COMMITTED_EVENTS, readHeads } from './committed.ts';

const ID_BYTES = 16;
const ID_ROW_BYTES = 8 + ID_BYTES;

/**
 * Calls `add` with the ids of records in [since, size) and the number of each: 16-byte digests, each valid during the
 * call alone. Reads the rows as they are stored: one that stands there twice is the same id twice.
 */
export async function readHorizon(
  store: Store,
  log: string,
  since: number,
  size: number,
  add: (id: Uint8Array, seq: number) => void,
): Promise<void> {
  const pieces = store.stream(
    `SELECT seq, toFixedString(substring(SHA256(concat(if(kind = 'event', 'event', 'internal'), '\\0', tenant, '\\0', event_id)), 1, 16), 16)
     FROM events
     WHERE log = {log:String} AND seq >= {since:UInt64} AND seq < {size:UInt64} AND kind IN ('event', 'alert', 'action', 'config')`,
    { log, since, size },
  );
  // A row has a fixed size: up to a million of them are read without an object for each.
  const id = Buffer.alloc(ID_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let at = 0;
    for (; at + ID_ROW_BYTES <= bytes.length; at += ID_ROW_BYTES) {
      for (let i = 0; i < ID_BYTES; i++) id[i] = bytes[at + 8 + i] as number;
      add(id, bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32);
    }
    rest = bytes.subarray(at);
  }
  if (rest.length > 0) throw new AppError('row_binary_truncated', 'the ids of a log end in the middle of a row');
}

export interface TailRow {
  seq: number;
  core: string;
  leaf_hash: Buffer;
  /** Its place in the source. */
  offset: number;
}

/** Cores of the last records below the head with their leaf hashes, to be compared before anything is added. */
export async function readTail(store: Store, log: string, from: number, to: number): Promise<TailRow[]> {
  const bytes = await store.binary(
    `SELECT l.seq, e.core, l.leaf_hash, l.offset
     FROM (SELECT seq, leaf_hash, offset FROM leaves WHERE log = {log:String} AND seq >= {from:UInt64} AND seq < {to:UInt64}) AS l
     LEFT JOIN (SELECT seq, core FROM ${COMMITTED_EVENTS} AND log = {log:String} AND seq >= {from:UInt64} AND seq < {to:UInt64}) AS e USING (seq)
     ORDER BY l.seq, l.leaf_hash`,
    { log, from, to, ...(await readHeads(store)) },
  );
  const row = new RowReader(bytes);
  const tail: TailRow[] = [];
  while (!row.done) tail.push({ seq: row.u64(), core: row.string(), leaf_hash: row.fixed(32), offset: row.u64() });
  return tail;
}

/** The configuration that the newest configuration record of a log holds, as JSON text, or undefined. */
export async function readConfiguration(store: Store, log: string): Promise<string | undefined> {
  const rows = await store.rows<{ detail: string }>(
    `SELECT detail FROM ${COMMITTED_EVENTS} AND log = {log:String} AND tenant = '*' AND kind = 'config' ORDER BY seq DESC LIMIT 1`,
    { log, ...(await readHeads(store)) },
  );
  return rows[0]?.detail;
}

/** Stored parts of single records, for comparing a repeated id with its first record. */
export interface StoredParts {
  seq: number;
  type: string;
  time_ms: number;
  who: string;
  what: string;
  params: string;
  content: string;
  detail: string;
}

export async function readParts(store: Store, log: string, seqs: readonly number[]): Promise<StoredParts[]> {
  return store.rows<StoredParts>(
    `SELECT e.seq AS seq, e.type AS type, toUnixTimestamp64Milli(e.time) AS time_ms, e.who AS who, e.what AS what,
            c.params AS params, c.content AS content, e.detail AS detail
     FROM (SELECT * FROM ${COMMITTED_EVENTS} AND log = {log:String} AND seq IN {seqs:Array(UInt64)}) AS e
     INNER JOIN (SELECT * FROM ${COMMITTED_CONTENT} AND log = {log:String} AND seq IN {seqs:Array(UInt64)} AND state = 'kept') AS c
       ON e.tenant = c.tenant AND e.session_id = c.session_id AND e.seq = c.seq`,
    { log, seqs, ...(await readHeads(store)) },
  );
}

const OWN_COLUMNS = `e.seq, toString(e.type), e.event_id, e.session_seq, toUnixTimestamp64Milli(e.time),
            toUnixTimestamp64Milli(e.received_at), e.core, e.who, e.what, e.detail`;
const EVENT_COLUMNS = `${OWN_COLUMNS}, c.params, c.content, toString(c.state)`;

function readEvents(log: string, bytes: Buffer): ProvenanceEvent[] {
  const row = new RowReader(bytes);
  const events: ProvenanceEvent[] = [];
  while (!row.done) events.push(readEvent(log, row));
  return events;
}

function readEvent(log: string, row: RowReader): ProvenanceEvent {
  const place = {
    log,
    seq: row.u64(),
    type: row.string(),
    event_id: row.string(),
    session_seq: row.u32(),
    time_ms: row.i64(),
    received_at_ms: row.i64(),
    time: '',
  };
  const core = parseCore(row.string());
  place.time = core.time ?? '';
  const parts = {
    who: row.string(),
    what: row.string(),
    detail: row.string(),
    params: row.string(),
    content: row.string(),
  };
  const kept = row.string() === 'kept';
  return eventOf(place, storedFields({ ...parts, has_content: kept && core.commit.content !== undefined }));
}

/** One session's events in log order up to (not including) `before`, at most `rows_max` of the newest. */
export async function readSessionEvents(
  store: Store,
  log: string,
  key: { tenant: string; session_id: string },
  before: number,
  rows_max: number,
): Promise<ProvenanceEvent[]> {
  const bytes = await store.binary(
    `SELECT ${EVENT_COLUMNS}
     FROM (SELECT * FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND session_id = {session_id:String} AND log = {log:String}
             AND seq < {before:UInt64} AND kind = 'event' ORDER BY seq DESC LIMIT {rows_max:UInt32}) AS e
     LEFT JOIN (SELECT * FROM ${COMMITTED_CONTENT} AND tenant = {tenant:String} AND session_id = {session_id:String} AND log = {log:String}
             AND seq < {before:UInt64}) AS c USING (seq)
     ORDER BY e.seq`,
    { log, ...key, before, rows_max, ...(await readHeads(store)) },
  );
  return readEvents(log, bytes);
}

/** Events of several sessions before a sequence number, by session in log order; at most `rows_max` newest of each. */
export async function readSessionsEvents(
  store: Store,
  log: string,
  keys: readonly { tenant: string; session_id: string }[],
  before: number,
  rows_max: number,
): Promise<Map<string, ProvenanceEvent[]>> {
  const pairs = 'SELECT arrayJoin(arrayZip({tenants:Array(String)}, {session_ids:Array(String)}))';
  const bytes = await store.binary(
    `SELECT ${EVENT_COLUMNS}
     FROM (SELECT * FROM ${COMMITTED_EVENTS} AND (tenant, session_id) IN (${pairs}) AND log = {log:String} AND seq < {before:UInt64}
             AND kind = 'event' ORDER BY seq DESC LIMIT {rows_max:UInt32} BY tenant, session_id) AS e
     LEFT JOIN (SELECT * FROM ${COMMITTED_CONTENT} AND (tenant, session_id) IN (${pairs}) AND log = {log:String} AND seq < {before:UInt64}) AS c
       ON e.tenant = c.tenant AND e.session_id = c.session_id AND e.seq = c.seq
     ORDER BY e.seq`,
    {
      log,
      before,
      rows_max,
      tenants: keys.map((key) => key.tenant),
      session_ids: keys.map((key) => key.session_id),
      ...(await readHeads(store)),
    },
  );
  const sessions = new Map<string, ProvenanceEvent[]>();
  for (const event of readEvents(log, bytes)) {
    const key = `${event.tenant}\u0000${event.session_id}`;
    const events = sessions.get(key);
    if (events === undefined) sessions.set(key, [event]);
    else events.push(event);
  }
  return sessions;
}

/** Events with sequence numbers in [from, to), in log order. */
export async function readEventRange(store: Store, log: string, from: number, to: number): Promise<ProvenanceEvent[]> {
  const bytes = await store.binary(
    `SELECT ${EVENT_COLUMNS}
     FROM (SELECT * FROM ${COMMITTED_EVENTS} AND log = {log:String} AND seq >= {from:UInt64} AND seq < {to:UInt64} AND kind = 'event') AS e
     LEFT JOIN (SELECT * FROM ${COMMITTED_CONTENT} AND log = {log:String} AND seq >= {from:UInt64} AND seq < {to:UInt64}) AS c
       ON e.tenant = c.tenant AND e.session_id = c.session_id AND e.seq = c.seq
     ORDER BY e.seq`,
    { log, from, to, ...(await readHeads(store)) },
  );
  return readEvents(log, bytes);
}

/** The last events before a sequence number in which servers published their tools, in log order. */
export async function readToolListings(
  store: Store,
  log: string,
  before: number,
  rows_max: number,
): Promise<ProvenanceEvent[]> {
  const bytes = await store.binary(
    `SELECT ${OWN_COLUMNS}, '', '', ''
     FROM (SELECT * FROM ${COMMITTED_EVENTS} AND log = {log:String} AND seq < {before:UInt64} AND kind = 'event'
             AND type = 'tools.list' ORDER BY seq DESC LIMIT {rows_max:UInt32}) AS e
     ORDER BY e.seq`,
    { log, before, rows_max, ...(await readHeads(store)) },
  );
  return readEvents(log, bytes);
}

/** The details of all records that say that content was erased or has expired, as JSON text. */
export async function readErasures(store: Store, log: string): Promise<string[]> {
  const rows = await store.rows<{ detail: string }>(
    `SELECT detail FROM ${COMMITTED_EVENTS} AND log = {log:String} AND kind = 'action' AND type IN ('erasure', 'expiry')
     ORDER BY seq`,
    { log, ...(await readHeads(store)) },
  );
  return rows.map((row) => row.detail);
}
