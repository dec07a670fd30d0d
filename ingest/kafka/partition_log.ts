/**
 * The log of one partition while this process owns it: taken over, written through the same writer as other logs, and
 * given up as soon as somebody else may own it. Everything that becomes a record comes from the partition, so that each
 * owner computes the same bytes.
 */
import { Buffer } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka, KafkaMessage, Message } from 'kafkajs';
import { AppError, messageOf } from '../../core/errors.ts';
import type { Fields } from '../../core/groups.ts';
import { canonicalJson } from '../../core/json/canonical.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Pseudonymizer } from '../../core/pseudonym.ts';
import type { HeadRow } from '../../core/store/queries/head.ts';
import { readConfiguration } from '../../core/store/queries/takeover.ts';
import type { Store } from '../../core/store/store.ts';
import { nodeHasher } from '../../core/tlog/node_hasher.ts';
import type { Item } from '../batch.ts';
import { type Head, LogWriter } from '../log_writer.ts';
import type { InternalRecord, SequencedRecord } from '../record.ts';
import type { OnNotice } from './client.ts';
import type { Envelopes } from './envelope.ts';
import { Ledger, type LedgerPlace } from './ledger.ts';
import type { PartitionReader } from './partition_reader.ts';
import { partitionOf } from './partitioner.ts';
import { checkSource } from './source_check.ts';
import { keyOf, type Topics } from './topics.ts';

/** What a log's observers need of it: the program's own records go through the source like all others. */
export interface LogPort {
  log: string;
  readonly head: Head;
  readonly waiting: { records: number; bytes: number; broken: boolean };
  stamp(record: Omit<InternalRecord, 'received_at_ms' | 'salt'>): InternalRecord;
  /** Resolves when the records are under the head. */
  submitInternal(records: readonly InternalRecord[]): Promise<unknown>;
}

export interface LogObserver {
  observe(records: readonly SequencedRecord[]): Promise<void>;
  /** Ends at once and stores nothing more that is not on its way. */
  abandon(): void;
  /** Stores what was found so far. */
  close(): Promise<void>;
}

export interface PartitionLogOptions {
  kafka: Kafka;
  place: LedgerPlace;
  topics: Topics;
  partitions: number;
  store: Store;
  pseudonyms: Pseudonymizer;
  envelopes: Envelopes;
  reader: PartitionReader;
  /** What shapes the bytes of cores: a record of its own before the first record that it shapes. */
  configuration: Fields;
  send: (topic: string, messages: Message[]) => Promise<void>;
  observe: (port: LogPort) => Promise<LogObserver>;
  now: () => number;
  onNotice: OnNotice;
  /** Told of each batch that was stored and put under the head, and how long that took. */
  onStored?: (records: readonly SequencedRecord[], seconds: number) => void;
  /** The log was given up after a failure and has to be taken anew. */
  onBroken: (error: AppError) => void;
}

interface Open {
  ledger: Ledger;
  writer: LogWriter;
  observer: LogObserver | undefined;
  /** The offset that comes next from the source. */
  position: number;
  received_at_ms: number;
  config_due: boolean;
  /** Records of another partition, until they are sent there in the transaction that passes them. */
  moves: { offset: number; message: Message }[];
  outstanding: number;
  waiting: Map<string, () => void>;
  ended: boolean;
}

const WAIT_MS = 20;

export class PartitionLog {
  readonly counters = { records: 0, moved: 0, takeovers: 0 };
  private readonly options: PartitionLogOptions;
  private current: Open | undefined;
  private opening: Promise<void> | undefined;

  constructor(options: PartitionLogOptions) {
    this.options = options;
  }

  get isOpen(): boolean {
    return this.current !== undefined;
  }

  /** The offset that comes next, while the log is open. */
  get position(): number | undefined {
    return this.current?.position;
  }

  get head(): Head | undefined {
    return this.current?.writer.head;
  }

  /** Takes the log over, once however often it is asked. Throws what makes that impossible; fatal where a person must look. */
  open(): Promise<void> {
    if (this.current !== undefined) return Promise.resolve();
    this.opening ??= this.takeOver().finally(() => {
      this.opening = undefined;
    });
    return this.opening;
  }

  private async takeOver(): Promise<void> {
    const { kafka, place, store, pseudonyms, reader, envelopes, now, onNotice } = this.options;
    this.counters.takeovers++;
    // First of all: from here on nobody else can move the head that is read next.
    const ledger = await Ledger.take(kafka, place);
    const open = { ledger, position: 0, config_due: false, moves: [], outstanding: 0, ended: false } as unknown as Open;
    open.waiting = new Map();
    try {
      open.writer = await LogWriter.open({
        store,
        log: place.log,
        pseudonyms,
        lastSigned: () => undefined,
        now,
        onCommitted: (records) => this.committed(open, records),
        ...(this.options.onStored && { onStored: this.options.onStored }),
        onNotice,
        fenced: {
          head: ledger.head,
          gather_ms: LIMITS.kafka_gather_ms,
          commit: (head, records) => this.commit(open, head, records),
          onBroken: (error) => this.broke(open, error),
        },
      });
      if (ledger.head === undefined) open.position = (await reader.bounds(place.partition)).low;
      else {
        await checkSource(reader, place.partition, { store, head: ledger.head, envelopes });
        open.position = ledger.head.next_offset;
      }
      open.received_at_ms = ledger.head?.received_at_ms ?? 0;
      const in_force = await readConfiguration(store, place.log);
      checkShared(place.log, in_force, this.options.configuration);
      open.config_due = in_force !== canonicalJson(this.options.configuration);
      open.observer = await this.options.observe(this.portOf(open));
    } catch (error) {
      open.ended = true;
      await open.writer?.close().catch(() => undefined);
      // Who was shut out meanwhile saw another's work half done: it has no say in whether the log is sound.
      const doubted =
        error instanceof AppError && error.fatal ? await ledger.confirm().catch((lost) => lost) : undefined;
      await ledger.close();
      throw doubted ?? error;
    }
    this.current = open;
    onNotice('log_taken', { log: place.log, size: open.writer.head.size, offset: open.position });
  }

  /**
   * Takes messages in the order of the partition; those before the position are known. Resolves when there is room for
   * more. `isLost` says that the partition was taken away meanwhile.
   */
  async take(messages: readonly KafkaMessage[], isLost: () => boolean): Promise<void> {
    const open = this.current;
    if (open === undefined) return;
    const items: Item[] = [];
    for (const message of messages) {
      const offset = Number(message.offset);
      if (offset < open.position) continue;
      open.position = offset + 1;
      const received_at_ms = Math.max(open.received_at_ms, Number(message.timestamp));
      const item = this.options.envelopes.open(message, this.options.place.log, received_at_ms);
      if (this.isElsewhere(item)) this.move(open, message, item);
      else {
        // The log's clock is moved by its own records alone: the head keeps it, and the next owner goes on from there.
        open.received_at_ms = received_at_ms;
        items.push(item);
      }
    }
    if (items.length > 0) this.submit(open, items);
    while (this.current === open && !isLost() && isFull(open.writer)) await sleep(WAIT_MS);
    if (open.moves.length > 0 && open.outstanding === 0) await this.passMoves(open);
  }

  private submit(open: Open, items: Item[]): void {
    const first = items[0];
    if (open.config_due && first !== undefined) {
      items.unshift({ record: this.configRecord(open, first.record), internal: true });
      open.config_due = false;
    }
    this.counters.records += items.length;
    open.outstanding++;
    // What goes wrong here ends the writer, which says so itself.
    open.writer
      .submitItems(items)
      .catch(() => undefined)
      .finally(() => this.ended(open));
  }

  private ended(open: Open): void {
    open.outstanding--;
    if (open.moves.length > 0 && open.outstanding === 0 && !open.ended) void this.passMoves(open);
  }

  /** A function of the head and of the record that comes next, so that every owner writes the same. */
  private configRecord(open: Open, next: { received_at_ms: number; offset?: number }): InternalRecord {
    const { received_at_ms, offset = 0 } = next;
    const { size } = open.writer.head;
    return {
      kind: 'config',
      type: 'log.config',
      event_id: `config-${size}`,
      tenant: '*',
      session_id: '',
      user_id: '',
      actor: 'tracewarden',
      time_ms: received_at_ms,
      received_at_ms,
      salt: this.options.envelopes.saltOf(this.options.place.log, `config-${size}`),
      detail: this.options.configuration,
      offset,
    };
  }

  private isElsewhere(item: Item): boolean {
    return this.partitionFor(item) !== this.options.place.partition;
  }

  private partitionFor(item: Item): number {
    const { partition } = this.options.place;
    if (item.internal || !item.parsed?.ok) return partition;
    const { tenant, fields } = item.parsed;
    return partitionOf(keyOf(tenant, String(fields.user_id ?? '')), this.options.partitions);
  }

  private move(open: Open, message: KafkaMessage, item: Item): void {
    const parsed = item.internal || !item.parsed?.ok ? undefined : item.parsed;
    const key = keyOf(parsed?.tenant ?? '', String(parsed?.fields.user_id ?? ''));
    const { value, headers = {} } = message;
    const moved = { key, value, headers, partition: this.partitionFor(item) };
    open.moves.push({ offset: Number(message.offset), message: moved });
    this.counters.moved++;
  }

  /** Nothing but records of other partitions came: the head stays, and the place behind them is committed. */
  private async passMoves(open: Open): Promise<void> {
    const { log } = this.options.place;
    const head = open.ledger.head;
    const row = open.writer.fencedHead ??
      head ?? { log, size: 0, root: Buffer.from(nodeHasher.empty()), range: [], received_at_ms: 0 };
    try {
      await this.commitAt(open, row, open.position, []);
    } catch (error) {
      this.broke(open, error as AppError);
    }
  }

  private commit(open: Open, head: HeadRow, records: readonly SequencedRecord[]): Promise<void> {
    const last = records.at(-1);
    return last === undefined ? Promise.resolve() : this.commitAt(open, head, offsetBehind(last), records);
  }

  private async commitAt(open: Open, head: HeadRow, next_offset: number, records: readonly SequencedRecord[]) {
    const { topics } = this.options;
    const moves = open.moves.filter(({ offset }) => offset < next_offset);
    // At once, so that no other commit takes them too; should this one fail, the log is given up.
    open.moves = open.moves.filter(({ offset }) => offset >= next_offset);
    const alerts = records.filter(({ kind }) => kind === 'alert').map((record) => alertMessage(head.log, record));
    await open.ledger.commit({ ...head, next_offset }, [
      { topic: topics.events, messages: moves.map(({ message }) => message) },
      { topic: topics.alerts, messages: alerts },
    ]);
  }

  private async committed(open: Open, records: readonly SequencedRecord[]): Promise<void> {
    for (const record of records) if (record.kind !== 'event') open.waiting.get(record.event_id)?.();
    if (!open.ended) await open.observer?.observe(records);
  }

  private portOf(open: Open): LogPort {
    const { envelopes, place, topics, send, now } = this.options;
    return {
      log: place.log,
      get head() {
        return open.writer.head;
      },
      get waiting() {
        const { bytes, records, broken } = open.writer.waiting;
        return { records: records + open.outstanding, bytes, broken };
      },
      stamp: (record) => ({ ...record, received_at_ms: now(), salt: Buffer.alloc(0) }),
      submitInternal: async (records) => {
        if (open.ended) throw new AppError('log_closed', `${place.log} was given up`);
        const messages = records.map(({ received_at_ms: _, salt: __, ...record }) => ({
          ...envelopes.sealInternal(record),
          key: keyOf(record.tenant, record.user_id),
          partition: place.partition,
        }));
        if (messages.length === 0) return;
        const done = records.map(({ event_id }) => new Promise<void>((resolve) => open.waiting.set(event_id, resolve)));
        try {
          await send(topics.events, messages);
          await Promise.all(done);
        } finally {
          for (const { event_id } of records) open.waiting.delete(event_id);
        }
        if (open.ended) throw new AppError('log_closed', `${place.log} was given up`);
      },
    };
  }

  private broke(open: Open, error: AppError): void {
    if (open.ended) return;
    this.options.onNotice('log_given_up', { log: this.options.place.log, error: messageOf(error) });
    this.drop(open);
    this.options.onBroken(error);
  }

  /** Gives the log up without waiting: it may be another's already. What is still under way is fenced off. */
  abandon(): void {
    if (this.current !== undefined) this.drop(this.current);
  }

  private drop(open: Open): void {
    open.ended = true;
    if (this.current === open) this.current = undefined;
    open.observer?.abandon();
    for (const resolve of open.waiting.values()) resolve();
    open.writer.close().catch(() => undefined);
    open.ledger.close().catch(() => undefined);
  }

  /** Resolves when all that was taken is under the head and was looked at. */
  async settled(): Promise<void> {
    const open = this.current;
    if (open === undefined) return;
    while (open.outstanding > 0 && !open.ended) await sleep(WAIT_MS);
    await open.writer.settled();
  }

  /** Writes what was taken, stores what was found, and gives the log up. */
  async close(): Promise<void> {
    await this.opening?.catch(() => undefined);
    const open = this.current;
    if (open === undefined) return;
    await this.settled();
    open.observer?.abandon();
    for (const resolve of open.waiting.values()) resolve();
    await open.observer?.close().catch(() => undefined);
    this.current = undefined;
    open.ended = true;
    await open.writer.close().catch(() => undefined);
    await open.ledger.close();
  }
}

/** With another shared key the same record would give other bytes: such a worker must not write. */
function checkShared(log: string, in_force: string | undefined, configuration: Fields): void {
  const { shared_key_id: known } = (in_force === undefined ? {} : JSON.parse(in_force)) as Fields;
  const { shared_key_id: own } = configuration;
  if (known === undefined || known === own) return;
  const message = `${log} was written with the shared key ${String(known)}, this worker has ${String(own)}`;
  throw new AppError('shared_key_mismatch', message, { fatal: true });
}

/** Where the source goes on behind a record; that of the configuration has the place of the one that comes next. */
export function offsetBehind({ type, offset }: { type: string; offset: number }): number {
  return type === 'log.config' ? offset : offset + 1;
}

function isFull(writer: LogWriter): boolean {
  const { records, bytes } = writer.waiting;
  return records > LIMITS.batch_records_max || bytes > LIMITS.batch_bytes_max;
}

/** An alert for who reads Kafka: what its record holds, and where that is. */
function alertMessage(log: string, record: SequencedRecord): Message {
  const { event_id, tenant, session_id, time_ms, seq, internal, leaf_hash } = record;
  const time = new Date(time_ms).toISOString();
  const place = { log, seq, leaf_hash: leaf_hash.toString('base64') };
  const value = { schema_version: 1, alert_id: event_id, tenant, session_id, time, ...internal, ...place };
  return { key: keyOf(tenant, record.user_id), value: canonicalJson(value) };
}
