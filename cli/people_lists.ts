/**
 * What people decided about alerts, as workers need it: suppressions and verdicts stand in the log of the API, which
 * another process may write. Read at the start and again whenever that log has grown.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Finding } from '../core/alert.ts';
import { messageOf } from '../core/errors.ts';
import { readHead } from '../core/store/queries/head.ts';
import type { Store } from '../core/store/store.ts';
import { alertRecord, type RecordDraft } from './detected_writer.ts';
import { FeedbackList } from './feedback_list.ts';
import { SuppressionList } from './suppression_list.ts';

/** How late a worker may learn of a decision. */
const LOOK_MS = 1_000;

export interface PeopleListsOptions {
  store: Store;
  /** The log in which people's actions stand. */
  log: string;
  now: () => number;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
}

export class PeopleLists {
  private readonly options: PeopleListsOptions;
  private readonly suppressions: SuppressionList;
  private readonly feedback: FeedbackList;
  private size: number;
  private closing = false;
  private readonly running: Promise<void>;

  private constructor(
    options: PeopleListsOptions,
    suppressions: SuppressionList,
    feedback: FeedbackList,
    size: number,
  ) {
    this.options = options;
    this.suppressions = suppressions;
    this.feedback = feedback;
    this.size = size;
    this.running = this.run();
  }

  static async open(options: PeopleListsOptions): Promise<PeopleLists> {
    const { store, log, now } = options;
    const size = (await readHead(store, log))?.size ?? 0;
    const suppressions = await SuppressionList.open(store, log, size, now());
    const feedback = await FeedbackList.open(store, log, size, now());
    return new PeopleLists(options, suppressions, feedback, size);
  }

  /** The record of a finding: an alert with its weighed risk, or what says that it was held back. */
  recordOf(finding: Finding): RecordDraft {
    const now_ms = this.options.now();
    return this.suppressions.heldBack(finding, now_ms) ?? alertRecord(this.feedback.weighed(finding, now_ms));
  }

  private async run(): Promise<void> {
    const { onNotice } = this.options;
    while (!this.closing) {
      await sleep(LOOK_MS, undefined, { ref: false });
      await this.look().catch((error: unknown) => onNotice('people_not_heard', { error: messageOf(error) }));
    }
  }

  private async look(): Promise<void> {
    const { store, log, now } = this.options;
    const size = (await readHead(store, log))?.size ?? 0;
    if (size === this.size || this.closing) return;
    await this.suppressions.reload(size, now());
    await this.feedback.reload(size, now());
    this.size = size;
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.running;
  }
}
