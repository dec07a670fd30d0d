/** How a route is declared: with the permission it needs, in one place that a test can walk over. */
import type { OpenAPIHono, RouteConfig, RouteHandler } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { AppError } from '../core/errors.ts';
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

/** Bodies of requests that are not events: a few settings, or one checkpoint. */
const SMALL_BODY_BYTES_MAX = 262_144;
const smallBody = bodyLimit({
  maxSize: SMALL_BODY_BYTES_MAX,
  onError: () => {
    throw new AppError('body_too_large', `the body of this request has at most ${SMALL_BODY_BYTES_MAX} bytes`);
  },
});

function withPermission<R extends RouteConfig>(permission: Permission, route: R): R {
  const description = `${route.description ?? ''}\n\nNeeds the permission \`${permission}\`.`.trim();
  return {
    ...route,
    security: [{ key: [] }],
    description,
    responses: { ...responses(401, 403), ...route.responses },
  };
}

/** Registers a route that needs a permission. Its body, if it has one, is small JSON. */
export function secured<R extends RouteConfig>(
  api: Api,
  context: ApiContext,
  permission: Permission,
  route: R,
  handler: RouteHandler<R, ApiEnv>,
): void {
  api.declared.push({ method: route.method, path: route.path, permission });
  const guards = [requirePermission(context, permission), smallBody];
  // The added members do not change what the handler takes and gives; the type cannot follow that.
  api.app.openapi({ ...withPermission(permission, route), middleware: guards } as unknown as R, handler);
}

/** Registers a route that needs a permission and reads its body itself: the route only describes it. */
export function securedStream(
  api: Api,
  context: ApiContext,
  permission: Permission,
  route: RouteConfig,
  handler: (c: Context<ApiEnv>) => Promise<Response>,
): void {
  api.declared.push({ method: route.method, path: route.path, permission });
  api.app.openAPIRegistry.registerPath(withPermission(permission, route));
  const path = route.path.replace(/\{(\w+)\}/g, ':$1'); // as the router writes parameters
  api.app.on(route.method, path, requirePermission(context, permission), handler);
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
