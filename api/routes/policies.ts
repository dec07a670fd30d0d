/** Policies of tools: one that is suggested from what a role did, and what one would have blocked. */
import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import {
  type CallScope,
  readCallTotals,
  readUnnamedCalls,
  readUnnamedEvents,
  readUsedTools,
  streamCalls,
} from '../../core/store/queries/policy.ts';
import { createCatalog } from '../../detectors/catalog/capabilities.ts';
import { learnPublished } from '../catalog_learning.ts';
import type { ApiContext } from '../context.ts';
import { TimeParameter } from '../paging.ts';
import { DestinationCounter, suggestPolicy } from '../policies/suggest.ts';
import { ToolPolicySchema } from '../policies/tool_policy.ts';
import { limitedTools, namedTools, PolicyTrial } from '../policies/try_policy.ts';
import { type Api, responses, secured } from '../route.ts';

const DAY_MS = 86_400_000;
const DAYS = 30;
const name = z.string().max(LIMITS.name_chars_max);
const tenant = name.optional().openapi({ description: 'of a key for all tenants' });
const period = {
  tenant,
  from: TimeParameter.openapi({ description: `of the calls; without it, ${DAYS} days before` }),
  to: TimeParameter.openapi({ description: 'up to this time, itself not in it; without it, now' }),
};

const suggestRoute = createRoute({
  method: 'get',
  path: '/v1/policies/suggestion',
  summary: 'The least policy that covers what a role, or one user, was seen to need in a period',
  request: { query: z.object({ ...period, role: name.default(''), user: name.default('') }) },
  responses: {
    200: { description: 'a policy to review', content: { 'application/json': { schema: ToolPolicySchema } } },
    ...responses(400, 503),
  },
});

const count = z.int();
const by = z.enum(['server', 'tool', 'destination']).openapi({ description: 'what the policy does not name' });
const TrialView = z
  .object({
    from: z.string(),
    to: z.string(),
    calls: count.openapi({ description: 'of those whom the policy is for' }),
    blocked: count,
    blocked_alerted: count.openapi({ description: 'of these, in sessions with an alert that nobody found harmless' }),
    calls_read: count.openapi({ description: 'whose parameters were looked at for destinations' }),
    calls_without_parameters: count,
    by_tool: z.array(
      z.object({
        server: z.string(),
        tool: z.string(),
        by,
        to: z.string(),
        calls: count,
        alerted_calls: count,
        users: count,
        sessions: count,
        examples: z.array(z.string()),
      }),
    ),
    by_user: z.array(z.object({ user_id: z.string(), calls: count, blocked: count })),
    events: z.array(
      z.object({
        event_id: z.string(),
        session_id: z.string(),
        user_id: z.string(),
        server: z.string(),
        tool: z.string(),
        by,
        to: z.string(),
        time: z.string(),
        alerted: z.boolean(),
      }),
    ),
  })
  .openapi('PolicyTrial');

const tryRoute = createRoute({
  method: 'post',
  path: '/v1/policies/try',
  summary: 'What a policy would have blocked in a period; nothing is enforced',
  request: {
    query: z.object(period),
    body: { required: true, content: { 'application/json': { schema: ToolPolicySchema } } },
  },
  responses: {
    200: { description: 'what it would have blocked', content: { 'application/json': { schema: TrialView } } },
    ...responses(400, 503),
  },
});

/** Registers the routes of policies. */
export function policyRoutes(api: Api, context: ApiContext): void {
  const { store, now, catalog = createCatalog() } = context;
  secured(api, context, 'content:read', suggestRoute, async (c) => {
    const { role, user, ...times } = c.req.valid('query');
    if (role === '' && user === '') throw new AppError('query_invalid', 'role: name a role, or a user');
    const scope: CallScope = { tenant: c.var.tenant, role, user, ...periodOf(times, now()) };
    c.set('accessed', { type: 'content.searched', subject: 'policy', query: nameOf(scope) });
    const tools = await readUsedTools(store, scope, LIMITS.policy_lines_max);
    await learnPublished(store, catalog, scope.tenant, tools);
    const profileOf = (server: string, tool: string) => catalog.profile(server, tool, undefined, scope.tenant);
    const egress = tools.filter(({ server, tool }) => profileOf(server, tool).capabilities.has('egress'));
    const pairs = { servers: egress.map(({ server }) => server), tools: egress.map(({ tool }) => tool) };
    const destinations = new DestinationCounter();
    for await (const calls of streamCalls(store, { ...scope, ...pairs }, LIMITS.policy_calls_read_max)) {
      for (const call of calls) destinations.add(call, profileOf(call.server, call.tool));
    }
    const totals = await readCallTotals(store, scope);
    return c.json(suggestPolicy({ ...scope, totals, tools, destinations, profileOf }), 200);
  });
  secured(api, context, 'content:read', tryRoute, async (c) => {
    const policy = c.req.valid('json');
    const { role, user } = policy;
    const scope: CallScope = { tenant: c.var.tenant, role, user, ...periodOf(c.req.valid('query'), now()) };
    c.set('accessed', { type: 'content.searched', subject: 'policy', query: nameOf(scope) });
    const named = namedTools(policy);
    const limited = limitedTools(policy);
    const pairs = limited.servers.map((server) => ({ server }));
    await learnPublished(store, catalog, scope.tenant, pairs);
    const trial = new PolicyTrial(policy);
    for await (const calls of streamCalls(store, { ...scope, ...limited }, LIMITS.policy_calls_read_max)) {
      for (const call of calls) trial.add(call, catalog.profile(call.server, call.tool, undefined, scope.tenant));
    }
    const { tools, users, totals } = await readUnnamedCalls(store, { ...scope, ...named }, LIMITS.policy_lines_max);
    const events = await readUnnamedEvents(store, { ...scope, ...named }, LIMITS.policy_calls_shown_max);
    const { from_ms, to_ms } = scope;
    const view = { from: timeOf(from_ms), to: timeOf(to_ms), ...trial.finish({ tools, users, totals, events }) };
    return c.json(view, 200);
  });
}

const timeOf = (ms: number) => new Date(ms).toISOString();
const nameOf = ({ role, user }: CallScope) =>
  [role && `role ${role}`, user && `user ${user}`].filter(Boolean).join(', ');

function periodOf({ from, to }: { from?: string | undefined; to?: string | undefined }, now_ms: number) {
  const to_ms = to === undefined ? now_ms : Date.parse(to);
  const from_ms = from === undefined ? to_ms - DAYS * DAY_MS : Date.parse(from);
  if (from_ms >= to_ms) throw new AppError('query_invalid', 'from: must be before to');
  return { from_ms, to_ms };
}
