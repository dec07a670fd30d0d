/** What stands in the topic of checkpoints: owners as they come, heads as they are committed, and signed notes. */
import { Buffer } from 'node:buffer';
import { z } from 'zod';
import type { HeadRow } from '../../core/store/queries/head.ts';

/** A head with the place in the source behind its last record. */
export interface CommittedHead extends HeadRow {
  next_offset: number;
}

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/);
const whole = z.int().min(0);
const Owner = z.strictObject({ kind: z.literal('owner'), log: z.string(), nonce: z.string() });
const HeadRecord = z.strictObject({
  kind: z.literal('head'),
  log: z.string(),
  size: whole,
  root: base64,
  range: z.array(base64).max(64),
  received_at_ms: whole,
  next_offset: whole,
});
const Note = z.strictObject({ kind: z.literal('checkpoint'), log: z.string(), size: whole, note: z.string() });
const LedgerRecord = z.discriminatedUnion('kind', [Owner, HeadRecord, Note]);

export type LedgerRecord =
  | { kind: 'owner'; log: string; nonce: string }
  | { kind: 'head'; head: CommittedHead }
  | { kind: 'checkpoint'; log: string; size: number; note: string };

/** What a stretch of the topic says of one log, as far as it was read. */
export interface LedgerView {
  /** The head that was committed last. */
  head?: CommittedHead;
  /** The note that was signed last. */
  note?: string;
  /** The reader's own mark was met: what comes behind it is for later. */
  marked: boolean;
}

/** Reads one more value of the topic into the view. `nonce` is that of the reader's own mark. */
export function readLedgerValue(view: LedgerView, value: Buffer | null, log: string, nonce: string): void {
  const record = parseLedger(value);
  if (record?.kind === 'owner' && record.nonce === nonce) view.marked = true;
  if (record?.kind === 'head' && record.head.log === log) view.head = record.head;
  if (record?.kind === 'checkpoint' && record.log === log) view.note = record.note;
}

export function formatHead(head: CommittedHead): string {
  const { log, size, received_at_ms, next_offset } = head;
  const root = head.root.toString('base64');
  const range = head.range.map((hash) => hash.toString('base64'));
  return JSON.stringify({ kind: 'head', log, size, root, range, received_at_ms, next_offset });
}

/** Undefined for what is none: others may write to the topic, and what they write counts for nothing. */
export function parseLedger(value: Buffer | null): LedgerRecord | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value?.toString('utf8') ?? '');
  } catch {
    return undefined;
  }
  const result = LedgerRecord.safeParse(parsed);
  if (!result.success) return undefined;
  if (result.data.kind !== 'head') return result.data;
  const { log, size, received_at_ms, next_offset, ...hashes } = result.data;
  const root = Buffer.from(hashes.root, 'base64');
  const range = hashes.range.map((text) => Buffer.from(text, 'base64'));
  if ([root, ...range].some((hash) => hash.length !== 32)) return undefined;
  return { kind: 'head', head: { log, size, root, range, received_at_ms, next_offset } };
}
