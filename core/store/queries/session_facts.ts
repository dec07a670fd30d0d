/** What is known of sessions without their content: their risk, and what led to it. */
import type { RowWriter } from '../row_binary.ts';
import type { Store } from '../store.ts';

export interface SessionFactsRow {
  tenant: string;
  session_id: string;
  log: string;
  /** Events below were looked at. */
  through_seq: number;
  /** 0 to 100. */
  risk: number;
  /** JSON; no value of any content is in it. */
  summary: string;
}

/** Appends a row in the order of the table's columns. */
export function encodeSessionFacts(rows: RowWriter, facts: SessionFactsRow): void {
  rows.string(facts.tenant).string(facts.session_id).string(facts.log).u64(facts.through_seq);
  rows.u8(facts.risk).string(facts.summary);
}

export type StoredSessionFacts = Pick<SessionFactsRow, 'tenant' | 'session_id' | 'through_seq' | 'risk' | 'summary'>;

const CHUNK = 2_000;

/** What one log's detection said of the named sessions; a session of which it said nothing has no row. */
export async function readFactsOf(
  store: Store,
  log: string,
  keys: readonly { tenant: string; session_id: string }[],
): Promise<StoredSessionFacts[]> {
  const found: StoredSessionFacts[] = [];
  for (let from = 0; from < keys.length; from += CHUNK) {
    const part = keys.slice(from, from + CHUNK);
    const rows = await store.rows<StoredSessionFacts>(
      `SELECT toString(tenant) AS tenant, session_id, through_seq, risk, summary
       FROM v_session_facts AS f
       WHERE f.log = {log:String}
         AND (f.tenant, f.session_id) IN (SELECT arrayJoin(arrayZip({tenants:Array(String)}, {session_ids:Array(String)})))`,
      { log, tenants: part.map((key) => key.tenant), session_ids: part.map((key) => key.session_id) },
    );
    found.push(...rows);
  }
  return found;
}

/** What is known of one session, or undefined. */
export async function readSessionFacts(
  store: Store,
  tenant: string,
  session_id: string,
): Promise<StoredSessionFacts | undefined> {
  const rows = await store.rows<StoredSessionFacts>(
    `SELECT toString(tenant) AS tenant, session_id, through_seq, risk, summary
     FROM v_session_facts AS f
     WHERE f.tenant = {tenant:String} AND f.session_id = {session_id:String}
     ORDER BY f.risk DESC
     LIMIT 1`,
    { tenant, session_id },
  );
  return rows[0];
}

/** Whether a tenant has a session, without what it holds. */
export async function hasSession(store: Store, tenant: string, session_id: string): Promise<boolean> {
  const rows = await store.rows<{ found: number }>(
    `SELECT 1 AS found FROM sessions WHERE tenant = {tenant:String} AND session_id = {session_id:String} LIMIT 1`,
    { tenant, session_id },
  );
  return rows.length > 0;
}
