/** Where records that producers send are taken: into this process's own log, or to where the logs get theirs from. */
import type { Buffer } from 'node:buffer';
import type { LogWriter } from './log_writer.ts';
import type { Receipt } from './receipt.ts';

/** A record that is durable in its source and waits there for its log. */
export interface Placed {
  outcome: 'queued' | 'rejected';
  event_id: string;
  /** The log that takes it, the partition from which, and its place there. */
  log: string;
  partition: number;
  offset: number;
  /** Of a record that cannot be read: it becomes a leaf all the same, one that says so. */
  reason?: string;
  message?: string;
}

export type Taken = Receipt | Placed;

export interface Intake {
  /**
   * Takes records of one sender. Resolves, in their order, when each is durable: under the head of this process's log, or
   * where its log takes it from. Rejects with `queue_full`, `store_unavailable`, `log_closed` or `kafka_unreachable`;
   * nothing is acknowledged then, and what was taken all the same is recognised when it comes again.
   */
  take(records: readonly Buffer[], tenant: string, accepted_by: string): Promise<Taken[]>;
}

export const isPlaced = (taken: Taken): taken is Placed => 'offset' in taken;

/** Straight into the log of this process. */
export function writerIntake(writer: LogWriter): Intake {
  return {
    take: (records, tenant, accepted_by) =>
      writer.submit(records.map((bytes) => writer.accept(bytes, tenant, accepted_by))),
  };
}
