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

/** A tool that the agents of a role called, or that a server listed to them. */
export interface RoleToolRow {
  role: string;
  server: string;
  tool: string;
  listed: number;
  calls: number;
  sessions: number;
  first_time_ms: number;
  last_time_ms: number;
}

/**
 * The tools of each role, called or listed, by role, server and name, after a place in that order. Of the lists that a
 * server gave to a role the newest counts.
 */
export async function listRoleTools(
  store: Store,
  scope: { tenant: string; after_role: string; after_server: string; after_tool: string; limit: number },
): Promise<RoleToolRow[]> {
  return store.rows<RoleToolRow>(
    `SELECT role, server, tool, max(is_list) AS listed, countIf(is_list = 0) AS calls,
            uniqExactIf(session_id, is_list = 0) AS sessions,
            toUnixTimestamp64Milli(minIf(time, is_list = 0)) AS first_time_ms,
            toUnixTimestamp64Milli(maxIf(time, is_list = 0)) AS last_time_ms
     FROM
     (
         SELECT toString(e.user_role) AS role, toString(e.server) AS server, toString(e.tool) AS tool,
                e.session_id AS session_id, e.time AS time, toUInt8(0) AS is_list
         FROM v_events AS e
         WHERE e.tenant = {tenant:String} AND e.kind = 'event' AND e.type = 'tool.call'
         UNION ALL
         SELECT role, server, arrayJoin(arrayMap(each -> JSONExtractString(each, 'name'), JSONExtractArrayRaw(detail, 'tools'))),
                session_id, time, toUInt8(1)
         FROM
         (
             SELECT toString(e.user_role) AS role, toString(e.server) AS server, e.session_id AS session_id,
                    e.time AS time, e.detail AS detail
             FROM v_events AS e
             WHERE e.tenant = {tenant:String} AND e.kind = 'event' AND e.type = 'tools.list'
               AND length(e.detail) <= {detail_bytes_max:UInt32}
             ORDER BY e.seq DESC
             LIMIT 1 BY role, server
             LIMIT {lists_max:UInt32}
         )
     )
     WHERE (role, server, tool) > ({after_role:String}, {after_server:String}, {after_tool:String})
     GROUP BY role, server, tool
     ORDER BY role, server, tool
     LIMIT {limit:UInt32}`,
    { ...scope, detail_bytes_max: DETAIL_BYTES_MAX, lists_max: ROLE_LISTS_MAX },
  );
}

/** Lists of definitions longer than this are left out, as are those of further servers. */
const DETAIL_BYTES_MAX = 262_144;
const SERVERS_MAX = 200;
const ROLE_LISTS_MAX = 2_000;

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
