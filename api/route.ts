/** How a route is declared: with the permission it needs, in one place that a test can walk over. */
import type { OpenAPIHono, RouteConfig, RouteHandler } from '@hono/zod-openapi';
import { requirePermission } from './auth/guard.ts';
import type { Permission } from './auth/roles.ts';
import type { ApiContext, ApiEnv } from './context.ts';
import { Problem } from './problem.ts';

export interface DeclaredRoute {
  method: string;
  path: string;
  permission: Permission | 'public';
}

/** The application with the list of its routes. */
export interface Api {
  app: OpenAPIHono<ApiEnv>;
  declared: DeclaredRoute[];
}

/** Registers a route that needs a permission. */
export function secured<R extends RouteConfig>(
  api: Api,
  context: ApiContext,
  permission: Permission,
  route: R,
  handler: RouteHandler<R, ApiEnv>,
): void {
  api.declared.push({ method: route.method, path: route.path, permission });
  const described = {
    ...route,
    security: [{ key: [] }],
    description: `${route.description ?? ''}\n\nNeeds the permission \`${permission}\`.`.trim(),
    responses: { ...responses(401, 403), ...route.responses },
    middleware: [requirePermission(context, permission)],
  };
  // The added members do not change what the handler takes and gives; the type cannot follow that.
  api.app.openapi(described as unknown as R, handler);
}

/** Registers a route that anybody may call. */
export function open<R extends RouteConfig>(api: Api, route: R, handler: RouteHandler<R, ApiEnv>): void {
  api.declared.push({ method: route.method, path: route.path, permission: 'public' });
  api.app.openapi(route, handler);
}

const MEANING: Record<number, string> = {
  400: 'the request cannot be read',
  401: 'no valid key',
  403: 'the key may not do this',
  404: 'there is no such thing in this tenant',
  408: 'the body stopped arriving',
  409: 'not yet; ask again in a few seconds',
  413: 'larger than the limits',
  415: 'an encoding or type that is not taken',
  422: 'a value breaks a rule',
  429: 'come back after Retry-After seconds; nothing was taken',
  503: 'not available now; come back after Retry-After seconds',
};

/** Problem documents for these statuses, for the OpenAPI document. */
export function responses(...statuses: number[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: MEANING[status] ?? 'error', content: { 'application/problem+json': { schema: Problem } } },
    ]),
  );
}
