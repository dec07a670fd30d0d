/** One action on several alerts at once: each is a record of its own, and each is answered for itself. */
import { createRoute, z } from '@hono/zod-openapi';
import { AppError, messageOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { AlertId, SharedAction, wantedOf } from '../alert_body.ts';
import type { AlertDesk, WantedAction } from '../alert_desk.ts';
import { AlertView, alertView } from '../alert_view.ts';
import type { Principal } from '../auth/access.ts';
import { mayDo } from '../auth/roles.ts';
import type { ApiContext } from '../context.ts';
import { statusOf } from '../problem.ts';
import { type Api, responses, secured } from '../route.ts';

/** How many wait for the log together: they share its commits. */
const AT_ONCE = 16;

const version = z.int().min(0);
const Body = z
  .strictObject({
    alert_ids: z.array(AlertId).min(1).max(LIMITS.bulk_alerts_max),
    action: SharedAction,
    expected_versions: z
      .record(AlertId, version)
      .optional()
      .openapi({ description: 'the `version` of alerts as you saw them, by their alert_id' }),
  })
  .refine(({ alert_ids }) => new Set(alert_ids).size === alert_ids.length, {
    path: ['alert_ids'],
    message: 'must name each alert once',
  })
  .refine(({ action }) => action.action !== 'close' || action.suppress === undefined, {
    path: ['action', 'suppress'],
    message: 'is of one alert',
  })
  .refine(({ action }) => action.expected_version === undefined, {
    path: ['action', 'expected_version'],
    message: 'is of one alert; for several there is expected_versions',
  })
  .refine(
    ({ alert_ids, expected_versions = {} }) => Object.keys(expected_versions).every((id) => alert_ids.includes(id)),
    {
      path: ['expected_versions'],
      message: 'must name alerts of alert_ids alone',
    },
  );

const Outcome = z
  .object({
    alert_id: z.string(),
    outcome: z.enum(['done', 'repeated', 'refused']),
    code: z.string().optional().openapi({ description: 'why it was refused; stable' }),
    detail: z.string().optional(),
    alert: AlertView.optional().openapi({ description: 'the alert as it is now' }),
  })
  .openapi('BulkOutcome');

const route = createRoute({
  method: 'post',
  path: '/v1/alerts/bulk',
  summary: 'One action on several alerts',
  request: {
    query: z.object({
      tenant: z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' }),
    }),
    body: { required: true, content: { 'application/json': { schema: Body } } },
  },
  responses: {
    200: {
      description:
        'what became of each, in the order in which they were named; some may be refused while others are done',
      content: {
        'application/json': {
          schema: z.object({ done: z.int(), repeated: z.int(), refused: z.int(), outcomes: z.array(Outcome) }),
        },
      },
    },
    ...responses(400, 503),
  },
});

export function alertBulkRoutes(api: Api, context: ApiContext, desk: AlertDesk): void {
  secured(api, context, 'alerts:act', route, async (c) => {
    const { alert_ids, action, expected_versions = {} } = c.req.valid('json');
    if (context.writer === undefined) {
      throw new AppError('read_only', 'alerts can be acted on only where the log is written');
    }
    const { principal, tenant } = c.var;
    const wanted = wantedOf(action);
    const outcomes = await inTurns(alert_ids, (alert_id) => {
      const each = { ...wanted, expected_version: expected_versions[alert_id] };
      return outcomeOf(context, desk, { tenant, alert_id }, each, principal);
    });
    const count = (outcome: string) => outcomes.filter((each) => each.outcome === outcome).length;
    const counts = { done: count('done'), repeated: count('repeated'), refused: count('refused') };
    return c.json({ ...counts, outcomes }, 200);
  });
}

async function outcomeOf(
  { onNotice }: ApiContext,
  desk: AlertDesk,
  of: { tenant: string; alert_id: string },
  wanted: WantedAction,
  principal: Principal,
): Promise<z.infer<typeof Outcome>> {
  const { alert_id } = of;
  try {
    const { alert, repeated } = await desk.act(of, wanted, principal);
    const shown = alertView(alert, mayDo(principal.role, 'content:read'));
    return { alert_id, outcome: repeated ? 'repeated' : 'done', alert: shown };
  } catch (error) {
    if (error instanceof AppError && statusOf(error) !== 500) {
      return { alert_id, outcome: 'refused', code: error.code, detail: error.message };
    }
    onNotice('bulk_action_failed', { alert_id, error: messageOf(error) });
    const detail = 'something went wrong on our side; ask again with the same request_id';
    return { alert_id, outcome: 'refused', code: 'internal_error', detail };
  }
}

/** Works on a few at a time; the results are in the order of what came in. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const one = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, one));
  return results;
}
