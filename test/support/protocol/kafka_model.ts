/** Kafka as far as the protocol of heads stands on it: partitions, transactions that fence, and readers of what was committed. */
import { Buffer } from 'node:buffer';

export interface Entry {
  offset: number;
  value: Buffer;
  timestamp: number;
  /** A marker ends a transaction: it has an offset, and no reader is given it. */
  state: 'committed' | 'open' | 'aborted' | 'marker';
}

export class PartitionModel {
  low = 0;
  entries: Entry[] = [];

  get next(): number {
    return this.low + this.entries.length;
  }

  append(value: Buffer | string, timestamp: number, state: Entry['state'] = 'committed'): Entry {
    const entry = { offset: this.next, value: Buffer.from(value), timestamp, state };
    this.entries.push(entry);
    return entry;
  }

  /** Where readers of committed records stop: before the first open transaction. */
  get stable(): number {
    return this.entries.find(({ state }) => state === 'open')?.offset ?? this.next;
  }

  /** The records that a reader of committed records is given from an offset on, up to a number of them. */
  read(from: number, records_max = Number.POSITIVE_INFINITY): Entry[] {
    const { stable } = this;
    const given = this.entries.filter((each) => each.offset >= from && each.offset < stable);
    return given.filter(({ state }) => state === 'committed').slice(0, records_max);
  }
}

/** What Kafka answers to an owner whose time is over. */
export class Fenced extends Error {}

interface Transactions {
  epoch: number;
  open: { entry: Entry; partition: PartitionModel }[];
  offset: number | undefined;
}

/** The coordinator of transactions: under each id the last one who came may write. */
export class CoordinatorModel {
  /** Where the group would go on: a hint. */
  hint: number | undefined;
  private readonly ids = new Map<string, Transactions>();

  private of(id: string): Transactions {
    const known = this.ids.get(id) ?? { epoch: 0, open: [], offset: undefined };
    this.ids.set(id, known);
    return known;
  }

  /** Ends what an earlier owner had begun, and shuts it out. */
  init(id: string): number {
    const own = this.of(id);
    this.finish(own, 'aborted');
    return ++own.epoch;
  }

  private mine(id: string, epoch: number): Transactions {
    const own = this.of(id);
    if (own.epoch !== epoch) throw new Fenced(`${id}: epoch ${epoch}, ${own.epoch} is known`);
    return own;
  }

  send(id: string, epoch: number, partition: PartitionModel, value: Buffer | string, timestamp: number): void {
    const own = this.mine(id, epoch);
    own.open.push({ entry: partition.append(value, timestamp, 'open'), partition });
  }

  sendOffset(id: string, epoch: number, offset: number): void {
    this.mine(id, epoch).offset = offset;
  }

  commit(id: string, epoch: number): void {
    const own = this.mine(id, epoch);
    if (own.offset !== undefined) this.hint = own.offset;
    this.finish(own, 'committed');
  }

  /** An owner said nothing for too long. */
  expire(id: string): void {
    const own = this.of(id);
    if (own.open.length === 0) return;
    this.finish(own, 'aborted');
    own.epoch++;
  }

  private finish(own: Transactions, state: 'committed' | 'aborted'): void {
    for (const { entry } of own.open) entry.state = state;
    for (const partition of new Set(own.open.map((each) => each.partition))) partition.append('', 0, 'marker');
    own.open = [];
    own.offset = undefined;
  }
}
