/** Stored observations of correlators, from which a restart rebuilds their states. */
import { type RowReader, type RowWriter, streamRows } from '../row_binary.ts';
import type { Store } from '../store.ts';

/** An observation as it is stored. */
export interface ObservationRow {
  tenant: string;
  detector_id: string;
  key: string;
  log: string;
  seq: number;
  /** Of several that one event gave for one key. */
  part: number;
  session_id: string;
  user_id: string;
  user_role: string;
  agent: string;
  event_id: string;
  server: string;
  tool: string;
  time_ms: number;
  /** The last event that had come when it was seen, and its number since. */
  seen_at: number;
  nth: number;
  /** JSON. */
  body: string;
}

/** Appends an observation in the order of the table's columns. */
export function encodeObservation(rows: RowWriter, of: ObservationRow): void {
  rows.string(of.tenant).string(of.detector_id).string(of.key).string(of.log).u64(of.seq).u32(of.part);
  rows.string(of.session_id).string(of.user_id).string(of.user_role).string(of.agent);
  rows.string(of.event_id).string(of.server).string(of.tool);
  rows.i64(of.time_ms).u64(of.seen_at).u32(of.nth).string(of.body);
}

function readObservation(row: RowReader): ObservationRow {
  return {
    tenant: row.string(),
    detector_id: row.string(),
    key: row.string(),
    log: row.string(),
    seq: row.u64(),
    part: row.u32(),
    session_id: row.string(),
    user_id: row.string(),
    user_role: row.string(),
    agent: row.string(),
    event_id: row.string(),
    server: row.string(),
    tool: row.string(),
    time_ms: row.i64(),
    seen_at: row.u64(),
    nth: row.u32(),
    body: row.string(),
  };
}

/**
 * Observations of events below `before`, in the order in which they were seen: of each tenant and detector those that
 * are at most `window_ms` older than the latest, and of all at most the last `rows_max`.
 */
export function streamObservations(
  store: Store,
  scope: { log: string; before: number; window_ms: number; rows_max: number },
): AsyncGenerator<ObservationRow[]> {
  const pieces = store.stream(
    `SELECT toString(tenant), toString(detector_id), key, toString(log), seq, part, session_id, user_id, toString(user_role),
            toString(agent), event_id, toString(server), toString(tool), time, seen_at, nth, body
     FROM
     (
         SELECT o.*
         FROM (SELECT * FROM v_observations WHERE log = {log:String} AND seq < {before:UInt64}) AS o
         INNER JOIN
         (
             SELECT tenant, detector_id, max(toUnixTimestamp64Milli(time)) AS latest_ms
             FROM v_observations
             WHERE log = {log:String} AND seq < {before:UInt64}
             GROUP BY tenant, detector_id
         ) AS l ON o.tenant = l.tenant AND o.detector_id = l.detector_id
         WHERE toUnixTimestamp64Milli(o.time) >= l.latest_ms - {window_ms:Int64}
         ORDER BY o.seen_at DESC, o.nth DESC
         LIMIT {rows_max:UInt32}
     )
     ORDER BY seen_at, nth`,
    scope,
  );
  return streamRows(pieces, readObservation);
}
