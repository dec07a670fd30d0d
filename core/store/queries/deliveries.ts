/** What subscribers are owed and got: one row a message and subscription, in its newest version. */
import { RowWriter } from '../row_binary.ts';
import type { Store } from '../store.ts';

export const DELIVERY_STATES = ['waiting', 'sent', 'dead'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export interface DeliveryRow {
  tenant: string;
  subscription_id: string;
  message_id: string;
  /** Grows with each change of the row. */
  version: number;
  log: string;
  seq: number;
  session_id: string;
  source_id: string;
  type: string;
  state: DeliveryState;
  attempts: number;
  /** HTTP status of the last answer; 0 when there was none. */
  status: number;
  error: string;
  created_at_ms: number;
  /** Of one that waits: when it is tried next. */
  due_at_ms: number;
  updated_at_ms: number;
}

/** Stores rows; durable when it returns. The highest version of a row wins, whatever the order. */
export async function insertDeliveries(store: Store, rows: readonly DeliveryRow[]): Promise<void> {
  const to = new RowWriter(256 * rows.length + 256);
  for (const row of rows) {
    to.string(row.tenant).string(row.subscription_id).string(row.message_id).u32(row.version);
    to.string(row.log).u64(row.seq).string(row.session_id).string(row.source_id).string(row.type);
    to.string(row.state).u32(row.attempts).u32(row.status).string(row.error);
    to.i64(row.created_at_ms).i64(row.due_at_ms).i64(row.updated_at_ms);
  }
  await store.insert('deliveries', to);
}

const COLUMNS = `toString(tenant) AS tenant, toString(subscription_id) AS subscription_id, message_id, version, toString(log) AS log, seq,
            session_id, source_id, toString(type) AS type, toString(state) AS state, attempts, status, error,
            toUnixTimestamp64Milli(created_at) AS created_at_ms, toUnixTimestamp64Milli(due_at) AS due_at_ms,
            toUnixTimestamp64Milli(updated_at) AS updated_at_ms`;

/** Of one subscription, what waits, in the order in which it is due; without those ids. */
export async function readWaiting(
  store: Store,
  of: { logs: readonly string[]; subscription_id: string; without: readonly string[]; limit: number },
): Promise<DeliveryRow[]> {
  return store.rows<DeliveryRow>(
    `SELECT ${COLUMNS}
     FROM deliveries FINAL
     WHERE log IN {logs:Array(String)} AND subscription_id = {subscription_id:String} AND state = 'waiting'
       AND message_id NOT IN {without:Array(String)}
     ORDER BY due_at, seq, message_id
     LIMIT {limit:UInt32}`,
    of,
  );
}

/** How many deliveries wait, by subscription. */
export async function countWaiting(
  store: Store,
  logs: readonly string[],
): Promise<{ subscription_id: string; waiting: number }[]> {
  return store.rows(
    `SELECT toString(subscription_id) AS subscription_id, count() AS waiting
     FROM deliveries FINAL
     WHERE log IN {logs:Array(String)} AND state = 'waiting'
     GROUP BY subscription_id`,
    { logs },
  );
}

export interface DeliveryFilter {
  tenant: string;
  /** '' for all. */
  subscription_id: string;
  state: DeliveryState | '';
  message_ids: readonly string[];
  /** Only rows of records below this sequence number, or at it with a smaller message id. */
  before_seq: number;
  before_id: string;
  limit: number;
}

/** Deliveries of a tenant's messages, newest record first. */
export async function listDeliveries(store: Store, filter: DeliveryFilter): Promise<DeliveryRow[]> {
  return store.rows<DeliveryRow>(
    `SELECT ${COLUMNS}
     FROM deliveries FINAL
     WHERE tenant = {tenant:String}
       AND ({subscription_id:String} = '' OR subscription_id = {subscription_id:String})
       AND ({state:String} = '' OR state = {state:String})
       AND (empty({message_ids:Array(String)}) OR message_id IN {message_ids:Array(String)})
       AND (seq < {before_seq:UInt64} OR seq = {before_seq:UInt64} AND message_id < {before_id:String})
     ORDER BY seq DESC, message_id DESC
     LIMIT {limit:UInt32}`,
    { ...filter },
  );
}
