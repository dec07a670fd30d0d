/** One batch of the log writer: what it holds, how it is stored, and how those who wait for it are answered. */
import type { Store } from '../core/store/store.ts';
import { BATCH_TABLES, type BatchRows, clearRows } from './encode.ts';
import { type Receipt, receiptOf } from './receipt.ts';
import type { AcceptedRecord, InternalRecord, Parsed } from './record.ts';
import type { SequencedBatch } from './sequencer.ts';

/** A record as it was handed in; one that its source had to read already comes with what parsing made of it. */
export type Item =
  | { record: AcceptedRecord; parsed?: Parsed; internal?: undefined }
  | { record: InternalRecord; internal: true };

/** Records that were handed in together and are answered together. */
export interface Submission {
  items: Item[];
  bytes: number;
  taken: number;
  receipts: Receipt[];
  resolve: (receipts: Receipt[]) => void;
  reject: (error: Error) => void;
}

export interface Batch {
  sequenced: SequencedBatch;
  rows: BatchRows;
  submissions: { submission: Submission; count: number }[];
  bytes: number;
}

/** Inserts into all tables at once. When one fails the others are waited for: nothing may arrive after the clean-up. */
export async function insertAll(store: Store, rows: BatchRows): Promise<void> {
  const inserts = await Promise.allSettled(BATCH_TABLES.map((table) => store.insert(table, rows[table])));
  const failed = inserts.find((insert) => insert.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

export class CommitFailed extends Error {
  readonly batch: Batch;

  constructor(batch: Batch, cause: unknown) {
    super('the batch was not stored', { cause });
    this.batch = batch;
  }
}

export function newBatch(rows: BatchRows): Batch {
  clearRows(rows);
  return { sequenced: { records: [], nodes: [], touched: new Map() }, rows, submissions: [], bytes: 0 };
}

/** Gives each submission its receipts; the one whose last record this was is answered. */
export function answer(batch: Batch): void {
  let at = 0;
  for (const { submission, count } of batch.submissions) {
    for (const record of batch.sequenced.records.slice(at, at + count)) submission.receipts.push(receiptOf(record));
    at += count;
    if (submission.receipts.length === submission.items.length) submission.resolve(submission.receipts);
  }
}
