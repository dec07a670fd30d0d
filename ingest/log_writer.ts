/**
 * The one writer of a log: takes records from a bounded queue, sequences them, stores them, and commits the head. A
 * record is acknowledged when it is durable and under the head. While one batch is being stored the next is prepared.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { AppError, messageOf } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { Pseudonymizer } from '../core/pseudonym.ts';
import { type HeadRow, insertHead, removeForeign } from '../core/store/queries/head.ts';
import type { Store } from '../core/store/store.ts';
import { answer, type Batch, CommitFailed, type Item, insertAll, newBatch, type Submission } from './batch.ts';
import { type BatchRows, encodeBatchEnd, encodeRecord, newBatchRows } from './encode.ts';
import { loadFirsts, loadSessions } from './lookups.ts';
import { parseRecord } from './parse.ts';
import type { Receipt } from './receipt.ts';
import type { AcceptedRecord, InternalRecord, SequencedRecord } from './record.ts';
import { freshSalt } from './salt.ts';
import { type SequencedBatch, type SequencerInput, sequenceBatch } from './sequencer.ts';
import { type FencedHead, type SignedHead, type Takeover, takeOver } from './takeover.ts';

export type { Receipt } from './receipt.ts';

export interface Head {
  log: string;
  size: number;
  root: Uint8Array;
}

export interface LogWriterOptions {
  store: Store;
  log: string;
  pseudonyms: Pseudonymizer;
  /** What the signer signed last, from its own memory; asked again at each takeover. */
  lastSigned: () => SignedHead | undefined;
  now: () => number;
  /** Called with each committed batch, in order. The writer waits when its answer lags. */
  onCommitted: (records: readonly SequencedRecord[]) => Promise<void>;
  /**
   * Called instead for records in [from, to) that a failed write had committed after all: they are to be read from
   * the store. In order with `onCommitted`.
   */
  onAdopted?: (from: number, to: number) => Promise<void>;
  /** Told of each batch that was stored and put under the head, and how long that took. */
  onStored?: (records: readonly SequencedRecord[], seconds: number) => void;
  onNotice?: (notice: string, fields: Record<string, unknown>) => void;
  /** The store contradicts what was signed: writing stops for good. */
  onFatal?: (error: AppError) => void;
  /** Where the head is fenced outside the store, so that of several owners one alone can move it. */
  fenced?: FencedLog;
}

/** A log whose head lies elsewhere than in the store. */
export interface FencedLog extends FencedHead {
  /** Moves the head behind records whose rows are durable. Throws when another owner came, or when in doubt. */
  commit: (head: HeadRow, records: readonly SequencedRecord[]) => Promise<void>;
  /** How long a batch that has room waits for more: many logs share a store, and each batch costs it the same. */
  gather_ms: number;
  /** The writer has stopped for good: the log has to be taken over anew, by whoever owns it then. */
  onBroken: (error: AppError) => void;
}

const CHUNK_RECORDS = 2_000; // records looked up together
const SLICE_RECORDS = 128; // records between two chances for other work
const RETRY_MS = [200, 1_000, 5_000];

export class LogWriter {
  private readonly options: LogWriterOptions;
  private takeover: Takeover;
  private readonly queue: Submission[] = [];
  private queued_records = 0;
  private queued_bytes = 0;
  private received_at_ms: number;
  private committed: Head;
  private head_row: HeadRow | undefined;
  /** The latest arrival under the head. */
  private committed_at_ms: number;
  /** The batch that is being stored: its records are not yet to be found in the store. */
  private storing: SequencedBatch | undefined;
  private observing: Promise<void> = Promise.resolve();
  private readonly buffers = [newBatchRows(), newBatchRows()];
  private wake: () => void = () => undefined;
  private closing = false;
  private broken: AppError | undefined;
  private readonly running: Promise<void>;

  private constructor(options: LogWriterOptions, takeover: Takeover) {
    this.options = options;
    this.takeover = takeover;
    this.received_at_ms = takeover.received_at_ms;
    this.committed_at_ms = takeover.received_at_ms;
    this.committed = this.headOf(takeover);
    this.running = this.run();
  }

  /** Takes the log over and starts writing. Errors as in `takeOver`. */
  static async open(options: LogWriterOptions): Promise<LogWriter> {
    const { store, log, pseudonyms, lastSigned, fenced } = options;
    const takeover = await takeOver(store, log, pseudonyms, lastSigned(), fenced);
    return new LogWriter(options, takeover);
  }

  private headOf(takeover: Takeover): Head {
    return { log: this.options.log, size: takeover.state.range.size, root: takeover.state.range.root() };
  }

  /** The committed head. */
  get head(): Head {
    return this.committed;
  }

  /** The head that was committed last here, as a row, or undefined where nothing was. */
  get fencedHead(): HeadRow | undefined {
    return this.head_row;
  }

  /** What waits, for metrics and for deciding whether to take more. */
  get waiting(): { records: number; bytes: number; broken: boolean } {
    return { records: this.queued_records, bytes: this.queued_bytes, broken: this.broken !== undefined };
  }

  /** Stamps bytes with our clock, which never runs backwards, and with a salt; once and before anything else. */
  accept(bytes: Buffer, tenant: string, accepted_by: string): AcceptedRecord {
    return { bytes, tenant, accepted_by, received_at_ms: this.clock(), salt: freshSalt() };
  }

  /** The same for a record of the program's own. */
  stamp(record: Omit<InternalRecord, 'received_at_ms' | 'salt'>): InternalRecord {
    return { ...record, received_at_ms: this.clock(), salt: freshSalt() };
  }

  private clock(): number {
    this.received_at_ms = Math.max(this.received_at_ms, this.options.now());
    return this.received_at_ms;
  }

  /**
   * Hands records to the log. Resolves with a receipt a record, in order, when all are durable and under the head.
   * Rejects with `queue_full` (nothing was taken: come back later), `store_unavailable` (nothing is acknowledged;
   * send again, what was stored is recognised) or `log_closed`.
   */
  submit(records: readonly AcceptedRecord[]): Promise<Receipt[]> {
    const bytes = records.reduce((sum, record) => sum + record.bytes.length, 0);
    const over_records = this.queued_records + records.length > LIMITS.queue_records_max;
    const over_bytes = this.queued_bytes + bytes > LIMITS.queue_bytes_max;
    // A body that is larger than the whole queue would never fit: it is taken when the queue is empty.
    if ((over_records || over_bytes) && this.queued_records > 0) {
      return Promise.reject(new AppError('queue_full', `${this.queued_records} records wait for the log already`));
    }
    return this.enqueue(
      records.map((record) => ({ record })),
      bytes,
    );
  }

  /** Records in the order of a source that slows down by itself: none is refused. As `submit` in all else. */
  submitItems(items: readonly Item[]): Promise<Receipt[]> {
    const bytes = items.reduce((sum, { record }) => sum + ('bytes' in record ? record.bytes.length : 0), 0);
    return this.enqueue([...items], bytes);
  }

  /** The program's own records; they are few, and none is refused. */
  submitInternal(records: readonly InternalRecord[]): Promise<Receipt[]> {
    return this.enqueue(
      records.map((record) => ({ record, internal: true })),
      0,
    );
  }

  private enqueue(items: Item[], bytes: number): Promise<Receipt[]> {
    if (this.closing) return Promise.reject(new AppError('log_closed', 'the log is being closed'));
    if (this.broken) return Promise.reject(unavailable(this.broken));
    if (items.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.queue.push({ items, bytes, taken: 0, receipts: [], resolve, reject });
      this.queued_records += items.length;
      this.queued_bytes += bytes;
      this.wake();
    });
  }

  /** Writes what waits, lets the observers finish, and stops. */
  async close(): Promise<void> {
    this.closing = true;
    this.wake();
    await this.running;
    await this.observing;
  }

  /** Resolves when all that was committed so far has been observed. */
  async settled(): Promise<void> {
    await this.observing;
  }

  private async run(): Promise<void> {
    let storing: Promise<Batch> | undefined;
    let turn = 0;
    for (;;) {
      if (this.queue.length === 0 && storing === undefined) {
        if (this.closing) return;
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        continue;
      }
      const batch = newBatch(this.buffers[turn % 2] as BatchRows);
      turn++;
      let error: unknown;
      try {
        await this.fill(batch, storing);
      } catch (thrown) {
        error = thrown;
      }
      try {
        await storing;
      } catch (thrown) {
        error = thrown;
      }
      storing = undefined;
      this.storing = undefined;
      if (error !== undefined) {
        await this.recover(batch, error);
        continue;
      }
      if (batch.sequenced.records.length > 0) storing = this.commit(batch);
    }
  }

  /** Prepares records until the batch is full, or until the batch before it is stored and nothing more waits. */
  private async fill(batch: Batch, storing: Promise<Batch> | undefined): Promise<void> {
    let stored = storing === undefined;
    let failed = false;
    let gathered: Promise<void> | undefined;
    let is_gathered = false;
    const end = () => {
      stored = true;
    };
    const done = storing?.then(end, () => {
      stored = true;
      failed = true;
    });
    while (batch.sequenced.records.length < LIMITS.batch_records_max && batch.bytes < LIMITS.batch_bytes_max) {
      const items = this.take(batch, LIMITS.batch_records_max - batch.sequenced.records.length);
      if (items.length > 0) {
        await this.prepare(batch, items);
        gathered ??= this.gather().then(() => {
          is_gathered = true;
        });
        continue;
      }
      if (failed || (stored && (gathered === undefined || is_gathered || this.closing))) break;
      const more = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      await Promise.race([stored ? gathered : done, more]);
    }
    encodeBatchEnd(batch.rows, this.options.log, batch.sequenced);
  }

  /** Where producers wait for their answer nothing is waited for. */
  private gather(): Promise<void> {
    const { fenced } = this.options;
    return fenced === undefined ? Promise.resolve() : sleep(fenced.gather_ms, undefined, { ref: false });
  }

  /** Takes the next items of the queue into the batch, up to a chunk. */
  private take(batch: Batch, room: number): Item[] {
    const items: Item[] = [];
    const items_max = Math.min(room, CHUNK_RECORDS);
    while (items.length < items_max && batch.bytes < LIMITS.batch_bytes_max) {
      const submission = this.queue[0];
      if (submission === undefined) break;
      const count = Math.min(items_max - items.length, submission.items.length - submission.taken);
      let bytes = 0;
      for (let i = 0; i < count; i++) {
        const item = submission.items[submission.taken + i] as Item;
        items.push(item);
        bytes += item.internal ? 0 : item.record.bytes.length;
      }
      submission.taken += count;
      batch.submissions.push({ submission, count });
      batch.bytes += bytes;
      this.queued_records -= count;
      this.queued_bytes -= bytes;
      if (submission.taken === submission.items.length) this.queue.shift();
    }
    return items;
  }

  private async prepare(batch: Batch, items: readonly Item[]): Promise<void> {
    const inputs: SequencerInput[] = [];
    for (const item of items) {
      inputs.push(item.internal ? item : { record: item.record, parsed: item.parsed ?? parseRecord(item.record) });
      if (inputs.length % SLICE_RECORDS === 0) await nextTurn();
    }
    // Here alone, since from here to the end of this method no session that is needed may go.
    this.forget();
    const { store } = this.options;
    const { state, sessions_complete } = this.takeover;
    if (!sessions_complete) await loadSessions(store, state, inputs);
    const recent = [...(this.storing?.records ?? []), ...batch.sequenced.records];
    const firsts = await loadFirsts(store, state, inputs, recent);
    const { sequenced } = batch;
    for (let from = 0; from < inputs.length; from += SLICE_RECORDS) {
      const before = sequenced.records.length;
      sequenceBatch(this.takeover.state, inputs.slice(from, from + SLICE_RECORDS), (seq) => firsts.get(seq), sequenced);
      for (let i = before; i < sequenced.records.length; i++) {
        encodeRecord(batch.rows, this.options.log, sequenced.records[i] as SequencedRecord);
      }
      await nextTurn();
    }
  }

  /** Stores the batch, commits the head, answers the producers, and tells the observers. */
  private async commit(batch: Batch): Promise<Batch> {
    const { store } = this.options;
    const { range } = this.takeover.state;
    const head = {
      log: this.options.log,
      size: range.size,
      root: Buffer.from(range.root()),
      range: range.hashes().map((hash) => Buffer.from(hash)),
      received_at_ms: Math.max(this.committed_at_ms, ...batch.sequenced.records.map((each) => each.received_at_ms)),
    };
    this.storing = batch.sequenced;
    const began = performance.now();
    try {
      await this.adopt(batch);
      await insertAll(store, batch.rows);
      await this.options.fenced?.commit(head, batch.sequenced.records);
      await insertHead(store, head);
    } catch (error) {
      throw new CommitFailed(batch, error);
    }
    this.committed = { log: head.log, size: head.size, root: head.root };
    this.head_row = head;
    this.committed_at_ms = head.received_at_ms;
    answer(batch);
    this.options.onStored?.(batch.sequenced.records, (performance.now() - began) / 1_000);
    const earlier = this.observing;
    this.observing = earlier
      .then(() => this.options.onCommitted(batch.sequenced.records))
      .catch((error: unknown) => {
        this.notice('observer_failed', { error: messageOf(error) });
      });
    await earlier;
    return batch;
  }

  /** Rows above the head that an earlier owner left are written again and merge away if they are the same; else they go. */
  private async adopt(batch: Batch): Promise<void> {
    const { above } = this.takeover;
    if (above.size === 0) return;
    const foreign = foreignTo(above, batch.sequenced.records);
    if (foreign.length === 0) return;
    this.notice('foreign_rows_removed', { from: foreign[0]?.seq, records: foreign.length });
    await removeForeign(this.options.store, this.options.log, this.committed.size);
    this.takeover.above = new Map();
  }

  /** Keeps the session cache within its limit; what goes is under the head by now. */
  private forget(): void {
    const { sessions } = this.takeover.state;
    const stored_below = this.committed.size;
    let over = sessions.size - LIMITS.session_cache_max;
    if (over <= 0) return;
    this.takeover.sessions_complete = false;
    for (const [key, session] of sessions) {
      if (over-- <= 0) break;
      if (session.last_seq < stored_below) sessions.delete(key);
    }
  }

  /** After a failure nothing in memory can be trusted: those who wait are told, and the log is taken over anew. */
  private async recover(batch: Batch, error: unknown): Promise<void> {
    const cause = error instanceof CommitFailed ? error.cause : error;
    this.broken = new AppError('store_unavailable', `the log could not be written: ${messageOf(cause)}`, { cause });
    this.notice('log_write_failed', { error: messageOf(cause) });
    const failed = error instanceof CommitFailed ? [error.batch, batch] : [batch];
    const waiting = failed.flatMap((each) => each.submissions.map(({ submission }) => submission));
    for (const submission of [...waiting, ...this.queue.splice(0)]) submission.reject(unavailable(this.broken));
    this.queued_records = 0;
    this.queued_bytes = 0;
    if (this.options.fenced !== undefined) {
      this.closing = true;
      this.options.fenced.onBroken(this.broken);
      return;
    }
    for (let attempt = 0; !this.closing; attempt++) {
      await sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
      try {
        const { store, log, pseudonyms, lastSigned } = this.options;
        this.takeover = await takeOver(store, log, pseudonyms, lastSigned());
        const before = this.committed.size;
        this.committed = this.headOf(this.takeover);
        this.committed_at_ms = this.takeover.received_at_ms;
        this.broken = undefined;
        if (this.committed.size > before) this.observeAdopted(before, this.committed.size);
        this.notice('log_taken_over', { size: this.committed.size, removed: this.takeover.removed });
        return;
      } catch (again) {
        this.broken = new AppError('store_unavailable', messageOf(again), { cause: again });
        this.notice('takeover_failed', { error: messageOf(again), attempt });
        if (again instanceof AppError && again.fatal) {
          this.options.onFatal?.(again);
          this.closing = true;
        }
      }
    }
  }

  /** The failed write had been durable after all: its records are in the log, and nobody was told of them. */
  private observeAdopted(from: number, to: number): void {
    this.observing = this.observing
      .then(() => this.options.onAdopted?.(from, to))
      .catch((error: unknown) => {
        this.notice('observer_failed', { error: messageOf(error) });
      });
  }

  private notice(notice: string, fields: Record<string, unknown>): void {
    this.options.onNotice?.(notice, fields);
  }
}

/** The records in whose place something else stands in the store. */
export function foreignTo(
  above: ReadonlyMap<number, readonly Buffer[]>,
  records: readonly SequencedRecord[],
): SequencedRecord[] {
  return records.filter(({ seq, leaf_hash }) => above.get(seq)?.some((hash) => !hash.equals(leaf_hash)));
}

function unavailable(error: AppError): AppError {
  return new AppError('store_unavailable', error.message, { cause: error });
}
