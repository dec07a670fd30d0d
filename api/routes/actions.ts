/** What people and programs did here: the trail of actions. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Fields } from '../../core/groups.ts';
import { LIMITS } from '../../core/limits.ts';
import { ACTIONS } from '../../core/query/subjects/actions.ts';
import { readTrail, type TrailRow } from '../../core/store/queries/action_trail.ts';
import { ALL_TENANTS } from '../auth/access.ts';
import type { ApiContext } from '../context.ts';
import { Limit, NextCursor, PAST_ALL, PageCursor, readCursor, TimeParameter, writeCursor } from '../paging.ts';
import { conditionOf, QueryText } from '../query_parameter.ts';
import { type Api, responses, secured } from '../route.ts';
import { LATEST_MS } from './sessions.ts';

const Action = z
  .object({
    action_id: z.string(),
    tenant: z.string().openapi({ description: '* where it is about all tenants' }),
    log: z.string(),
    seq: z.int(),
    kind: z.enum(['action', 'config']),
    type: z.string(),
    actor: z.string().openapi({ description: 'id of the key or person' }),
    actor_name: z.string().openapi({ description: 'as it was then; empty where nothing was recorded' }),
    session_id: z.string().optional(),
    user_id: z.string().optional(),
    time: z.string().openapi({ description: 'when it was recorded' }),
    detail: z.record(z.string(), z.unknown()),
  })
  .openapi('Action');

const listRoute = createRoute({
  method: 'get',
  path: '/v1/actions',
  summary: 'What people and programs did here, newest first: read, searched, exported, judged, suspended, changed',
  description:
    'Each is a record of the log. A key of one tenant sees the actions of that tenant and the changes of its keys.',
  request: {
    query: z.object({
      tenant: z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' }),
      q: QueryText,
      from: TimeParameter,
      to: TimeParameter,
      limit: Limit,
      cursor: PageCursor,
    }),
  },
  responses: {
    200: {
      description: 'one page',
      content: { 'application/json': { schema: z.object({ actions: z.array(Action), next_cursor: NextCursor }) } },
    },
    ...responses(400, 503),
  },
});

/** Registers the route of the trail. */
export function actionRoutes(api: Api, context: ApiContext): void {
  const { store, now } = context;
  secured(api, context, 'actions:read', listRoute, async (c) => {
    const { tenant: asked, q, from, to, limit, cursor } = c.req.valid('query');
    const [before_seq] = cursor ? readCursor(cursor, ['number'] as const) : [PAST_ALL];
    const rows = await readTrail(store, {
      tenant: c.var.tenant,
      of_all: c.var.principal.tenant === ALL_TENANTS && asked === undefined,
      from_ms: from === undefined ? 0 : Date.parse(from),
      to_ms: to === undefined ? LATEST_MS : Date.parse(to),
      before_seq,
      limit: limit + 1,
      matching: conditionOf(c, ACTIONS, q, now()),
    });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next_cursor = rows.length > limit && last !== undefined ? writeCursor([last.seq]) : null;
    return c.json({ actions: page.map(viewOf), next_cursor }, 200);
  });
}

function viewOf({ received_at_ms, session_id, user_id, detail, ...row }: TrailRow): z.infer<typeof Action> {
  const { actor_name, sha256: _, ...said } = detail as Fields & { actor_name?: unknown };
  return {
    ...row,
    actor_name: typeof actor_name === 'string' ? actor_name : '',
    ...(session_id !== '' && { session_id }),
    ...(user_id !== '' && { user_id }),
    time: new Date(received_at_ms).toISOString(),
    detail: said,
  };
}
