/** Copies of signed checkpoints. What makes a checkpoint is its signature; these rows only keep the notes. */
import { Buffer } from 'node:buffer';
import { RowReader, RowWriter } from '../row_binary.ts';
import type { Store } from '../store.ts';
import { whileUnchanged } from '../unchanged.ts';

export interface CheckpointRow {
  log: string;
  size: number;
  root: Buffer;
  note: string;
  signed_at_ms: number;
}

const COLUMNS = 'toString(log), size, root, note, signed_at';

function readCheckpoints(bytes: Buffer): CheckpointRow[] {
  const row = new RowReader(bytes);
  const rows: CheckpointRow[] = [];
  while (!row.done) {
    rows.push({
      log: row.string(),
      size: row.u64(),
      root: Buffer.from(row.fixed(32)),
      note: row.string(),
      signed_at_ms: row.i64(),
    });
  }
  return rows;
}

export async function insertCheckpoint(store: Store, checkpoint: CheckpointRow): Promise<void> {
  const row = new RowWriter(1024);
  row.string(checkpoint.log).u64(checkpoint.size).fixed(checkpoint.root).string(checkpoint.note);
  await store.insert('checkpoints', row.i64(checkpoint.signed_at_ms));
}

/** The newest checkpoint of a log, or undefined. */
export function readLastCheckpoint(store: Store, log: string): Promise<CheckpointRow | undefined> {
  return whileUnchanged(store, 'checkpoints', `last checkpoint of ${log}`, async () => {
    const sql = `SELECT ${COLUMNS} FROM checkpoints FINAL WHERE log = {log:String} ORDER BY size DESC LIMIT 1`;
    return readCheckpoints(await store.binary(sql, { log }))[0];
  });
}

/** Checkpoints with a size above `after`, smallest first. Duplicates and forks are left in. */
export async function readCheckpointPage(
  store: Store,
  log: string,
  after: number,
  rows_max: number,
): Promise<CheckpointRow[]> {
  const bytes = await store.binary(
    `SELECT ${COLUMNS} FROM checkpoints WHERE log = {log:String} AND size > {after:UInt64}
     ORDER BY size, root, note, signed_at LIMIT {rows_max:UInt32}`,
    { log, after, rows_max },
  );
  return readCheckpoints(bytes);
}
