/** A message: what one record of the log has to tell subscribers, before it is put into anybody's form. */
import { hash } from 'node:crypto';
import type { Severity } from '../../core/alert.ts';
import { LIMITS } from '../../core/limits.ts';
import type { TenantAlert } from '../../core/store/queries/own_records.ts';
import type { Subscription, SubscriptionKind } from '../../core/subscription.ts';

export interface Message {
  /** Such as `alert.raised`. */
  type: string;
  kind: SubscriptionKind;
  log: string;
  seq: number;
  /** Of the record: alert_id, or event_id of an action. */
  source_id: string;
  time_ms: number;
  /** The alert, or what stands for one. */
  alert: TenantAlert;
  /** What the native form says. */
  data: Record<string, unknown>;
}

/** The message's id at one subscriber: the same at every attempt, after every restart. */
export function messageId(
  subscription: Pick<Subscription, 'subscription_id'>,
  type: string,
  source_id: string,
): string {
  const parts = ['message', subscription.subscription_id, type, source_id];
  const text = parts.map((part) => `${part.length}:${part}`).join('\n');
  return `msg_${hash('sha256', text, 'base64url').slice(0, 32)}`;
}

const timeOf = (ms: number) => new Date(ms).toISOString();
/** Text as it goes out: bounded, and without characters that a terminal or a log acts on. */
export const plain = (text: string) =>
  text.replace(/[\p{Cc}\p{Cs}]|(?!\u200d)\p{Cf}/gu, ' ').slice(0, LIMITS.webhook_text_chars_max);

/** What an alert says of itself; the same words as in the API. */
export function alertData(alert: TenantAlert): Record<string, unknown> {
  const { time_ms, raised_at_ms, evidence, ...said } = alert;
  return {
    ...said,
    title: plain(alert.title),
    reason: plain(alert.reason),
    time: timeOf(time_ms),
    raised_at: timeOf(raised_at_ms),
    evidence: (JSON.parse(evidence) as unknown[]).slice(0, LIMITS.webhook_evidence_max),
  };
}

/** The message of an alert. */
export function alertMessage(alert: TenantAlert): Message {
  const { log, seq, alert_id: source_id, raised_at_ms: time_ms } = alert;
  return { type: 'alert.raised', kind: 'alerts', log, seq, source_id, time_ms, alert, data: alertData(alert) };
}

export const severityOf = (alert: TenantAlert): Severity => alert.severity as Severity;
