/** Controls of frameworks: what the log of a period says about them, as data and as a page to print. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { readInventory, readMeasures } from '../../core/store/queries/measures.ts';
import { type Assessment, assess } from '../compliance/assessment.ts';
import { exportOf } from '../compliance/export.ts';
import { loadFrameworks } from '../compliance/framework.ts';
import { reportPage } from '../compliance/report.ts';
import type { ApiContext, ApiEnv } from '../context.ts';
import { TimeParameter } from '../paging.ts';
import { type Api, responses, secured, securedStream } from '../route.ts';

const DAY_MS = 86_400_000;
const DAYS = 30;
const tenant = z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' });

const Asked = z.object({
  tenant,
  framework: z.string().min(1).max(100),
  from: TimeParameter.openapi({ description: `of arrival; without it, ${DAYS} days before` }),
  to: TimeParameter.openapi({ description: 'up to this time, itself not in it; without it, now' }),
});

const Control = z.object({
  id: z.string(),
  title: z.string(),
  evidence: z.enum(['observed', 'none']),
  speaks: z.string(),
  cannot_show: z.string(),
  observations: z.array(z.object({ measure: z.string(), about: z.string(), value: z.number().nullable() })),
});

const Indicator = z.object({
  id: z.string(),
  title: z.string(),
  unit: z.string(),
  definition: z.string(),
  threshold: z.number(),
  value: z.number().nullable(),
  before: z.number().nullable().openapi({ description: 'in the period of the same length before' }),
  above_threshold: z.boolean(),
});

const AssessmentView = z
  .object({
    framework: z.object({ id: z.string(), title: z.string(), note: z.string() }),
    tenant: z.string(),
    log: z.string(),
    from: z.string(),
    to: z.string(),
    gaps: z.array(z.object({ id: z.string(), about: z.string(), value: z.number() })),
    controls: z.array(Control),
    indicators: z.array(Indicator),
    inventory: z.array(
      z.object({
        kind: z.string(),
        name: z.string(),
        events: z.int(),
        sessions: z.int(),
        first: z.string(),
        last: z.string(),
      }),
    ),
  })
  .openapi('Assessment');

const frameworksRoute = createRoute({
  method: 'get',
  path: '/v1/frameworks',
  summary: 'The frameworks of controls that there are',
  responses: {
    200: {
      description: 'by id',
      content: {
        'application/json': {
          schema: z.object({
            frameworks: z.array(z.object({ id: z.string(), title: z.string(), controls: z.int() })),
          }),
        },
      },
    },
  },
});

const controlsRoute = createRoute({
  method: 'get',
  path: '/v1/controls',
  summary: 'What the log of a period says about the controls of a framework; it observes and does not judge',
  request: { query: Asked },
  responses: {
    200: { description: 'the assessment', content: { 'application/json': { schema: AssessmentView } } },
    ...responses(400, 404, 503),
  },
});

const reportRoute = createRoute({
  method: 'get',
  path: '/v1/controls/report',
  summary: 'The same as a page to read and to print',
  request: { query: Asked },
  responses: {
    200: { description: 'a file', content: { 'text/html': { schema: z.string() } } },
    ...responses(400, 404, 503),
  },
});

const exportRoute = createRoute({
  method: 'get',
  path: '/v1/export',
  summary:
    'The evidence of a period as a zip that is checked offline: every record with its proof, and what was counted',
  request: { query: Asked },
  responses: {
    200: {
      description: 'the bundle, as it is made',
      content: { 'application/zip': { schema: z.string().openapi({ format: 'binary' }) } },
    },
    ...responses(400, 404, 409, 413, 503),
  },
});

/** Registers the routes of controls. */
export function controlRoutes(api: Api, context: ApiContext): void {
  secured(api, context, 'controls:read', frameworksRoute, async (c) => {
    const frameworks = [...(await loadFrameworks()).values()];
    const rows = frameworks.map(({ id, title, controls }) => ({ id, title, controls: controls.length }));
    return c.json({ frameworks: rows }, 200);
  });
  secured(api, context, 'controls:read', controlsRoute, async (c) =>
    c.json(await assessmentOf(context, c.var.tenant, c.req.valid('query')), 200),
  );
  securedStream(api, context, 'controls:read', reportRoute, async (c) => {
    const query = checked(c);
    const page = await reportPage(await assessmentOf(context, c.var.tenant, query));
    return c.body(page, 200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Disposition': `attachment; filename="${query.framework.replace(/\W/g, '')}.html"`,
    });
  });
  securedStream(api, context, 'controls:read', exportRoute, async (c) => {
    const query = checked(c);
    const assessment = await assessmentOf(context, c.var.tenant, query);
    const { framework, from, to } = assessment;
    c.set('accessed', { type: 'evidence.exported', subject: `${framework.id} ${from} ${to}` });
    return c.body(streamed(await exportOf(context, assessment)), 200, {
      'Content-Type': 'application/zip',
      'Content-Disposition': 'attachment; filename="export.zip"',
    });
  });
}

/** The zip goes out as it is made; a fault on the way ends the connection, so that half a bundle is none. */
function streamed(pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await pieces.return(undefined);
    },
  });
}

function checked(c: Context<ApiEnv>): z.infer<typeof Asked> {
  const read = Asked.safeParse(c.req.query());
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new AppError('query_invalid', `${issue?.path.join('.')}: ${issue?.message}`.slice(0, 300));
}

async function assessmentOf(
  { store, log, now }: ApiContext,
  of_tenant: string,
  { framework: id, from, to }: z.infer<typeof Asked>,
): Promise<Assessment> {
  const frameworks = await loadFrameworks();
  const framework = frameworks.get(id);
  if (framework === undefined) {
    throw new AppError('not_found', `there is no framework of this id; there are ${[...frameworks.keys()].join(', ')}`);
  }
  const to_ms = to === undefined ? now() : Date.parse(to);
  const from_ms = from === undefined ? to_ms - DAYS * DAY_MS : Date.parse(from);
  if (from_ms >= to_ms) throw new AppError('query_invalid', 'from: must be before to');
  const place = { tenant: of_tenant, log };
  const measures = await readMeasures(store, { ...place, from_ms, to_ms });
  const before = await readMeasures(store, { ...place, from_ms: 2 * from_ms - to_ms, to_ms: from_ms });
  const inventory = await readInventory(store, { ...place, from_ms, to_ms }, LIMITS.inventory_rows_max);
  return assess({ framework, ...place, from_ms, to_ms, measures, before, inventory });
}
