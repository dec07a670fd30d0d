/** What is done with an alert: one route to act on it, one for everything that was done. */
import { createRoute, z } from '@hono/zod-openapi';
import { VERDICTS } from '../../core/alert_action.ts';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { listAlertActions } from '../../core/store/queries/alert_actions.ts';
import { readAlert } from '../../core/store/queries/alerts.ts';
import { createAlertDesk } from '../alert_desk.ts';
import { ActionView, AlertView, actionView, alertView, Scope } from '../alert_view.ts';
import { mayDo } from '../auth/roles.ts';
import type { ApiContext } from '../context.ts';
import { Limit, NextCursor, PageCursor, readCursor, TimeParameter, writeCursor } from '../paging.ts';
import { Problem } from '../problem.ts';
import { type Api, responses, secured } from '../route.ts';

/** Line breaks may stand in it, and the joiners that some scripts and emoji need; nothing else that is not seen. */
const INERT = /^(?:[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|[\n\u200c\u200d])*$/u;

const prose = z
  .string()
  .max(LIMITS.note_chars_max)
  .regex(/\S/, 'must not be blank')
  .regex(INERT, 'must not hold control or format characters')
  .openapi({ description: 'plain text; no secrets, since records cannot be changed' });

const request_id = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters')
  .optional()
  .openapi({ description: 'who asks again with the same one acts once' });

const id = z.string().min(1).max(LIMITS.id_chars_max);

const Close = z
  .strictObject({
    action: z.literal('close'),
    request_id,
    verdict: z.enum(VERDICTS),
    duplicate_of: id.optional().openapi({ description: 'alert_id of the other one; with the verdict duplicate' }),
    note: prose.optional(),
  })
  .refine(({ verdict, duplicate_of }) => (verdict === 'duplicate') === (duplicate_of !== undefined), {
    path: ['duplicate_of'],
    message: 'goes with the verdict duplicate, and with no other',
  });

const Body = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('acknowledge'), request_id, note: prose.optional() }),
  Close,
  z.strictObject({ action: z.literal('reopen'), request_id, note: prose.optional() }),
  z.strictObject({ action: z.literal('note'), request_id, note: prose }),
  z.strictObject({
    action: z.literal('suppress'),
    request_id,
    scope: Scope,
    reason: prose,
    expires_at: TimeParameter.unwrap(),
  }),
]);

const params = z.object({ alert_id: id });
const tenant = z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' });

const actRoute = createRoute({
  method: 'post',
  path: '/v1/alerts/{alert_id}/status',
  summary: 'Acknowledge, close, reopen, note or suppress an alert',
  request: {
    params,
    query: z.object({ tenant }),
    body: { required: true, content: { 'application/json': { schema: Body } } },
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
      description: 'the alert is in a status that does not allow this, or the request_id was used for something else',
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
  secured(api, context, 'alerts:act', actRoute, async (c) => {
    const body = c.req.valid('json');
    const of = { tenant: c.var.tenant, alert_id: c.req.valid('param').alert_id };
    const expires_at_ms = body.action === 'suppress' ? Date.parse(body.expires_at) : undefined;
    const { action, alert, repeated } = await desk.act(of, { ...body, expires_at_ms }, c.var.principal);
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
