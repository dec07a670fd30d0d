/** Errors as RFC 9457 problem documents. The code is stable; the detail is a sentence for people. */

import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AppError } from '../core/errors.ts';
import { faultPlace } from '../core/query/query_fault.ts';

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    query: z
      .object({ at: z.int(), chars: z.int(), suggestion: z.string().optional() })
      .optional()
      .openapi({ description: 'the place of a fault in `q`, in UTF-16 units, and what may have been meant' }),
    present_status: z.string().optional().openapi({ description: 'of an alert that does not allow what was asked' }),
    present_version: z.int().optional().openapi({ description: 'of that alert' }),
    changed_by: z.string().optional().openapi({ description: 'who last acted on it' }),
    changed_at: z.string().optional().openapi({ description: 'and when' }),
  })
  .openapi('Problem', { description: 'RFC 9457 problem details' });

const STATUS: Record<string, ContentfulStatusCode> = {
  body_malformed: 400,
  body_gzip_invalid: 400,
  body_incomplete: 400,
  json_malformed: 400,
  query_invalid: 400,
  template_failed: 400,
  signature_invalid: 400,
  callback_too_old: 400,
  cursor_invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  tenant_forbidden: 403,
  host_forbidden: 403,
  origin_forbidden: 403,
  not_found: 404,
  key_unknown: 404,
  body_timeout: 408,
  not_checkpointed: 409,
  status_conflict: 409,
  version_conflict: 409,
  key_expired: 409,
  request_id_conflict: 409,
  callback_replayed: 409,
  command_expired: 409,
  held: 409,
  body_too_large: 413,
  too_many_records: 413,
  evidence_too_large: 413,
  content_type_unsupported: 415,
  encoding_unsupported: 415,
  role_unknown: 422,
  login_failed: 403,
  queue_full: 429,
  rate_limited: 429,
  too_many_attempts: 429,
  reject_quota_exceeded: 429,
  read_only: 503,
  provider_unavailable: 503,
  log_closed: 503,
  store_unavailable: 503,
  kafka_unreachable: 503,
  too_many_requests_in_flight: 503,
  query_too_slow: 503,
  too_many_keys: 507,
  too_many_suppressions: 507,
  too_many_tags: 422,
  too_many_subscriptions: 507,
  too_many_commands: 507,
  too_many_holds: 507,
};
const RETRY_AFTER_S: Record<string, number> = {
  rate_limited: 60,
  too_many_attempts: 60,
  provider_unavailable: 5,
  queue_full: 1,
  store_unavailable: 2,
  kafka_unreachable: 5,
  log_closed: 5,
  too_many_requests_in_flight: 1,
  reject_quota_exceeded: 60,
  query_too_slow: 5,
};

export function statusOf(error: unknown): ContentfulStatusCode {
  return error instanceof AppError ? (STATUS[error.code] ?? 500) : 500;
}

/** Faults that the framework finds in a request, as errors of ours. */
export function asAppError(error: unknown): unknown {
  if (!(error instanceof HTTPException)) return error;
  if (error.status === 415) return new AppError('content_type_unsupported', 'content-type must be application/json');
  if (error.status === 400) return new AppError('body_malformed', 'the body is not JSON');
  return error;
}

/** How long to wait, in seconds, where the one who refused knows better than the table. */
export function retryAfter(error: unknown, code: string): number | undefined {
  const { cause } = error as { cause?: { retry_after_s?: unknown } };
  return typeof cause?.retry_after_s === 'number' ? cause.retry_after_s : RETRY_AFTER_S[code];
}

const TOLD = {
  present_status: 'string',
  present_version: 'number',
  changed_by: 'string',
  changed_at: 'string',
} as const;

/** Of a conflict: how things stand instead, and by whom. */
function presentState(error: AppError): Record<string, unknown> {
  const cause = (error.cause ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(TOLD).flatMap(([name, type]) => (typeof cause[name] === type ? [[name, cause[name]]] : [])),
  );
}

/** Answers with the problem. What is not one of our errors is not shown: it could hold anything. */
export function problem(c: Context, error: unknown): Response {
  const status = statusOf(error);
  const known = error instanceof AppError && status !== 500;
  const code = known ? error.code : 'internal_error';
  const detail = known ? error.message : 'something went wrong on our side; the log of the service says what';
  const retry_after_s = known ? retryAfter(error, code) : undefined;
  if (retry_after_s !== undefined) c.header('Retry-After', String(retry_after_s));
  if (status === 401) c.header('WWW-Authenticate', 'Bearer realm="tracewarden"');
  const title = code.replaceAll('_', ' ');
  const told = known ? presentState(error) : {};
  const place = known ? faultPlace(error) : undefined;
  const query = place === undefined ? {} : { query: place };
  return c.json({ type: 'about:blank', title, status, code, detail, ...told, ...query }, status, {
    'Content-Type': 'application/problem+json',
  });
}
