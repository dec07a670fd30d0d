/** When a session is suspended without a person: an operator's YAML file, checked as a whole when it is read. */
import { z } from 'zod';
import { SEVERITIES } from '../../core/alert.ts';
import { LIMITS } from '../../core/limits.ts';
import { checkedYaml } from '../../detectors/supply/checked_yaml.ts';
import { readPolicyFile } from '../../detectors/supply/load_policy.ts';
import { sha256Hex } from '../../detectors/tools/canonical_digest.ts';

const DAY_S = 86_400;

const name = z
  .string()
  .min(1)
  .max(LIMITS.name_chars_max)
  .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]*$/u, 'must not hold control or format characters');
const names = z.array(name).max(LIMITS.suspension_entries_max).default([]);
const seconds = (max: number) => z.int().min(1).max(max);

const Entry = z.strictObject({
  name,
  /** Of the alert. */
  severity_min: z.enum(SEVERITIES).default('critical'),
  /** Empty: all. */
  rules: names,
  /** Of the session with all of its alerts, 0 to 100. */
  risk_min: z.int().min(0).max(100).default(0),
  /** Empty: all. */
  tenants: names,
  /** The session, or the agent as it acts for this user. */
  target: z.enum(['session', 'agent']).default('session'),
  expires_in_seconds: seconds(LIMITS.enforcement_seconds_max).default(3_600),
});

const Allowed = z
  .strictObject({
    reason: name,
    tenant: name.optional(),
    session_id: name.optional(),
    user_id: name.optional(),
    agent: name.optional(),
    rule_id: name.optional(),
  })
  .refine(({ reason: _, ...members }) => Object.keys(members).length > 0, {
    message: 'must name a tenant, session_id, user_id, agent or rule_id',
  });

const SuspensionPolicySchema = z.strictObject({
  dry_run: z.boolean().default(false),
  /** The first that fits decides. */
  suspend: z
    .array(Entry)
    .max(LIMITS.suspension_entries_max)
    .default([])
    .refine((entries) => new Set(entries.map((each) => each.name)).size === entries.length, {
      message: 'must not hold two entries of one name',
    }),
  /** Never by policy; a person still may. */
  allow: z.array(Allowed).max(LIMITS.suspension_entries_max).default([]),
  limit: z
    .strictObject({
      per_tenant: z.int().min(1).max(LIMITS.suspensions_by_policy_max).default(5),
      overall: z.int().min(1).max(LIMITS.suspensions_by_policy_max).default(20),
      seconds: seconds(DAY_S).default(3_600),
    })
    .prefault({}),
  /** What happened, or was found, longer ago suspends nobody. */
  age_seconds_max: seconds(30 * DAY_S).default(900),
});

export type SuspensionPolicy = z.infer<typeof SuspensionPolicySchema>;
export type SuspensionEntry = SuspensionPolicy['suspend'][number];

/** A policy with the SHA-256 of its file's text, which says which one was in force. */
export interface LoadedSuspensionPolicy {
  policy: SuspensionPolicy;
  sha256: string;
}

/** The policy that a text holds. Throws `policy_invalid` with file, line and rule. */
export function parseSuspensionPolicy(source: string, file: string): SuspensionPolicy {
  return checkedYaml(SuspensionPolicySchema, source, file);
}

/** The policy of a file. Throws `policy_unreadable` or `policy_invalid`, with the file's name. */
export async function loadSuspensionPolicy(file: string): Promise<LoadedSuspensionPolicy> {
  const source = await readPolicyFile(file);
  return { policy: parseSuspensionPolicy(source, file), sha256: sha256Hex(source) };
}
