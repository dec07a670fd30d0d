/**
 * What people and programs do with an alert: the actions, the states they lead from and to, and the row that an
 * action's record projects to. The state of an alert is what its actions made of it; an alert itself never changes.
 */
import { hash } from 'node:crypto';
import type { Fields } from './groups.ts';
import { canonicalJson } from './json/canonical.ts';
import type { SuppressionScope } from './suppression.ts';

export const ALERT_STATUSES = ['new', 'acknowledged', 'closed', 'suppressed'] as const;
export type AlertStatus = (typeof ALERT_STATUSES)[number];

/** What a closed alert turned out to be. A `duplicate` names the alert that it repeats. */
export const VERDICTS = ['true_positive', 'benign', 'false_positive', 'test', 'duplicate'] as const;
export type Verdict = (typeof VERDICTS)[number];

export const ALERT_ACTIONS = [
  'acknowledge',
  'close',
  'reopen',
  'note',
  'suppress',
  'assign',
  'unassign',
  'tag',
] as const;
export type AlertAction = (typeof ALERT_ACTIONS)[number];

interface ActionRule {
  /** Type of the record. */
  type: string;
  from: readonly AlertStatus[];
  /** Absent where the status stays what it is. */
  to?: AlertStatus;
}

export const ACTION_RULES: Record<AlertAction, ActionRule> = {
  acknowledge: { type: 'alert.acknowledged', from: ['new'], to: 'acknowledged' },
  // A suppressed alert can be judged too; what it suppresses goes on until it expires or the alert is reopened.
  close: { type: 'alert.closed', from: ['new', 'acknowledged', 'suppressed'], to: 'closed' },
  reopen: { type: 'alert.reopened', from: ['closed', 'suppressed'], to: 'new' },
  note: { type: 'alert.noted', from: ALERT_STATUSES },
  suppress: { type: 'alert.suppressed', from: ['new', 'acknowledged'], to: 'suppressed' },
  assign: { type: 'alert.assigned', from: ALERT_STATUSES },
  unassign: { type: 'alert.unassigned', from: ALERT_STATUSES },
  tag: { type: 'alert.tagged', from: ALERT_STATUSES },
};

const BY_TYPE = new Map(Object.values(ACTION_RULES).map((rule) => [rule.type, rule]));

/** The actions that a status allows. */
export function allowedActions(status: AlertStatus): AlertAction[] {
  return ALERT_ACTIONS.filter((action) => ACTION_RULES[action].from.includes(status));
}

/** Whether a record of kind `action` is about an alert. */
export function isAlertAction(type: string): boolean {
  return BY_TYPE.has(type);
}

/** What the record of an action says. Who acted is the record's own actor. */
export interface AlertActionDetail {
  alert_id: string;
  /** Name of the key that acted, as it was then. */
  actor_name: string;
  request_id: string;
  note?: string;
  verdict?: Verdict;
  duplicate_of?: string;
  scope?: SuppressionScope;
  reason?: string;
  expires_at_ms?: number;
  /** Of an assignment: key and name of whose the alert is from here on. */
  owner_id?: string;
  owner_name?: string;
  /** Of a verdict: what it is about, so that it can count for later alerts. Its user is the record's own. */
  judged?: { rule_id: string; rule_version: number; agent: string };
  /** Of tagging: what was asked for, and all that people gave the alert from here on. */
  tags_added?: readonly string[];
  tags_removed?: readonly string[];
  tags?: readonly string[];
}

/** A row of `alert_actions`, in the order of its columns. Text that does not apply is empty, a time 0. */
export interface AlertActionRow {
  tenant: string;
  alert_id: string;
  log: string;
  seq: number;
  action_id: string;
  type: string;
  /** The alert's status from here on; '' where it stays what it was. */
  status: string;
  verdict: string;
  duplicate_of: string;
  note: string;
  /** Id of the key that acted. */
  actor: string;
  actor_name: string;
  acted_at_ms: number;
  /** Of a suppression: its scope as canonical JSON, why, and until when. */
  scope: string;
  reason: string;
  expires_at_ms: number;
  /** Of an assignment. */
  owner_id: string;
  owner_name: string;
  /** Of tagging. */
  tags_added: readonly string[];
  tags_removed: readonly string[];
  tags: readonly string[];
}

/** What an action's record is, as far as its row repeats it. */
export interface ActionRecord {
  tenant: string;
  seq: number;
  event_id: string;
  type: string;
  received_at_ms: number;
  who: Fields;
  detail: Fields;
}

/** The row that a record of an action projects to. */
export function alertActionRow(record: ActionRecord, log: string): AlertActionRow {
  const detail = record.detail as unknown as AlertActionDetail;
  const { alert_id, actor_name, note, verdict, duplicate_of, scope, reason, expires_at_ms } = detail;
  return {
    tenant: record.tenant,
    alert_id,
    log,
    seq: record.seq,
    action_id: record.event_id,
    type: record.type,
    status: BY_TYPE.get(record.type)?.to ?? '',
    verdict: verdict ?? '',
    duplicate_of: duplicate_of ?? '',
    note: note ?? '',
    actor: String(record.who.accepted_by ?? ''),
    actor_name,
    acted_at_ms: record.received_at_ms,
    scope: scope === undefined ? '' : canonicalJson(scope),
    reason: reason ?? '',
    expires_at_ms: expires_at_ms ?? 0,
    owner_id: detail.owner_id ?? '',
    owner_name: detail.owner_name ?? '',
    tags_added: detail.tags_added ?? [],
    tags_removed: detail.tags_removed ?? [],
    tags: detail.tags ?? [],
  };
}

/** What makes a request the same request. */
export interface ActionIdentity {
  tenant: string;
  alert_id: string;
  action: AlertAction;
  request_id: string;
}

/** The deterministic id of an action: whoever asks twice with one request id acts once. */
export function alertActionId({ tenant, alert_id, action, request_id }: ActionIdentity): string {
  const parts = ['alert action', tenant, alert_id, action, request_id];
  // Each part goes in with its length, so no two lists share their bytes.
  return `action-${hash('sha256', parts.map((part) => `${part.length}:${part}`).join('\n'))}`;
}

/** The tags of an alert after some were taken away and others given, each once, in the order of their code points. */
export function tagsAfter(
  before: readonly string[],
  { added = [], removed = [] }: { added?: readonly string[] | undefined; removed?: readonly string[] | undefined },
): string[] {
  const gone = new Set(removed);
  return [...new Set([...before.filter((tag) => !gone.has(tag)), ...added])].sort();
}
