/**
 * Where alerts are acted on. Every action is a record of the log; an alert's state is read from these records. Two who
 * act on one alert at once take turns, so that the second sees what the first did.
 */

import type { Severity } from '../core/alert.ts';
import {
  ACTION_RULES,
  type AlertAction,
  type AlertActionDetail,
  type AlertActionRow,
  alertActionId,
  alertActionRow,
  allowedActions,
  tagsAfter,
  type Verdict,
} from '../core/alert_action.ts';
import { AppError } from '../core/errors.ts';
import { teaches } from '../core/feedback.ts';
import { newId } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { readAlertAction } from '../core/store/queries/alert_actions.ts';
import { type AlertRow, readAlert } from '../core/store/queries/alerts.ts';
import { listSuppressions } from '../core/store/queries/suppressions.ts';
import type { Store } from '../core/store/store.ts';
import type { SuppressionScope } from '../core/suppression.ts';
import type { LogWriter } from '../ingest/log_writer.ts';
import { assigneeOf } from './assignee.ts';
import type { Access, Principal } from './auth/access.ts';
import { PAST_ALL } from './paging.ts';

/** What somebody wants done with an alert. Checked as to its form; the desk checks it against the alert. */
export interface WantedAction {
  action: AlertAction;
  /** Whoever asks twice with the same one acts once. */
  request_id?: string | undefined;
  note?: string | undefined;
  verdict?: Verdict | undefined;
  duplicate_of?: string | undefined;
  scope?: SuppressionScope | undefined;
  reason?: string | undefined;
  expires_at_ms?: number | undefined;
  /** Of an assignment: id or name of a key; absent where the alert becomes that of whoever asks. */
  owner?: string | undefined;
  /** Of tagging. */
  add?: readonly string[] | undefined;
  remove?: readonly string[] | undefined;
  /** With the verdict benign: what is held back from here on, see `suppress`. */
  suppress?: WantedSuppression | undefined;
  /** The alert's version as it was seen; with another one by now the action is refused. */
  expected_version?: number | undefined;
}

export interface WantedSuppression {
  /** Absent: the rule, for the user and the agent of the alert. */
  scope?: SuppressionScope | undefined;
  reason: string;
  expires_at_ms: number;
}

export interface Acted {
  action: AlertActionRow;
  /** The alert after the action; after a repeated request, as it is now. */
  alert: AlertRow;
  repeated: boolean;
}

export interface AlertDesk {
  /**
   * Acts on an alert. Durable when it resolves. Throws `not_found`, `status_conflict` and `version_conflict` with the
   * present state, `request_id_conflict`, `query_invalid`, `too_many_suppressions`, `too_many_tags`, `read_only` and
   * the errors of the writer.
   */
  act(alert: { tenant: string; alert_id: string }, wanted: WantedAction, principal: Principal): Promise<Acted>;
}

export interface AlertDeskOptions {
  store: Store;
  /** Absent where the folder is only read. */
  writer: LogWriter | undefined;
  access: Access;
  now: () => number;
}

export function createAlertDesk(options: AlertDeskOptions): AlertDesk {
  const turns = new Turns();
  return {
    act(of, wanted, principal) {
      const ids = wanted.duplicate_of === undefined ? [of.alert_id] : [of.alert_id, wanted.duplicate_of];
      const keys = ids.map((id) => `${of.tenant}\0${id}`);
      return turns.take(keys, () => act(options, of.tenant, of.alert_id, wanted, principal));
    },
  };
}

async function act(
  options: AlertDeskOptions,
  tenant: string,
  alert_id: string,
  wanted: WantedAction,
  principal: Principal,
): Promise<Acted> {
  const { store, writer } = options;
  if (writer === undefined) throw new AppError('read_only', 'alerts can be acted on only where the log is written');
  const alert = await readAlert(store, tenant, alert_id);
  if (alert === undefined) throw new AppError('not_found', 'there is no such alert in this tenant');
  const request_id = wanted.request_id ?? newId('request');
  const steps = stepsOf(alert, wanted).map((step) => stepOf(options, alert, tenant, step, request_id, principal));
  const fresh: Step[] = [];
  for (const step of steps) {
    const known = wanted.request_id && (await readAlertAction(store, { tenant, alert_id, action_id: step.action_id }));
    if (known) checkRepeated(known, step.row(known));
    else fresh.push(step);
    if (known && step === steps.at(-1)) return { action: known, alert, repeated: true };
  }
  // What a crash left half done is our own change.
  if (fresh.length === steps.length) checkVersion(alert, wanted.expected_version);
  for (const step of fresh) await check(options, tenant, alert, step);
  const place = { tenant, session_id: alert.session_id, user_id: alert.user_id, actor: principal.key_id };
  const stamped = fresh.map(({ type, action_id, detail }) =>
    writer.stamp({
      kind: 'action',
      type,
      event_id: action_id,
      ...place,
      time_ms: options.now(),
      detail: { ...detail },
    }),
  );
  await writer.submitInternal(stamped);
  const action_id = fresh.at(-1)?.action_id ?? '';
  const [action, after] = await Promise.all([
    readAlertAction(store, { tenant, alert_id, action_id }),
    readAlert(store, tenant, alert_id),
  ]);
  if (action === undefined || after === undefined) {
    throw new AppError('action_not_recorded', 'the log took the action, and the store does not show it');
  }
  return { action, alert: after, repeated: false };
}

/** One action that becomes a record. */
interface Step {
  wanted: WantedAction;
  action_id: string;
  type: string;
  detail: AlertActionDetail;
  /** Its row, if it stands where another one does. */
  row(at: AlertActionRow): AlertActionRow;
}

/** What is asked for, one action after the other: a verdict may hold the like back, and that comes first. */
function stepsOf(alert: AlertRow, { suppress, ...wanted }: WantedAction): WantedAction[] {
  if (suppress === undefined) return [wanted];
  const { rule_id, user_id, agent } = alert;
  const narrow = { rule_id, ...(user_id !== '' && { user_id }), ...(agent !== '' && { agent }) };
  return [{ ...suppress, action: 'suppress', scope: suppress.scope ?? narrow }, wanted];
}

function stepOf(
  options: AlertDeskOptions,
  alert: AlertRow,
  tenant: string,
  wanted: WantedAction,
  request_id: string,
  principal: Principal,
): Step {
  const { alert_id, rule_id, rule_version, agent } = alert;
  const { type } = ACTION_RULES[wanted.action];
  const action_id = alertActionId({ tenant, alert_id, action: wanted.action, request_id });
  const detail: AlertActionDetail = {
    ...detailOf(alert, wanted, request_id, principal),
    ...(wanted.action === 'assign' && assigneeOf(options, tenant, wanted.owner, principal)),
    ...(wanted.action === 'tag' && tagsOf(alert, wanted)),
    ...(teaches(wanted.verdict) && { judged: { rule_id, rule_version, agent } }),
  };
  const record = { tenant, event_id: action_id, type, received_at_ms: 0, who: { accepted_by: principal.key_id } };
  const row = ({ seq, log }: AlertActionRow) => alertActionRow({ ...record, seq, detail: { ...detail } }, log);
  return { wanted, action_id, type, detail, row };
}

/** Whether a step may be taken now. Throws. */
async function check(
  options: AlertDeskOptions,
  tenant: string,
  alert: AlertRow,
  { wanted, detail }: Step,
): Promise<void> {
  checkStatus(alert, wanted.action);
  if (detail.tags !== undefined) checkTags(detail.tags);
  const { duplicate_of } = wanted;
  if (duplicate_of !== undefined) await checkDuplicate(options.store, tenant, alert.alert_id, duplicate_of);
  if (wanted.action === 'suppress') await checkSuppression(options, tenant, alert, wanted);
}

function detailOf(alert: AlertRow, wanted: WantedAction, request_id: string, principal: Principal): AlertActionDetail {
  const { note, verdict, duplicate_of, scope, reason, expires_at_ms } = wanted;
  return {
    alert_id: alert.alert_id,
    actor_name: principal.name,
    request_id,
    ...(note !== undefined && { note }),
    ...(verdict !== undefined && { verdict }),
    ...(duplicate_of !== undefined && { duplicate_of }),
    // Nobody has looked at what is graver than this alert.
    ...(scope !== undefined && { scope: { ...scope, severity_max: alert.severity as Severity } }),
    ...(reason !== undefined && { reason }),
    ...(expires_at_ms !== undefined && { expires_at_ms }),
  };
}

/** What makes a repeated request the same: who asked, and everything that was asked for. */
const REPEATED = [
  'actor',
  'verdict',
  'duplicate_of',
  'note',
  'scope',
  'reason',
  'expires_at_ms',
  'owner_id',
  'tags_added',
  'tags_removed',
] as const;

function checkRepeated(known: AlertActionRow, asked: AlertActionRow): void {
  const other = REPEATED.find((name) => String(known[name]) !== String(asked[name]));
  if (other === undefined) return;
  const what = other === 'actor' ? 'by another key' : `with another ${other.replace('_ms', '')}`;
  throw new AppError('request_id_conflict', `this request_id was used for this alert and action before, ${what}`);
}

function checkStatus(alert: AlertRow, action: AlertAction): void {
  const { status } = alert;
  const allowed = allowedActions(status);
  if (allowed.includes(action)) return;
  const message = `the alert is ${status}, which allows: ${allowed.join(', ')}${lastChange(alert)}`;
  throw new AppError('status_conflict', message, { cause: stateOf(alert) });
}

/** What somebody saw may be out of date: then they look again, and nobody's decision is lost unseen. */
function checkVersion(alert: AlertRow, expected: number | undefined): void {
  if (expected === undefined || expected === alert.version) return;
  const message = `the alert has version ${alert.version}, not ${expected}${lastChange(alert)}`;
  throw new AppError('version_conflict', message, { cause: stateOf(alert) });
}

function lastChange({ changed_ms, changed_type, changed_by_name }: AlertRow): string {
  if (changed_ms === 0) return '';
  return `; last ${changed_type} by ${changed_by_name} at ${new Date(changed_ms).toISOString()}`;
}

function stateOf({ status, version, changed_ms, changed_by_name }: AlertRow) {
  const change = { changed_by: changed_by_name, changed_at: new Date(changed_ms).toISOString() };
  return { present_status: status, present_version: version, ...(changed_ms > 0 && change) };
}

function tagsOf({ added_tags }: AlertRow, { add, remove }: WantedAction) {
  const sorted = (tags: readonly string[] = []) => [...new Set(tags)].sort();
  const [tags_added, tags_removed] = [sorted(add), sorted(remove)];
  return { tags_added, tags_removed, tags: tagsAfter(added_tags, { added: tags_added, removed: tags_removed }) };
}

function checkTags(tags: readonly string[]): void {
  const max = LIMITS.tags_per_alert_max;
  if (tags.length > max)
    throw new AppError('too_many_tags', `the alert would have ${tags.length} tags of people; ${max} may be`);
}

/** An alert that is a duplicate itself stands for no other one: two could name each other, and both would be gone. */
async function checkDuplicate(store: Store, tenant: string, alert_id: string, duplicate_of: string): Promise<void> {
  const invalid = (why: string) => new AppError('query_invalid', `duplicate_of: ${why}`);
  if (duplicate_of === alert_id) throw invalid('an alert is no duplicate of itself');
  const other = await readAlert(store, tenant, duplicate_of);
  if (other === undefined) throw invalid('there is no such alert in this tenant');
  if (other.verdict === 'duplicate') throw invalid(`that alert is itself a duplicate of ${other.duplicate_of}`);
}

async function checkSuppression(
  { store, now }: AlertDeskOptions,
  tenant: string,
  alert: AlertRow,
  { scope, expires_at_ms = 0 }: WantedAction,
): Promise<void> {
  const now_ms = now();
  for (const member of ['rule_id', 'user_id', 'agent'] as const) {
    const asked = scope?.[member];
    if (asked === undefined || asked === alert[member]) continue;
    throw new AppError('query_invalid', `scope.${member}: must be that of the alert, or be left out`);
  }
  const days = LIMITS.suppression_ms_max / 86_400_000;
  if (expires_at_ms <= now_ms) throw new AppError('query_invalid', 'expires_at: must lie ahead');
  if (expires_at_ms > now_ms + LIMITS.suppression_ms_max) {
    throw new AppError('query_invalid', `expires_at: must lie within ${days} days`);
  }
  const filter = { tenant, ending_after_ms: now_ms, before_seq: PAST_ALL, limit: LIMITS.suppressions_max };
  if ((await listSuppressions(store, filter)).length < LIMITS.suppressions_max) return;
  const message = `there are ${LIMITS.suppressions_max} suppressions in force in this tenant already`;
  throw new AppError('too_many_suppressions', message);
}

/** Work on the same key runs in turn, other work beside it. Bounded by what waits. */
class Turns {
  private readonly last = new Map<string, Promise<void>>();

  /** All keys are taken at once, so that no two can wait for each other. */
  take<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = Promise.all(keys.map((key) => this.last.get(key)));
    const result = before.then(work);
    const done = result.then(
      () => undefined,
      () => undefined,
    );
    for (const key of keys) this.last.set(key, done);
    void done.then(() => {
      for (const key of keys) if (this.last.get(key) === done) this.last.delete(key);
    });
    return result;
  }
}
