/** What a producer is told of a record: where it is in the log, and what became of it. */
import type { SequencedRecord } from './record.ts';

export interface Receipt {
  seq: number;
  outcome: 'accepted' | 'duplicate' | 'conflict' | 'rejected';
  event_id: string;
  leaf_hash: string;
  reason?: string;
  message?: string;
  first_seq?: number;
}

export function receiptOf(record: SequencedRecord): Receipt {
  const { seq, kind, event_id } = record;
  const receipt: Receipt = {
    seq,
    outcome: kind === 'rejected' || kind === 'duplicate' || kind === 'conflict' ? kind : 'accepted',
    event_id,
    leaf_hash: record.leaf_hash.toString('base64'),
  };
  if (record.reason !== '') receipt.reason = record.reason;
  if (record.message !== '') receipt.message = record.message;
  if (record.first_seq >= 0) receipt.first_seq = record.first_seq;
  return receipt;
}
