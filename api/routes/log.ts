/** The log itself: head, checkpoint, consistency, verification. */
import { createRoute, z } from '@hono/zod-openapi';
import { stream } from 'hono/streaming';
import { AppError, messageOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { readLastCheckpoint } from '../../core/store/queries/checkpoints.ts';
import { readHead } from '../../core/store/queries/head.ts';
import { readProof } from '../../core/store/queries/tree.ts';
import { toBase64 } from '../../core/tlog/bytes.ts';
import { nodeHasher } from '../../core/tlog/node_hasher.ts';
import { consistencyCoordinates } from '../../core/tlog/proof.ts';
import type { VerifyReport } from '../../ingest/verify/report.ts';
import { verifyLog } from '../../ingest/verify/verify.ts';
import { ALL_TENANTS } from '../auth/access.ts';
import type { ApiContext } from '../context.ts';
import { knownLog, vkeyOf } from '../known_log.ts';
import { wholeNumber } from '../paging.ts';
import { type Api, responses, secured } from '../route.ts';

const logRoute = createRoute({
  method: 'get',
  path: '/v1/log',
  summary: 'The log: its key, its head, its newest checkpoint, and what waits',
  responses: {
    200: {
      description: 'the log',
      content: {
        'application/json': {
          schema: z.object({
            log: z.string(),
            vkey: z.string().openapi({ description: 'public key in C2SP vkey form' }),
            size: z.int(),
            root: z.string(),
            checkpoint_size: z.int(),
            checkpoint_signed_at: z.string().nullable(),
            waiting_records: z.int(),
            detection: z.record(z.string(), z.unknown()),
            refused: z.record(z.string(), z.int()),
          }),
        },
      },
    },
  },
});

const logsRoute = createRoute({
  method: 'get',
  path: '/v1/log/list',
  summary: 'All logs: the own one of the service first, and with Kafka one for each partition',
  responses: {
    200: {
      description: 'the logs',
      content: {
        'application/json': {
          schema: z.object({
            logs: z.array(
              z.object({
                log: z.string(),
                vkey: z.string().nullable().openapi({ description: 'null while its signer has not told it' }),
                partition: z.int().nullable(),
                size: z.int(),
                root: z.string(),
                checkpoint_size: z.int(),
                checkpoint_signed_at: z.string().nullable(),
              }),
            ),
          }),
        },
      },
    },
  },
});

/** Which log is meant, where there are several. */
const WhichLog = z.object({
  log: z.string().max(LIMITS.id_chars_max).optional().openapi({ description: 'its name; without it the own one' }),
});

const checkpointRoute = createRoute({
  method: 'get',
  path: '/v1/log/checkpoint',
  summary: 'The newest signed checkpoint (C2SP tlog-checkpoint)',
  request: { query: WhichLog },
  responses: {
    200: { description: 'a signed note', content: { 'text/plain': { schema: z.string() } } },
    ...responses(404),
  },
});

const consistencyRoute = createRoute({
  method: 'get',
  path: '/v1/log/consistency',
  summary: 'Proof that the log of one size is the beginning of the log of another (RFC 6962)',
  request: { query: WhichLog.extend({ old: wholeNumber(1), new: wholeNumber(1) }) },
  responses: {
    200: {
      description: 'hashes in base64',
      content: { 'application/json': { schema: z.object({ proof: z.array(z.string()) }) } },
    },
    ...responses(400),
  },
});

const verifyRoute = createRoute({
  method: 'post',
  path: '/v1/verify',
  summary: 'Verify the stored log from its bytes; progress and then the report as NDJSON',
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z.object({
            log: z.string().max(LIMITS.id_chars_max).optional(),
            with_content: z.boolean().default(true),
            against: z.string().max(100_000).optional().openapi({ description: 'a checkpoint kept elsewhere' }),
            session: z.string().max(LIMITS.id_chars_max).optional(),
          }),
        },
      },
    },
  },
  responses: { 200: { description: 'application/x-ndjson: lines of progress, the last one the report' } },
});

/** What a report says of the log to a key of one tenant: findings may name sessions and ids of others. */
function withoutNames(report: VerifyReport): VerifyReport {
  const message = 'a key for all tenants is shown what disagrees';
  const findings = report.findings.map(({ code, table, column }) => ({
    code,
    table,
    message,
    ...(column === undefined ? {} : { column }),
  }));
  return { ...report, findings };
}

export function logRoutes(api: Api, context: ApiContext): void {
  const { store, log, vkey } = context;
  secured(api, context, 'log:read', logRoute, async (c) => {
    const [head, checkpoint] = await Promise.all([readHead(store, log), readLastCheckpoint(store, log)]);
    return c.json(
      {
        log,
        vkey,
        size: head?.size ?? 0,
        root: toBase64(head?.root ?? nodeHasher.empty()),
        checkpoint_size: checkpoint?.size ?? 0,
        checkpoint_signed_at: checkpoint === undefined ? null : new Date(checkpoint.signed_at_ms).toISOString(),
        waiting_records: context.writer?.waiting.records ?? 0,
        detection: context.detection(),
        refused: context.counters.bodies_refused,
      },
      200,
    );
  });
  secured(api, context, 'log:read', logsRoute, async (c) => {
    const logs = await Promise.all(
      context.logs.map(async (known) => {
        const [head, checkpoint] = await Promise.all([
          readHead(store, known.log),
          readLastCheckpoint(store, known.log),
        ]);
        return {
          log: known.log,
          vkey: known.vkey ?? null,
          partition: known.partition ?? null,
          size: head?.size ?? 0,
          root: toBase64(head?.root ?? nodeHasher.empty()),
          checkpoint_size: checkpoint?.size ?? 0,
          checkpoint_signed_at: checkpoint === undefined ? null : new Date(checkpoint.signed_at_ms).toISOString(),
        };
      }),
    );
    return c.json({ logs }, 200);
  });
  secured(api, context, 'log:read', checkpointRoute, async (c) => {
    const known = knownLog(context, c.req.valid('query').log);
    await known.publishCheckpoint?.();
    const checkpoint = await readLastCheckpoint(store, known.log);
    if (checkpoint === undefined) throw new AppError('not_found', 'nothing was signed yet: the log is empty');
    return c.text(checkpoint.note, 200);
  });
  secured(api, context, 'log:read', consistencyRoute, async (c) => {
    const query = c.req.valid('query');
    const { log } = knownLog(context, query.log);
    const size = (await readHead(store, log))?.size ?? 0;
    if (query.old > query.new || query.new > size) {
      throw new AppError('query_invalid', `old must be at most new, and new at most ${size}`);
    }
    const proof = await readProof(store, log, nodeHasher, consistencyCoordinates(query.old, query.new));
    return c.json({ proof: proof.map(toBase64) }, 200);
  });
  let verifying = false;
  secured(api, context, 'log:verify', verifyRoute, (c) => {
    const { session, against, with_content, log: name } = c.req.valid('json');
    const known = knownLog(context, name);
    const key = vkeyOf(known);
    // One at a time: a verification reads the whole store.
    if (verifying) throw new AppError('too_many_requests_in_flight', 'a verification is running already');
    verifying = true;
    c.header('Content-Type', 'application/x-ndjson');
    return stream(c, async (out) => {
      try {
        const report = await verifyLog({
          store,
          vkey: key,
          with_content,
          from_source: known.partition !== undefined,
          ...known.verifyWith?.(),
          ...(against === undefined ? {} : { against }),
          ...(session === undefined ? {} : { session: { tenant: c.var.tenant, session_id: session } }),
          onProgress: (progress) => void out.write(`${JSON.stringify({ progress })}\n`),
        });
        const shown = c.var.principal.tenant === ALL_TENANTS ? report : withoutNames(report);
        await out.write(`${JSON.stringify({ report: shown })}\n`);
      } catch (error) {
        context.onNotice('verify_failed', { error: messageOf(error) });
        await out.write(
          `${JSON.stringify({ error: { code: 'verify_failed', message: 'the store could not be read to its end' } })}\n`,
        );
      } finally {
        verifying = false;
      }
    });
  });
}
