/** What detection knows of one session: where values came from and went, and what was noticed without an alert. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { listEdges, type StoredEdge } from '../../core/store/queries/edges.ts';
import { hasSession, readSessionFacts } from '../../core/store/queries/session_facts.ts';
import { listSignals } from '../../core/store/queries/signals.ts';
import { mayDo } from '../auth/roles.ts';
import type { ApiContext, ApiEnv } from '../context.ts';
import { EdgeView, edgeView, SignalView, signalView } from '../lineage_view.ts';
import { Limit, NextCursor, PageCursor, readCursor, writeCursor } from '../paging.ts';
import { type Api, responses, secured } from '../route.ts';

const request = {
  params: z.object({ session_id: z.string().min(1).max(LIMITS.id_chars_max) }),
  query: z.object({
    tenant: z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' }),
    limit: Limit,
    cursor: PageCursor,
  }),
};

const edgesRoute = createRoute({
  method: 'get',
  path: '/v1/sessions/{session_id}/edges',
  summary: 'Which value of which result of a session went into which parameter of which call, by call',
  description: 'Values and sentences are shown to roles with content:read, and withheld from others.',
  request,
  responses: {
    200: {
      description: 'one page',
      content: { 'application/json': { schema: z.object({ edges: z.array(EdgeView), next_cursor: NextCursor }) } },
    },
    ...responses(400, 404, 503),
  },
});

const signalsRoute = createRoute({
  method: 'get',
  path: '/v1/sessions/{session_id}/signals',
  summary: 'What was noticed in a session without being an alert, and the risk of the session',
  request,
  responses: {
    200: {
      description: 'one page',
      content: {
        'application/json': {
          schema: z.object({
            risk: z.int().openapi({ description: 'of the session with its alerts and signals, 0 to 100' }),
            signals: z.array(SignalView),
            next_cursor: NextCursor,
          }),
        },
      },
    },
    ...responses(400, 404, 503),
  },
});

export function lineageRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const find = async (c: Context<ApiEnv>, session_id: string) => {
    const { tenant } = c.var;
    c.set('accessed', { type: 'session.read', session_id });
    if (await hasSession(store, tenant, session_id)) return { tenant, session_id };
    throw new AppError('not_found', 'there is no such session in this tenant');
  };
  secured(api, context, 'sessions:read', edgesRoute, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const place = await find(c, c.req.valid('param').session_id);
    const [to_seq, seen] = cursor ? readCursor(cursor, ['number', 'number'] as const) : [0, 0];
    const rows = await listEdges(store, { ...place, after: { to_seq, seen }, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const next_cursor = rows.length > limit ? cursorBehind(page, { to_seq, seen }) : null;
    const with_content = mayDo(c.var.principal.role, 'content:read');
    return c.json({ edges: page.map((edge) => edgeView(edge, with_content)), next_cursor }, 200);
  });
  secured(api, context, 'alerts:read', signalsRoute, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const place = await find(c, c.req.valid('param').session_id);
    const [after_seq, after_id] = cursor ? readCursor(cursor, ['number', 'string'] as const) : [-1, ''];
    const [facts, rows] = await Promise.all([
      readSessionFacts(store, place.tenant, place.session_id),
      listSignals(store, { ...place, after_seq, after_id, limit: limit + 1 }),
    ]);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next_cursor = rows.length > limit && last !== undefined ? writeCursor([last.seq, last.finding_id]) : null;
    const with_content = mayDo(c.var.principal.role, 'content:read');
    return c.json(
      { risk: facts?.risk ?? 0, signals: page.map((row) => signalView(row, with_content)), next_cursor },
      200,
    );
  });
}

/** The place behind a page: names no value, so that it says nothing to who may not read content. */
function cursorBehind(page: readonly StoredEdge[], began: { to_seq: number; seen: number }): string | null {
  const last = page.at(-1);
  if (last === undefined) return null;
  const of_last = page.filter((edge) => edge.to_seq === last.to_seq).length;
  return writeCursor([last.to_seq, of_last + (last.to_seq === began.to_seq ? began.seen : 0)]);
}
