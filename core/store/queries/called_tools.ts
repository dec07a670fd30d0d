/** Which tools were called and how servers defined them, over all of what is stored: for judging what calls can do. */
import type { Store } from '../store.ts';
import { COMMITTED_EVENTS, readHeads } from './committed.ts';

export interface CalledTool {
  tenant: string;
  server: string;
  tool: string;
}

/** Every tool that was called, once. An empty tenant stands for all. */
export async function readCalledTools(store: Store, tenant: string): Promise<CalledTool[]> {
  return store.rows<CalledTool>(
    `SELECT DISTINCT toString(tenant) AS tenant, toString(server) AS server, toString(tool) AS tool
     FROM ${COMMITTED_EVENTS} AND kind = 'event' AND type = 'tool.call' AND ({tenant:String} = '' OR events.tenant = {tenant:String})`,
    { tenant, ...(await readHeads(store)) },
  );
}

export interface PublishedTools {
  tenant: string;
  server: string;
  /** JSON: one definition, or, where the engine cannot read the event, all fields of the event's detail. */
  definition: string;
  is_detail: number;
}

/** Every definition of a tool that a server published, once. */
export async function readPublishedTools(store: Store, tenant: string): Promise<PublishedTools[]> {
  return store.rows<PublishedTools>(
    `SELECT DISTINCT toString(d.tenant) AS tenant, toString(d.server) AS server, d.is_detail AS is_detail,
            arrayJoin(if(d.is_detail, [d.detail], JSONExtractArrayRaw(d.detail, 'tools'))) AS definition
     FROM
     (
         SELECT tenant, server, detail, NOT isValidJSON(detail) AS is_detail
         FROM ${COMMITTED_EVENTS} AND kind = 'event' AND position(detail, '"tools":') > 0
           AND ({tenant:String} = '' OR tenant = {tenant:String})
     ) AS d`,
    { tenant, ...(await readHeads(store)) },
  );
}
