/**
 * What readers see: rows below the head of their log, each once and in its highest version. The views of the schema
 * say the same for people with tools of their own; a query that goes to the tables with the heads bound to it costs
 * half as much, since the engine plans neither a view nor a subquery for the heads.
 */
import type { Store } from '../store.ts';
import { whileUnchanged } from '../unchanged.ts';

/** The committed size of each log, as the parameters that the phrases below need. */
export interface Heads {
  head_logs: string[];
  head_sizes: number[];
  [param: string]: string[] | number[];
}

/** Of a log without a head nothing is below it. Not a condition that an index can use, since it would use a worse one. */
const BELOW_HEAD = 'seq < transform(toString(log), {head_logs:Array(String)}, {head_sizes:Array(UInt64)}, toUInt64(0))';

// Each goes on with AND: SELECT seq FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String}
export const COMMITTED_EVENTS = `events FINAL WHERE ${BELOW_HEAD}`;
export const COMMITTED_CONTENT = `content FINAL WHERE ${BELOW_HEAD}`;
export const COMMITTED_ALERTS = `alerts FINAL WHERE ${BELOW_HEAD}`;

// The same without FINAL, for finding out where a record stands: its row may come twice, and in each of its versions.
// What is asked for comes first, so that of granules that only seem to hold it one column is read and not all.
export const COMMITTED_WITH_ID = `events PREWHERE event_id = {event_id:String} WHERE ${BELOW_HEAD}`;
export const COMMITTED_AT_SEQ = `events PREWHERE seq = {seq:UInt64} WHERE ${BELOW_HEAD}`;

/** Ends a query for a few rows whose key it names in full: skip indexes and more threads would only cost time. */
export const BY_KEY = 'SETTINGS max_threads = 1, use_skip_indexes = 0, query_plan_optimize_lazy_materialization = 0';

/**
 * The heads of all logs. What was committed before the call is below them. Queries of one answer share them, so that
 * they see the same records.
 */
export function readHeads(store: Store): Promise<Heads> {
  return whileUnchanged(store, 'heads', 'heads', async () => {
    const rows = await store.rows<{ log: string; size: number }>('SELECT log, size FROM heads FINAL ORDER BY log');
    return { head_logs: rows.map((row) => row.log), head_sizes: rows.map((row) => row.size) };
  });
}
