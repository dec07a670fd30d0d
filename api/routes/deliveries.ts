/** Deliveries: what subscribers were told of, what waits, and dead letters, which can be sent once more. */
import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { DELIVERY_STATES, type DeliveryRow, listDeliveries } from '../../core/store/queries/deliveries.ts';
import type { ApiContext } from '../context.ts';
import { Limit, NextCursor, PAST_ALL, PageCursor, readCursor, writeCursor } from '../paging.ts';
import { type Api, responses, secured } from '../route.ts';

export const DeliveryView = z
  .object({
    message_id: z.string().openapi({ description: 'webhook-id: the same at every attempt' }),
    subscription_id: z.string(),
    type: z.string(),
    source_id: z.string().openapi({ description: 'alert_id, or event_id of the action that it tells of' }),
    seq: z.int(),
    state: z.enum(DELIVERY_STATES),
    attempts: z.int(),
    status: z.int().openapi({ description: 'of the last answer; 0 when there was none' }),
    error: z.string(),
    created_at: z.string(),
    due_at: z.string().nullable().openapi({ description: 'of one that waits' }),
    updated_at: z.string(),
  })
  .openapi('Delivery');

/** The view of one delivery. */
export function deliveryView(row: DeliveryRow): z.infer<typeof DeliveryView> {
  const { message_id, subscription_id, type, source_id, seq, state, attempts, status, error } = row;
  const timeOf = (ms: number) => new Date(ms).toISOString();
  return {
    message_id,
    subscription_id,
    type,
    source_id,
    seq,
    state,
    attempts,
    status,
    error,
    created_at: timeOf(row.created_at_ms),
    due_at: state === 'waiting' ? timeOf(row.due_at_ms) : null,
    updated_at: timeOf(row.updated_at_ms),
  };
}

const id = z.string().min(1).max(LIMITS.id_chars_max);
const tenant = z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' });

const listRoute = createRoute({
  method: 'get',
  path: '/v1/deliveries',
  summary: 'List deliveries, newest first',
  request: {
    query: z.object({
      tenant,
      subscription: id.optional(),
      state: z.enum(DELIVERY_STATES).optional(),
      limit: Limit,
      cursor: PageCursor,
    }),
  },
  responses: {
    200: {
      description: 'one page',
      content: {
        'application/json': { schema: z.object({ deliveries: z.array(DeliveryView), next_cursor: NextCursor }) },
      },
    },
    ...responses(400, 503),
  },
});

const replayRoute = createRoute({
  method: 'post',
  path: '/v1/deliveries/replay',
  summary: 'Send dead letters once more, under the same ids',
  request: {
    query: z.object({ tenant }),
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({
            subscription_id: id,
            message_ids: z
              .array(id)
              .max(LIMITS.page_rows_max)
              .default([])
              .openapi({ description: `empty: the newest ${LIMITS.page_rows_max}` }),
          }),
        },
      },
    },
  },
  responses: {
    200: {
      description: 'they wait again',
      content: { 'application/json': { schema: z.object({ replayed: z.int() }) } },
    },
    ...responses(400, 404, 503),
  },
});

export function deliveryRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  secured(api, context, 'subscriptions:read', listRoute, async (c) => {
    const { subscription = '', state, limit, cursor } = c.req.valid('query');
    const [before_seq, before_id] = cursor ? readCursor(cursor, ['number', 'string'] as const) : [PAST_ALL, ''];
    const of = { tenant: c.var.tenant, subscription_id: subscription, state: state ?? ('' as const), message_ids: [] };
    const rows = await listDeliveries(store, { ...of, before_seq, before_id, limit: limit + 1 });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next_cursor = rows.length > limit && last !== undefined ? writeCursor([last.seq, last.message_id]) : null;
    return c.json({ deliveries: page.map(deliveryView), next_cursor }, 200);
  });
  secured(api, context, 'subscriptions:manage', replayRoute, async (c) => {
    const { subscription_id, message_ids } = c.req.valid('json');
    const { response } = context;
    if (response === undefined) throw new AppError('read_only', 'this process does not deliver');
    const place = { before_seq: PAST_ALL, before_id: '', limit: LIMITS.page_rows_max };
    const of = { tenant: c.var.tenant, subscription_id, state: 'dead', message_ids, ...place } as const;
    const rows = await listDeliveries(store, of);
    const tellable = rows.filter(({ type }) => type !== 'test');
    return c.json({ replayed: await response.deliverer.replay(tellable) }, 200);
  });
}
