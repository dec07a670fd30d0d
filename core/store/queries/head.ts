/** The committed head of a log, and the rows above it that a crash may have left. */
import { Buffer } from 'node:buffer';
import { RowReader, RowWriter } from '../row_binary.ts';
import type { Store } from '../store.ts';

export interface HeadRow {
  log: string;
  size: number;
  root: Buffer;
  /** Roots of the complete subtrees, largest first. */
  range: Buffer[];
  received_at_ms: number;
}

/** The newest head of a log, or undefined before its first record. */
export async function readHead(store: Store, log: string): Promise<HeadRow | undefined> {
  const bytes = await store.binary(
    `SELECT toString(log), size, root, range, received_at_ms
     FROM heads FINAL
     WHERE log = {log:String}`,
    { log },
  );
  if (bytes.length === 0) return undefined;
  const row = new RowReader(bytes);
  const head = { log: row.string(), size: row.u64(), root: Buffer.from(row.fixed(32)) };
  const range = row.blob();
  return { ...head, range: splitHashes(range), received_at_ms: row.u64() };
}

function splitHashes(bytes: Buffer): Buffer[] {
  return Array.from({ length: bytes.length / 32 }, (_, i) => Buffer.from(bytes.subarray(32 * i, 32 * (i + 1))));
}

/** Commits a head. Durable when it returns; from then on readers see the rows below it. */
export async function insertHead(store: Store, head: HeadRow): Promise<void> {
  const row = new RowWriter(4096);
  row.string(head.log).u64(head.size).fixed(head.root).string(Buffer.concat(head.range)).u64(head.received_at_ms);
  await store.insert('heads', row);
}

const ABOVE = [
  { table: 'leaves', where: 'seq >= {size:UInt64}' },
  { table: 'events', where: 'seq >= {size:UInt64}' },
  { table: 'content', where: 'seq >= {size:UInt64}' },
  { table: 'alerts', where: 'seq >= {size:UInt64}' },
  { table: 'alert_actions', where: 'seq >= {size:UInt64}' },
  { table: 'suppressed_findings', where: 'seq >= {size:UInt64}' },
  { table: 'sessions', where: 'last_seq >= {size:UInt64}' },
  { table: 'nodes', where: 'bitShiftLeft(idx + 1, level) > {size:UInt64}' },
] as const;

/** Sessions with rows at or above the head: their summaries are not to be trusted. */
export async function sessionsAbove(
  store: Store,
  log: string,
  size: number,
): Promise<{ tenant: string; session_id: string }[]> {
  return store.rows(
    `SELECT DISTINCT tenant, session_id FROM
     (
         SELECT toString(tenant) AS tenant, session_id FROM events WHERE log = {log:String} AND seq >= {size:UInt64} AND session_id != ''
         UNION ALL
         SELECT toString(tenant), session_id FROM sessions WHERE log = {log:String} AND last_seq >= {size:UInt64}
     )`,
    { log, size },
  );
}

/** Leaf hashes that stand at or above a size, by number: those of `leaves`, and those that the cores in `events` have. */
export async function readAbove(store: Store, log: string, size: number): Promise<Map<number, Buffer[]>> {
  const bytes = await store.binary(
    `SELECT DISTINCT seq, hash FROM
     (
         SELECT seq, leaf_hash AS hash FROM leaves WHERE log = {log:String} AND seq >= {size:UInt64}
         UNION ALL
         SELECT seq, SHA256(concat('\\0', core)) FROM events WHERE log = {log:String} AND seq >= {size:UInt64}
     )`,
    { log, size },
  );
  const row = new RowReader(bytes);
  const above = new Map<number, Buffer[]>();
  while (!row.done) {
    const seq = row.u64();
    above.set(seq, [...(above.get(seq) ?? []), Buffer.from(row.fixed(32))]);
  }
  return above;
}

/**
 * Removes rows at or above a head that another writer left, and never a row below the head that the store has when it
 * comes to it: who asks may have slept while another went on.
 */
export async function removeForeign(store: Store, log: string, size: number): Promise<void> {
  for (const { table, where } of ABOVE) {
    await store.command(
      `DELETE FROM ${table} WHERE log = {log:String} AND ${where}
         AND {size:UInt64} >= (SELECT max(size) FROM heads WHERE log = {log:String})`,
      { log, size },
    );
  }
}

/** Removes rows at or above the head and says how many there were, by table. */
export async function removeAbove(store: Store, log: string, size: number): Promise<Record<string, number>> {
  const counts = await Promise.all(
    ABOVE.map(async ({ table, where }) => {
      const condition = `log = {log:String} AND ${where}`;
      const [row] = await store.rows<{ n: number }>(`SELECT count() AS n FROM ${table} WHERE ${condition}`, {
        log,
        size,
      });
      return { table, condition, n: row?.n ?? 0 };
    }),
  );
  const removed: Record<string, number> = {};
  for (const { table, condition, n } of counts) {
    if (n === 0) continue;
    await store.command(`DELETE FROM ${table} WHERE ${condition}`, { log, size });
    removed[table] = n;
  }
  return removed;
}

/** How far a named reader of the log has come: the first sequence number it has not dealt with. */
export async function readCursor(store: Store, log: string, name: string): Promise<number> {
  const [row] = await store.rows<{ seq: number }>(
    'SELECT seq FROM cursors FINAL WHERE log = {log:String} AND name = {name:String}',
    { log, name },
  );
  return row?.seq ?? 0;
}

export async function moveCursor(store: Store, log: string, name: string, seq: number): Promise<void> {
  await store.insert('cursors', new RowWriter(256).string(log).string(name).u64(seq));
}
