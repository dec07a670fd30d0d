/** OTLP/HTTP: spans and log records of whatever reports on agents with OpenTelemetry, as events. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type protobuf from 'protobufjs';
import { AppError } from '../../core/errors.ts';
import { LIMITS, type Limits } from '../../core/limits.ts';
import type { Intake, Taken } from '../../ingest/intake.ts';
import { decodeOtlp, type Encoding, type Signal } from '../../ingest/otlp/decode.ts';
import { loadDialects } from '../../ingest/otlp/load.ts';
import { EXPORT_RESPONSE, encodeMessage, RPC_STATUS } from '../../ingest/otlp/proto.ts';
import { type OtlpEvents, readRecords } from '../../ingest/otlp/read_records.ts';
import type { ApiContext, ApiEnv } from '../context.ts';
import { asAppError, retryAfter, statusOf } from '../problem.ts';
import { readBody } from '../read_body.ts';
import { type Api, responses, securedStream } from '../route.ts';

const TYPES: Record<string, Encoding> = { 'application/json': 'json', 'application/x-protobuf': 'protobuf' };

const routeOf = (signal: Signal) =>
  createRoute({
    method: 'post',
    path: `/v1/${signal}`,
    summary: `Take OpenTelemetry ${signal} (OTLP/HTTP, JSON or protobuf)`,
    description:
      'Records that tell of agents become events; the answer counts the others as rejected, with the reason. Faults are answered as `google.rpc.Status`.',
    request: {
      body: {
        required: true,
        content: Object.fromEntries(Object.keys(TYPES).map((type) => [type, { schema: z.unknown() }])),
      },
    },
    responses: {
      200: {
        description: 'what could be read is in the log',
        content: { 'application/json': { schema: z.looseObject({}) } },
      },
      ...responses(400, 408, 413, 415, 429, 503),
    },
  });

/** Registers the routes of OTLP. */
export function otlpRoutes(api: Api, context: ApiContext): void {
  const limits: Limits = { ...LIMITS, ...context.limits };
  const dialects = loadDialects();
  // A fault in the folder is told to whoever calls the route, and must not end the process before.
  dialects.catch(() => undefined);
  let in_flight = 0;
  for (const signal of ['traces', 'logs'] as const) {
    securedStream(api, context, 'events:write', routeOf(signal), async (c) => {
      const encoding = encodingOf(c);
      if (encoding === undefined) {
        throw new AppError('content_type_unsupported', `content-type must be one of ${Object.keys(TYPES).join(', ')}`);
      }
      if (in_flight >= limits.requests_in_flight_max) {
        throw new AppError('too_many_requests_in_flight', `${in_flight} exports are being taken already`);
      }
      in_flight++;
      try {
        const { intake } = context;
        if (intake === undefined) throw new AppError('read_only', 'this service only reads its log');
        const bytes = await readBody(c.req.raw, limits, () => undefined);
        const records = decodeOtlp(bytes, signal, encoding);
        const read = readRecords(records, await dialects, context.now());
        const receipts = await submit(c, context, intake, read);
        return success(signal, encoding, read, receipts);
      } catch (thrown) {
        return faulted(encoding, asAppError(thrown));
      } finally {
        in_flight--;
      }
    });
  }
}

function encodingOf(c: Context<ApiEnv>): Encoding | undefined {
  return TYPES[(c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''];
}

async function submit(
  c: Context<ApiEnv>,
  { counters }: ApiContext,
  intake: Intake,
  { events }: OtlpEvents,
): Promise<Taken[]> {
  if (events.length === 0) return [];
  const tenant = c.req.query('tenant') ?? c.var.principal.tenant;
  const { key_id } = c.var.principal;
  const bytes = events.map((event) => Buffer.from(JSON.stringify(event)));
  const receipts = await intake.take(bytes, tenant, key_id);
  for (const { outcome } of receipts) counters.records[outcome] = (counters.records[outcome] ?? 0) + 1;
  return receipts;
}

/** What was not taken, and why. An answer without it says that all was. */
function success(signal: Signal, encoding: Encoding, read: OtlpEvents, receipts: readonly Taken[]): Response {
  const { rejected, errorMessage } = refusedOf(signal, read, receipts);
  const name = signal === 'traces' ? 'rejectedSpans' : 'rejectedLogRecords';
  const told = encoding === 'json' ? { [name]: String(rejected), errorMessage } : { rejected, errorMessage };
  return answered(encoding, 200, EXPORT_RESPONSE, rejected === 0 ? {} : { partialSuccess: told });
}

function refusedOf(signal: Signal, read: OtlpEvents, receipts: readonly Taken[]) {
  const refused = new Set<number>();
  let first = '';
  for (const [at, { outcome, reason, message }] of receipts.entries()) {
    if (outcome !== 'rejected' && outcome !== 'conflict') continue;
    refused.add(read.of[at] as number);
    first ||= `${outcome}: ${reason ?? ''} ${message ?? ''}`.trim();
  }
  const { unknown, empty } = read.passed_over;
  const what = signal === 'traces' ? 'spans' : 'log records';
  const parts = [
    unknown > 0 ? `${unknown} ${what} tell of no agent that a dialect knows` : '',
    empty > 0 ? `${empty} ${what} name neither a tool nor a message` : '',
    refused.size > 0 ? `${refused.size} ${what} were not taken by the log, the first as ${first}` : '',
  ];
  return { rejected: unknown + empty + refused.size, errorMessage: parts.filter((part) => part !== '').join('; ') };
}

/** Codes of google.rpc.Code for statuses of HTTP. */
const RPC_CODES: Record<number, number> = { 400: 3, 408: 4, 413: 3, 415: 3, 429: 8, 503: 14 };

/** A fault that is not one of ours goes on to where it is written down. */
function faulted(encoding: Encoding, error: unknown): Response {
  const status = statusOf(error);
  if (!(error instanceof AppError) || status === 500) throw error;
  const wait_s = retryAfter(error, error.code);
  const headers = wait_s === undefined ? {} : { 'retry-after': String(wait_s) };
  const message = `${error.code}: ${error.message}`;
  return answered(encoding, status, RPC_STATUS, { code: RPC_CODES[status] ?? 2, message }, headers);
}

/** In the encoding of the request. */
function answered(
  encoding: Encoding,
  status: number,
  type: protobuf.Type,
  message: Record<string, unknown>,
  headers: Record<string, string> = {},
): Response {
  const body = encoding === 'json' ? JSON.stringify(message) : new Uint8Array(encodeMessage(type, message));
  const content_type = encoding === 'json' ? 'application/json' : 'application/x-protobuf';
  return new Response(body, { status, headers: { ...headers, 'content-type': content_type } });
}
