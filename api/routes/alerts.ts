/** Alerts: the list with filters, and one alert with the events that prove it. */
import { createRoute, z } from '@hono/zod-openapi';
import { SEVERITIES } from '../../core/alert.ts';
import { ALERT_STATUSES, VERDICTS } from '../../core/alert_action.ts';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { ALERTS } from '../../core/query/subjects/alerts.ts';
import { listAlerts, readAlert } from '../../core/store/queries/alerts.ts';
import { AlertView, alertView } from '../alert_view.ts';
import { mayDo } from '../auth/roles.ts';
import type { ApiContext } from '../context.ts';
import { Limit, NextCursor, PAST_ALL, PageCursor, readCursor, TimeParameter, writeCursor } from '../paging.ts';
import { conditionOf, QueryText } from '../query_parameter.ts';
import { type Api, responses, secured } from '../route.ts';
import { LATEST_MS } from './sessions.ts';

const text = (description: string) => z.string().max(LIMITS.name_chars_max).optional().openapi({ description });

const listRoute = createRoute({
  method: 'get',
  path: '/v1/alerts',
  summary: 'List alerts, newest first',
  request: {
    query: z.object({
      tenant: text('of a key for all tenants'),
      q: QueryText,
      severity: z.enum(SEVERITIES).default('info').openapi({ description: 'this severity and above' }),
      status: z.enum(ALERT_STATUSES).optional(),
      verdict: z.enum(VERDICTS).optional().openapi({ description: 'of closed alerts' }),
      rule: text('rule_id'),
      session: text('session_id'),
      user: text('user_id'),
      from: TimeParameter,
      to: TimeParameter,
      limit: Limit,
      cursor: PageCursor,
    }),
  },
  responses: {
    200: {
      description: 'one page',
      content: { 'application/json': { schema: z.object({ alerts: z.array(AlertView), next_cursor: NextCursor }) } },
    },
    ...responses(400, 503),
  },
});

const showRoute = createRoute({
  method: 'get',
  path: '/v1/alerts/{alert_id}',
  summary: 'One alert',
  request: {
    params: z.object({ alert_id: z.string().min(1).max(LIMITS.id_chars_max) }),
    query: z.object({ tenant: text('of a key for all tenants') }),
  },
  responses: {
    200: { description: 'the alert', content: { 'application/json': { schema: AlertView } } },
    ...responses(404),
  },
});

export function alertRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const contained = (tenant: string, alert_id: string) => {
    const command = context.response?.enforcement.ofAlert(tenant, alert_id);
    if (command === undefined) return {};
    const { command_id, action, state } = command;
    return { containment: { command_id, action, state, confirmed: state === 'applied' } };
  };
  secured(api, context, 'alerts:read', listRoute, async (c) => {
    const query = c.req.valid('query');
    const [before_seq] = query.cursor ? readCursor(query.cursor, ['number'] as const) : [PAST_ALL];
    const rows = await listAlerts(store, {
      tenant: c.var.tenant,
      status: query.status,
      verdict: query.verdict,
      rule_id: query.rule ?? '',
      session_id: query.session ?? '',
      user_id: query.user ?? '',
      risk_min: 0,
      severity_min: query.severity,
      from_ms: query.from === undefined ? 0 : Date.parse(query.from),
      to_ms: query.to === undefined ? LATEST_MS : Date.parse(query.to),
      before_seq,
      limit: query.limit + 1,
      matching: conditionOf(c, ALERTS, query.q, context.now()),
    });
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    const next_cursor = rows.length > query.limit && last !== undefined ? writeCursor([last.seq]) : null;
    const with_content = mayDo(c.var.principal.role, 'content:read');
    const alerts = page.map((alert) => ({
      ...alertView(alert, with_content),
      ...contained(c.var.tenant, alert.alert_id),
    }));
    return c.json({ alerts, next_cursor }, 200);
  });
  secured(api, context, 'alerts:read', showRoute, async (c) => {
    const row = await readAlert(store, c.var.tenant, c.req.valid('param').alert_id);
    if (row === undefined) throw new AppError('not_found', 'there is no such alert in this tenant');
    c.set('accessed', { type: 'alert.read', session_id: row.session_id, subject: row.alert_id });
    const view = alertView(row, mayDo(c.var.principal.role, 'content:read'));
    return c.json({ ...view, ...contained(c.var.tenant, row.alert_id) }, 200);
  });
}
