/**
 * Content that is gone, and the records of the log that say so. A record can only speak of records before it.
 */
import { Buffer } from 'node:buffer';
import type { Core } from '../../core/core_record.ts';
import { groupFields } from '../../core/groups.ts';
import { ContentRows, type EventRows } from '../../core/store/queries/record_rows.ts';
import { readErasures } from '../../core/store/queries/takeover.ts';
import type { Store } from '../../core/store/store.ts';
import { opens, saltsOf } from './record_check.ts';
import type { Findings } from './report.ts';

type Range = [from: number, to: number];

interface ErasureRecord {
  seq: number;
  tenant: string;
  detail: Buffer;
  committed: string | undefined;
  ranges: Range[];
}

const TYPES = new Set(['erasure', 'expiry']);

/** Whether a core is of a record that says that content was erased or has expired. */
export function isErasure(core: Core): boolean {
  return core.kind === 'action' && TYPES.has(core.type);
}

/** The ranges of sequence numbers that the detail of an erasure names; none where it cannot be read. */
function rangesOf(detail: string): Range[] {
  try {
    const { ranges } = groupFields(detail);
    if (!Array.isArray(ranges)) return [];
    return ranges.filter(
      (range): range is Range =>
        Array.isArray(range) && Number.isSafeInteger(range[0]) && Number.isSafeInteger(range[1]),
    );
  } catch {
    return [];
  }
}

/** Collects on the way through the records, and compares in the end. Memory: a bit a record. */
export class Erasures {
  private readonly records: ErasureRecord[] = [];
  private readonly gone: Uint8Array;
  private gone_count = 0;

  constructor(size: number) {
    this.gone = new Uint8Array(Math.ceil(size / 8));
  }

  /** Takes a record that `isErasure`. */
  record(row: EventRows, core: Core): void {
    const ranges = rangesOf(row.detail).map(([from, to]): Range => [from, Math.min(to, row.seq)]);
    const detail = Buffer.from(row.detail_bytes);
    this.records.push({ seq: row.seq, tenant: row.tenant, detail, committed: core.commit.detail, ranges });
  }

  /** Notes that the content of a record is gone. */
  content(seq: number): void {
    this.gone[seq >> 3] = (this.gone[seq >> 3] as number) | (1 << (seq & 7));
    this.gone_count++;
  }

  /**
   * Reports content that is gone without a record. `opened` is false where the records' own details were not compared
   * with their commitments on the way; then that is done here, since somebody may have added to what they name.
   */
  async compare(
    store: Store,
    scope: { log: string; size: number },
    opened: boolean,
    findings: Findings,
  ): Promise<void> {
    if (this.gone_count === 0) return;
    if (!opened) await this.openDetails(store, scope, findings);
    let unexplained = this.unexplained(this.records.flatMap((record) => record.ranges));
    // An erasure may have gone through while we read: then its record is above the head that is verified.
    if (unexplained.length > 0) {
      const now = (await readErasures(store, scope.log)).slice(this.records.length);
      unexplained = unexplained.filter((seq) => !covers(now.flatMap(rangesOf), seq));
    }
    for (const seq of unexplained) {
      const message = `the content of record ${seq} is gone, no record of the log says why`;
      findings.add({ code: 'erased_without_record', table: 'content', column: 'state', seq, message });
    }
  }

  private unexplained(ranges: readonly Range[]): number[] {
    const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
    const left: number[] = [];
    let at = 0;
    let covered_to = 0;
    for (let i = 0; i < this.gone.length; i++) {
      if (this.gone[i] === 0) continue;
      for (let seq = 8 * i; seq < 8 * i + 8; seq++) {
        if (((this.gone[i] as number) & (1 << (seq & 7))) === 0) continue;
        for (let next = sorted[at]; next !== undefined && next[0] <= seq; next = sorted[++at]) {
          covered_to = Math.max(covered_to, next[1]);
        }
        if (seq >= covered_to) left.push(seq);
      }
    }
    return left;
  }

  private async openDetails(store: Store, scope: { log: string; size: number }, findings: Findings): Promise<void> {
    for (const tenant of new Set(this.records.map((record) => record.tenant))) {
      const wanted = new Map(this.records.filter((each) => each.tenant === tenant).map((each) => [each.seq, each]));
      const rows = ContentRows.open(store, { ...scope, session: { tenant, session_id: '' } });
      do {
        while (rows.step()) {
          const record = wanted.get(rows.seq);
          if (record !== undefined && opensDetail(record, rows)) wanted.delete(rows.seq);
        }
      } while (await rows.more());
      for (const { seq } of wanted.values()) {
        const message = `detail of record ${seq}, an erasure, does not open its commitment`;
        findings.add({ code: 'column_changed', table: 'events', column: 'detail', seq, message });
      }
    }
  }
}

function opensDetail({ detail, committed }: ErasureRecord, { salt, state }: ContentRows): boolean {
  const salts = state === 'kept' ? undefined : saltsOf(salt);
  return committed !== undefined && salts !== 'malformed' && opens('detail', detail, committed, salt, salts);
}

function covers(ranges: readonly Range[], seq: number): boolean {
  return ranges.some(([from, to]) => from <= seq && seq < to);
}
