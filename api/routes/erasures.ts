/** Erasures: what one person or session said goes for good. What was erased stands in the log and is listed here. */
import { createRoute, z } from '@hono/zod-openapi';
import { ERASURE_TYPES, readRanges } from '../../core/erasure.ts';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { ErasableRecord } from '../../core/store/queries/erase.ts';
import { readLastActions } from '../../core/store/queries/own_records.ts';
import { type ErasureSubject, eraseContent, holdsOn, planErasure } from '../../ingest/erase.ts';
import type { ApiContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { type Api, responses, secured } from '../route.ts';

/** What no erasure reaches from here; whoever asks for one is told each time. */
const NOT_REACHED = [
  'who acted, when, and which server and tool was called: these stay, with the salts that prove them',
  'rejected bytes that came with a key of all tenants: these are kept under the tenant *, erase there too',
  'notes and reasons that people wrote on alerts, suspensions and erasures',
  'evidence bundles and exports that were handed out, and messages that receivers of webhooks and mail have',
  'records in a Kafka topic, until its own retention removes them',
  'backups and snapshots of the data folder or of the ClickHouse server',
  'spools of wrappers and queues of producers on other hosts: what they send later is new',
  'what detection remembers of other sessions that the text reached, until the service starts again',
  'sectors of the disk under removed files: encrypt the disk that holds the data folder',
] as const;

const tenant = z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' });
const id = z.string().min(1).max(LIMITS.id_chars_max);
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const Wanted = z
  .strictObject({
    user_id: id.optional(),
    session_id: id.optional(),
    reason: z
      .string()
      .max(LIMITS.note_chars_max)
      .regex(/\S/, 'must not be blank')
      .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'must not hold control or format characters')
      .openapi({ description: 'stands in the log for good: name no person in it' }),
    dry_run: z.boolean().default(false).openapi({ description: 'only say what would go' }),
  })
  .refine((body) => (body.user_id === undefined) !== (body.session_id === undefined), {
    path: ['user_id'],
    message: 'name either a user_id or a session_id',
  });

const Counts = z.object({
  events: z.int(),
  conflicts: z.int(),
  rejected: z.int(),
  alerts: z.int(),
  sessions: z.int(),
});

const Erasure = z
  .object({
    erasure_id: z.string().nullable().openapi({ description: 'null where nothing went' }),
    seq: z.int().nullable().openapi({ description: 'of the first record that says so' }),
    records: z.int().openapi({ description: 'of the log that say so' }),
    dry_run: z.boolean(),
    holds: z.array(z.string()).openapi({ description: 'that would refuse it' }),
    erased: Counts,
    not_reached: z.array(z.string()).openapi({ description: 'what the operator has to see to' }),
  })
  .openapi('Erasure');

const ErasureRecord = z
  .object({
    seq: z.int(),
    erasure_id: z.string(),
    type: z.enum(ERASURE_TYPES),
    scope: z.string(),
    session_id: z.string().optional(),
    reason: z.string(),
    actor: z.string(),
    at: z.string(),
    part: z.int(),
    parts: z.int(),
    records: z.int().openapi({ description: 'whose content went with this record' }),
  })
  .openapi('ErasureRecord');

const eraseRoute = createRoute({
  method: 'post',
  path: '/v1/erasures',
  summary: 'Erase what a user or a session said, for good',
  request: { query: z.object({ tenant }), body: { required: true, content: json(Wanted) } },
  responses: {
    200: { description: 'what went, or would go', content: json(Erasure) },
    ...responses(400, 503),
    409: { description: 'a hold covers some of it', content: { 'application/problem+json': { schema: Problem } } },
  },
});

const listRoute = createRoute({
  method: 'get',
  path: '/v1/erasures',
  summary: 'Records of what was erased or has expired, newest first',
  request: { query: z.object({ tenant }) },
  responses: {
    200: { description: 'the last ones', content: json(z.object({ erasures: z.array(ErasureRecord) })) },
    ...responses(400, 503),
  },
});

/** Registers the routes of erasures. */
export function erasureRoutes(api: Api, context: ApiContext): void {
  const { store, log, writer, now } = context;
  secured(api, context, 'erasures:manage', eraseRoute, async (c) => {
    const { user_id, session_id, reason, dry_run } = c.req.valid('json');
    const of = { tenant: c.var.tenant };
    const subject = (user_id === undefined ? { ...of, session_id } : { ...of, user_id }) as ErasureSubject;
    if (writer === undefined && !dry_run) throw new AppError('read_only', 'this process does not write the log');
    // What detection is still about to store is erased with the rest.
    await context.settled?.();
    if (dry_run || writer === undefined) {
      const found = await planErasure(store, log, subject);
      const holds = await holdsOn(store, { log, ...of, now_ms: now() }, found);
      const nothing = { erasure_id: null, seq: null, records: 0, holds };
      return c.json({ ...nothing, dry_run, erased: countsOf(found), not_reached: [...NOT_REACHED] }, 200);
    }
    const actor = c.var.principal.key_id;
    const done = await eraseContent(store, writer, {
      ...subject,
      reason,
      actor,
      now_ms: now(),
      forget: context.forget,
    });
    const { erasure_id = null, seq = null, records } = done;
    const erased = countsOf(done.found);
    return c.json({ erasure_id, seq, records, holds: [], dry_run, erased, not_reached: [...NOT_REACHED] }, 200);
  });

  secured(api, context, 'erasures:read', listRoute, async (c) => {
    const scope = { log, tenant: c.var.tenant, types: ERASURE_TYPES, limit: LIMITS.erasure_shown_max };
    const rows = await readLastActions(store, scope);
    const erasures = rows.map(({ seq, type, event_id, received_at_ms, actor, detail }) => ({
      seq,
      erasure_id: text(detail.erasure_id) || event_id,
      type: type as (typeof ERASURE_TYPES)[number],
      scope: text(detail.scope),
      ...(detail.session_id === undefined ? {} : { session_id: text(detail.session_id) }),
      reason: text(detail.reason),
      actor,
      at: new Date(received_at_ms).toISOString(),
      part: Number(detail.part ?? 1),
      parts: Number(detail.parts ?? 1),
      records: readRanges(detail).reduce((sum, [from, to]) => sum + to - from, 0),
    }));
    return c.json({ erasures }, 200);
  });
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function countsOf(found: readonly ErasableRecord[]): z.infer<typeof Counts> {
  const of = (kind: string) => found.filter((record) => record.kind === kind).length;
  const sessions = new Set(found.filter(({ kind }) => kind === 'event').map(({ session_id }) => session_id)).size;
  return { events: of('event'), conflicts: of('conflict'), rejected: of('rejected'), alerts: of('alert'), sessions };
}
