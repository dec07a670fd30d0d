/** Answers of gateways: read within bounds, checked for who signed them and when, and taken once. */
import { z } from '@hono/zod-openapi';
import { RESULTS, type StandingCommand, stateOfResult } from '../../core/enforcement.ts';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { ActingKey, Enforcement } from './enforcement.ts';
import { SIGNED_TIME_S_MAX, signatureFault } from './signing.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { WebhookKeys } from './webhook_keys.ts';

export const CallbackBody = z
  .strictObject({
    command_id: z.string().min(1).max(LIMITS.id_chars_max),
    result: z.enum(RESULTS),
    detail: z
      .string()
      .max(500)
      .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'must not hold control or format characters')
      .default(''),
  })
  .openapi('EnforcementCallback');

export interface CallbackRequest {
  tenant: string;
  headers: { id: string | undefined; timestamp: string | undefined; signature: string | undefined };
  body: string;
}

const SEEN_MAX = 20_000;

export class Callbacks {
  private readonly enforcement: Enforcement;
  private readonly subscriptions: Subscriptions;
  private readonly keys: WebhookKeys;
  private readonly now: () => number;
  /** Ids that were taken, with when they may be forgotten: until then their times are still good. */
  private readonly seen = new Map<string, number>();

  constructor(of: { enforcement: Enforcement; subscriptions: Subscriptions; keys: WebhookKeys; now: () => number }) {
    this.enforcement = of.enforcement;
    this.subscriptions = of.subscriptions;
    this.keys = of.keys;
    this.now = of.now;
  }

  /**
   * Takes one answer. Throws `signature_invalid`, `callback_too_old`, `callback_replayed`, `query_invalid` and the
   * errors of `Enforcement.step`. Nothing of the body is looked at before its signature.
   */
  async take({ tenant, headers, body }: CallbackRequest, who: ActingKey): Promise<StandingCommand> {
    const subscription_id = this.signer(tenant, headers, body);
    const id = `${subscription_id}\0${headers.id}`;
    this.forget();
    if (this.seen.has(id)) throw new AppError('callback_replayed', 'this webhook-id was taken before');
    const { command_id, result, detail: said } = parsed(body);
    // Taken from here on, so that two at once are not both.
    this.seen.set(id, this.now() + 2 * SIGNED_TIME_S_MAX * 1000);
    try {
      const of = { tenant, command_id, state: stateOfResult(result) };
      return await this.enforcement.step(of, who, { subscription_id, callback_id: headers.id ?? '', said });
    } catch (error) {
      // What could not be stored may be sent again as it is.
      if (error instanceof AppError && error.code === 'store_unavailable') this.seen.delete(id);
      throw error;
    }
  }

  /** The gateway whose key signed it. */
  private signer(tenant: string, headers: CallbackRequest['headers'], body: string): string {
    let old = false;
    for (const each of this.subscriptions.all()) {
      const ours =
        each.kind === 'enforcement' && each.state === 'active' && (each.tenant === tenant || each.tenant === '*');
      if (!ours) continue;
      const generations =
        each.previous_until_ms > this.now() ? [each.generation, each.generation - 1] : [each.generation];
      const secrets = generations.map((generation) => this.keys.of(each.subscription_id, generation).hmac);
      const fault = signatureFault(headers, body, secrets, this.now());
      if (fault === undefined) return each.subscription_id;
      old ||= fault === 'too_old';
    }
    if (old) {
      throw new AppError(
        'callback_too_old',
        `webhook-timestamp is more than ${SIGNED_TIME_S_MAX} seconds from our time`,
      );
    }
    throw new AppError('signature_invalid', 'no subscription of the kind enforcement has a key that signed this');
  }

  private forget(): void {
    const now_ms = this.now();
    for (const [id, until_ms] of this.seen) {
      if (until_ms > now_ms && this.seen.size <= SEEN_MAX) break;
      this.seen.delete(id);
    }
  }
}

function parsed(body: string): z.infer<typeof CallbackBody> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new AppError('body_malformed', 'the body is not JSON');
  }
  const result = CallbackBody.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AppError(
    'query_invalid',
    `${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'not valid'}`.slice(0, 300),
  );
}
