/** The HTTP application: guards first, then routes, then one place for errors. Runs without a server in tests and CLI. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { routePath } from 'hono/route';
import { secureHeaders } from 'hono/secure-headers';
import { AppError, messageOf } from '../core/errors.ts';
import { checkAddress } from './auth/guard.ts';
import type { ApiContext, ApiEnv } from './context.ts';
import { asAppError, problem, statusOf } from './problem.ts';
import type { Api, DeclaredRoute } from './route.ts';
import { acceptRoutes } from './routes/accept.ts';
import { actionRoutes } from './routes/actions.ts';
import { alertActionRoutes } from './routes/alert_actions.ts';
import { alertRoutes } from './routes/alerts.ts';
import { controlRoutes } from './routes/controls.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { documentRoutes } from './routes/documents.ts';
import { enforcementRoutes } from './routes/enforcement.ts';
import { erasureRoutes } from './routes/erasures.ts';
import { eventRoutes } from './routes/events.ts';
import { evidenceRoutes } from './routes/evidence.ts';
import { holdRoutes } from './routes/holds.ts';
import { hookRoutes } from './routes/hooks.ts';
import { incidentRoutes } from './routes/incidents.ts';
import { keyRoutes } from './routes/keys.ts';
import { lineageRoutes } from './routes/lineage.ts';
import { logRoutes } from './routes/log.ts';
import { loginRoutes } from './routes/login.ts';
import { operationRoutes } from './routes/operations.ts';
import { otlpRoutes } from './routes/otlp.ts';
import { overviewRoutes } from './routes/overview.ts';
import { pageRoutes } from './routes/pages.ts';
import { policyRoutes } from './routes/policies.ts';
import { retentionRoutes } from './routes/retention.ts';
import { riskRoutes } from './routes/risk.ts';
import { ruleRoutes } from './routes/rules.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { subscriptionRoutes } from './routes/subscriptions.ts';
import { suppressionRoutes } from './routes/suppressions.ts';
import { toolDefinitionRoutes } from './routes/tool_definitions.ts';
import { toolRoutes } from './routes/tools.ts';
import { webRoutes } from './routes/web.ts';

const ROUTES = [
  acceptRoutes,
  otlpRoutes,
  hookRoutes,
  overviewRoutes,
  sessionRoutes,
  lineageRoutes,
  evidenceRoutes,
  alertRoutes,
  alertActionRoutes,
  incidentRoutes,
  suppressionRoutes,
  subscriptionRoutes,
  deliveryRoutes,
  enforcementRoutes,
  eventRoutes,
  toolRoutes,
  toolDefinitionRoutes,
  ruleRoutes,
  logRoutes,
  keyRoutes,
  erasureRoutes,
  holdRoutes,
  retentionRoutes,
  actionRoutes,
  controlRoutes,
  policyRoutes,
  riskRoutes,
  documentRoutes,
  operationRoutes,
  loginRoutes,
  pageRoutes,
  webRoutes,
];

/** What a problem repeats of a fault; the name of an unknown setting can be as long as the body. */
const ISSUE_CHARS_MAX = 300;

/** Builds the application over a context. `declared` lists its routes with the permission that each needs. */
export function createApi(context: ApiContext): Api {
  const app = new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const [issue] = result.error.issues;
      const at = issue?.path.join('.') || 'request';
      throw new AppError('query_invalid', `${at}: ${issue?.message ?? 'not valid'}`.slice(0, ISSUE_CHARS_MAX));
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
      // With `no-referrer` a browser would post our own forms with the origin `null`.
      referrerPolicy: 'same-origin',
    }),
  );
  app.use(async (c, next) => {
    const began = performance.now();
    await next();
    const seconds = (performance.now() - began) / 1_000;
    context.metrics.answered(routePath(c, -1), c.req.method, c.res.status, seconds);
  });
  app.use(checkAddress(context));
  app.use(async (c, next) => {
    await next();
    c.header('Cache-Control', 'no-store');
  });
  app.onError((thrown, c) => {
    const error = asAppError(thrown);
    if (statusOf(error) === 500) {
      context.onNotice('request_failed', { method: c.req.method, path: c.req.path, error: messageOf(error) });
    }
    return problem(c, error);
  });
  app.notFound((c) => problem(c, new AppError('not_found', 'there is nothing at this address')));
  for (const routes of ROUTES) routes(api, context);
  return api;
}
