/** Risk: users, agents, servers and sessions by what was found of them, and what adds up to the risk of one. */
import { createRoute, z } from '@hono/zod-openapi';
import { SEVERITIES, type Severity } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import {
  RISK_KINDS,
  type RiskKind,
  type RiskScope,
  readRiskContributions,
  readRisks,
} from '../../core/store/queries/risk.ts';
import { unquoted } from '../alert_view.ts';
import { mayDo } from '../auth/roles.ts';
import type { ApiContext } from '../context.ts';
import { Limit, TimeParameter } from '../paging.ts';
import { type Api, responses, secured } from '../route.ts';

const DAY_MS = 86_400_000;
/** After so many half-lives less than half a percent is left. */
const HALF_LIVES_KEPT = 8;

const tenant = z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' });
const at = TimeParameter.openapi({ description: 'as of this time; without it, now' });
const kind = z.enum(RISK_KINDS);

const Risk = z
  .object({
    id: z.string(),
    risk: z.number().openapi({ description: '0 to 100' }),
    alerts: z.int(),
    open_alerts: z.int(),
    signals: z.int(),
    rules: z.int(),
    sessions: z.int(),
    last_time: z.string().openapi({ description: 'of the last that was found' }),
  })
  .openapi('Risk');

const Contribution = z
  .object({
    source: z.enum(['alert', 'signal']),
    id: z.string().openapi({ description: 'alert_id, or the id of the signal' }),
    rule_id: z.string(),
    severity: z.enum(SEVERITIES),
    title: z.string(),
    session_id: z.string(),
    user_id: z.string(),
    time: z.string(),
    risk: z.number().openapi({ description: 'as it was found, 0 to 100' }),
    decay: z.number().openapi({ description: 'what is left of it for its age, 0 to 1' }),
    status: z.string().openapi({ description: 'of an alert' }),
    verdict: z.string(),
    points: z.number().openapi({ description: 'what it counts' }),
    reason: z.string().openapi({ description: 'why it counts so much' }),
  })
  .openapi('RiskContribution');

const listRoute = createRoute({
  method: 'get',
  path: '/v1/risk/{kind}',
  summary: 'Users, agents, servers or sessions by their risk, the greatest first',
  request: { params: z.object({ kind }), query: z.object({ tenant, at, limit: Limit }) },
  responses: {
    200: {
      description: 'those that something was found of',
      content: { 'application/json': { schema: z.object({ at: z.string(), risks: z.array(Risk) }) } },
    },
    ...responses(400, 503),
  },
});

const showRoute = createRoute({
  method: 'get',
  path: '/v1/risk/{kind}/{id}',
  summary: 'The risk of one, and what adds up to it, what adds most first',
  request: {
    params: z.object({ kind, id: z.string().min(1).max(LIMITS.id_chars_max) }),
    query: z.object({ tenant, at, limit: Limit }),
  },
  responses: {
    200: {
      description: 'its risk',
      content: {
        'application/json': {
          schema: z.object({ at: z.string(), risk: Risk, contributions: z.array(Contribution) }),
        },
      },
    },
    ...responses(400, 404, 503),
  },
});

/** Registers the routes of risk. */
export function riskRoutes(api: Api, context: ApiContext): void {
  const { store, now } = context;
  secured(api, context, 'alerts:read', listRoute, async (c) => {
    const { limit, at: asked } = c.req.valid('query');
    const scope = scopeOf(c.var.tenant, c.req.valid('param').kind, asked, now());
    const risks = await readRisks(store, scope, limit);
    return c.json({ at: timeOf(scope.at_ms), risks: risks.map(riskView) }, 200);
  });
  secured(api, context, 'alerts:read', showRoute, async (c) => {
    const { limit, at: asked } = c.req.valid('query');
    const { kind: of_kind, id } = c.req.valid('param');
    const scope = scopeOf(c.var.tenant, of_kind, asked, now());
    const [row] = await readRisks(store, scope, 1, id);
    if (row === undefined) throw new AppError('not_found', `nothing was found of this ${of_kind} that still counts`);
    const with_content = mayDo(c.var.principal.role, 'content:read');
    const contributions = (await readRiskContributions(store, scope, id, limit)).map(({ nth, time_ms, ...each }) => ({
      ...each,
      severity: each.severity as Severity,
      title: unquoted(each.title, with_content),
      time: timeOf(time_ms),
      reason: reasonOf({ ...each, nth }, (scope.at_ms - time_ms) / DAY_MS),
    }));
    return c.json({ at: timeOf(scope.at_ms), risk: riskView(row), contributions }, 200);
  });
}

const timeOf = (ms: number) => new Date(ms).toISOString();

function scopeOf(of_tenant: string, of_kind: RiskKind, asked: string | undefined, now_ms: number): RiskScope {
  const at_ms = asked === undefined ? now_ms : Date.parse(asked);
  const half_life_ms = LIMITS.risk_half_life_days * DAY_MS;
  return { tenant: of_tenant, kind: of_kind, from_ms: at_ms - HALF_LIVES_KEPT * half_life_ms, at_ms, half_life_ms };
}

function riskView({ last_ms, ...row }: Awaited<ReturnType<typeof readRisks>>[number]): z.infer<typeof Risk> {
  return { ...row, last_time: timeOf(last_ms) };
}

interface Counted {
  risk: number;
  decay: number;
  verdict: string;
  nth: number;
}

function reasonOf({ risk, decay, verdict, nth }: Counted, days: number): string {
  if (['false_positive', 'benign', 'test', 'duplicate'].includes(verdict))
    return `counts nothing: closed as ${verdict}`;
  if (nth === 0) return 'counts nothing: the same rule found something graver, or the same, in this session';
  const age = `${risk} of ${days.toFixed(1)} days ago counts ${(risk * decay).toFixed(1)}`;
  return nth === 1 ? age : `${age}, divided by ${(nth ** 1.5).toFixed(1)} as session ${nth} of this rule`;
}
