/**
 * How long what is stored stays, by tenant and type. Cores and leaves stay as long as the log: without them nothing could
 * be verified. What no setting names stays too.
 */
import { z } from 'zod';
import { EVENT_TYPES } from './event.ts';

const Days = z.int().min(1).max(36_500);
/** What has content: events by their types, records that were rejected, and the text of alerts. */
const EXPIRING = [...EVENT_TYPES, 'rejected', 'alert.raised'] as const;

const Tiers = z.strictObject({
  /** Parameters, content and free fields, with their salts. */
  content_days: Days.optional(),
  /** The same for single types. */
  types: z.partialRecord(z.enum(EXPIRING), Days).default({}),
  /** Edges, signals, observations, facts of sessions. */
  summary_days: Days.optional(),
});

export const RetentionSettings = Tiers.extend({
  /** For single tenants; what is not named here is as for all. */
  tenants: z.record(z.string().min(1), Tiers).default({}),
});
export type RetentionSettings = z.infer<typeof RetentionSettings>;

/** Where no setting names anything: all stays. */
export const KEEP_ALL: RetentionSettings = { types: {}, tenants: {} };

/** How long the content and the summaries of one tenant stay. */
export type RetentionTiers = z.infer<typeof Tiers>;

/** What holds for a tenant: its own tiers before those for all. A time for all its content comes before those of types. */
export function tiersOf(settings: RetentionSettings, tenant: string): RetentionTiers {
  const own = Object.hasOwn(settings.tenants, tenant) ? settings.tenants[tenant] : undefined;
  return {
    content_days: own?.content_days ?? settings.content_days,
    summary_days: own?.summary_days ?? settings.summary_days,
    types: { ...(own?.content_days === undefined && settings.types), ...own?.types },
  };
}
