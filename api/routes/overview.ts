/** The overview: what happened in a stretch of time, counted. */
import { createRoute, z } from '@hono/zod-openapi';
import { SEVERITIES } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { readFirstTime, readOverview } from '../../core/store/queries/overview.ts';
import type { ApiContext } from '../context.ts';
import { TimeParameter } from '../paging.ts';
import { type Api, responses, secured } from '../route.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BARS_MAX = 60;
/** The widths that a bar can have. */
const BAR_MS = [60_000, 300_000, 900_000, HOUR_MS, 3 * HOUR_MS, 6 * HOUR_MS, DAY_MS, 7 * DAY_MS];
const TOP = 8;

const Risky = z.object({
  name: z.string().openapi({ description: 'empty where the events named none' }),
  alerts: z.int(),
  risk: z.int().openapi({ description: 'the highest of its sessions, 0 to 100' }),
  sessions: z.int(),
});

const Overview = z
  .object({
    from: z.string(),
    to: z.string(),
    bucket_ms: z.int().openapi({ description: 'width of a bucket of alerts' }),
    buckets: z.array(z.object({ from: z.string(), severity: z.enum(SEVERITIES), alerts: z.int() })),
    users: z.array(Risky),
    agents: z.array(Risky),
    servers: z.array(Risky),
    coverage: z
      .object({
        sessions: z.int(),
        without_user: z.int(),
        without_prompt: z.int(),
        derived_session: z.int().openapi({ description: 'whose id was derived from the time between events' }),
        without_calls: z.int(),
      })
      .openapi({ description: 'of sessions that were active in that time' }),
    indicators: z.object({
      injection_attempts: z.int().openapi({ description: 'alerts tagged LLM01, prompt injection' }),
      tool_misuse: z.int().openapi({ description: 'alerts tagged ASI02, tool misuse' }),
      denied_by_policy: z.int().openapi({ description: 'decisions of policy points that denied' }),
      secrets_moved: z
        .array(z.object({ server: z.string(), secrets: z.int() }))
        .openapi({ description: 'secrets that went from a result into a call, by the server that gave them' }),
    }),
  })
  .openapi('Overview');

const overviewRoute = createRoute({
  method: 'get',
  path: '/v1/overview',
  summary: 'What happened in a stretch of time: alerts over time, the riskiest, coverage, risk indicators',
  request: {
    query: z.object({
      tenant: z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' }),
      from: TimeParameter.openapi({ description: 'the first session if absent' }),
      to: TimeParameter.openapi({ description: 'now if absent' }),
    }),
  },
  responses: {
    200: { description: 'counts', content: { 'application/json': { schema: Overview } } },
    ...responses(400, 503),
  },
});

export function overviewRoutes(api: Api, context: ApiContext): void {
  const { store, now } = context;
  secured(api, context, 'alerts:read', overviewRoute, async (c) => {
    const { from, to } = c.req.valid('query');
    const to_ms = to === undefined ? now() : Date.parse(to);
    const from_ms = from === undefined ? await beginning(context, c.var.tenant, to_ms) : Date.parse(from);
    if (from_ms >= to_ms) throw new AppError('query_invalid', 'from: must be before to');
    const bucket_ms = widthOf(to_ms - from_ms);
    const counts = await readOverview(store, { tenant: c.var.tenant, from_ms, to_ms, bucket_ms, top: TOP });
    const buckets = counts.buckets.map(({ from_ms, severity, alerts }) => ({
      from: timeOf(from_ms),
      severity: severity as (typeof SEVERITIES)[number],
      alerts,
    }));
    return c.json({ from: timeOf(from_ms), to: timeOf(to_ms), bucket_ms, ...counts, buckets }, 200);
  });
}

/** From the first session on, and no less than an hour. */
async function beginning({ store }: ApiContext, tenant: string, to_ms: number): Promise<number> {
  return Math.min((await readFirstTime(store, tenant)) ?? to_ms, to_ms - HOUR_MS);
}

const timeOf = (ms: number) => new Date(ms).toISOString();

/** The least width with which the bars fit. */
function widthOf(span_ms: number): number {
  return BAR_MS.find((width) => span_ms / width <= BARS_MAX) ?? Math.ceil(span_ms / BARS_MAX);
}
