/** Where the records of a period stand in the tree. */
import type { Store } from '../store.ts';
import { COMMITTED_EVENTS, readHeads } from './committed.ts';

/** Numbers of the blocks of `block_leaves` leaves that hold records of a tenant and a period, in order, and how many records. */
export async function readPeriodBlocks(
  store: Store,
  of: { tenant: string; log: string; from_ms: number; to_ms: number; block_leaves: number },
): Promise<{ blocks: number[]; records: number; last_seq: number }> {
  const rows = await store.rows<{ block: number; records: number; last_seq: number }>(
    `SELECT intDiv(seq, {block_leaves:UInt64}) AS block, count() AS records, max(seq) AS last_seq
     FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND log = {log:String}
       AND received_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
     GROUP BY block
     ORDER BY block`,
    { ...of, ...(await readHeads(store)) },
  );
  return {
    blocks: rows.map(({ block }) => block),
    records: rows.reduce((sum, row) => sum + row.records, 0),
    last_seq: rows.at(-1)?.last_seq ?? -1,
  };
}
