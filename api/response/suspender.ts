/**
 * Suspends without a person, as an operator's policy says. It looks at every committed alert once before subscribers
 * are told of it. What it asks for, and what it did not ask for because of a limit, are records of the log.
 */
import { hash } from 'node:crypto';
import { commandId, HELD_BACK } from '../../core/enforcement.ts';
import { AppError, codeOf, messageOf } from '../../core/errors.ts';
import { readSessionRisks } from '../../core/store/queries/alerts.ts';
import type { TenantAlert } from '../../core/store/queries/own_records.ts';
import type { Store } from '../../core/store/store.ts';
import type { LogWriter } from '../../ingest/log_writer.ts';
import type { InternalRecord } from '../../ingest/record.ts';
import type { ActingKey, Enforcement } from './enforcement.ts';
import { asksForRisk, type Decision, decide, LIMIT_RULE, SuspensionBudget } from './suspension_decision.ts';
import type { SuspensionPolicy } from './suspension_policy.ts';

export interface SuspenderOptions {
  policy: SuspensionPolicy;
  store: Store;
  log: string;
  writer: LogWriter;
  enforcement: Enforcement;
  now: () => number;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
}

type Draft = Omit<InternalRecord, 'received_at_ms' | 'salt'>;

/** Who acts, in records. */
const ACTOR: ActingKey = { key_id: 'suspension_policy', name: 'suspension policy' };
/** Faults of the store or of the log: what was looked at is looked at again. */
const AGAIN: ReadonlySet<string> = new Set([
  'store_unavailable',
  'store_failed',
  'query_too_slow',
  'log_closed',
  'queue_full',
]);

export class Suspender {
  private readonly options: SuspenderOptions;
  private readonly budget: SuspensionBudget;
  /** The suspension of each tenant after which the limit was told of last. */
  private readonly told = new Map<string, string>();

  /** Counts what the policy has asked for before. */
  constructor(options: SuspenderOptions) {
    this.options = options;
    this.budget = new SuspensionBudget(options.policy.limit);
    const before = [...options.enforcement.all()].filter(
      ({ policy, action }) => policy !== undefined && action === 'suspend',
    );
    before.sort((a, b) => a.requested_at_ms - b.requested_at_ms);
    for (const { tenant, requested_at_ms, command_id } of before) this.budget.take(tenant, requested_at_ms, command_id);
  }

  /** Resolves when all that follows from the alerts is durable. Throws only what a later attempt may heal. */
  async look(alerts: readonly TenantAlert[]): Promise<void> {
    const { policy, store, writer, onNotice } = this.options;
    if (policy.suspend.length === 0 || alerts.length === 0) return;
    const risks = asksForRisk(policy) ? await readSessionRisks(store, alerts) : undefined;
    const drafts: Draft[] = [];
    let old = 0;
    for (const alert of alerts) {
      const command_id = commandId(alert.tenant, ACTOR.key_id, alert.alert_id);
      if (this.options.enforcement.get(alert.tenant, command_id) !== undefined) continue; // looked at before a crash
      const decision = this.decisionOn(alert, risks?.(alert) ?? 0);
      if (decision?.outcome === 'old') old++;
      if (decision !== undefined) drafts.push(...(await this.carryOut(decision, alert, command_id)));
    }
    if (old > 0) onNotice('suspension_too_late', { alerts: old, age_seconds_max: policy.age_seconds_max });
    await writer.submitInternal(drafts.map((draft) => writer.stamp(draft)));
  }

  private decisionOn(alert: TenantAlert, session_risk: number): Decision | undefined {
    const { policy, enforcement, now } = this.options;
    return decide(policy, alert, {
      now_ms: now(),
      session_risk,
      newestOf: (target) => enforcement.newestOf(alert.tenant, target),
      full: this.budget.reached(alert.tenant, now()) !== undefined,
    });
  }

  /** Asks for what was decided, and gives the records that say what was not asked for. */
  private async carryOut(decision: Decision, alert: TenantAlert, command_id: string): Promise<Draft[]> {
    const { policy, now } = this.options;
    if (decision.outcome === 'limited') return this.limited(decision, alert, command_id);
    if (decision.outcome !== 'suspend') return [];
    if (policy.dry_run) {
      this.budget.take(alert.tenant, now(), command_id);
      return [this.heldBack(decision, alert, command_id, 'dry_run')];
    }
    try {
      await this.suspend(decision, alert, command_id);
      return [];
    } catch (error) {
      if (AGAIN.has(codeOf(error)) || !(error instanceof AppError)) throw error;
      this.options.onNotice('suspension_failed', { alert_id: alert.alert_id, error: messageOf(error) });
      return [this.heldBack(decision, alert, command_id, error.code)];
    }
  }

  private async suspend({ entry, target }: Decision, alert: TenantAlert, command_id: string): Promise<void> {
    const { enforcement, now } = this.options;
    const { tenant, alert_id, session_id, user_id } = alert;
    const at = { requested_at_ms: now(), expires_at_ms: now() + entry.expires_in_seconds * 1000 };
    const reason = `The policy “${entry.name}” suspends after such an alert.`;
    const command = {
      command_id,
      tenant,
      action: 'suspend',
      target,
      alert_id,
      reason,
      policy: entry.name,
      ...at,
    } as const;
    await enforcement.request(command, session_id, user_id, ACTOR);
    this.budget.take(tenant, at.requested_at_ms, command_id);
  }

  private limited(decision: Decision, alert: TenantAlert, command_id: string): Draft[] {
    const { tenant } = alert;
    const reached = this.budget.reached(tenant, this.options.now());
    const held = this.heldBack(decision, alert, command_id, 'limit');
    if (reached === undefined || this.told.get(tenant) === reached.newest) return [held];
    this.told.set(tenant, reached.newest);
    return [held, this.limitAlert(alert, reached)];
  }

  private heldBack({ entry, target }: Decision, alert: TenantAlert, command_id: string, why: string): Draft {
    const { tenant, alert_id, session_id, user_id } = alert;
    return {
      kind: 'action',
      type: HELD_BACK,
      event_id: `held-back-${command_id}`,
      tenant,
      session_id,
      user_id,
      actor: ACTOR.key_id,
      time_ms: this.options.now(),
      detail: { command_id, alert_id, policy: entry.name, target: { ...target }, why, actor_name: ACTOR.name },
    };
  }

  /** Once for each suspension that filled the limit: people must look at the rest themselves. */
  private limitAlert(alert: TenantAlert, { scope, newest }: { scope: 'tenant' | 'overall'; newest: string }): Draft {
    const { tenant, session_id, user_id, agent, log, seq, alert_id } = alert;
    const { per_tenant, overall, seconds } = this.options.policy.limit;
    const count = scope === 'tenant' ? `${per_tenant} in this tenant` : `${overall} in all tenants`;
    const dry = this.options.policy.dry_run ? ' It is a dry run: nothing was suspended at all.' : '';
    const reason = `The limit of ${count} within ${seconds} seconds is reached. Alerts from this one on suspend nothing until there is room; each is a record of the type ${HELD_BACK}.${dry}`;
    return {
      kind: 'alert',
      type: 'alert.raised',
      event_id: hash('sha256', ['suspension_limit', tenant, newest].map((part) => `${part.length}:${part}`).join('\n')),
      tenant,
      session_id,
      user_id,
      actor: 'tracewarden',
      time_ms: this.options.now(),
      detail: {
        rule_id: LIMIT_RULE,
        rule_version: 1,
        severity: 'critical',
        title: 'The policy of suspension would suspend more sessions than it may',
        reason,
        session_id,
        user_id,
        agent,
        tags: [],
        evidence: [{ log, seq, event_id: alert_id, role: 'the first alert that suspended nothing' }],
      },
    };
  }
}
