/**
 * Erasing in the store. First a row without content takes the place of each record's content; all else that was made
 * of that content is then found by these rows. Everything may be repeated: what is gone already is not found again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RowReader, type RowWriter } from '../row_binary.ts';
import type { Store } from '../store.ts';
import { COMMITTED_CONTENT, readHeads } from './committed.ts';

/** Whose content is meant: one session's, or one user's in all sessions. */
export interface ErasureSubject {
  log: string;
  tenant: string;
  session_id: string;
  user_id: string;
}

export interface ErasableRecord {
  seq: number;
  /** Of an alert, the one that it is about. */
  session_id: string;
  user_id: string;
  kind: string;
}

/** Events of a subject. */
const OF_SUBJECT = `log = {log:String} AND tenant = {tenant:String} AND kind IN ('event', 'conflict')
       AND (({user_id:String} != '' AND user_id = {user_id:String})
            OR ({session_id:String} != '' AND (session_id = {session_id:String}
                OR kind = 'conflict' AND JSONExtractString(who, 'session_id') = {session_id:String})))`;
/** Those that still have their content; only of their sessions content is looked at. */
const KEPT_OF_SUBJECT = `${OF_SUBJECT} AND seq IN
       (SELECT seq FROM v_content WHERE log = {log:String} AND tenant = {tenant:String} AND state = 'kept'
          AND session_id IN (SELECT session_id FROM v_events WHERE ${OF_SUBJECT}))`;

/** Shorter names are looked for in quotes: they would stand in any text. */
const NAME_CHARS_MIN = 4;

/** The records whose content an erasure takes, alerts that speak of it among them, in the order of the log. */
export async function readErasable(store: Store, subject: ErasureSubject): Promise<ErasableRecord[]> {
  const name = subject.user_id || subject.session_id;
  const quoted = JSON.stringify(name);
  const params = { ...subject, named: name.length < NAME_CHARS_MIN ? quoted : quoted.slice(1, -1) };
  // A rejected record has no user: it counts when its bytes name the subject.
  const bytes = await store.binary(
    `SELECT seq, if(session_id = '', JSONExtractString(who, 'session_id'), session_id) AS about_session, user_id, toString(kind) AS kind
     FROM v_events
     WHERE ${KEPT_OF_SUBJECT}
     UNION ALL
     SELECT seq, '' AS about_session, '' AS user_id, 'rejected' AS kind
     FROM v_events
     WHERE log = {log:String} AND tenant = {tenant:String} AND session_id = '' AND kind = 'rejected' AND seq IN
       (SELECT seq FROM v_content WHERE log = {log:String} AND tenant = {tenant:String} AND session_id = '' AND state = 'kept'
          AND position(content, {named:String}) > 0)
     UNION ALL
     SELECT seq, session_id AS about_session, user_id, 'alert' AS kind
     FROM v_alerts
     WHERE log = {log:String} AND tenant = {tenant:String}
       AND (({user_id:String} != '' AND user_id = {user_id:String}) OR ({session_id:String} != '' AND session_id = {session_id:String})
            OR arrayExists(each -> JSONExtractUInt(each, 'seq') IN (SELECT seq FROM v_events WHERE ${KEPT_OF_SUBJECT}),
                           JSONExtractArrayRaw(evidence)))
       AND seq IN (SELECT seq FROM v_content WHERE log = {log:String} AND tenant = {tenant:String} AND session_id = '' AND state = 'kept')`,
    params,
  );
  const row = new RowReader(bytes);
  const found: ErasableRecord[] = [];
  while (!row.done) {
    found.push({ seq: row.u64(), session_id: row.string(), user_id: row.string(), kind: row.string() });
  }
  return found.sort((a, b) => a.seq - b.seq);
}

export interface KeptSalt {
  seq: number;
  session_id: string;
  salt: Buffer;
}

/** Which of these records still have content, with their salts. The numbers must ascend. */
export async function readKeptSalts(
  store: Store,
  of: { log: string; tenant: string; seqs: readonly number[] },
): Promise<KeptSalt[]> {
  const bytes = await store.binary(
    `SELECT seq, session_id, salt
     FROM ${COMMITTED_CONTENT} AND log = {log:String} AND tenant = {tenant:String} AND state = 'kept'
       AND seq >= {first:UInt64} AND seq <= {last:UInt64} AND seq IN {seqs:Array(UInt64)}
     ORDER BY seq`,
    { ...of, first: of.seqs[0] ?? 0, last: of.seqs.at(-1) ?? 0, ...(await readHeads(store)) },
  );
  const row = new RowReader(bytes);
  const kept: KeptSalt[] = [];
  while (!row.done) kept.push({ seq: row.u64(), session_id: row.string(), salt: Buffer.from(row.blob()) });
  return kept;
}

/** Appends the row that takes the place of a record's content. */
export function encodeGone(
  rows: RowWriter,
  row: { log: string; tenant: string; session_id: string; seq: number; state: string; salts: string },
): void {
  rows.string(row.tenant).string(row.session_id).string(row.log).u64(row.seq).u8(1).string(row.state);
  rows.string('').string('').string(row.salts);
}

/** Where the records of one erasure stand: numbers in [from, to). */
export interface ErasedWithin {
  log: string;
  tenant: string;
  from: number;
  to: number;
}

const GONE = `SELECT seq FROM content WHERE log = {log:String} AND tenant = {tenant:String} AND version > 0
       AND seq >= {from:UInt64} AND seq < {to:UInt64}`;

/** Removes what was made of content that is gone, and last that content itself. */
export async function removeErased(store: Store, within: ErasedWithin): Promise<void> {
  const params = { ...within };
  await blankSignals(store, within);
  for (const statement of REMOVALS) await store.command(`${statement} SETTINGS mutations_sync = 1`, params);
}

const REMOVALS = [
  `ALTER TABLE edges DELETE WHERE log = {log:String} AND tenant = {tenant:String} AND (to_seq IN (${GONE}) OR from_seq IN (${GONE}))`,
  `ALTER TABLE observations DELETE WHERE log = {log:String} AND tenant = {tenant:String} AND seq IN (${GONE})`,
  `ALTER TABLE signals DELETE WHERE log = {log:String} AND tenant = {tenant:String} AND version = 0 AND (session_id, finding_id) IN
     (SELECT session_id, finding_id FROM signals WHERE log = {log:String} AND tenant = {tenant:String} AND version > 0)`,
  // What receivers answered may repeat what they were sent.
  `ALTER TABLE deliveries UPDATE error = '' WHERE log = {log:String} AND tenant = {tenant:String} AND error != '' AND source_id IN
     (SELECT alert_id FROM alerts WHERE log = {log:String} AND tenant = {tenant:String} AND seq IN (${GONE}))`,
  `ALTER TABLE alerts UPDATE title = replaceRegexpAll(title, '“[^”]*”', '“(erased)”'), reason = '(erased)'
     WHERE log = {log:String} AND tenant = {tenant:String} AND seq IN (${GONE})`,
  `ALTER TABLE events UPDATE detail = '' WHERE log = {log:String} AND tenant = {tenant:String} AND detail != '' AND seq IN (${GONE})`,
  `ALTER TABLE content DELETE WHERE log = {log:String} AND tenant = {tenant:String} AND version = 0 AND seq IN (${GONE})`,
];

/** The row without quotations has a higher version, so it also wins over what a replay inserts later. */
async function blankSignals(store: Store, within: ErasedWithin): Promise<void> {
  await store.command(
    `INSERT INTO signals (tenant, session_id, finding_id, version, log, seq, rule_id, rule_version, severity, risk, title, reason,
                          user_id, agent, time, tags, evidence, late)
     SELECT tenant, session_id, finding_id, 1, log, seq, rule_id, rule_version, severity, risk,
            replaceRegexpAll(title, '“[^”]*”', '“(erased)”'), '(erased)', user_id, agent, time, tags, evidence, late
     FROM v_signals
     WHERE tenant = {tenant:String} AND log = {log:String} AND version = 0
       AND (seq IN (${GONE}) OR arrayExists(each -> JSONExtractUInt(each, 'seq') IN (${GONE}), JSONExtractArrayRaw(evidence)))`,
    { ...within },
  );
}

const ERASED_TABLES = ['edges', 'observations', 'signals', 'deliveries', 'alerts', 'events', 'content'] as const;
const CLEARED_WAIT_MS = 100;
const CLEARED_TRIES = 300;

/**
 * Lets the files go that held rows which were removed; true when they are gone. The engine keeps the files of merged
 * and changed parts until it gets to them; a statement about a partition makes it look, though there is none of that
 * name. A server keeps them for eight minutes all the same, so there only the request is made.
 */
export async function clearOldParts(store: Store): Promise<boolean> {
  const old = store.kind === 'embedded' ? await inactiveParts(store) : [];
  for (let attempt = 0; attempt < CLEARED_TRIES; attempt++) {
    for (const table of ERASED_TABLES) await store.command(`ALTER TABLE ${table} DROP PARTITION ID 'none'`);
    if (store.kind !== 'embedded') return false;
    const left = new Set(await inactiveParts(store));
    if (old.every((part) => !left.has(part))) return true;
    await sleep(CLEARED_WAIT_MS);
  }
  return false;
}

async function inactiveParts(store: Store): Promise<string[]> {
  const rows = await store.rows<{ part: string }>(
    `SELECT concat(table, '/', name) AS part FROM system.parts
     WHERE database = currentDatabase() AND active = 0 AND table IN {tables:Array(String)}`,
    { tables: ERASED_TABLES },
  );
  return rows.map((row) => row.part);
}
