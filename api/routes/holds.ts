/** Holds: sessions and users whose content must stay, until when and why. */
import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '../../core/errors.ts';
import { type Hold, isInForce } from '../../core/hold.ts';
import { LIMITS } from '../../core/limits.ts';
import { readHolds } from '../../core/store/queries/holds.ts';
import { addHold, releaseHold } from '../../ingest/holds.ts';
import type { ApiContext } from '../context.ts';
import { TimeParameter } from '../paging.ts';
import { type Api, responses, secured } from '../route.ts';

const tenant = z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' });
const id = z.string().min(1).max(LIMITS.id_chars_max);
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });
const reason = z
  .string()
  .max(LIMITS.note_chars_max)
  .regex(/\S/, 'must not be blank')
  .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'must not hold control or format characters');

const Wanted = z
  .strictObject({
    user_id: id.optional(),
    session_id: id.optional(),
    reason,
    expires_at: TimeParameter.unwrap(),
  })
  .refine((body) => (body.user_id === undefined) !== (body.session_id === undefined), {
    path: ['user_id'],
    message: 'name either a user_id or a session_id',
  });

const HoldView = z
  .object({
    hold_id: z.string(),
    user_id: z.string().optional(),
    session_id: z.string().optional(),
    reason: z.string(),
    actor: z.string(),
    added_at: z.string(),
    expires_at: z.string(),
    released_at: z.string().nullable(),
    release_reason: z.string().optional(),
    in_force: z.boolean(),
  })
  .openapi('Hold');

const listRoute = createRoute({
  method: 'get',
  path: '/v1/holds',
  summary: 'Holds of sessions and users, those that have ended among them',
  request: { query: z.object({ tenant }) },
  responses: {
    200: { description: 'oldest first', content: json(z.object({ holds: z.array(HoldView) })) },
    ...responses(400, 503),
  },
});

const addRoute = createRoute({
  method: 'post',
  path: '/v1/holds',
  summary: 'Hold a session or a user: nothing of it is erased or expires until the hold ends',
  request: { query: z.object({ tenant }), body: { required: true, content: json(Wanted) } },
  responses: { 201: { description: 'in force', content: json(HoldView) }, ...responses(400, 503, 507) },
});

const releaseRoute = createRoute({
  method: 'post',
  path: '/v1/holds/{hold_id}/release',
  summary: 'End a hold before its time',
  request: {
    params: z.object({ hold_id: id }),
    query: z.object({ tenant }),
    body: { required: true, content: json(z.strictObject({ reason })) },
  },
  responses: { 200: { description: 'ended', content: json(HoldView) }, ...responses(400, 404, 409, 503) },
});

/** Registers the routes of holds. */
export function holdRoutes(api: Api, context: ApiContext): void {
  const { store, log, now } = context;
  const writing = () => {
    if (context.writer === undefined) throw new AppError('read_only', 'this process does not write the log');
    return context.writer;
  };

  secured(api, context, 'holds:read', listRoute, async (c) => {
    const holds = await readHolds(store, { log, tenant: c.var.tenant });
    return c.json({ holds: holds.map((hold) => viewOf(hold, now())) }, 200);
  });

  secured(api, context, 'holds:manage', addRoute, async (c) => {
    const { expires_at, ...wanted } = c.req.valid('json');
    const expires_at_ms = Date.parse(expires_at);
    if (expires_at_ms <= now()) throw new AppError('query_invalid', 'expires_at: must be in the future');
    const asking = { tenant: c.var.tenant, actor: c.var.principal.key_id, now_ms: now() };
    return c.json(viewOf(await addHold(store, writing(), { ...wanted, expires_at_ms }, asking), now()), 201);
  });

  secured(api, context, 'holds:manage', releaseRoute, async (c) => {
    const wanted = { hold_id: c.req.valid('param').hold_id, reason: c.req.valid('json').reason };
    const asking = { tenant: c.var.tenant, actor: c.var.principal.key_id, now_ms: now() };
    return c.json(viewOf(await releaseHold(store, writing(), wanted, asking), now()), 200);
  });
}

const isoTime = (ms: number) => new Date(ms).toISOString();

function viewOf(hold: Hold, now_ms: number): z.infer<typeof HoldView> {
  const { hold_id, user_id, session_id, actor, added_at_ms, expires_at_ms, released_at_ms, release_reason } = hold;
  return {
    hold_id,
    ...(user_id !== '' && { user_id }),
    ...(session_id !== '' && { session_id }),
    reason: hold.reason,
    actor,
    added_at: isoTime(added_at_ms),
    expires_at: isoTime(expires_at_ms),
    released_at: released_at_ms === undefined ? null : isoTime(released_at_ms),
    ...(release_reason !== '' && { release_reason }),
    in_force: isInForce(hold, now_ms),
  };
}
