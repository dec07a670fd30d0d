/** Suppressions: which findings are held back at present, until when, by whom, and how many were. */
import { createRoute, z } from '@hono/zod-openapi';
import { LIMITS } from '../../core/limits.ts';
import { SUPPRESSIONS } from '../../core/query/subjects/suppressions.ts';
import { listSuppressions } from '../../core/store/queries/suppressions.ts';
import { SuppressionView, suppressionView } from '../alert_view.ts';
import { mayDo } from '../auth/roles.ts';
import type { ApiContext } from '../context.ts';
import { Limit, NextCursor, PAST_ALL, PageCursor, readCursor, writeCursor } from '../paging.ts';
import { conditionOf, QueryText } from '../query_parameter.ts';
import { type Api, responses, secured } from '../route.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/v1/suppressions',
  summary: 'List suppressions, newest first, with the number of findings that each held back',
  request: {
    query: z.object({
      tenant: z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' }),
      q: QueryText,
      state: z.enum(['in_force', 'all']).default('in_force'),
      limit: Limit,
      cursor: PageCursor,
    }),
  },
  responses: {
    200: {
      description: 'one page',
      content: {
        'application/json': { schema: z.object({ suppressions: z.array(SuppressionView), next_cursor: NextCursor }) },
      },
    },
    ...responses(400, 503),
  },
});

export function suppressionRoutes(api: Api, context: ApiContext): void {
  secured(api, context, 'alerts:read', listRoute, async (c) => {
    const { q, state, limit, cursor } = c.req.valid('query');
    const [before_seq] = cursor ? readCursor(cursor, ['number'] as const) : [PAST_ALL];
    const now_ms = context.now();
    const ending_after_ms = state === 'all' ? 0 : now_ms;
    const matching = conditionOf(c, SUPPRESSIONS, q, now_ms);
    const filter = { tenant: c.var.tenant, ending_after_ms, before_seq, limit: limit + 1, matching };
    const rows = await listSuppressions(context.store, filter);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next_cursor = rows.length > limit && last !== undefined ? writeCursor([last.seq]) : null;
    const with_content = mayDo(c.var.principal.role, 'content:read');
    return c.json({ suppressions: page.map((row) => suppressionView(row, now_ms, with_content)), next_cursor }, 200);
  });
}
