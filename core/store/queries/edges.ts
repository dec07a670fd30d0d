/** The stored edges of the provenance graph: which value of which result arrived in which parameter of which call. */
import type { RowWriter } from '../row_binary.ts';
import type { Store } from '../store.ts';

/** An end of an edge. */
interface EdgeEnd {
  seq: number;
  event_id: string;
  server: string;
  tool: string;
}

/** An edge as it is stored. Shares and strengths lie between 0 and 1 and keep three digits. */
export interface EdgeRow {
  tenant: string;
  session_id: string;
  log: string;
  to: EdgeEnd;
  from: EdgeEnd;
  path: string;
  kind: string;
  digest: string;
  strength: number;
  destination: boolean;
  preview: string;
  sentence: string;
  field: string;
  occurrence: string;
  in_prompt: boolean;
  encodings: readonly string[];
  untrusted: boolean;
  sensitivity: string;
  memory_store: string;
  chars: number;
  source_share: number;
  parameter_share: number;
  /** Of a value that went out in pieces. */
  split?: { calls: number; chars: number; coverage: number };
}

const U32_MAX = 2 ** 32 - 1;

/** Appends an edge in the order of the table's columns. */
export function encodeEdge(rows: RowWriter, edge: EdgeRow): void {
  const { to, from, split } = edge;
  rows.string(edge.tenant).string(edge.session_id).string(edge.log).u64(to.seq).u64(from.seq);
  rows.string(edge.path).string(edge.kind).string(edge.digest);
  rows.string(to.event_id).string(to.server).string(to.tool);
  rows.string(from.event_id).string(from.server).string(from.tool);
  rows.u32(permille(edge.strength)).u8(edge.destination ? 1 : 0);
  rows
    .string(edge.preview)
    .string(edge.sentence)
    .string(edge.field)
    .string(edge.occurrence)
    .u8(edge.in_prompt ? 1 : 0);
  rows.strings(edge.encodings).u8(edge.untrusted ? 1 : 0);
  rows.string(edge.sensitivity).string(edge.memory_store).u32(whole(edge.chars));
  rows.u32(permille(edge.source_share)).u32(permille(edge.parameter_share));
  rows.u32(whole(split?.calls ?? 0)).u32(whole(split?.chars ?? 0));
  rows.u32(permille(split?.coverage ?? 0));
}

/** NaN is 0, and what lies outside of 0 to 1 is at its end. */
function permille(share: number): number {
  return Math.round(1_000 * Math.min(1, Math.max(0, share || 0)));
}

function whole(count: number): number {
  return Math.min(U32_MAX, Math.max(0, Math.trunc(count || 0)));
}

/** An edge as it is read. */
export interface StoredEdge {
  to_seq: number;
  from_seq: number;
  path: string;
  kind: string;
  digest: string;
  to_event_id: string;
  to_server: string;
  to_tool: string;
  from_event_id: string;
  from_server: string;
  from_tool: string;
  strength_permille: number;
  destination: number;
  preview: string;
  sentence: string;
  field: string;
  occurrence: string;
  in_prompt: number;
  encodings: string[];
  untrusted: number;
  sensitivity: string;
  memory_store: string;
  chars: number;
  source_permille: number;
  parameter_permille: number;
  split_calls: number;
  split_chars: number;
  split_permille: number;
}

/** A place in the list of a session's edges: how many of the edges to one record, and all before, were seen. */
export interface EdgePlace {
  to_seq: number;
  seen: number;
}

/** Edges of a session from a place on, in the order of the calls to which they lead. */
export async function listEdges(
  store: Store,
  { tenant, session_id, limit, after }: { tenant: string; session_id: string; limit: number; after: EdgePlace },
): Promise<StoredEdge[]> {
  return store.rows<StoredEdge>(
    `SELECT to_seq, from_seq, path, toString(kind) AS kind, digest, to_event_id, toString(to_server) AS to_server,
            toString(to_tool) AS to_tool, from_event_id, toString(from_server) AS from_server, toString(from_tool) AS from_tool,
            strength_permille, destination, preview, sentence, field, toString(occurrence) AS occurrence, in_prompt, encodings,
            untrusted, toString(sensitivity) AS sensitivity, memory_store, chars, source_permille, parameter_permille,
            split_calls, split_chars, split_permille
     FROM v_edges AS e
     WHERE e.tenant = {tenant:String} AND e.session_id = {session_id:String} AND e.to_seq >= {to_seq:UInt64}
     ORDER BY e.log, e.to_seq, e.from_seq, e.path, e.kind, e.digest
     LIMIT {seen:UInt32}, {limit:UInt32}`,
    { tenant, session_id, limit, ...after },
  );
}
