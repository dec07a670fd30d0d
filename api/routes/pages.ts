/** The pages that need no script: an overview, and one session as a story. They show what the JSON API gives, and no script runs. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { listAlerts } from '../../core/store/queries/alerts.ts';
import { readLastCheckpoint } from '../../core/store/queries/checkpoints.ts';
import { readTimeline } from '../../core/store/queries/events.ts';
import { readHead } from '../../core/store/queries/head.ts';
import { listSessions, readSession, type SessionSummary } from '../../core/store/queries/sessions.ts';
import { toBase64 } from '../../core/tlog/bytes.ts';
import { alertView } from '../alert_view.ts';
import { mayDo } from '../auth/roles.ts';
import type { ApiContext, ApiEnv } from '../context.ts';
import { joinCalls, viewOf } from '../event_view.ts';
import { faultsAsPages } from '../pages/faults.ts';
import type { Viewer } from '../pages/layout.ts';
import { type AlertJson, type LogState, overviewPage, type SessionLine } from '../pages/overview.ts';
import { sessionPage } from '../pages/session.ts';
import { PAST_ALL, readCursor, writeCursor } from '../paging.ts';
import { type Api, secured } from '../route.ts';
import { LATEST_MS } from './sessions.ts';

const ALERTS_SHOWN = 20;
const SESSIONS_SHOWN = 50;
/** Their content comes whole from the store, so a page has few. */
const EVENTS_SHOWN = 100;

const Page = { 'text/html': { schema: z.string() } };
const Cursor = z.string().max(1_000).optional();

const overviewRoute = createRoute({
  method: 'get',
  path: '/plain',
  summary: 'Page without scripts: alerts, sessions and the state of the log',
  request: { query: z.object({ alerts: Cursor, sessions: Cursor, tenant: z.string().optional() }) },
  responses: { 200: { description: 'the page', content: Page } },
});

const storyRoute = createRoute({
  method: 'get',
  path: '/plain/sessions/{session_id}',
  summary: 'Page without scripts: one session as a story',
  request: {
    params: z.object({ session_id: z.string().min(1).max(LIMITS.id_chars_max) }),
    query: z.object({ after: z.coerce.number().int().min(-1).default(-1), tenant: z.string().optional() }),
  },
  responses: { 200: { description: 'the page', content: Page } },
});

const ANY_ALERT = { rule_id: '', user_id: '', risk_min: 0, from_ms: 0, to_ms: LATEST_MS };
const ANY_SESSION = { user_id: '', user_role: '', agent: '', server: '', tool: '', risk_min: 0 };

export function pageRoutes(api: Api, context: ApiContext): void {
  for (const path of ['/plain', '/plain/*']) api.app.use(path, faultsAsPages(context.identity?.browsers === true));
  secured(api, context, 'sessions:read', overviewRoute, async (c) => {
    const query = c.req.valid('query');
    const viewer = viewerOf(c);
    const [log, alerts, sessions] = await Promise.all([
      may(viewer, 'log:read') ? logState(context) : undefined,
      may(viewer, 'alerts:read') ? alertsPage(context, viewer, query.alerts) : undefined,
      sessionsPage(context, viewer.tenant, query.sessions),
    ]);
    const data = { log, alerts: alerts?.rows, sessions: sessions.rows };
    return c.html(overviewPage({ ...data, next_alerts: alerts?.next, next_sessions: sessions.next }, viewer), 200);
  });
  secured(api, context, 'sessions:read', storyRoute, async (c) => {
    const { session_id } = c.req.valid('param');
    c.set('accessed', { type: 'session.read', session_id });
    return c.html(await storyOf(context, viewerOf(c), session_id, c.req.valid('query').after), 200);
  });
}

const viewerOf = (c: Context<ApiEnv>): Viewer => ({ principal: c.var.principal, tenant: c.var.tenant });
const may = ({ principal }: Viewer, permission: Parameters<typeof mayDo>[1]) => mayDo(principal.role, permission);

async function logState({ store, log, detection }: ApiContext): Promise<LogState | undefined> {
  const [head, checkpoint] = await Promise.all([readHead(store, log), readLastCheckpoint(store, log)]);
  if (head === undefined) return undefined;
  const signed = checkpoint && {
    size: checkpoint.size,
    signed_at: new Date(checkpoint.signed_at_ms).toISOString(),
  };
  const detected_through = Number(detection().detected_through ?? 0);
  return { log, size: head.size, root: toBase64(head.root), ...(signed && { checkpoint: signed }), detected_through };
}

async function alertsPage({ store }: ApiContext, viewer: Viewer, cursor: string | undefined) {
  const { tenant } = viewer;
  const with_content = may(viewer, 'content:read');
  const [before_seq] = cursor ? readCursor(cursor, ['number'] as const) : [PAST_ALL];
  const rows = await listAlerts(store, { tenant, session_id: '', ...ANY_ALERT, before_seq, limit: ALERTS_SHOWN + 1 });
  const shown = rows.slice(0, ALERTS_SHOWN);
  const last = shown.at(-1);
  const next = rows.length > shown.length && last !== undefined ? writeCursor([last.seq]) : undefined;
  return { rows: shown.map((row) => alertView(row, with_content)), next };
}

async function sessionsPage({ store }: ApiContext, tenant: string, cursor: string | undefined) {
  const [after_ms, after_id] = cursor ? readCursor(cursor, ['number', 'string'] as const) : [PAST_ALL, ''];
  const place = { from_ms: 0, to_ms: LATEST_MS, after_ms, after_id, limit: SESSIONS_SHOWN + 1 };
  const rows = await listSessions(store, { tenant, ...ANY_SESSION, ...place });
  const shown = rows.slice(0, SESSIONS_SHOWN);
  const last = shown.at(-1);
  const more = rows.length > shown.length && last !== undefined;
  return { rows: shown.map(lineOf), next: more ? writeCursor([last.last_received_ms, last.session_id]) : undefined };
}

function lineOf(session: SessionSummary): SessionLine {
  return { ...session, last_time: new Date(session.last_time_ms).toISOString() };
}

async function storyOf({ store }: ApiContext, viewer: Viewer, session_id: string, after: number) {
  const { tenant } = viewer;
  const session = await readSession(store, tenant, session_id);
  if (session === undefined) throw new AppError('not_found', 'there is no such session in this tenant');
  const scope = { tenant, session_id, after, limit: EVENTS_SHOWN + 1 };
  const with_content = may(viewer, 'content:read');
  const rows = await readTimeline(store, scope, with_content);
  const shown = rows.slice(0, EVENTS_SHOWN);
  let alerts: AlertJson[] | undefined;
  if (may(viewer, 'alerts:read')) {
    const all = { ...ANY_ALERT, before_seq: PAST_ALL, limit: LIMITS.alerts_per_session_max };
    const rows = await listAlerts(store, { tenant, session_id, ...all });
    alerts = rows.map((row) => alertView(row, with_content));
  }
  const next_after = rows.length > shown.length ? shown.at(-1)?.seq : undefined;
  const events = joinCalls(shown.map((row) => viewOf(row, with_content)));
  return sessionPage({ session: lineOf(session), alerts, events, next_after }, viewer);
}
