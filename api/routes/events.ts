/** Single events: one with its proof, words in content, what was rejected, receipts by sequence number. */
import { createRoute, z } from '@hono/zod-openapi';
import { parseCore } from '../../core/core_record.ts';
import { AppError } from '../../core/errors.ts';
import { groupFields } from '../../core/groups.ts';
import { LIMITS } from '../../core/limits.ts';
import { ANYTHING } from '../../core/query/compile.ts';
import { EVENTS } from '../../core/query/subjects/events.ts';
import { readLastCheckpoint } from '../../core/store/queries/checkpoints.ts';
import {
  findEvent,
  findEvents,
  readEvent,
  readRecordAt,
  readRecordFrom,
  type SearchHit,
  type StoredEvent,
  searchContent,
} from '../../core/store/queries/events.ts';
import { listRejected, type RejectedRow } from '../../core/store/queries/rejected.ts';
import { toBase64, toUtf8 } from '../../core/tlog/bytes.ts';
import { nodeHasher } from '../../core/tlog/node_hasher.ts';
import { ALL_TENANTS, type Principal } from '../auth/access.ts';
import { mayDo } from '../auth/roles.ts';
import type { ApiContext } from '../context.ts';
import { viewOf } from '../event_view.ts';
import { Limit, NextCursor, PAST_ALL, PageCursor, readCursor, wholeNumber, writeCursor } from '../paging.ts';
import { proofOf } from '../proofs.ts';
import { conditionOf, QueryText } from '../query_parameter.ts';
import { type Api, responses, secured } from '../route.ts';

const Tenant = z.object({ tenant: z.string().max(LIMITS.id_chars_max).optional() });
const EventId = z.object({ event_id: z.string().min(1).max(LIMITS.id_chars_max) });

const listRoute = createRoute({
  method: 'get',
  path: '/v1/events',
  summary: 'Find events by a query, newest first; with `after` those that came since, oldest first',
  request: {
    query: Tenant.extend({
      q: QueryText,
      after: wholeNumber(-1).optional().openapi({ description: 'seq of the last event already seen' }),
      limit: Limit,
      cursor: PageCursor,
    }),
  },
  responses: {
    200: {
      description: 'one page',
      content: {
        'application/json': {
          schema: z.object({
            events: z.array(z.looseObject({ seq: z.int(), type: z.string(), event_id: z.string() })),
            next_cursor: NextCursor,
            next_after: z.int().openapi({ description: 'to go on with `after` where this answer ends' }),
          }),
        },
      },
    },
    ...responses(400, 503),
  },
});

const showRoute = createRoute({
  method: 'get',
  path: '/v1/events/{event_id}',
  summary: 'One event with the core that the log commits to and its leaf hash',
  request: { params: EventId, query: Tenant },
  responses: {
    200: {
      description: 'the event',
      content: {
        'application/json': {
          schema: z.object({
            event: z.looseObject({ seq: z.int(), type: z.string(), event_id: z.string() }),
            core: z.string().openapi({ description: 'canonical bytes (RFC 8785) whose leaf hash is in the log' }),
            leaf_hash: z.string(),
          }),
        },
      },
    },
    ...responses(404),
  },
});

const proofRoute = createRoute({
  method: 'get',
  path: '/v1/events/{event_id}/proof',
  summary: 'Proof that an event is in the log (C2SP tlog-proof)',
  request: { params: EventId, query: Tenant },
  responses: {
    200: { description: 'c2sp.org/tlog-proof@v1', content: { 'text/plain': { schema: z.string() } } },
    ...responses(404, 409),
  },
});

const Receipt = z.object({
  log: z.string(),
  seq: z.int(),
  kind: z.string(),
  event_id: z.string(),
  leaf_hash: z.string(),
  status: z.enum(['under_head', 'under_checkpoint']),
  checkpoint_size: z.int().nullable(),
  reason: z.string().optional(),
});

const placedRoute = createRoute({
  method: 'get',
  path: '/v1/receipts/{partition}/{offset}',
  summary: 'With Kafka: what became of the record that was placed there',
  request: { params: z.object({ partition: wholeNumber(0), offset: wholeNumber(0) }), query: Tenant },
  responses: {
    200: { description: 'the receipt', content: { 'application/json': { schema: Receipt } } },
    202: {
      description: 'its log has not come so far, or there is no such record in this tenant',
      content: { 'application/json': { schema: z.object({ log: z.string(), status: z.literal('waiting') }) } },
    },
    ...responses(404),
  },
});

const receiptRoute = createRoute({
  method: 'get',
  path: '/v1/receipts/{seq}',
  summary: 'What became of the record with this sequence number',
  request: { params: z.object({ seq: wholeNumber(0) }), query: Tenant },
  responses: {
    200: { description: 'the receipt', content: { 'application/json': { schema: Receipt } } },
    ...responses(404),
  },
});

const searchRoute = createRoute({
  method: 'get',
  path: '/v1/search',
  summary: 'Find events by words in prompts, reasoning, parameters and results, newest first',
  request: {
    query: Tenant.extend({
      q: z.string().min(1).max(500).openapi({ description: 'all these words; letters and digits count' }),
      limit: Limit,
      cursor: PageCursor,
    }),
  },
  responses: {
    200: {
      description: 'one page',
      content: {
        'application/json': {
          schema: z.object({ hits: z.array(z.looseObject({ seq: z.int() })), next_cursor: NextCursor }),
        },
      },
    },
    ...responses(400, 503),
  },
});

const rejectedRoute = createRoute({
  method: 'get',
  path: '/v1/rejected',
  summary: 'Records that were not taken as events, with the reason, newest first',
  request: { query: Tenant.extend({ limit: Limit, cursor: PageCursor }) },
  responses: {
    200: {
      description: 'one page',
      content: {
        'application/json': {
          schema: z.object({ rejected: z.array(z.looseObject({ seq: z.int() })), next_cursor: NextCursor }),
        },
      },
    },
    ...responses(400),
  },
});

const leafOf = (core: string) => toBase64(nodeHasher.leaf(toUtf8(core) ?? new Uint8Array(0)));

export function eventRoutes(api: Api, context: ApiContext): void {
  const { store, log } = context;
  const found = async (tenant: string, event_id: string) => {
    const row = await readEvent(store, tenant, event_id);
    if (row === undefined) throw new AppError('not_found', 'there is no such event in this tenant');
    return row;
  };
  secured(api, context, 'sessions:read', listRoute, async (c) => {
    const { q, after, limit, cursor } = c.req.valid('query');
    const [before_seq] = cursor ? readCursor(cursor, ['number'] as const) : [PAST_ALL];
    const matching = conditionOf(c, EVENTS, q, context.now()) ?? ANYTHING;
    const with_content = mayDo(c.var.principal.role, 'content:read');
    const search = { tenant: c.var.tenant, matching, after, before_seq, limit: limit + 1 };
    const { events: rows, head } = await findEvents(store, search, with_content);
    c.set('accessed', { type: 'content.searched', query: q ?? '' });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const more = rows.length > limit && last !== undefined;
    const next_cursor = more && after === undefined ? writeCursor([last.seq]) : null;
    const next_after = more && after !== undefined ? last.seq : Math.max(head - 1, after ?? -1);
    return c.json({ events: page.map((row) => viewOf(row, with_content)), next_cursor, next_after }, 200);
  });
  secured(api, context, 'sessions:read', showRoute, async (c) => {
    const row = await found(c.var.tenant, c.req.valid('param').event_id);
    const event = viewOf(row, mayDo(c.var.principal.role, 'content:read'));
    const session_id = typeof event.session_id === 'string' ? event.session_id : '';
    c.set('accessed', { type: 'event.read', session_id, subject: c.req.valid('param').event_id });
    return c.json({ event, core: row.core, leaf_hash: leafOf(row.core) }, 200);
  });
  secured(api, context, 'sessions:read', proofRoute, async (c) => {
    const { event_id } = c.req.valid('param');
    const place = await findEvent(store, { tenant: c.var.tenant, event_id, log: '' });
    if (place === undefined) throw new AppError('not_found', 'there is no such event in this tenant');
    return c.text(await proofOf(context, place.log, place.seq), 200);
  });
  const receiptFor = async (of: string, row: StoredEvent): Promise<z.infer<typeof Receipt>> => {
    const checkpoint = await readLastCheckpoint(store, of);
    const covered = checkpoint !== undefined && checkpoint.size > row.seq;
    const { kind, event_id = '' } = parseCore(row.core);
    const status = covered ? ('under_checkpoint' as const) : ('under_head' as const);
    const place = { log: of, seq: row.seq, kind, event_id, leaf_hash: leafOf(row.core), status };
    return { ...place, checkpoint_size: covered ? checkpoint.size : null };
  };
  secured(api, context, 'receipts:read', receiptRoute, async (c) => {
    const { seq } = c.req.valid('param');
    const [row] = await each(tenantsOf(c.var, c.req.query('tenant')), (tenant) =>
      readRecordAt(store, tenant, log, seq).then((found) => found ?? []),
    );
    if (row === undefined) throw new AppError('not_found', 'there is no such record in this tenant, or not yet');
    return c.json(await receiptFor(log, row), 200);
  });
  secured(api, context, 'receipts:read', placedRoute, async (c) => {
    const { partition, offset } = c.req.valid('param');
    const from = context.logs.find((known) => known.partition === partition);
    if (from === undefined) throw new AppError('not_found', `there is no log of a partition ${partition}`);
    const [row] = await each(tenantsOf(c.var, c.req.query('tenant')), (tenant) =>
      readRecordFrom(store, tenant, from.log, offset).then((found) => found ?? []),
    );
    if (row === undefined) return c.json({ log: from.log, status: 'waiting' as const }, 202);
    return c.json(await receiptFor(from.log, row), 200);
  });
  secured(api, context, 'content:read', searchRoute, async (c) => {
    const { q, limit, cursor } = c.req.valid('query');
    const words = wordsOf(q);
    if (words.length === 0) throw new AppError('query_invalid', 'q must hold at least one word of letters or digits');
    const [before_seq] = cursor ? readCursor(cursor, ['number'] as const) : [PAST_ALL];
    const rows = await searchContent(store, { tenant: c.var.tenant, words, before_seq, limit: limit + 1 });
    c.set('accessed', { type: 'content.searched', query: q });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const next_cursor = rows.length > limit && last !== undefined ? writeCursor([last.seq]) : null;
    return c.json({ hits: page.map((hit) => hitView(hit, words)), next_cursor }, 200);
  });
  secured(api, context, 'rejected:read', rejectedRoute, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const [before_seq] = cursor ? readCursor(cursor, ['number'] as const) : [PAST_ALL];
    const rows = await each(tenantsOf(c.var, c.req.query('tenant')), (tenant) =>
      listRejected(store, { tenant, before_seq, limit: limit + 1 }),
    );
    c.set('accessed', { type: 'rejected.read' });
    const page = rows.sort((a, b) => b.seq - a.seq).slice(0, limit);
    const last = page.at(-1);
    const next_cursor = rows.length > limit && last !== undefined ? writeCursor([last.seq]) : null;
    return c.json({ rejected: page.map(rejectedView), next_cursor }, 200);
  });
}

/**
 * Where to look for records that never came to have a tenant of their own: what a key of all tenants sent belongs to
 * all of them, so such a key that names no tenant looks there too.
 */
function tenantsOf({ principal, tenant }: { principal: Principal; tenant: string }, asked: string | undefined) {
  return principal.tenant === ALL_TENANTS && asked === undefined ? [tenant, ALL_TENANTS] : [tenant];
}

async function each<T>(tenants: readonly string[], read: (tenant: string) => Promise<T | T[]>): Promise<T[]> {
  return (await Promise.all(tenants.map(read))).flat() as T[];
}

const WORDS_MAX = 16;

/** The words of a query as the index knows them: runs of ASCII letters and digits, and of anything beyond ASCII. */
function wordsOf(query: string): string[] {
  return [...new Set(query.toLowerCase().match(/[a-z0-9\u0080-\u{10ffff}]+/gu) ?? [])].slice(0, WORDS_MAX);
}

type EventFields = Record<string, unknown> & { seq: number };

const SNIPPET_CHARS = 160;

function hitView({ text, time_ms, ...hit }: SearchHit, words: readonly string[]) {
  const at = Math.max(0, text.toLowerCase().indexOf(words[0] ?? '') - SNIPPET_CHARS / 2);
  return { ...hit, time: new Date(time_ms).toISOString(), snippet: text.slice(at, at + SNIPPET_CHARS) };
}

function rejectedView({ who, detail, core: _, received_at_ms, raw, ...row }: RejectedRow): EventFields {
  return {
    ...row,
    received_at: new Date(received_at_ms).toISOString(),
    accepted_by: groupFields(who).accepted_by,
    ...(row.kind === 'rejected' ? { ...groupFields(detail), raw_base64: raw } : {}),
  };
}
