/** Events as rules look at them in what is stored, with what the detectors left beside them. */
import type { Buffer } from 'node:buffer';
import { parseCore } from '../../core_record.ts';
import { type Fields, groupFields } from '../../groups.ts';
import type { EventPlace } from '../../stored_event.ts';
import type { QueryParams } from '../bind.ts';
import { RowReader, streamRows } from '../row_binary.ts';
import type { Store } from '../store.ts';
import { COMMITTED_CONTENT, COMMITTED_EVENTS, readHeads } from './committed.ts';

/** An event without its content, with as much of its fields as the statement asked for. */
export interface RuleEvent {
  place: EventPlace;
  /** With the tenant and the session in any case. */
  fields: Fields;
}

/** Reads the answer of a rule's statement, whose columns are fixed, piece by piece and in its order. */
export function streamRuleEvents(store: Store, sql: string, params: QueryParams): AsyncGenerator<RuleEvent[]> {
  return streamRows(store.stream(sql, params), readRuleEvent);
}

function readRuleEvent(row: RowReader): RuleEvent {
  const tenant = row.string();
  const session_id = row.string();
  const place = {
    log: row.string(),
    seq: row.u64(),
    session_seq: row.u32(),
    type: row.string(),
    event_id: row.string(),
    time_ms: row.i64(),
    received_at_ms: row.i64(),
  };
  const columns: Fields = {};
  for (const name of ['user_id', 'user_role', 'agent', 'server', 'tool', 'call_id']) {
    const text = row.string();
    if (text !== '') columns[name] = text;
  }
  if (row.u8() === 1) columns.is_error = true;
  const core = row.string();
  const groups = [row.string(), row.string(), row.string()].map(groupFields);
  const time = core === '' ? '' : (parseCore(core).time ?? '');
  return { place: { ...place, time }, fields: Object.assign({}, ...groups, columns, { tenant, session_id }) };
}

/** Which events of a page are asked about. */
export interface EventKeys {
  tenants: string[];
  session_ids: string[];
  seqs: number[];
}

/** The keys of some events; each session once. */
export function eventKeys(events: readonly RuleEvent[]): EventKeys {
  const keys: EventKeys = { tenants: [], session_ids: [], seqs: [] };
  const seen = new Set<string>();
  for (const { place, fields } of events) {
    const { tenant, session_id } = fields as { tenant: string; session_id: string };
    keys.seqs.push(place.seq);
    const key = `${tenant}\u0000${session_id}`;
    if (seen.has(key)) continue;
    seen.add(key);
    keys.tenants.push(tenant);
    keys.session_ids.push(session_id);
  }
  return keys;
}

interface ContentOfEvent {
  log: string;
  seq: number;
  params: string;
  content: string;
}

/** Parameters and content of events, as canonical JSON and as text; empty where there is none, or no longer. */
export async function readRuleContents(
  store: Store,
  keys: EventKeys,
  wanted: { params: boolean; content: boolean },
): Promise<ContentOfEvent[]> {
  const bytes = await store.binary(
    `SELECT toString(log), seq, if({with_params:UInt8} = 1, params, ''), if({with_content:UInt8} = 1 AND state = 'kept', content, '')
     FROM ${COMMITTED_CONTENT} AND seq IN {seqs:Array(UInt64)}
       AND (tenant, session_id) IN (SELECT arrayJoin(arrayZip({tenants:Array(String)}, {session_ids:Array(String)})))`,
    {
      ...keys,
      ...(await readHeads(store)),
      with_params: wanted.params ? 1 : 0,
      with_content: wanted.content ? 1 : 0,
    },
  );
  return readAll(bytes, (row) => ({ log: row.string(), seq: row.u64(), params: row.string(), content: row.string() }));
}

interface SignalOfEvent {
  log: string;
  seq: number;
  rule_id: string;
  severity: string;
}

/** What detectors found in the sessions of events, with the event that completed it. */
export async function readRuleSignals(
  store: Store,
  { tenants, session_ids }: EventKeys,
  detectors: readonly string[],
): Promise<SignalOfEvent[]> {
  const bytes = await store.binary(
    `SELECT JSONExtractString(evidence, -1, 'log'), JSONExtractUInt(evidence, -1, 'seq'), toString(rule_id), toString(severity)
     FROM
     (
         SELECT tenant, session_id, evidence, rule_id, severity FROM v_signals
         UNION ALL
         SELECT tenant, session_id, evidence, rule_id, severity FROM v_alerts
     )
     WHERE (tenant, session_id) IN (SELECT arrayJoin(arrayZip({tenants:Array(String)}, {session_ids:Array(String)})))
       AND rule_id IN {detectors:Array(String)}`,
    { tenants, session_ids, detectors },
  );
  return readAll(bytes, (row) => ({
    log: row.string(),
    seq: row.u64(),
    rule_id: row.string(),
    severity: row.string(),
  }));
}

export interface EdgeOfEvent {
  log: string;
  to_seq: number;
  from_seq: number;
  kind: string;
  chars: number;
  destination: boolean;
  preview: string;
  tenant: string;
  session_id: string;
  /** Of the event that the value came from. */
  from_type: string;
  from_call_id: string;
}

/** The edges that lead into events. */
export async function readRuleEdges(store: Store, { tenants, session_ids, seqs }: EventKeys): Promise<EdgeOfEvent[]> {
  const bytes = await store.binary(
    `SELECT toString(x.log), x.to_seq, x.from_seq, toString(x.kind), x.chars, x.destination, x.preview,
            toString(x.tenant), x.session_id, toString(f.type), f.call_id
     FROM
     (
         SELECT * FROM v_edges AS o
         WHERE (o.tenant, o.session_id) IN (SELECT arrayJoin(arrayZip({tenants:Array(String)}, {session_ids:Array(String)})))
           AND o.to_seq IN {seqs:Array(UInt64)}
     ) AS x
     LEFT JOIN
     (
         SELECT tenant, session_id, log, seq, type, call_id FROM ${COMMITTED_EVENTS}
           AND (tenant, session_id) IN (SELECT arrayJoin(arrayZip({tenants:Array(String)}, {session_ids:Array(String)})))
     ) AS f ON x.tenant = f.tenant AND x.session_id = f.session_id AND x.log = f.log AND x.from_seq = f.seq
     ORDER BY x.log, x.to_seq, x.from_seq, x.path, x.kind, x.digest`,
    { tenants, session_ids, seqs, ...(await readHeads(store)) },
  );
  return readAll(bytes, (row) => ({
    log: row.string(),
    to_seq: row.u64(),
    from_seq: row.u64(),
    kind: row.string(),
    chars: row.u32(),
    destination: row.u8() === 1,
    preview: row.string(),
    tenant: row.string(),
    session_id: row.string(),
    from_type: row.string(),
    from_call_id: row.string(),
  }));
}

function readAll<T>(bytes: Buffer, read: (row: RowReader) => T): T[] {
  const row = new RowReader(bytes);
  const rows: T[] = [];
  while (!row.done) rows.push(read(row));
  return rows;
}
