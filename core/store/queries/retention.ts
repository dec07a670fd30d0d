/** What is older than it may become: records with content, and rows that were derived from them. */
import { RowReader } from '../row_binary.ts';
import type { Store } from '../store.ts';
import { COMMITTED_EVENTS, readHeads } from './committed.ts';

/** The tenants of which a log has records. */
export async function readTenants(store: Store, log: string): Promise<string[]> {
  const rows = await store.rows<{ name: string }>(
    `SELECT DISTINCT toString(tenant) AS name FROM ${COMMITTED_EVENTS} AND log = {log:String} ORDER BY name`,
    { log, ...(await readHeads(store)) },
  );
  return rows.map((row) => row.name);
}

/** Before when content of each type may go; `before_ms` for types that are not named, 0 for never. */
export interface ContentAges {
  types: readonly string[];
  types_before_ms: readonly number[];
  before_ms: number;
}

export interface OldRecord {
  seq: number;
  type: string;
  session_id: string;
  user_id: string;
  received_at_ms: number;
}

/** Records of a tenant that came before the given times and still have content, the oldest first. */
export async function readOldContent(
  store: Store,
  of: { log: string; tenant: string; limit: number } & ContentAges,
): Promise<OldRecord[]> {
  const bytes = await store.binary(
    `SELECT e.seq AS seq, toString(e.type) AS type,
            if(e.session_id = '', JSONExtractString(e.who, 'session_id'), e.session_id) AS about_session, e.user_id AS user_id,
            toUnixTimestamp64Milli(e.received_at) AS at
     FROM v_events AS e
     INNER JOIN v_content AS c ON e.tenant = c.tenant AND e.session_id = c.session_id AND e.log = c.log AND e.seq = c.seq
     WHERE e.log = {log:String} AND e.tenant = {tenant:String} AND c.log = {log:String} AND c.tenant = {tenant:String} AND c.state = 'kept'
       AND e.kind IN ('event', 'conflict', 'rejected', 'alert')
       AND toUInt64(toUnixTimestamp64Milli(e.received_at))
           < transform(toString(e.type), {types:Array(String)}, {types_before_ms:Array(UInt64)}, {before_ms:UInt64})
     ORDER BY seq
     LIMIT {limit:UInt64}`,
    // An empty list has no type for its members.
    { ...of, types: ['', ...of.types], types_before_ms: [0, ...of.types_before_ms] },
  );
  const row = new RowReader(bytes);
  const found: OldRecord[] = [];
  while (!row.done) {
    const [seq, type, session_id, user_id] = [row.u64(), row.string(), row.string(), row.string()];
    found.push({ seq, type, session_id, user_id, received_at_ms: row.i64() });
  }
  return found;
}

/** Rows that were derived from records below a number, without those of some sessions. */
export interface OldSummaries {
  log: string;
  tenant: string;
  before_ms: number;
  held_sessions: readonly string[];
  held_users: readonly string[];
}

const HELD = `session_id IN {held_sessions:Array(String)} OR session_id IN
       (SELECT session_id FROM sessions WHERE tenant = {tenant:String} AND user_id IN {held_users:Array(String)})`;
/** Arrival times never run backwards in a log, so what came before a time is below a number. */
const BELOW = `(SELECT if(count() = 0, 0, max(seq) + 1) FROM v_events WHERE log = {log:String} AND tenant = {tenant:String}
       AND toUnixTimestamp64Milli(received_at) < {before_ms:UInt64})`;

const SUMMARIES = [
  ['edges', 'to_seq'],
  ['signals', 'seq'],
  ['observations', 'seq'],
  ['session_facts', 'through_seq'],
] as const;

/** How many rows of each table are old. */
export async function countOldSummaries(store: Store, of: OldSummaries): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [table, column] of SUMMARIES) {
    const [row] = await store.rows<{ n: number }>(
      `SELECT count() AS n FROM ${table}
       WHERE log = {log:String} AND tenant = {tenant:String} AND ${column} < ${BELOW} AND NOT (${HELD})`,
      { ...of },
    );
    if ((row?.n ?? 0) > 0) counts[table] = row?.n ?? 0;
  }
  return counts;
}

/** Removes them. */
export async function removeOldSummaries(store: Store, of: OldSummaries): Promise<void> {
  for (const [table, column] of SUMMARIES) {
    await store.command(
      `ALTER TABLE ${table} DELETE WHERE log = {log:String} AND tenant = {tenant:String} AND ${column} < ${BELOW} AND NOT (${HELD})
       SETTINGS mutations_sync = 1`,
      { ...of },
    );
  }
}
