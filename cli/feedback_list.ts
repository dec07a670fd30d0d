/**
 * What verdicts taught, as detection needs it: read once, then kept up to date from the records as they are committed.
 * Bounded: the oldest verdicts go first, and what has run out goes with them.
 */
import type { Finding } from '../core/alert.ts';
import type { AlertActionDetail } from '../core/alert_action.ts';
import {
  FEEDBACK_KEPT_MS,
  feedbackKey,
  type Judged,
  type Judgement,
  teaches,
  type WeighedFinding,
  weighedFinding,
} from '../core/feedback.ts';
import { LIMITS } from '../core/limits.ts';
import { readFeedback } from '../core/store/queries/feedback.ts';
import type { Store } from '../core/store/store.ts';
import type { SequencedRecord } from '../ingest/record.ts';

export class FeedbackList {
  private readonly store: Store;
  private readonly log: string;
  /** By key, and there by alert. */
  private judgements = new Map<string, Map<string, Judgement>>();
  /** The keys of alerts, in the order in which they were judged. */
  private readonly keys = new Map<string, string>();
  /** Everything below is in the list. */
  private through = 0;

  private constructor(store: Store, log: string) {
    this.store = store;
    this.log = log;
  }

  /** `size` is that of the log now. */
  static async open(store: Store, log: string, size: number, now_ms: number): Promise<FeedbackList> {
    const list = new FeedbackList(store, log);
    await list.reload(size, now_ms);
    return list;
  }

  /** Reads the list anew, where records were committed that nobody was told of. */
  async reload(size: number, now_ms: number): Promise<void> {
    const rows = await readFeedback(this.store, this.log, now_ms - FEEDBACK_KEPT_MS, LIMITS.feedback_verdicts_max);
    this.judgements = new Map();
    this.keys.clear();
    for (const row of rows) this.add(row.alert_id, row, { verdict: row.verdict, at_ms: row.at_ms });
    this.through = size;
  }

  /** Takes committed records in. What is known already changes nothing. */
  observe(records: readonly SequencedRecord[]): void {
    for (const record of records) {
      if (record.seq < this.through) continue;
      this.through = record.seq + 1;
      if (record.kind !== 'action') continue;
      if (record.type === 'alert.closed' || record.type === 'alert.reopened') this.change(record);
    }
  }

  private change({ tenant, user_id, received_at_ms, internal }: SequencedRecord): void {
    const { alert_id, verdict, judged } = internal as unknown as AlertActionDetail;
    this.remove(`${tenant}\0${alert_id}`);
    if (judged === undefined || !teaches(verdict)) return;
    this.add(alert_id, { tenant, user_id, ...judged }, { verdict, at_ms: received_at_ms });
    for (const [oldest, key] of this.keys) {
      const at_ms = this.judgements.get(key)?.get(oldest)?.at_ms ?? 0;
      if (this.keys.size <= LIMITS.feedback_verdicts_max && at_ms > received_at_ms - FEEDBACK_KEPT_MS) break;
      this.remove(oldest);
    }
  }

  private add(alert_id: string, judged: Judged, judgement: Judgement): void {
    const key = feedbackKey(judged);
    const name = `${judged.tenant}\0${alert_id}`;
    const others = this.judgements.get(key) ?? new Map<string, Judgement>();
    this.judgements.set(key, others.set(name, judgement));
    this.keys.set(name, key);
  }

  private remove(name: string): void {
    const key = this.keys.get(name);
    if (key === undefined) return;
    this.keys.delete(name);
    const others = this.judgements.get(key);
    others?.delete(name);
    if (others?.size === 0) this.judgements.delete(key);
  }

  /** The finding as its alert is to be raised at a time. */
  weighed(finding: Finding, now_ms: number): WeighedFinding {
    return weighedFinding(finding, this.judgements.get(feedbackKey(finding))?.values() ?? [], now_ms);
  }
}
