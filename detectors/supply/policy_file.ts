/** Reads an operator's policy file: YAML with the lists `vulnerable`, `servers` and `configurations`. */
import { z } from 'zod';
import { SEVERITIES } from '../../core/alert.ts';
import { bareDigest } from '../tools/canonical_digest.ts';
import { checkedYaml } from './checked_yaml.ts';
import type { SupplyPolicy } from './policy.ts';
import { isRange, isVersion } from './versions.ts';

const ENTRIES_MAX = 10_000;
const LIST_MAX = 1_000;

const name = z.string().min(1).max(256);
/** YAML reads 1.2 as a number; versions are quoted so that 1.20 stays what it is. */
const text = (what: string) =>
  z
    .string({ error: `must be ${what} between quotation marks` })
    .min(1)
    .max(1_024);
const version = text('a version').refine(isVersion, 'must be a version such as "1.4.2"');
const range = text('a version or a range').refine(isRange, 'must be a version or a range such as ">=1.2.0 <1.4.2"');
const sha256 = text('a digest')
  .regex(/^(?:sha256:)?[0-9a-f]{64}$/, 'must be a SHA-256 digest in lower-case hex')
  .transform(bareDigest);
const list = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(LIST_MAX);

const Vulnerable = z
  .strictObject({
    package: name.optional(),
    server: name.optional(),
    versions: z.union([range.transform((one) => [one]), list(range)]).optional(),
    fixed_in: version.optional(),
    advisory: name.optional(),
    severity: z.enum(SEVERITIES).default('high'),
  })
  .refine((entry) => entry.package !== undefined || entry.server !== undefined, 'must name a package or a server')
  .refine((entry) => entry.versions !== undefined || entry.fixed_in !== undefined, 'must name versions or fixed_in')
  .transform(({ versions, ...entry }) => ({ ...entry, versions: versions ?? [`<${entry.fixed_in}`] }));

const Server = z.strictObject({
  server: name,
  versions: list(version).optional(),
  digests: list(name).optional(),
  executable_sha256: list(sha256).optional(),
  args_sha256: list(sha256).optional(),
});

const Policy = z.strictObject({
  vulnerable: z.array(Vulnerable).max(ENTRIES_MAX).default([]),
  servers: z.array(Server).max(ENTRIES_MAX).default([]),
  configurations: z
    .array(z.strictObject({ name, sha256: list(sha256) }))
    .max(ENTRIES_MAX)
    .default([]),
});

/** The policy that a text holds; an empty text holds none. Throws `policy_invalid` with file, line and rule. */
export function parsePolicy(source: string, file: string): SupplyPolicy {
  // Members that are absent, not undefined.
  return JSON.parse(JSON.stringify(checkedYaml(Policy, source, file))) as SupplyPolicy;
}
