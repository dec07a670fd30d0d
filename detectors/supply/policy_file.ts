/** Reads an operator's policy file: YAML with the lists `vulnerable`, `servers` and `configurations`. */
import { z } from 'zod';
import { SEVERITIES } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { placeIn } from '../sigma/tree_place.ts';
import { jsonOf, type Place, readYaml } from '../sigma/yaml_tree.ts';
import { bareDigest } from '../tools/canonical_digest.ts';
import type { SupplyPolicy } from './policy.ts';
import { isRange, isVersion } from './versions.ts';

const ENTRIES_MAX = 10_000;
const LIST_MAX = 1_000;
const ERRORS_SHOWN_MAX = 10;

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
  const { documents, problems } = readYaml(source);
  if (problems.length > 0) throw invalid(file, problems);
  const [tree, second] = documents;
  if (second !== undefined) throw invalid(file, [{ place: second.place, problem: 'a policy is one document' }]);
  if (tree === undefined) return parsed(Policy.parse({}));
  const result = Policy.safeParse(jsonOf(tree));
  if (result.success) return parsed(result.data);
  throw invalid(
    file,
    result.error.issues.map(({ path, message }) => ({
      place: placeIn(tree, path),
      problem: `${pathText(path)} ${message}`,
    })),
  );
}

/** Members that are absent, not undefined. */
function parsed(policy: z.infer<typeof Policy>): SupplyPolicy {
  return JSON.parse(JSON.stringify(policy)) as SupplyPolicy;
}

function invalid(file: string, problems: readonly { place: Place; problem: string }[]): AppError {
  const shown = problems.slice(0, ERRORS_SHOWN_MAX).map(({ place, problem }) => `${file}:${place.line}: ${problem}`);
  const more = problems.length - shown.length;
  return new AppError('policy_invalid', [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; '));
}

function pathText(path: readonly PropertyKey[]): string {
  const joined = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return joined === '' ? 'the policy' : joined.replace(/^\./, '');
}
