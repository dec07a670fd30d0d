/** What describes the service: liveness, the OpenAPI document, and the schema of an event for producers. */
import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '../../core/errors.ts';
import { eventJsonSchema } from '../../core/event_json_schema.ts';
import type { ApiContext } from '../context.ts';
import { type Api, open, responses } from '../route.ts';

export function documentRoutes(api: Api, context: ApiContext): void {
  open(
    api,
    createRoute({
      method: 'get',
      path: '/healthz',
      summary: 'Whether the service runs and can write its log',
      responses: {
        200: {
          description: 'it does',
          content: { 'application/json': { schema: z.object({ ok: z.literal(true), version: z.string() }) } },
        },
        ...responses(503),
      },
    }),
    (c) => {
      if (context.writer?.waiting.broken) throw new AppError('store_unavailable', 'the log cannot be written');
      return c.json({ ok: true as const, version: context.version }, 200);
    },
  );
  open(
    api,
    createRoute({
      method: 'get',
      path: '/v1/schema/event.json',
      summary: 'JSON Schema of a provenance event',
      responses: {
        200: { description: 'JSON Schema 2020-12', content: { 'application/schema+json': { schema: z.unknown() } } },
      },
    }),
    (c) => c.json(eventJsonSchema(), 200, { 'Content-Type': 'application/schema+json' }),
  );
  api.app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer' });
  api.declared.push({ method: 'get', path: '/v1/openapi.json', permission: 'public' });
  api.app.openAPIRegistry.registerPath({
    method: 'get',
    path: '/v1/openapi.json',
    summary: 'This document',
    responses: { 200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: z.unknown() } } } },
  });
  api.app.doc31('/v1/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Tracewarden',
      version: context.version,
      description: 'Provenance events of AI agents in, a log that proves itself, sessions and alerts out.',
    },
  });
}
