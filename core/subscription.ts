/**
 * Subscriptions: who is told of what, where, and in which form. A change is a record of the log that holds the whole
 * subscription as it is from there on. Pure: the form, and which messages one wants. No secret is ever part of one.
 */
import { type Severity, severityRank } from './alert.ts';

/** Type of the record, of kind `action`, that changes a subscription. */
export const SUBSCRIPTION_CHANGED = 'subscription.changed';

/** `alerts` tells a SOC, `enforcement` tells gateways what to suspend, `people` tells whom it concerns. */
export const SUBSCRIPTION_KINDS = ['alerts', 'enforcement', 'people'] as const;
export type SubscriptionKind = (typeof SUBSCRIPTION_KINDS)[number];

export const SUBSCRIPTION_STATES = ['active', 'disabled', 'deleted'] as const;
export type SubscriptionState = (typeof SUBSCRIPTION_STATES)[number];

export interface Subscription {
  subscription_id: string;
  /** Whose messages it gets; '*' for those of all tenants. */
  tenant: string;
  name: string;
  kind: SubscriptionKind;
  /** `https://…` or `mailto:…`; '' for a gateway that only polls. */
  url: string;
  format: string;
  /** Of the format `template`. */
  template: string;
  /** Name of the settings' credential whose headers go along; '' for none. */
  credential: string;
  severity_min: Severity;
  /** Only these rules; empty for all. */
  rules: readonly string[];
  per_second_max: number;
  state: SubscriptionState;
  /** Why it is disabled. */
  reason: string;
  /** Number of its signing key; the one before signs too until `previous_until_ms`. */
  generation: number;
  previous_until_ms: number;
  /** It is told of what is recorded from here on. */
  since_ms: number;
  /** How often it was changed. */
  version: number;
  created_at_ms: number;
}

/** What a record of a change says. Who changed it is the record's own actor. */
export interface SubscriptionDetail extends Subscription {
  actor_name: string;
  change: 'created' | 'updated' | 'rotated' | 'enabled' | 'disabled' | 'deleted';
}

/** A message as far as subscriptions look at it. */
export interface WantedMessage {
  tenant: string;
  kind: SubscriptionKind;
  severity: Severity;
  rule_id: string;
}

/** Whether a subscription gets a message. */
export function wantsMessage(subscription: Subscription, message: WantedMessage): boolean {
  const { tenant, kind, severity_min, rules, state, url } = subscription;
  if (state !== 'active' || url === '' || kind !== message.kind) return false;
  if (tenant !== '*' && tenant !== message.tenant) return false;
  if (severityRank(message.severity) < severityRank(severity_min)) return false;
  return rules.length === 0 || rules.includes(message.rule_id);
}

/** The subscription that a record's detail holds. */
export function subscriptionOf(detail: SubscriptionDetail): Subscription {
  const { actor_name: _, change: __, ...subscription } = detail;
  return subscription;
}
