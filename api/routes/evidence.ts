/** Evidence of a session, to be taken away and checked elsewhere. */
import { hash } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { LIMITS } from '../../core/limits.ts';
import type { ApiContext } from '../context.ts';
import { evidenceOf } from '../evidence.ts';
import { type Api, responses, secured } from '../route.ts';

const evidenceRoute = createRoute({
  method: 'get',
  path: '/v1/sessions/{session_id}/evidence',
  summary: 'The evidence of a session as a zip that is checked offline: records, openings, proofs, checkpoint, key',
  request: {
    params: z.object({ session_id: z.string().min(1).max(LIMITS.id_chars_max) }),
    query: z.object({
      tenant: z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' }),
    }),
  },
  responses: {
    200: {
      description: 'the bundle',
      content: { 'application/zip': { schema: z.string().openapi({ format: 'binary' }) } },
    },
    ...responses(404, 409, 413, 503),
  },
});

export function evidenceRoutes(api: Api, context: ApiContext): void {
  secured(api, context, 'content:read', evidenceRoute, async (c) => {
    const { session_id } = c.req.valid('param');
    const bytes = await evidenceOf(context, c.var.tenant, session_id);
    c.set('accessed', { type: 'evidence.exported', session_id, subject: `sha256:${hash('sha256', bytes)}` });
    return c.body(new Uint8Array(bytes), 200, {
      'Content-Type': 'application/zip',
      'Content-Disposition': 'attachment; filename="evidence.zip"',
    }) as never;
  });
}
