/** Containment: asking gateways to suspend or release, what they have to enforce, and their signed answers. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { COMMAND_STATES, commandId, TARGET_KINDS } from '../../core/enforcement.ts';
import { AppError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { LIMITS } from '../../core/limits.ts';
import { readAlert } from '../../core/store/queries/alerts.ts';
import type { ApiContext, ApiEnv } from '../context.ts';
import { CallbackBody, Callbacks } from '../response/callback.ts';
import { shownCommand } from '../response/enforcement.ts';
import type { Response as Responding } from '../response/response.ts';
import { type Api, responses, secured, securedStream } from '../route.ts';

const HEARTBEAT_MS = 15_000;
const inert = (chars_max: number) =>
  z
    .string()
    .max(chars_max)
    .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'must not hold control or format characters');

const Target = z
  .strictObject({
    kind: z.enum(TARGET_KINDS),
    id: inert(LIMITS.name_chars_max).min(1).openapi({ description: 'session_id, agent or token_ref' }),
    user_id: inert(LIMITS.name_chars_max)
      .default('')
      .openapi({ description: 'of an agent: only as it acts for this user' }),
  })
  .refine(({ kind, user_id }) => kind === 'agent' || user_id === '', {
    path: ['user_id'],
    message: 'goes with an agent',
  })
  .openapi('EnforcementTarget');

const Wanted = z.strictObject({
  action: z.enum(['suspend', 'release']),
  target: Target,
  reason: inert(LIMITS.note_chars_max).regex(/\S/, 'must not be blank'),
  alert_id: z.string().max(LIMITS.id_chars_max).default(''),
  expires_in_seconds: z.int().min(1).max(LIMITS.enforcement_seconds_max).default(3_600),
  request_id: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters')
    .optional()
    .openapi({ description: 'who asks again with the same one asks once' }),
});

const Command = z
  .object({
    command_id: z.string(),
    action: z.enum(['suspend', 'release']),
    target: z.object({ kind: z.enum(TARGET_KINDS), id: z.string(), user_id: z.string() }),
    state: z.enum(COMMAND_STATES),
    confirmed: z.boolean().openapi({ description: 'a gateway said that it is applied' }),
    alert_id: z.string().nullable(),
    policy: z
      .string()
      .nullable()
      .openapi({ description: 'the entry of the policy that asked; null where a person did' }),
    requested_at: z.string(),
    state_since: z.string(),
    expires_at: z.string(),
  })
  .openapi('EnforcementCommand');

const tenant = z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' });
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const requestRoute = createRoute({
  method: 'post',
  path: '/v1/enforcement',
  summary: 'Ask gateways to suspend or release a session, an agent or a token',
  request: { query: z.object({ tenant }), body: { required: true, content: json(Wanted) } },
  responses: {
    202: { description: 'asked; not confirmed yet', content: json(Command) },
    ...responses(400, 404, 409, 503, 507),
  },
});

const commandsRoute = createRoute({
  method: 'get',
  path: '/v1/enforcement/commands',
  summary: 'List commands and how far they came, newest first',
  request: { query: z.object({ tenant }) },
  responses: { 200: { description: 'the newest', content: json(z.object({ commands: z.array(Command) })) } },
});

const stateRoute = createRoute({
  method: 'get',
  path: '/v1/enforcement',
  summary: 'What a gateway has to enforce; with If-None-Match 304, with Accept: text/event-stream each change',
  request: { query: z.object({ tenant }) },
  responses: {
    200: {
      description: 'suspensions in force, and releases that are not confirmed',
      content: json(z.object({ suspended: z.array(Command), released: z.array(Command) })),
    },
    304: { description: 'as it was' },
    ...responses(503),
  },
});

const callbackRoute = createRoute({
  method: 'post',
  path: '/v1/enforcement/callback',
  summary: "A gateway's answer, signed as webhooks are, with the secret of its subscription",
  request: { query: z.object({ tenant }), body: { required: true, content: json(CallbackBody) } },
  responses: { 200: { description: 'taken', content: json(Command) }, ...responses(400, 404, 409, 413, 503) },
});

export function enforcementRoutes(api: Api, context: ApiContext): void {
  const response = (): Responding => {
    if (context.response === undefined) throw new AppError('read_only', 'this process asks no gateway');
    return context.response;
  };
  const { store, now } = context;
  let callbacks: Callbacks | undefined;

  securedStream(api, context, 'enforcement:read', stateRoute, async (c) => {
    const { enforcement } = response();
    if (c.req.header('accept')?.includes('text/event-stream')) return stream(enforcement, c.var.tenant);
    const { text, etag } = enforcement.state(c.var.tenant);
    if (c.req.header('if-none-match') === etag) return c.body(null, 304, { ETag: etag });
    return c.body(text, 200, { 'Content-Type': 'application/json', ETag: etag });
  });

  secured(api, context, 'enforcement:read', commandsRoute, (c) => {
    const own = [...response().enforcement.all()].filter((each) => each.tenant === c.var.tenant);
    return c.json({ commands: own.reverse().slice(0, LIMITS.page_rows_max).map(shownCommand) }, 200);
  });

  secured(api, context, 'enforcement:act', requestRoute, async (c) => {
    const { action, target, reason, alert_id, expires_in_seconds, request_id } = c.req.valid('json');
    const { principal, tenant: of } = c.var;
    const alert = alert_id === '' ? undefined : await readAlert(store, of, alert_id);
    if (alert_id !== '' && alert === undefined)
      throw new AppError('not_found', 'there is no such alert in this tenant');
    const command_id = request_id === undefined ? newId('cmd') : commandId(of, principal.key_id, request_id);
    const at = { requested_at_ms: now(), expires_at_ms: now() + expires_in_seconds * 1000 };
    const command = { command_id, tenant: of, action, target, alert_id, reason, ...at };
    const session_id = target.kind === 'session' ? target.id : (alert?.session_id ?? '');
    const asked = await response().enforcement.request(
      command,
      session_id,
      alert?.user_id ?? target.user_id,
      principal,
    );
    return c.json(shownCommand(asked), 202);
  });

  securedStream(api, context, 'enforcement:answer', callbackRoute, async (c) => {
    const { enforcement, subscriptions, keys } = response();
    callbacks ??= new Callbacks({ enforcement, subscriptions, keys, now });
    const header = (name: string) => c.req.header(`webhook-${name}`);
    const headers = { id: header('id'), timestamp: header('timestamp'), signature: header('signature') };
    const body = await boundedText(c);
    return c.json(shownCommand(await callbacks.take({ tenant: c.var.tenant, headers, body }, c.var.principal)), 200);
  });
}

async function boundedText(c: Context<ApiEnv>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    if (bytes > LIMITS.enforcement_callback_bytes_max) {
      const message = `an answer has at most ${LIMITS.enforcement_callback_bytes_max} bytes`;
      throw new AppError('body_too_large', message);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** The state at once, and again after each change. */
function stream(enforcement: Responding['enforcement'], tenant: string): Response {
  if (enforcement.listening >= LIMITS.enforcement_streams_max) {
    throw new AppError('too_many_requests_in_flight', `${LIMITS.enforcement_streams_max} streams are open already`);
  }
  let end: () => void = () => undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const say = (text: string) => {
        // Whoever does not read is cut off, and begins with the whole state again.
        if ((controller.desiredSize ?? 0) < -64) {
          end();
          controller.close();
        } else controller.enqueue(Buffer.from(text));
      };
      const tell = () => {
        const { text, etag } = enforcement.state(tenant);
        say(`event: enforcement\nid: ${etag}\ndata: ${text}\n\n`);
      };
      const unlisten = enforcement.listen((command) => {
        if (command.tenant === tenant) tell();
      });
      const timer = setInterval(() => say(': still here\n\n'), HEARTBEAT_MS);
      timer.unref();
      end = () => {
        unlisten();
        clearInterval(timer);
      };
      tell();
    },
    cancel: () => end(),
  });
  return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
}
