/** The HTTP application: guards first, then routes, then one place for errors. Runs without a server in tests and CLI. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { secureHeaders } from 'hono/secure-headers';
import { AppError, messageOf } from '../core/errors.ts';
import { checkAddress } from './auth/guard.ts';
import type { ApiContext, ApiEnv } from './context.ts';
import { problem, statusOf } from './problem.ts';
import type { Api, DeclaredRoute } from './route.ts';
import { acceptRoutes } from './routes/accept.ts';
import { alertRoutes } from './routes/alerts.ts';
import { documentRoutes } from './routes/documents.ts';
import { eventRoutes } from './routes/events.ts';
import { keyRoutes } from './routes/keys.ts';
import { logRoutes } from './routes/log.ts';
import { sessionRoutes } from './routes/sessions.ts';

const ROUTES = [acceptRoutes, sessionRoutes, alertRoutes, eventRoutes, logRoutes, keyRoutes, documentRoutes];

/** Builds the application over a context. `declared` lists its routes with the permission that each needs. */
export function createApi(context: ApiContext): Api {
  const app = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const [issue] = result.error.issues;
      throw new AppError('query_invalid', `${issue?.path.join('.') ?? 'request'}: ${issue?.message ?? 'not valid'}`);
    },
  });
  const declared: DeclaredRoute[] = [];
  const api: Api = { app, declared };
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        scriptSrc: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
      },
      referrerPolicy: 'no-referrer',
    }),
  );
  app.use(checkAddress(context));
  app.use(async (c, next) => {
    await next();
    c.header('Cache-Control', 'no-store');
  });
  app.onError((error, c) => {
    if (statusOf(error) === 500) {
      context.onNotice('request_failed', { method: c.req.method, path: c.req.path, error: messageOf(error) });
    }
    return problem(c, error);
  });
  app.notFound((c) => problem(c, new AppError('not_found', 'there is nothing at this address')));
  for (const routes of ROUTES) routes(api, context);
  return api;
}
