/** The tools that a tenant's agents called, and what their servers last published of them. */
import type { Store } from '../store.ts';

export interface SeenTool {
  server: string;
  tool: string;
  calls: number;
  sessions: number;
  first_time_ms: number;
  last_time_ms: number;
}

/** Tools that were called, by server and name, after a place in that order. */
export async function listSeenTools(
  store: Store,
  scope: { tenant: string; after_server: string; after_tool: string; limit: number },
): Promise<SeenTool[]> {
  return store.rows<SeenTool>(
    `SELECT server, tool, count() AS calls, uniqExact(session_id) AS sessions,
            toUnixTimestamp64Milli(min(time)) AS first_time_ms, toUnixTimestamp64Milli(max(time)) AS last_time_ms
     FROM
     (
         SELECT toString(e.server) AS server, toString(e.tool) AS tool, e.session_id AS session_id, e.time AS time
         FROM v_events AS e
         WHERE e.tenant = {tenant:String} AND e.kind = 'event' AND e.type = 'tool.call'
     )
     WHERE (server, tool) > ({after_server:String}, {after_tool:String})
     GROUP BY server, tool
     ORDER BY server, tool
     LIMIT {limit:UInt32}`,
    scope,
  );
}

/** Lists of definitions longer than this are left out, as are those of further servers. */
const DETAIL_BYTES_MAX = 262_144;
const SERVERS_MAX = 200;

/** The newest list of definitions of each of these servers, as the JSON text of the record's detail. */
export async function readToolLists(
  store: Store,
  tenant: string,
  servers: readonly string[],
): Promise<{ server: string; detail: string }[]> {
  if (servers.length === 0) return [];
  return store.rows(
    `SELECT toString(e.server) AS server, e.detail AS detail
     FROM v_events AS e
     WHERE e.tenant = {tenant:String} AND e.kind = 'event' AND e.type = 'tools.list'
       AND e.server IN {servers:Array(String)} AND length(e.detail) <= {detail_bytes_max:UInt32}
     ORDER BY e.seq DESC
     LIMIT 1 BY server
     LIMIT {servers_max:UInt32}`,
    { tenant, servers, detail_bytes_max: DETAIL_BYTES_MAX, servers_max: SERVERS_MAX },
  );
}
