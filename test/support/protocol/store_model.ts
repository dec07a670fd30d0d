/** The store as far as the protocol of heads stands on it: rows that merge away when they are written again, and no fence. */
import type { HeadRow } from '../../../core/store/queries/head.ts';
import type { SequencedRecord } from '../../../ingest/record.ts';

export type TableModel = 'leaves' | 'events';
export const TABLES_MODEL: readonly TableModel[] = ['leaves', 'events'];

export class StoreModel {
  /** By number and hash: what was written twice is there once, and a fork stays. */
  private readonly leaves = new Map<string, SequencedRecord>();
  /** By session and number: of two rows the one that was written last is seen. */
  private readonly events = new Map<string, SequencedRecord>();
  private heads: HeadRow[] = [];

  insert(table: TableModel, records: readonly SequencedRecord[]): void {
    for (const record of records) this[table].set(keyOf(table, record), record);
  }

  insertHead(head: HeadRow): void {
    this.heads.push(head);
  }

  get head(): HeadRow | undefined {
    return this.heads.reduce<HeadRow | undefined>(
      (best, each) => (best && best.size >= each.size ? best : each),
      undefined,
    );
  }

  /** In the order of their numbers. */
  rows(table: TableModel, from: number, to = Number.POSITIVE_INFINITY): SequencedRecord[] {
    const rows = [...this[table].values()].filter(({ seq }) => seq >= from && seq < to);
    return rows.sort((a, b) => a.seq - b.seq);
  }

  remove(table: TableModel, from: number): void {
    for (const [key, { seq }] of this[table]) if (seq >= from) this[table].delete(key);
  }

  /** What somebody does who brings an old copy of the disk back. */
  rollBack(size: number): void {
    for (const table of TABLES_MODEL) this.remove(table, size);
    this.heads = this.heads.filter((head) => head.size <= size);
  }
}

function keyOf(table: TableModel, { seq, leaf_hash, session_id }: SequencedRecord): string {
  return table === 'leaves' ? `${seq}:${leaf_hash.toString('hex')}` : `${session_id}\0${seq}`;
}
