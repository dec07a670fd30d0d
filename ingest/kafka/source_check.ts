/**
 * Compares the last records of a log with the source that it says they came from: a topic that was made anew, or a
 * partition that lost its end, holds other records under the same offsets.
 */
import { Buffer } from 'node:buffer';
import type { KafkaMessage } from 'kafkajs';
import { commitField } from '../../core/commitment.ts';
import { parseCore } from '../../core/core_record.ts';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { readTail, type TailRow } from '../../core/store/queries/takeover.ts';
import type { Store } from '../../core/store/store.ts';
import type { Item } from '../batch.ts';
import type { Envelopes } from './envelope.ts';
import type { CommittedHead } from './head_record.ts';
import type { PartitionReader } from './partition_reader.ts';

const TAIL_RECORDS = 16;

/** Throws a fatal `source_mismatch` when Kafka holds other records than the log, `records_lost` when some are gone unread. */
export async function checkSource(
  reader: PartitionReader,
  partition: number,
  log: { store: Store; head: CommittedHead; envelopes: Envelopes },
): Promise<void> {
  const { store, head, envelopes } = log;
  const { low, high } = await reader.bounds(partition);
  const fault = placeFault(head, { low, high });
  if (fault !== undefined) throw fault;
  const rows = await readTail(store, head.log, Math.max(0, head.size - TAIL_RECORDS), head.size);
  const kept = rows.filter(({ offset }) => offset >= low && offset < head.next_offset);
  const first = kept[0];
  if (first === undefined) return;
  const messages = await reader.range(partition, first.offset, head.next_offset);
  const by_offset = new Map(messages.map((message) => [Number(message.offset), message]));
  for (const row of kept) {
    if (agrees(row, by_offset.get(row.offset), head.log, envelopes)) continue;
    const told = `record ${row.seq} of ${head.log} came from offset ${row.offset}, where Kafka holds another or none`;
    throw new AppError('source_mismatch', told, { fatal: true });
  }
}

/** A log goes on at an offset that Kafka still has, or right behind what it has. */
export function placeFault(
  { log, next_offset }: { log: string; next_offset: number },
  { low, high }: { low: number; high: number },
): AppError | undefined {
  if (low <= next_offset && high >= next_offset) return undefined;
  const what = low > next_offset ? 'were deleted before they were read' : 'are not there any more';
  const message = `${log} goes on at offset ${next_offset}, Kafka holds ${low} to ${high}: records ${what}`;
  return new AppError(low > next_offset ? 'records_lost' : 'source_mismatch', message, { fatal: true });
}

/** Whether a row of the log came from the message that stands in its place now. */
export function agrees(row: TailRow, message: KafkaMessage | undefined, log: string, envelopes: Envelopes): boolean {
  const core = parseCore(row.core);
  // The worker's own record of its configuration has the place of the record that came next.
  if (core.kind === 'config') return true;
  const item = message && envelopes.open(message, log, Date.parse(core.received_at));
  return item !== undefined && isOf(row, item);
}

/** Whether the core of a row commits to what the item says. Only who acted is left out: it holds a derived session. */
function isOf({ core: text }: TailRow, item: Item): boolean {
  const core = parseCore(text);
  if (item.internal) return core.event_id === item.record.event_id;
  const { record, parsed } = item;
  if (parsed === undefined) return false;
  if (!parsed.ok) {
    const content = commitField(record.salt, 'content', record.bytes.subarray(0, LIMITS.rejected_bytes_kept_max));
    return core.kind === 'rejected' && core.reason === parsed.reason && core.commit.content === content;
  }
  const { fields } = parsed;
  if (core.event_id !== fields.event_id || core.type !== fields.type || core.time !== fields.time) return false;
  if (core.kind === 'duplicate') return true;
  const salt = typeof fields.salt === 'string' ? Buffer.from(fields.salt, 'base64') : record.salt;
  const parts = ['what', 'params', 'content', 'detail'] as const;
  return parts.every((part) => {
    const value = parsed[part];
    return (
      core.commit[part] ===
      (value === '' && core.commit[part] === undefined ? undefined : commitField(salt, part, value))
    );
  });
}
