/**
 * Retention: computes what is older than it may become, leaves out what is held, writes an `expiry` record and then
 * removes it as an erasure would. May be run as often as one likes.
 */
import { HeldThings, type Hold, isInForce } from '../core/hold.ts';
import { LIMITS } from '../core/limits.ts';
import { type RetentionSettings, type RetentionTiers, tiersOf } from '../core/retention_settings.ts';
import { clearOldParts } from '../core/store/queries/erase.ts';
import { readHolds } from '../core/store/queries/holds.ts';
import {
  countOldSummaries,
  type OldRecord,
  type OldSummaries,
  readOldContent,
  readTenants,
  removeOldSummaries,
} from '../core/store/queries/retention.ts';
import type { Store } from '../core/store/store.ts';
import { eraseRecords, type Forget } from './erase.ts';
import { exclusively } from './exclusive.ts';
import type { LogWriter } from './log_writer.ts';

/** What goes, or went, of one tenant and type. */
export interface ExpiringContent {
  tenant: string;
  type: string;
  days: number;
  records: number;
  /** As old, and kept because of a hold. */
  held: number;
  oldest_ms: number;
}

export interface RetentionReport {
  content: ExpiringContent[];
  /** Rows by table. */
  summaries: { tenant: string; days: number; rows: Record<string, number> }[];
  /** Whether there was more than one run takes. */
  more: boolean;
}

interface TenantPlan {
  tenant: string;
  old: OldRecord[];
  going: OldRecord[];
  content: ExpiringContent[];
  summaries: OldSummaries | undefined;
  summary_days: number;
  rows: Record<string, number>;
}

const DAY_MS = 86_400_000;

export interface RetentionOptions {
  store: Store;
  log: string;
  settings: RetentionSettings;
  now_ms: number;
  /** Of one tenant alone. */
  tenant?: string | undefined;
}

/** What a run would do now. */
export async function planRetention(options: RetentionOptions): Promise<RetentionReport> {
  const plans: TenantPlan[] = [];
  for (const tenant of await tenantsOf(options)) plans.push(await planTenant(options, tenant));
  return reportOf(plans);
}

/** Does it. Durable and removed from the files of the store when it resolves. */
export async function runRetention(
  options: RetentionOptions & { writer: LogWriter; actor: string; forget?: Forget | undefined },
): Promise<RetentionReport> {
  const { store, writer, actor, now_ms, forget } = options;
  const plans: TenantPlan[] = [];
  for (const tenant of await tenantsOf(options)) {
    await exclusively(store, async () => {
      const plan = await planTenant(options, tenant);
      plans.push(plan);
      const reason = plan.content.map(({ type, days }) => `${type}: ${days} days`).join(', ');
      const detail = { scope: 'retention', reason } as const;
      const seqs = plan.going.map((record) => record.seq);
      await eraseRecords(store, writer, { type: 'expiry', tenant, actor, now_ms, detail, seqs, forget });
      if (plan.summaries === undefined || Object.keys(plan.rows).length === 0) return;
      await removeOldSummaries(store, plan.summaries);
      await clearOldParts(store);
    });
  }
  return reportOf(plans);
}

const tenantsOf = async ({ store, log, tenant }: RetentionOptions): Promise<string[]> =>
  tenant === undefined ? readTenants(store, log) : [tenant];

async function planTenant({ store, log, settings, now_ms }: RetentionOptions, tenant: string): Promise<TenantPlan> {
  const tiers = tiersOf(settings, tenant);
  const holds = await readHolds(store, { log, tenant });
  const held = new HeldThings(holds, now_ms);
  const limit = LIMITS.expiry_records_max;
  const ages = agesOf(tiers, now_ms);
  const old = ages === undefined ? [] : await readOldContent(store, { log, tenant, limit, ...ages });
  const summary_days = tiers.summary_days ?? 0;
  const summaries = summary_days === 0 ? undefined : summariesOf(log, tenant, summary_days, holds, now_ms);
  return {
    tenant,
    old,
    going: old.filter((record) => held.holdOn(record) === undefined),
    content: contentOf(tenant, tiers, old, held),
    summaries,
    summary_days,
    rows: summaries === undefined ? {} : await countOldSummaries(store, summaries),
  };
}

function agesOf({ content_days, types }: RetentionTiers, now_ms: number) {
  const names = Object.keys(types);
  if (content_days === undefined && names.length === 0) return undefined;
  const before = (days: number) => Math.max(0, now_ms - days * DAY_MS);
  return {
    types: names,
    types_before_ms: Object.values(types).map((days) => before(days ?? Number.POSITIVE_INFINITY)),
    before_ms: content_days === undefined ? 0 : before(content_days),
  };
}

function summariesOf(log: string, tenant: string, days: number, holds: readonly Hold[], now_ms: number): OldSummaries {
  const names = (of: 'session_id' | 'user_id') => [
    ...new Set(holds.filter((hold) => isInForce(hold, now_ms) && hold[of] !== '').map((hold) => hold[of])),
  ];
  // One that no record has: an empty list has no type for its members.
  const held_sessions = ['', ...names('session_id')];
  return { log, tenant, before_ms: now_ms - days * DAY_MS, held_sessions, held_users: ['', ...names('user_id')] };
}

function contentOf(
  tenant: string,
  { types, content_days = 0 }: RetentionTiers,
  old: readonly OldRecord[],
  held: HeldThings,
): ExpiringContent[] {
  const by_type = new Map<string, ExpiringContent>();
  for (const record of old) {
    const { type, received_at_ms } = record;
    const days = (types as Record<string, number | undefined>)[type] ?? content_days;
    const counted = by_type.get(type) ?? { tenant, type, days, records: 0, held: 0, oldest_ms: received_at_ms };
    if (held.holdOn(record) === undefined) counted.records++;
    else counted.held++;
    counted.oldest_ms = Math.min(counted.oldest_ms, received_at_ms);
    by_type.set(type, counted);
  }
  return [...by_type.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
}

function reportOf(plans: readonly TenantPlan[]): RetentionReport {
  return {
    content: plans.flatMap((plan) => plan.content),
    summaries: plans
      .filter(({ rows }) => Object.keys(rows).length > 0)
      .map(({ tenant, summary_days, rows }) => ({ tenant, days: summary_days, rows })),
    more: plans.some(({ old }) => old.length >= LIMITS.expiry_records_max),
  };
}
