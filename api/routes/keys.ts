/** Keys of the API: list, make, revoke. A change is a record of the log. */
import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { ROLES, type Role } from '../../core/role.ts';
import type { KeyDetail } from '../../ingest/encode.ts';
import { ALL_TENANTS, NEVER_MS } from '../auth/access.ts';
import type { ApiContext } from '../context.ts';
import { TimeParameter } from '../paging.ts';
import { type Api, responses, secured } from '../route.ts';

const KeyView = z
  .object({
    key_id: z.string(),
    name: z.string(),
    role: z.enum(ROLES),
    tenant: z.string(),
    created_at: z.string(),
    expires_at: z.string().nullable(),
    revoked: z.boolean(),
  })
  .openapi('Key');

const printable = (chars_max: number) =>
  z
    .string()
    .min(1)
    .max(chars_max)
    .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'must not hold control characters');

const listRoute = createRoute({
  method: 'get',
  path: '/v1/keys',
  summary: 'List keys; the keys themselves are not kept anywhere',
  responses: {
    200: { description: 'keys', content: { 'application/json': { schema: z.object({ keys: z.array(KeyView) }) } } },
  },
});

const createKeyRoute = createRoute({
  method: 'post',
  path: '/v1/keys',
  summary: 'Make a key; the answer shows it this once',
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({
            name: printable(100),
            role: z.enum(ROLES),
            tenant: printable(LIMITS.id_chars_max).default('default'),
            expires_at: TimeParameter,
          }),
        },
      },
    },
  },
  responses: {
    201: { description: 'made', content: { 'application/json': { schema: KeyView.extend({ key: z.string() }) } } },
    ...responses(400, 403, 503),
  },
});

const OVERLAP_S = 86_400;
const OVERLAP_S_MAX = 30 * OVERLAP_S;

const rotateRoute = createRoute({
  method: 'post',
  path: '/v1/keys/{key_id}/rotation',
  summary: 'Make a key in the place of another, which works on for a while; the answer shows it this once',
  request: {
    params: z.object({ key_id: z.string().max(100) }),
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.strictObject({
            overlap_seconds: z.int().min(0).max(OVERLAP_S_MAX).default(OVERLAP_S).openapi({
              description: 'how long both keys work; 0 ends the old one at once',
            }),
          }),
        },
      },
    },
  },
  responses: {
    201: { description: 'made', content: { 'application/json': { schema: KeyView.extend({ key: z.string() }) } } },
    ...responses(400, 404, 409, 503),
  },
});

const revokeRoute = createRoute({
  method: 'delete',
  path: '/v1/keys/{key_id}',
  summary: 'Revoke a key at once',
  request: { params: z.object({ key_id: z.string().max(100) }) },
  responses: { 204: { description: 'revoked' }, ...responses(404, 503) },
});

function keyView(detail: KeyDetail): z.infer<typeof KeyView> {
  const { key_id, name, role, tenant, revoked, created_at_ms, expires_at_ms } = detail;
  const expires_at = expires_at_ms >= NEVER_MS ? null : new Date(expires_at_ms).toISOString();
  return {
    key_id,
    name,
    role: role as Role,
    tenant,
    created_at: new Date(created_at_ms).toISOString(),
    expires_at,
    revoked,
  };
}

export function keyRoutes(api: Api, context: ApiContext): void {
  const { access } = context;
  /** An administrator of one tenant deals with that tenant's keys alone. */
  const mine = (tenant: string, of: string) => tenant === ALL_TENANTS || tenant === of;
  secured(api, context, 'keys:manage', listRoute, (c) => {
    const { tenant } = c.var.principal;
    return c.json(
      {
        keys: access
          .list()
          .filter((key) => mine(tenant, key.tenant))
          .map(keyView),
      },
      200,
    );
  });
  secured(api, context, 'keys:manage', createKeyRoute, async (c) => {
    const { expires_at, ...wanted } = c.req.valid('json');
    if (!mine(c.var.principal.tenant, wanted.tenant)) {
      throw new AppError('tenant_forbidden', 'this key may not make keys of another tenant');
    }
    const expires_at_ms = expires_at === undefined ? NEVER_MS : Math.min(NEVER_MS, Date.parse(expires_at));
    if (expires_at_ms <= context.now()) throw new AppError('query_invalid', 'expires_at: must lie ahead');
    const { key, detail } = await access.create({ ...wanted, expires_at_ms }, c.var.principal.key_id);
    return c.json({ ...keyView(detail), key }, 201);
  });
  const checkMine = (tenant: string, key_id: string) => {
    const known = access.list().find((key) => key.key_id === key_id);
    if (known === undefined || !mine(tenant, known.tenant)) throw new AppError('key_unknown', 'there is no such key');
  };
  secured(api, context, 'keys:manage', rotateRoute, async (c) => {
    const { key_id } = c.req.valid('param');
    checkMine(c.var.principal.tenant, key_id);
    const until_ms = context.now() + c.req.valid('json').overlap_seconds * 1_000;
    const { key, detail } = await access.rotate(key_id, until_ms, c.var.principal.key_id);
    return c.json({ ...keyView(detail), key }, 201);
  });
  secured(api, context, 'keys:manage', revokeRoute, async (c) => {
    const { key_id } = c.req.valid('param');
    checkMine(c.var.principal.tenant, key_id);
    await access.revoke(key_id, c.var.principal.key_id);
    return c.body(null, 204);
  });
}
