/**
 * What a record of the log says of content that went: whose, why, and the numbers of the records whose content is gone.
 * Such a record is written before anything is removed, and whatever a crash leaves undone is done again from it. Pure.
 */
import type { Fields } from './groups.ts';

/** Types of these records: on somebody's request, and by the operator's rules of retention. */
export const ERASURE_TYPES = ['erasure', 'expiry'] as const;
export type ErasureType = (typeof ERASURE_TYPES)[number];

/** Numbers from the first up to, not including, the second. */
export type Range = [from: number, to: number];

/** The detail of such a record. The name of a user who is erased has no place in it. */
export interface ErasureDetail {
  erasure_id: string;
  /** A large erasure takes several records: this one, of so many. */
  part: number;
  parts: number;
  scope: 'user' | 'session' | 'retention';
  session_id?: string;
  reason: string;
  ranges: Range[];
}

/** Ascending numbers as ranges. */
export function rangesOf(seqs: readonly number[]): Range[] {
  const ranges: Range[] = [];
  for (const seq of seqs) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === seq) last[1] = seq + 1;
    else ranges.push([seq, seq + 1]);
  }
  return ranges;
}

/** The ranges that a detail names; what is no range is left out. */
export function readRanges({ ranges }: Fields): Range[] {
  if (!Array.isArray(ranges)) return [];
  return ranges.filter(
    (range): range is Range => Array.isArray(range) && Number.isSafeInteger(range[0]) && Number.isSafeInteger(range[1]),
  );
}
