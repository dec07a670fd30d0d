/**
 * The file that says which tools of which servers a role, or one user, may call, and which destinations each may name:
 * plain lists that a person can review and a gateway's own format can be made of. Whatever is not allowed is denied.
 */
import { z } from 'zod';
import { LIMITS } from '../../core/limits.ts';

export const POLICY_SCHEMA_VERSION = 1;

const name = z
  .string()
  .max(LIMITS.name_chars_max)
  .regex(/^[^\p{Cc}]*$/u, 'must not hold control characters');
const text = z.string().max(2_000);
const count = z.int().min(0);

/** What a line rests on. A line that a person adds has none. */
export const PolicyEvidence = z.strictObject({
  calls: count,
  sessions: count,
  users: count,
  first: text,
  last: text,
  example: text.describe('event_id of the last of these calls'),
});

const Destination = z.strictObject({
  to: z
    .string()
    .min(1)
    .max(LIMITS.name_chars_max)
    .regex(/^(\*\.)?[^\p{Cc}\s*]+$/u, 'must be a host or a domain, or "*." and a domain for all below it'),
  reason: text.optional(),
  evidence: PolicyEvidence.optional(),
});

const Tool = z.strictObject({
  tool: name.min(1),
  reason: text.optional(),
  evidence: PolicyEvidence.optional(),
  /** Absent: whatever it names. Given: a call may name these and no other. */
  destinations: z.array(Destination).max(LIMITS.policy_lines_max).optional(),
});

const Server = z.strictObject({
  server: name,
  reason: text.optional(),
  evidence: PolicyEvidence.optional(),
  tools: z.array(Tool).max(LIMITS.policy_lines_max),
});

const Refused = z.strictObject({
  server: name,
  tool: name,
  to: z.string().max(LIMITS.name_chars_max).optional(),
  because: z.enum(['alert', 'once', 'one_user', 'one_session']),
  reason: text,
  evidence: PolicyEvidence,
});

export const ToolPolicySchema = z
  .strictObject({
    schema_version: z.literal(POLICY_SCHEMA_VERSION),
    /** Whom it is for. Empty: any. */
    role: name.default(''),
    user: name.default(''),
    based_on: z
      .strictObject({
        tenant: name,
        from: text,
        to: text,
        calls: count,
        sessions: count,
        users: count,
        calls_left_out: count.describe('in sessions with an alert that nobody found harmless'),
        sessions_left_out: count,
        calls_read: count.describe('whose parameters were looked at for destinations'),
        calls_without_parameters: count.describe('of these, whose parameters were not sent or are gone'),
      })
      .optional(),
    allow: z.array(Server).max(LIMITS.policy_lines_max),
    not_suggested: z
      .array(Refused)
      .max(3 * LIMITS.policy_lines_max)
      .optional(),
  })
  .refine(({ role, user }) => role !== '' || user !== '', { message: 'must name a role or a user' })
  .refine(({ allow }) => allow.reduce((sum, { tools }) => sum + tools.length, 0) <= LIMITS.policy_lines_max, {
    message: `must name at most ${LIMITS.policy_lines_max} tools`,
  });

export type ToolPolicy = z.infer<typeof ToolPolicySchema>;
export type Evidence = z.infer<typeof PolicyEvidence>;
export type RefusedLine = z.infer<typeof Refused>;

/** Whether a destination is among those that a line allows. */
export function allowsDestination(allowed: readonly { to: string }[], destination: string): boolean {
  return allowed.some(({ to }) => (to.startsWith('*.') ? destination.endsWith(to.slice(1)) : to === destination));
}
