/** Hooks of agents' hosts: prompts, reasoning, calls and results as the host itself sees them. */
import { createHash, randomUUID } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { StandingCommand } from '../../core/enforcement.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import { parseStrict } from '../../core/json/strict.ts';
import { LIMITS, type Limits } from '../../core/limits.ts';
import type { HookDraft, HookSource } from '../../ingest/hooks/hook_source.ts';
import { loadHookSources } from '../../ingest/hooks/load.ts';
import { type Intake, isPlaced, type Taken } from '../../ingest/intake.ts';
import { objectOf, plainName } from '../../ingest/mcp/mcp_message.ts';
import { ALL_TENANTS } from '../auth/access.ts';
import { mayDo } from '../auth/roles.ts';
import type { ApiContext, ApiEnv } from '../context.ts';
import { readBody } from '../read_body.ts';

import { type Api, responses, securedStream } from '../route.ts';

const hookRoute = createRoute({
  method: 'post',
  path: '/v1/hooks/{source}',
  summary: 'Take what a hook of an agent’s host tells: claude-code, cursor',
  description:
    'One JSON object as the host sends it. Answers when it is in the log: an empty object, or, with the permission `enforcement:read` and before a call of a suspended session, the host’s own form of a refusal.',
  request: {
    params: z.object({ source: z.string().min(1).max(100) }),
    query: z.object({
      tenant: z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' }),
      user: z.string().max(LIMITS.name_chars_max).optional().openapi({
        description: 'who uses the host, where it does not say so itself; the header tracewarden-user does the same',
      }),
      wrapped: z
        .enum(['0', '1'])
        .optional()
        .openapi({ description: '1: a wrapper reports calls of MCP servers, so they are no second call' }),
    }),
    body: { required: true, content: { 'application/json': { schema: z.unknown() } } },
  },
  responses: {
    200: { description: 'in the log', content: { 'application/json': { schema: z.looseObject({}) } } },
    422: { description: 'rejected: the record is in the log as one, with the reason' },
    ...responses(400, 404, 408, 413, 429, 503),
  },
});

/** Registers the route of hooks. */
export function hookRoutes(api: Api, context: ApiContext): void {
  const limits: Limits = { ...LIMITS, ...context.limits, body_bytes_max: LIMITS.hook_body_bytes_max };
  const sources = loadHookSources();
  // A fault in the folder is told to whoever calls the route, and must not end the process before.
  sources.catch(() => undefined);
  let in_flight = 0;
  securedStream(api, context, 'events:write', hookRoute, async (c) => {
    const name = c.req.param('source') ?? '';
    const source = (await sources).get(name);
    if (source === undefined) {
      const known = [...(await sources).keys()].join(', ');
      throw new AppError('not_found', `hooks are taken from ${known}, not from ${JSON.stringify(name.slice(0, 40))}`);
    }
    const { intake } = context;
    if (intake === undefined) throw new AppError('read_only', 'this service only reads its log');
    if (in_flight >= limits.requests_in_flight_max) {
      throw new AppError('too_many_requests_in_flight', `${in_flight} hooks are being taken already`);
    }
    in_flight++;
    try {
      const bytes = await readBody(c.req.raw, limits, () => undefined);
      return await take(c, context, intake, source, bytes);
    } finally {
      in_flight--;
    }
  });
}

async function take(
  c: Context<ApiEnv>,
  context: ApiContext,
  intake: Intake,
  source: HookSource,
  bytes: Buffer,
): Promise<Response> {
  const { key_id } = c.var.principal;
  const tenant = c.req.query('tenant') ?? c.var.principal.tenant;
  const body = bodyOf(bytes);
  const { hook, events } = source.read(body, { wrapped: c.req.query('wrapped') === '1' });
  const user = plainName(c.req.header('tracewarden-user') ?? c.req.query('user'));
  const time = new Date(context.now()).toISOString();
  const whole = events.map((draft) => completed(draft, { source: source.name, hook, user, time }));
  const refused = suspensionOf(c, context, whole[0]);
  const answer = refused && source.refusal(body, `suspended by the security team (${refused.command_id})`);
  if (refused !== undefined && answer !== undefined && whole[0] !== undefined) {
    whole.push(denial(whole[0], refused, time));
  }
  const records = whole.map((event) => Buffer.from(JSON.stringify(event)));
  const taken = await intake.take(records, tenant, key_id);
  count(context, taken);
  const bad = taken.find(({ outcome }) => outcome === 'rejected' || outcome === 'conflict');
  if (bad !== undefined)
    return c.json({ outcome: bad.outcome, ...placeOf(bad), reason: bad.reason, message: bad.message }, 422);
  if (refused === undefined || answer === undefined) return c.json({}, 200);
  await confirm(c, context, refused);
  return c.json(answer, 200);
}

function bodyOf(bytes: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseStrict(bytes);
  } catch (error) {
    throw new AppError('body_malformed', messageOf(error), { cause: error });
  }
  const body = objectOf(value);
  if (body === undefined) throw new AppError('body_malformed', 'a hook is one JSON object');
  return body;
}

interface Around {
  source: string;
  hook: string;
  user: string | undefined;
  time: string;
}

/** A hook that is sent again has the same id where the host gave one; any other is told apart by chance. */
function completed(draft: HookDraft, { source, hook, user, time }: Around): HookDraft {
  const session = String(draft.client_session_id ?? draft.conversation_id ?? '');
  const known = typeof draft.call_id === 'string' && session !== '';
  const identity = JSON.stringify([source, session, draft.call_id, hook]);
  const id = known ? createHash('sha256').update(identity).digest('hex').slice(0, 40) : randomUUID();
  const acting = draft.user_id === undefined && user !== undefined ? { user_id: user, user_source: 'claimed' } : {};
  return { event_id: `hook-${id}`, time, ...acting, ...draft };
}

/** The suspension that a call falls under, where the key may know of it. */
function suspensionOf(
  c: Context<ApiEnv>,
  { response }: ApiContext,
  event: HookDraft | undefined,
): StandingCommand | undefined {
  const { role, tenant } = c.var.principal;
  if (response === undefined || event === undefined || !mayDo(role, 'enforcement:read')) return undefined;
  return response.enforcement.suspensionOf(c.req.query('tenant') ?? (tenant === ALL_TENANTS ? 'default' : tenant), {
    session_id: String(event.client_session_id ?? event.conversation_id ?? ''),
    agent: String(event.agent ?? ''),
    user_id: String(event.user_id ?? ''),
  });
}

function denial(call: HookDraft, { command_id }: StandingCommand, time: string): HookDraft {
  const { params: _, content: __, extra, ...place } = call;
  return {
    ...place,
    type: 'policy.decision',
    event_id: `hook-${randomUUID()}`,
    time,
    decision: { action: 'deny', policy_id: command_id, rule: 'suspension' },
    ...(extra !== undefined && { extra }),
  };
}

/** The call was refused here, so the suspension is applied; who may answer for gateways says so. */
async function confirm(c: Context<ApiEnv>, { response }: ApiContext, command: StandingCommand): Promise<void> {
  const { principal } = c.var;
  if (command.state !== 'requested' && command.state !== 'acknowledged') return;
  if (response === undefined || !mayDo(principal.role, 'enforcement:answer')) return;
  const { tenant, command_id } = command;
  const said = 'a call was refused by a hook of the agent’s host';
  try {
    await response.enforcement.step({ tenant, command_id, state: 'applied' }, principal, { said });
  } catch (error) {
    // Another gateway was faster, or it ran out at this moment.
    const passed = error instanceof AppError && ['status_conflict', 'command_expired'].includes(error.code);
    if (!passed) throw error;
  }
}

function placeOf(taken: Taken): { seq: number } | { partition: number; offset: number } {
  return isPlaced(taken) ? { partition: taken.partition, offset: taken.offset } : { seq: taken.seq };
}

function count({ counters }: ApiContext, receipts: readonly Taken[]): void {
  for (const { outcome } of receipts) counters.records[outcome] = (counters.records[outcome] ?? 0) + 1;
}
