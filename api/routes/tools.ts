/** Tools: those that were called, and how the catalog judges them. What no file lists is a gap in the catalog. */
import { createRoute, z } from '@hono/zod-openapi';
import { LIMITS } from '../../core/limits.ts';
import { listRoleTools, listSeenTools, type RoleToolRow, type SeenTool } from '../../core/store/queries/tools.ts';
import { type Catalog, createCatalog } from '../../detectors/catalog/capabilities.ts';
import { type Basis, CAPABILITIES } from '../../detectors/catalog/capability.ts';
import { learnPublished } from '../catalog_learning.ts';
import type { ApiContext } from '../context.ts';
import { Limit, NextCursor, PageCursor, readCursor, writeCursor } from '../paging.ts';
import { type Api, responses, secured } from '../route.ts';

const BASES = ['tenant', 'operator', 'catalog', 'lookalike', 'annotations', 'definition', 'name'] as const;
/** Where nothing but the server's own words, or a name, says what a tool can do. */
const GAPS = new Set<Basis>(['annotations', 'definition', 'name']);

const Tool = z
  .object({
    server: z.string(),
    tool: z.string(),
    listed: z.boolean().openapi({ description: 'whether a file of the catalog lists it; else it was guessed' }),
    basis: z.enum(BASES).openapi({ description: 'what the judgement rests on' }),
    verb: z.string(),
    capabilities: z.array(z.enum(CAPABILITIES)),
    system: z.string().nullable().openapi({ description: 'the file that its server was found in' }),
    calls: z.int(),
    sessions: z.int(),
    first_time: z.string(),
    last_time: z.string(),
  })
  .openapi('Tool');

const listRoute = createRoute({
  method: 'get',
  path: '/v1/tools',
  summary: 'List the tools that were called, by server and name, and what they are taken to be able to do',
  description: 'They are judged with the newest definition that their server published.',
  request: {
    query: z.object({
      tenant: z
        .string()
        .max(LIMITS.name_chars_max)
        .optional()
        .openapi({ description: 'of a key for all tenants; otherwise the key decides' }),
      limit: Limit,
      cursor: PageCursor,
    }),
  },
  responses: {
    200: {
      description: 'one page',
      content: { 'application/json': { schema: z.object({ tools: z.array(Tool), next_cursor: NextCursor }) } },
    },
    ...responses(400, 503),
  },
});

const RoleTool = z
  .object({
    role: z.string().openapi({ description: 'empty where the events named none' }),
    server: z.string(),
    tool: z.string(),
    listed: z.boolean().openapi({ description: 'whether the newest list that its server gave to the role holds it' }),
    calls: z.int(),
    sessions: z.int(),
    first_time: z.string().nullable().openapi({ description: 'of the first call' }),
    last_time: z.string().nullable(),
  })
  .openapi('RoleTool');

const usedRoute = createRoute({
  method: 'get',
  path: '/v1/tools/used',
  summary: 'List the tools that each role called, or was listed, by role, server and name',
  request: listRoute.request,
  responses: {
    200: {
      description: 'one page',
      content: { 'application/json': { schema: z.object({ tools: z.array(RoleTool), next_cursor: NextCursor }) } },
    },
    ...responses(400, 503),
  },
});

export function toolRoutes(api: Api, context: ApiContext): void {
  const { store, catalog = createCatalog() } = context;
  secured(api, context, 'sessions:read', listRoute, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const { tenant } = c.var;
    const [after_server, after_tool] = cursor ? readCursor(cursor, ['string', 'string'] as const) : ['', ''];
    const rows = await listSeenTools(store, { tenant, after_server, after_tool, limit: limit + 1 });
    const page = rows.slice(0, limit);
    await learnPublished(store, catalog, tenant, page);
    const last = page.at(-1);
    const next_cursor = rows.length > limit && last !== undefined ? writeCursor([last.server, last.tool]) : null;
    return c.json({ tools: page.map((row) => toolView(catalog, tenant, row)), next_cursor }, 200);
  });
  secured(api, context, 'sessions:read', usedRoute, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const { tenant } = c.var;
    const place = cursor ? readCursor(cursor, ['string', 'string', 'string'] as const) : (['', '', ''] as const);
    const [after_role, after_server, after_tool] = place;
    const rows = await listRoleTools(store, { tenant, after_role, after_server, after_tool, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const more = rows.length > limit && last !== undefined;
    const next_cursor = more ? writeCursor([last.role, last.server, last.tool]) : null;
    return c.json({ tools: page.map(roleToolView), next_cursor }, 200);
  });
}

function toolView(catalog: Catalog, tenant: string, row: SeenTool): z.infer<typeof Tool> {
  const { server, tool, calls, sessions, first_time_ms, last_time_ms } = row;
  const { basis, verb, capabilities, system } = catalog.profile(server, tool, undefined, tenant);
  return {
    server,
    tool,
    listed: !GAPS.has(basis),
    basis,
    verb,
    capabilities: CAPABILITIES.filter((capability) => capabilities.has(capability)),
    system: system ?? null,
    calls,
    sessions,
    first_time: new Date(first_time_ms).toISOString(),
    last_time: new Date(last_time_ms).toISOString(),
  };
}

function roleToolView(row: RoleToolRow): z.infer<typeof RoleTool> {
  const { role, server, tool, listed, calls, sessions, first_time_ms, last_time_ms } = row;
  const timeOf = (ms: number): string | null => (calls === 0 ? null : new Date(ms).toISOString());
  return {
    role,
    server,
    tool,
    listed: listed === 1,
    calls,
    sessions,
    first_time: timeOf(first_time_ms),
    last_time: timeOf(last_time_ms),
  };
}
