/** For those who run the service: what it measures of itself, and whether it should be sent requests. */
import { createRoute, z } from '@hono/zod-openapi';
import { messageOf } from '../../core/errors.ts';
import { readHead } from '../../core/store/queries/head.ts';
import type { ApiContext } from '../context.ts';
import { type Api, open, secured } from '../route.ts';

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  summary: 'Counters and measures in the text format of Prometheus',
  responses: { 200: { description: 'metrics', content: { 'text/plain': { schema: z.string() } } } },
});

const Readiness = z.object({
  ready: z.boolean(),
  store: z.enum(['ok', 'unreachable']),
  log: z.enum(['ok', 'not_writable', 'read_only']),
  partitions: z
    .array(
      z.object({
        partition: z.int(),
        state: z.enum(['open', 'waiting', 'halted']),
        size: z.int(),
        lag_records: z.int().nullable().openapi({ description: 'null while Kafka does not say' }),
      }),
    )
    .optional()
    .openapi({ description: 'with Kafka: the logs that this process writes' }),
  closing: z.boolean(),
});

const readyRoute = createRoute({
  method: 'get',
  path: '/readyz',
  summary: 'Whether requests should be sent here: the store answers, the log can be written, nothing is closing',
  responses: {
    200: { description: 'they should', content: { 'application/json': { schema: Readiness } } },
    503: { description: 'they should not', content: { 'application/json': { schema: Readiness } } },
  },
});

/** A store that hangs is not there. */
const STORE_MS_MAX = 2_000;

export function operationRoutes(api: Api, context: ApiContext): void {
  secured(api, context, 'metrics:read', metricsRoute, async (c) => {
    const { text, type } = await context.metrics.read();
    return c.text(text, 200, { 'Content-Type': type });
  });
  open(api, readyRoute, async (c) => {
    const { writer, closing } = context;
    const store = (await answers(context)) ? ('ok' as const) : ('unreachable' as const);
    const log = writer === undefined ? 'read_only' : writer.waiting.broken ? 'not_writable' : 'ok';
    const owned = await context.owned?.();
    const partitions = owned?.map(({ partition, state, size, lag = null }) => ({
      partition,
      state,
      size,
      lag_records: lag,
    }));
    // A log that was halted waits for a person, and nobody is helped by a service that is taken away meanwhile.
    const ready = store === 'ok' && log !== 'not_writable' && !closing();
    const parts = { store, log, ...(partitions && { partitions }), closing: closing() } as const;
    return c.json({ ready, ...parts }, ready ? 200 : 503);
  });
}

async function answers({ store, log, onNotice }: ApiContext): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), STORE_MS_MAX);
  });
  try {
    return await Promise.race([readHead(store, log).then(() => true), late]);
  } catch (error) {
    onNotice('store_unreachable', { error: messageOf(error) });
    return false;
  } finally {
    clearTimeout(timer);
  }
}
