/** Sessions: the list with filters, and one session's timeline. */
import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { SESSIONS } from '../../core/query/subjects/sessions.ts';
import { readTimeline } from '../../core/store/queries/events.ts';
import { listSessions, readSessionStory, type SessionSummary } from '../../core/store/queries/sessions.ts';
import { AlertView, alertView } from '../alert_view.ts';
import { mayDo } from '../auth/roles.ts';
import type { ApiContext } from '../context.ts';
import { joinCalls, viewOf } from '../event_view.ts';
import {
  Limit,
  NextCursor,
  PAST_ALL,
  PageCursor,
  readCursor,
  TimeParameter,
  wholeNumber,
  writeCursor,
} from '../paging.ts';
import { conditionOf, QueryText } from '../query_parameter.ts';
import { type Api, responses, secured } from '../route.ts';

const Session = z
  .object({
    session_id: z.string(),
    session_source: z
      .string()
      .openapi({ description: 'how the id is known: given, conversation, client, mcp, trace, gap' }),
    user_id: z.string(),
    user_role: z.string(),
    agent: z.string(),
    client: z.string(),
    servers: z.array(z.string()),
    tools: z.array(z.string()),
    events: z.int(),
    calls: z.int(),
    errors: z.int(),
    prompts: z.int(),
    first_time: z.string(),
    last_time: z.string(),
    risk: z.int().openapi({ description: '0 to 100' }),
    alerts: z.int(),
  })
  .openapi('Session');

const text = (description: string) => z.string().max(LIMITS.name_chars_max).optional().openapi({ description });

const listRoute = createRoute({
  method: 'get',
  path: '/v1/sessions',
  summary: 'List sessions, the one that moved last first',
  request: {
    query: z.object({
      tenant: text('of a key for all tenants; otherwise the key decides'),
      q: QueryText,
      user: text('user_id'),
      role: text('user_role'),
      agent: text('agent'),
      server: text('a server that was called'),
      tool: text('a tool that was called'),
      from: TimeParameter.openapi({ description: 'sessions that ended at or after this time' }),
      to: TimeParameter.openapi({ description: 'sessions that began at or before this time' }),
      risk: wholeNumber(0, 100).default(0).openapi({ description: 'least risk' }),
      limit: Limit,
      cursor: PageCursor,
    }),
  },
  responses: {
    200: {
      description: 'one page',
      content: { 'application/json': { schema: z.object({ sessions: z.array(Session), next_cursor: NextCursor }) } },
    },
    ...responses(400, 503),
  },
});

const showRoute = createRoute({
  method: 'get',
  path: '/v1/sessions/{session_id}',
  summary: 'One session as a story: its events in order, calls joined to results, its alerts',
  description: 'Prompts, parameters and results are shown to roles with content:read, and withheld from others.',
  request: {
    params: z.object({ session_id: z.string().min(1).max(LIMITS.id_chars_max) }),
    query: z.object({
      tenant: text('of a key for all tenants'),
      after: wholeNumber(-1).default(-1).openapi({ description: 'seq of the last event already seen' }),
      limit: wholeNumber(1, LIMITS.session_events_max).default(LIMITS.page_rows_max),
    }),
  },
  responses: {
    200: {
      description: 'the session',
      content: {
        'application/json': {
          schema: z.object({
            session: Session,
            events: z.array(z.looseObject({ seq: z.int(), type: z.string(), event_id: z.string() })),
            alerts: z.array(AlertView),
            next_after: z.int().nullable(),
          }),
        },
      },
    },
    ...responses(400, 404, 503),
  },
});

function sessionView({
  first_time_ms,
  last_time_ms,
  last_received_ms: _,
  ...summary
}: SessionSummary): z.infer<typeof Session> {
  return {
    ...summary,
    first_time: new Date(first_time_ms).toISOString(),
    last_time: new Date(last_time_ms).toISOString(),
  };
}

export function sessionRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  secured(api, context, 'sessions:read', listRoute, async (c) => {
    const query = c.req.valid('query');
    const [after_ms, after_id] = query.cursor
      ? readCursor(query.cursor, ['number', 'string'] as const)
      : [PAST_ALL, ''];
    const rows = await listSessions(store, {
      tenant: c.var.tenant,
      user_id: query.user ?? '',
      user_role: query.role ?? '',
      agent: query.agent ?? '',
      server: query.server ?? '',
      tool: query.tool ?? '',
      from_ms: query.from === undefined ? 0 : Date.parse(query.from),
      to_ms: query.to === undefined ? LATEST_MS : Date.parse(query.to),
      risk_min: query.risk,
      after_ms,
      after_id,
      limit: query.limit + 1,
      matching: conditionOf(c, SESSIONS, query.q, context.now()),
    });
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    const more = rows.length > query.limit && last !== undefined;
    const next_cursor = more ? writeCursor([last.last_received_ms, last.session_id]) : null;
    return c.json({ sessions: page.map(sessionView), next_cursor }, 200);
  });
  secured(api, context, 'sessions:read', showRoute, async (c) => {
    const { session_id } = c.req.valid('param');
    const { after, limit } = c.req.valid('query');
    const { tenant, principal } = c.var;
    const with_content = mayDo(principal.role, 'content:read');
    const [story, rows] = await Promise.all([
      readSessionStory(store, tenant, session_id, LIMITS.alerts_per_session_max),
      readTimeline(store, { tenant, session_id, after, limit: limit + 1 }, with_content),
    ]);
    if (story === undefined) throw new AppError('not_found', 'there is no such session in this tenant');
    c.set('accessed', { type: 'session.read', session_id });
    const page = rows.slice(0, limit);
    const next_after = rows.length > limit ? (page.at(-1)?.seq ?? null) : null;
    const events = joinCalls(page.map((row) => viewOf(row, with_content)));
    return c.json(
      {
        session: sessionView(story.session),
        events,
        alerts: story.alerts.map((alert) => alertView(alert, with_content)),
        next_after,
      },
      200,
    );
  });
}

/** The last time that the store's time columns hold, in milliseconds. */
export const LATEST_MS = Date.UTC(2299, 0, 1);
