/** Subscriptions: who is told of what, and where. Changes are records of the log; secrets are shown when they are made. */
import { createRoute, z } from '@hono/zod-openapi';
import { SEVERITIES } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { matchesQuery } from '../../core/query/evaluate.ts';
import { parseQuery } from '../../core/query/parse.ts';
import { SUBSCRIPTIONS } from '../../core/query/subjects/subscriptions.ts';
import { SUBSCRIPTION_KINDS, type Subscription } from '../../core/subscription.ts';
import type { ApiContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { QueryText } from '../query_parameter.ts';
import { TO_OWNER, TO_USER } from '../response/people_message.ts';
import { shownKeys } from '../response/signing.ts';
import { testMessage } from '../response/test_message.ts';
import { type Api, responses, secured } from '../route.ts';
import { DeliveryView, deliveryView } from './deliveries.ts';

const RATE_MAX = 1_000;
const RATE = 50;
const DAY_MS = 86_400_000;
const OVERLAP_DAYS_MAX = 90;

const word = (chars_max: number) =>
  z
    .string()
    .max(chars_max)
    .regex(/^[^\p{Cc}\p{Cf}\p{Cs}]*$/u, 'must not hold control or format characters');

const members = {
  name: word(100).min(1),
  kind: z.enum(SUBSCRIPTION_KINDS).default('alerts'),
  url: z.string().max(LIMITS.uri_chars_max).default('').openapi({ description: 'https://… or mailto:…' }),
  format: z.string().max(40).default('native'),
  template: z.string().max(LIMITS.webhook_template_chars_max).default(''),
  credential: word(100).default('').openapi({ description: 'name in the setting webhook_credentials' }),
  severity_min: z.enum(SEVERITIES).default('medium'),
  rules: z.array(word(LIMITS.name_chars_max).min(1)).max(200).default([]).openapi({ description: 'empty: all' }),
  per_second_max: z.number().min(0.1).max(RATE_MAX).default(RATE),
};
const Wanted = z.strictObject(members);

const Action = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('update'),
    name: members.name.optional(),
    url: members.url.unwrap().optional(),
    format: members.format.unwrap().optional(),
    template: members.template.unwrap().optional(),
    credential: members.credential.unwrap().optional(),
    severity_min: members.severity_min.unwrap().optional(),
    rules: members.rules.unwrap().optional(),
    per_second_max: members.per_second_max.unwrap().optional(),
  }),
  z.strictObject({
    action: z.literal('rotate'),
    overlap_seconds: z
      .int()
      .min(0)
      .max((OVERLAP_DAYS_MAX * DAY_MS) / 1000)
      .default(DAY_MS / 1000)
      .openapi({ description: 'how long the key before signs too' }),
  }),
  z.strictObject({ action: z.literal('disable'), reason: word(200).default('') }),
  z.strictObject({ action: z.literal('enable') }),
  z.strictObject({ action: z.literal('test') }),
]);

const SubscriptionView = z
  .object({
    ...members,
    subscription_id: z.string(),
    tenant: z.string(),
    state: z.string(),
    reason: z.string(),
    created_at: z.string(),
    previous_key_until: z.string().nullable(),
    waiting: z.int().openapi({ description: 'deliveries that wait' }),
    failures: z.int().openapi({ description: 'in a row' }),
    resting: z.boolean(),
  })
  .openapi('Subscription');

const Keys = z.object({
  secret: z.string().openapi({ description: 'whsec_…: for signatures v1' }),
  public_key: z.string().openapi({ description: 'whpk_…: for signatures v1a' }),
});
const OneSubscription = z.object({
  subscription: SubscriptionView,
  keys: Keys.optional(),
  delivery: DeliveryView.optional().openapi({ description: 'of a test' }),
});

const tenant = z
  .string()
  .max(LIMITS.name_chars_max)
  .optional()
  .openapi({ description: 'of a key for all tenants; * for messages of all tenants' });
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const listRoute = createRoute({
  method: 'get',
  path: '/v1/subscriptions',
  summary: 'List subscriptions',
  request: { query: z.object({ tenant, q: QueryText }) },
  responses: {
    200: { description: 'all', content: json(z.object({ subscriptions: z.array(SubscriptionView) })) },
    ...responses(400, 503),
  },
});

const createSubscriptionRoute = createRoute({
  method: 'post',
  path: '/v1/subscriptions',
  summary: 'Make a subscription; the answer shows its keys',
  request: { query: z.object({ tenant }), body: { required: true, content: json(Wanted) } },
  responses: { 201: { description: 'made', content: json(OneSubscription) }, ...responses(400, 503, 507) },
});

const params = z.object({ subscription_id: z.string().min(1).max(LIMITS.id_chars_max) });

const changeRoute = createRoute({
  method: 'post',
  path: '/v1/subscriptions/{subscription_id}',
  summary: 'Update, rotate the keys of, disable, enable or test a subscription',
  request: { params, query: z.object({ tenant }), body: { required: true, content: json(Action) } },
  responses: {
    200: { description: 'done', content: json(OneSubscription) },
    ...responses(400, 404, 503),
    409: { description: 'its state does not allow this', content: { 'application/problem+json': { schema: Problem } } },
  },
});

const deleteRoute = createRoute({
  method: 'delete',
  path: '/v1/subscriptions/{subscription_id}',
  summary: 'Delete a subscription; what waits for it is not sent',
  request: { params, query: z.object({ tenant }) },
  responses: { 204: { description: 'deleted' }, ...responses(404, 503) },
});

export function subscriptionRoutes(api: Api, context: ApiContext): void {
  const response = () => {
    if (context.response === undefined) throw new AppError('read_only', 'this process does not deliver');
    return context.response;
  };
  const found = (tenant: string, subscription_id: string): Subscription => {
    const subscription = response().subscriptions.get(subscription_id);
    if (subscription?.tenant === tenant) return subscription;
    throw new AppError('not_found', 'there is no such subscription in this tenant');
  };
  const view = (subscription: Subscription): z.infer<typeof SubscriptionView> => {
    const {
      created_at_ms,
      since_ms: _,
      previous_until_ms,
      version: __,
      generation: ___,
      rules,
      ...shown
    } = subscription;
    return {
      ...shown,
      rules: [...rules],
      created_at: new Date(created_at_ms).toISOString(),
      previous_key_until: previous_until_ms > context.now() ? new Date(previous_until_ms).toISOString() : null,
      ...response().deliverer.statusOf(subscription.subscription_id),
    };
  };
  const keysOf = ({ subscription_id, generation }: Subscription) =>
    shownKeys(response().keys.of(subscription_id, generation));

  secured(api, context, 'subscriptions:read', listRoute, (c) => {
    const tree = parseQuery(c.req.valid('query').q ?? '', SUBSCRIPTIONS);
    const asked = { now_ms: context.now(), with_content: true };
    const own = [...response().subscriptions.all()]
      .filter((each) => each.tenant === c.var.tenant)
      .filter((each) => matchesQuery(tree, SUBSCRIPTIONS, rowOf(each), asked));
    return c.json({ subscriptions: own.map(view) }, 200);
  });

  secured(api, context, 'subscriptions:manage', createSubscriptionRoute, async (c) => {
    const made = await response().subscriptions.create(c.req.valid('json'), c.var.tenant, c.var.principal);
    return c.json({ subscription: view(made), keys: keysOf(made) }, 201);
  });

  secured(api, context, 'subscriptions:manage', changeRoute, async (c) => {
    const { subscriptions, deliverer } = response();
    const before = found(c.var.tenant, c.req.valid('param').subscription_id);
    const { action, ...asked } = c.req.valid('json');
    const now_ms = context.now();
    if (action === 'test') {
      if (before.url === '') throw new AppError('status_conflict', 'a subscription without a url is not sent to');
      if (before.url === TO_USER || before.url === TO_OWNER)
        throw new AppError('status_conflict', 'a test needs a fixed address; who is told here follows from the alert');
      const delivery = await deliverer.sendNow(before, testMessage(before, context.log, now_ms));
      return c.json({ subscription: view(before), delivery: deliveryView(delivery) }, 200);
    }
    const { change, to } = changeOf(action, asked, before, now_ms);
    const after = await subscriptions.change(before.subscription_id, change, to, c.var.principal);
    deliverer.pump();
    return c.json({ subscription: view(after), ...(change === 'rotated' && { keys: keysOf(after) }) }, 200);
  });

  secured(api, context, 'subscriptions:manage', deleteRoute, async (c) => {
    const { subscription_id } = found(c.var.tenant, c.req.valid('param').subscription_id);
    await response().subscriptions.change(subscription_id, 'deleted', { state: 'deleted' }, c.var.principal);
    return c.body(null, 204);
  });
}

/** A subscription as queries see it. */
const rowOf = ({ rules, created_at_ms, ...shown }: Subscription) => ({
  ...shown,
  rule: rules,
  created_at: created_at_ms,
});

function changeOf(action: string, asked: Record<string, unknown>, before: Subscription, now_ms: number) {
  switch (action) {
    case 'rotate': {
      const previous_until_ms = now_ms + Number(asked.overlap_seconds) * 1000;
      return { change: 'rotated', to: { generation: before.generation + 1, previous_until_ms } } as const;
    }
    case 'disable':
      return { change: 'disabled', to: { state: 'disabled', reason: String(asked.reason) } } as const;
    case 'enable':
      return { change: 'enabled', to: { state: 'active', reason: '', since_ms: now_ms } } as const;
    default:
      return { change: 'updated', to: withoutAbsent(asked) } as const;
  }
}

const withoutAbsent = (asked: Record<string, unknown>): Partial<Subscription> =>
  Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
