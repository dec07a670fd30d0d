/** What servers published about their tools over time, and what people decided about it. */
import type { Store } from '../store.ts';
import { COMMITTED_EVENTS, readHeads } from './committed.ts';

/** One tool of a server with how often its definition changed. */
export interface PublishedTool {
  server: string;
  tool: string;
  /** Different texts of its definition. */
  versions: number;
  first_time_ms: number;
  /** When the newest version was seen first. */
  changed_time_ms: number;
}

/** Lists of definitions that are longer are left out. */
const DETAIL_BYTES_MAX = 1_048_576;

/** Tools that servers published, the one that changed last first. */
export async function listPublishedTools(
  store: Store,
  of: { tenant: string; limit: number },
): Promise<PublishedTool[]> {
  return store.rows<PublishedTool>(
    `SELECT server, tool, count() AS versions, toUnixTimestamp64Milli(min(began)) AS first_time_ms,
            toUnixTimestamp64Milli(max(began)) AS changed_time_ms
     FROM
     (
         SELECT server, JSONExtractString(definition, 'name') AS tool, sipHash128(definition) AS version, min(time) AS began
         FROM
         (
             SELECT toString(server) AS server, time, arrayJoin(JSONExtractArrayRaw(detail, 'tools')) AS definition
             FROM ${COMMITTED_EVENTS} AND kind = 'event' AND tenant = {tenant:String} AND type = 'tools.list'
               AND length(detail) <= {detail_bytes_max:UInt32}
         )
         GROUP BY server, tool, version
     )
     WHERE tool != ''
     GROUP BY server, tool
     ORDER BY changed_time_ms DESC, server, tool
     LIMIT {limit:UInt32}`,
    { ...of, detail_bytes_max: DETAIL_BYTES_MAX, ...(await readHeads(store)) },
  );
}

/** One text of a definition, with where it was seen. */
export interface PublishedVersion {
  /** JSON as the event carried it. */
  definition: string;
  lists: number;
  sessions: number;
  first_time_ms: number;
  last_time_ms: number;
  /** Of the list that had it first. */
  first_seq: number;
  first_event_id: string;
  first_session_id: string;
}

export interface ToolPlace {
  tenant: string;
  server: string;
  tool: string;
}

/** The texts of one tool's definition, in the order in which they came; the last ones of too many. */
export async function readToolVersions(store: Store, of: ToolPlace & { limit: number }): Promise<PublishedVersion[]> {
  const rows = await store.rows<PublishedVersion>(
    `SELECT definition, count() AS lists, uniqExact(session_id) AS sessions,
            toUnixTimestamp64Milli(min(time)) AS first_time_ms, toUnixTimestamp64Milli(max(time)) AS last_time_ms,
            min(seq) AS first_seq, argMin(event_id, seq) AS first_event_id, argMin(session_id, seq) AS first_session_id
     FROM
     (
         SELECT seq, time, event_id, session_id, arrayJoin(JSONExtractArrayRaw(detail, 'tools')) AS definition
         FROM ${COMMITTED_EVENTS} AND kind = 'event' AND tenant = {tenant:String} AND server = {server:String}
           AND type = 'tools.list' AND length(detail) <= {detail_bytes_max:UInt32}
     )
     WHERE JSONExtractString(definition, 'name') = {tool:String}
     GROUP BY definition
     ORDER BY first_seq DESC
     LIMIT {limit:UInt32}`,
    { ...of, detail_bytes_max: DETAIL_BYTES_MAX, ...(await readHeads(store)) },
  );
  return rows.reverse();
}

/** What somebody decided about a definition. */
export interface ToolDecision {
  definition_sha256: string;
  decision: 'approved' | 'rejected';
  approver: string;
  reason: string;
  event_id: string;
  time_ms: number;
}

/** The decisions about one tool, in the order of the log. The last one about a digest counts. */
export async function readToolDecisions(store: Store, of: ToolPlace & { limit: number }): Promise<ToolDecision[]> {
  const rows = await store.rows<ToolDecision>(
    `SELECT JSONExtractString(detail, 'tool_approval', 'definition_sha256') AS definition_sha256,
            JSONExtractString(detail, 'tool_approval', 'decision') AS decision,
            JSONExtractString(detail, 'tool_approval', 'approver') AS approver,
            JSONExtractString(detail, 'tool_approval', 'reason') AS reason,
            event_id, toUnixTimestamp64Milli(time) AS time_ms
     FROM ${COMMITTED_EVENTS} AND kind = 'event' AND tenant = {tenant:String} AND server = {server:String}
       AND tool = {tool:String} AND type = 'tool.approval'
     ORDER BY seq DESC
     LIMIT {limit:UInt32}`,
    { ...of, ...(await readHeads(store)) },
  );
  return rows.reverse();
}
