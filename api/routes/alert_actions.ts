/** What is done with an alert: one route to act on it, one for everything that was done; several at once are in alert_bulk.ts. */
import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { listAlertActions } from '../../core/store/queries/alert_actions.ts';
import { readAlert } from '../../core/store/queries/alerts.ts';
import { AlertId, OneAction, wantedOf } from '../alert_body.ts';
import { createAlertDesk } from '../alert_desk.ts';
import { ActionView, AlertView, actionView, alertView } from '../alert_view.ts';
import { mayDo } from '../auth/roles.ts';
import type { ApiContext } from '../context.ts';
import { Limit, NextCursor, PageCursor, readCursor, writeCursor } from '../paging.ts';
import { Problem } from '../problem.ts';
import { type Api, responses, secured } from '../route.ts';
import { alertBulkRoutes } from './alert_bulk.ts';

const params = z.object({ alert_id: AlertId });
const tenant = z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' });

const actRoute = createRoute({
  method: 'post',
  path: '/v1/alerts/{alert_id}/status',
  summary: 'Acknowledge, close, reopen, note, assign, tag or suppress an alert',
  request: {
    params,
    query: z.object({ tenant }),
    body: { required: true, content: { 'application/json': { schema: OneAction } } },
  },
  responses: {
    200: {
      description: 'done, or done before by the same request',
      content: {
        'application/json': { schema: z.object({ action: ActionView, alert: AlertView, repeated: z.boolean() }) },
      },
    },
    ...responses(400, 404, 503, 507),
    409: {
      description:
        'the alert is in a status that does not allow this, has another version than expected, or the request_id was used for something else',
      content: { 'application/problem+json': { schema: Problem } },
    },
  },
});

const historyRoute = createRoute({
  method: 'get',
  path: '/v1/alerts/{alert_id}/history',
  summary: 'Everything that was done with an alert, in order',
  request: { params, query: z.object({ tenant, limit: Limit, cursor: PageCursor }) },
  responses: {
    200: {
      description: 'one page',
      content: {
        'application/json': {
          schema: z.object({ alert: AlertView, history: z.array(ActionView), next_cursor: NextCursor }),
        },
      },
    },
    ...responses(400, 404, 503),
  },
});

export function alertActionRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const desk = createAlertDesk(context);
  alertBulkRoutes(api, context, desk);
  secured(api, context, 'alerts:act', actRoute, async (c) => {
    const body = c.req.valid('json');
    const of = { tenant: c.var.tenant, alert_id: c.req.valid('param').alert_id };
    const { action, alert, repeated } = await desk.act(of, wantedOf(body), c.var.principal);
    const with_content = mayDo(c.var.principal.role, 'content:read');
    return c.json({ action: actionView(action, with_content), alert: alertView(alert, with_content), repeated }, 200);
  });
  secured(api, context, 'alerts:read', historyRoute, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const of = { tenant: c.var.tenant, alert_id: c.req.valid('param').alert_id };
    const alert = await readAlert(store, of.tenant, of.alert_id);
    if (alert === undefined) throw new AppError('not_found', 'there is no such alert in this tenant');
    const [after] = cursor ? readCursor(cursor, ['number'] as const) : [-1];
    const rows = await listAlertActions(store, { ...of, after, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next_cursor = rows.length > limit && last !== undefined ? writeCursor([last.seq]) : null;
    const with_content = mayDo(c.var.principal.role, 'content:read');
    const history = page.map((row) => actionView(row, with_content));
    return c.json({ alert: alertView(alert, with_content), history, next_cursor }, 200);
  });
}
