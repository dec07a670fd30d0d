/** Retention: what will go because it is older than it may become, and letting it go now. */
import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '../../core/errors.ts';
import { planRetention, type RetentionReport, runRetention } from '../../ingest/retention.ts';
import { ALL_TENANTS } from '../auth/access.ts';
import type { ApiContext } from '../context.ts';
import { type Api, responses, secured } from '../route.ts';

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const Retention = z
  .object({
    content: z
      .array(
        z.object({
          tenant: z.string(),
          type: z.string(),
          days: z.int(),
          records: z.int(),
          held: z.int().openapi({ description: 'as old, and kept because of a hold' }),
          oldest: z.string(),
        }),
      )
      .openapi({ description: 'records whose content goes' }),
    summaries: z
      .array(z.object({ tenant: z.string(), days: z.int(), rows: z.record(z.string(), z.int()) }))
      .openapi({ description: 'rows that were derived, by table' }),
    more: z.boolean().openapi({ description: 'there is more than one run takes' }),
    stays: z.string().openapi({ description: 'what no setting removes' }),
  })
  .openapi('Retention');

const STAYS = 'cores, leaves, checkpoints and who did what when stay as long as the log: it is verified with them';

const reportRoute = createRoute({
  method: 'get',
  path: '/v1/retention',
  summary: 'What a run of retention would remove now, of the tenants of the key',
  responses: { 200: { description: 'by tenant and type', content: json(Retention) }, ...responses(503) },
});

const runRoute = createRoute({
  method: 'post',
  path: '/v1/retention/run',
  summary: 'Remove now what is older than it may become, of the tenants of the key',
  responses: { 200: { description: 'what went', content: json(Retention) }, ...responses(503) },
});

/** Registers the routes of retention. */
export function retentionRoutes(api: Api, context: ApiContext): void {
  const { store, log, now } = context;
  const options = ({ tenant }: { tenant: string }) => {
    const own = tenant === ALL_TENANTS ? undefined : tenant;
    return { store, log, settings: context.retention, now_ms: now(), tenant: own };
  };

  secured(api, context, 'erasures:read', reportRoute, async (c) => {
    return c.json(viewOf(await planRetention(options(c.var.principal))), 200);
  });

  secured(api, context, 'erasures:manage', runRoute, async (c) => {
    const { writer } = context;
    if (writer === undefined) throw new AppError('read_only', 'this process does not write the log');
    const { principal } = c.var;
    return c.json(
      viewOf(
        await runRetention({
          ...options(principal),
          writer,
          actor: principal.key_id,
          forget: context.forget,
        }),
      ),
      200,
    );
  });
}

function viewOf({ content, summaries, more }: RetentionReport): z.infer<typeof Retention> {
  const rows = content.map(({ oldest_ms, ...row }) => ({ ...row, oldest: new Date(oldest_ms).toISOString() }));
  return { content: rows, summaries, more, stays: STAYS };
}
