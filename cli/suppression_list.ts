/**
 * The suppressions of a log as detection needs them: read once, then kept up to date from the records as they are
 * committed. A finding that one of them covers becomes another record than an alert.
 */
import type { Finding } from '../core/alert.ts';
import type { AlertActionDetail } from '../core/alert_action.ts';
import { readSuppressions } from '../core/store/queries/suppressions.ts';
import type { Store } from '../core/store/store.ts';
import { changesSuppressions, type SuppressibleFinding, type Suppression, suppressionOf } from '../core/suppression.ts';
import type { InternalRecord, SequencedRecord } from '../ingest/record.ts';
import { suppressedFinding } from '../ingest/suppressed_finding.ts';

/** What has ended is still known for so long, since a finding may be looked up late. */
const ENDED_KEPT_MS = 3_600_000;

export class SuppressionList {
  private readonly store: Store;
  private readonly log: string;
  private list: Suppression[] = [];
  /** Everything below is in the list. */
  private through = 0;

  private constructor(store: Store, log: string) {
    this.store = store;
    this.log = log;
  }

  /** `size` is that of the log now; `since_ms` the time of the first event that a replay will see. */
  static async open(store: Store, log: string, size: number, since_ms: number): Promise<SuppressionList> {
    const list = new SuppressionList(store, log);
    await list.reload(size, since_ms);
    return list;
  }

  /** Reads the list anew, where records were committed that nobody was told of. */
  async reload(size: number, since_ms: number): Promise<void> {
    this.list = await readSuppressions(this.store, this.log, since_ms - ENDED_KEPT_MS);
    this.through = size;
  }

  /** Takes committed records in. What is known already changes nothing. */
  observe(records: readonly SequencedRecord[]): void {
    for (const record of records) {
      if (record.seq < this.through) continue;
      this.through = record.seq + 1;
      if (record.kind === 'action' && changesSuppressions(record.type)) this.change(record);
    }
  }

  private change(record: SequencedRecord): void {
    const { tenant, received_at_ms } = record;
    const { alert_id, scope, expires_at_ms } = record.internal as unknown as AlertActionDetail;
    this.list = this.list.filter((each) => each.until_ms > received_at_ms - ENDED_KEPT_MS);
    if (record.type === 'alert.reopened') {
      for (const each of this.list) {
        if (each.tenant === tenant && each.alert_id === alert_id)
          each.until_ms = Math.min(each.until_ms, received_at_ms);
      }
    } else if (scope !== undefined && expires_at_ms !== undefined) {
      const times = { from_ms: received_at_ms, until_ms: expires_at_ms };
      this.list.push({ suppression_id: record.event_id, tenant, alert_id, scope, ...times });
    }
  }

  /** The record of a finding that is held back at a time, or undefined where it is to be an alert. */
  heldBack(
    finding: Finding & SuppressibleFinding,
    now_ms: number,
  ): Omit<InternalRecord, 'received_at_ms' | 'salt'> | undefined {
    const suppression = suppressionOf(finding, this.list, now_ms);
    return suppression && suppressedFinding(finding, suppression.suppression_id);
  }
}
