/** Taking events: one, an array, NDJSON, CloudEvents; the answer names what became of each record. */
import { createRoute, z } from '@hono/zod-openapi';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { AppError } from '../../core/errors.ts';
import { frameRecords } from '../../core/json/frame.ts';
import { LIMITS, type Limits } from '../../core/limits.ts';
import { isPlaced, type Placed } from '../../ingest/intake.ts';
import type { Receipt } from '../../ingest/receipt.ts';
import type { ApiContext } from '../context.ts';
import { readBody } from '../read_body.ts';
import { type Api, responses, securedStream } from '../route.ts';

const RecordOutcome = z.object({
  index: z.int().openapi({ description: 'place of the record in the body' }),
  outcome: z.enum(['accepted', 'duplicate', 'conflict', 'rejected']),
  seq: z.int().openapi({ description: 'sequence number of its leaf in the log' }),
  event_id: z.string(),
  leaf_hash: z.string().openapi({ description: 'SHA-256 leaf hash (RFC 6962), base64' }),
  reason: z.string().optional(),
  message: z.string().optional(),
  first_seq: z.int().optional().openapi({ description: 'of a duplicate or conflict: the record that came first' }),
});

const QueuedReceipt = z
  .object({
    queued: z.int(),
    rejected: z.int(),
    records: z.array(
      z.object({
        index: z.int(),
        outcome: z.enum(['queued', 'rejected']),
        event_id: z.string(),
        log: z.string().openapi({ description: 'the log that takes it' }),
        partition: z.int(),
        offset: z.int().openapi({ description: 'its place in the partition: see /v1/receipts/{partition}/{offset}' }),
        reason: z.string().optional(),
        message: z.string().optional(),
      }),
    ),
  })
  .openapi('QueuedReceipt', {
    description: 'Every record named here is durable in Kafka, and its log takes it from there.',
  });

export const AcceptReceipt = z
  .object({
    log: z.string(),
    size: z.int().openapi({ description: 'size of the committed head that covers all these records' }),
    accepted: z.int(),
    duplicate: z.int(),
    conflict: z.int(),
    rejected: z.int(),
    records: z.array(RecordOutcome),
  })
  .openapi('AcceptReceipt', {
    description:
      'Every record named here is durable and under the head. Keep it: with a later checkpoint it proves omission.',
  });

const FRAMING: Record<string, 'json' | 'ndjson'> = {
  'application/json': 'json',
  'application/cloudevents+json': 'json',
  'application/cloudevents-batch+json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
};

const route = createRoute({
  method: 'post',
  path: '/v1/events',
  summary: 'Accept provenance events',
  description: `One event, an array of events, NDJSON, or CloudEvents 1.0 (structured or batched), gzip or not. Answers when all records are durable and under the head: 200 when all were taken, 207 when some were rejected or conflict, 422 when all were rejected; with Kafka 202 when all are durable there. The schema of an event is at /v1/schema/event.json.`,
  request: {
    body: {
      required: true,
      content: Object.fromEntries(Object.keys(FRAMING).map((type) => [type, { schema: z.unknown() }])),
    },
  },
  responses: {
    200: { description: 'all records were taken', content: { 'application/json': { schema: AcceptReceipt } } },
    207: { description: 'some records were not taken', content: { 'application/json': { schema: AcceptReceipt } } },
    202: {
      description: 'with Kafka: all records are durable there, and wait for their logs',
      content: { 'application/json': { schema: QueuedReceipt } },
    },
    422: { description: 'every record was rejected', content: { 'application/json': { schema: AcceptReceipt } } },
    ...responses(400, 408, 413, 415, 429, 503),
  },
});

const QUOTA_S = 60;
/** Bodies in memory, being read or waiting for the log, in sizes of the queue. */
const QUEUES_HELD = 2;

export function acceptRoutes(api: Api, context: ApiContext): void {
  const limits: Limits = { ...LIMITS, ...context.limits };
  const quota = new RateLimiterMemory({ points: limits.reject_quota_per_minute_max, duration: QUOTA_S });
  let in_flight = 0;
  let held_bytes = 0;
  securedStream(api, context, 'events:write', route, async (c) => {
    const { key_id } = c.var.principal;
    // A key for all tenants takes each event's own, unless the request names one for all of them.
    const tenant = c.req.query('tenant') ?? c.var.principal.tenant;
    const { intake } = context;
    if (intake === undefined) throw new AppError('read_only', 'this service only reads its log');
    if (in_flight >= limits.requests_in_flight_max) {
      throw new AppError('too_many_requests_in_flight', `${in_flight} bodies are being taken already`);
    }
    in_flight++;
    let own_bytes = 0;
    const hold = (bytes: number) => {
      own_bytes += bytes;
      held_bytes += bytes;
      if (held_bytes > QUEUES_HELD * limits.queue_bytes_max && held_bytes > own_bytes) {
        throw new AppError('too_many_requests_in_flight', `bodies of ${held_bytes} bytes are being taken already`);
      }
    };
    try {
      await checkQuota(quota, key_id, limits);
      const records = await frame(c.req.raw, limits, hold);
      const taken = await intake.take(records, tenant, key_id);
      const placed = taken.filter(isPlaced);
      if (placed.length > 0) {
        const queued = toQueued(placed);
        if (queued.rejected > 0) await quota.penalty(key_id, queued.rejected);
        count(context, queued);
        return c.json(queued, 202);
      }
      const answer = toAnswer(taken as Receipt[], context.log);
      if (answer.rejected > 0) await quota.penalty(key_id, answer.rejected);
      count(context, answer);
      return c.json(answer, statusFor(answer));
    } catch (error) {
      if (error instanceof AppError) {
        const refused = context.counters.bodies_refused;
        refused[error.code] = (refused[error.code] ?? 0) + 1;
      }
      throw error;
    } finally {
      in_flight--;
      held_bytes -= own_bytes;
    }
  });
}

/** A key that sent too many records that could not be read has to wait: each of them is a leaf for ever. */
async function checkQuota(quota: RateLimiterMemory, key_id: string, limits: Limits): Promise<void> {
  const used = await quota.get(key_id);
  if (used !== null && used.consumedPoints >= limits.reject_quota_per_minute_max) {
    const message = `this key had ${used.consumedPoints} records rejected within a minute; look at /v1/rejected`;
    const retry_after_s = Math.max(1, Math.ceil(used.msBeforeNext / 1000));
    throw new AppError('reject_quota_exceeded', message, { cause: { retry_after_s } });
  }
}

async function frame(request: Request, limits: Limits, hold: (bytes: number) => void): Promise<Buffer[]> {
  const type = (request.headers.get('content-type') ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
  const kind = FRAMING[type];
  if (kind === undefined) {
    const known = Object.keys(FRAMING).join(', ');
    throw new AppError(
      'content_type_unsupported',
      `content-type must be one of ${known} (got ${JSON.stringify(type.slice(0, 60))})`,
    );
  }
  const body = await readBody(request, limits, hold);
  const records = frameRecords(body, kind, { records_max: limits.body_records_max });
  // An empty list is a list; nothing at all is more likely a mistake.
  if (records.length === 0 && !body.includes('[')) throw new AppError('body_malformed', 'the body is empty');
  return records;
}

function toAnswer(receipts: readonly Receipt[], log: string): z.infer<typeof AcceptReceipt> {
  const counts = { accepted: 0, duplicate: 0, conflict: 0, rejected: 0 };
  let size = 0;
  const records = receipts.map((receipt, index) => {
    counts[receipt.outcome]++;
    size = Math.max(size, receipt.seq + 1);
    return { index, ...receipt };
  });
  return { log, size, ...counts, records };
}

function toQueued(placed: readonly Placed[]): z.infer<typeof QueuedReceipt> {
  const rejected = placed.filter(({ outcome }) => outcome === 'rejected').length;
  return {
    queued: placed.length - rejected,
    rejected,
    records: placed.map((place, index) => ({ index, ...place })),
  };
}

function statusFor(answer: z.infer<typeof AcceptReceipt>): 200 | 207 | 422 {
  const { length } = answer.records;
  if (length > 0 && answer.rejected === length) return 422;
  return answer.rejected + answer.conflict > 0 ? 207 : 200;
}

const OUTCOMES = ['accepted', 'duplicate', 'conflict', 'queued', 'rejected'] as const;

function count(context: ApiContext, answer: Partial<Record<(typeof OUTCOMES)[number], number>>): void {
  const { records } = context.counters;
  for (const outcome of OUTCOMES) records[outcome] = (records[outcome] ?? 0) + (answer[outcome] ?? 0);
}
