/** Reads what roles were granted: YAML with a list of globs over `server/tool` under the name of each role. */
import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import { placeIn } from '../sigma/tree_place.ts';
import { jsonOf, readYaml } from '../sigma/yaml_tree.ts';
import type { Grants } from './granted_against_used.ts';

const ROLES_MAX = 1_000;
const GLOBS_MAX = 5_000;
const GLOB_CHARS_MAX = 512;
const ERRORS_SHOWN_MAX = 10;

const Globs = z.array(
  z
    .string({ error: 'must be a text such as "mailer/send_*"' })
    .max(GLOB_CHARS_MAX)
    .regex(/^[^\p{Cc}]*\/[^\p{Cc}]+$/u, 'must be a server, a slash and a tool, such as "mailer/send_*"'),
  { error: 'must be a list of globs such as "mailer/send_*"' },
);
const GrantsFile = z
  .record(z.string().min(1).max(256), Globs.max(GLOBS_MAX))
  .refine((roles) => Object.keys(roles).length <= ROLES_MAX, `must name at most ${ROLES_MAX} roles`);

/** The grants of a text. Throws `grants_invalid` with file, line and rule. */
export function parseGrants(source: string, file: string): Grants {
  const { documents, problems } = readYaml(source);
  const [tree, second] = documents;
  if (second !== undefined) problems.push({ place: second.place, problem: 'grants are one document' });
  if (problems.length > 0)
    throw invalid(
      file,
      problems.map(({ place, problem }) => `${place.line}: ${problem}`),
    );
  if (tree === undefined) throw invalid(file, ['1: must name a role and its tools']);
  const parsed = GrantsFile.safeParse(jsonOf(tree));
  if (parsed.success) return new Map(Object.entries(parsed.data));
  throw invalid(
    file,
    parsed.error.issues.map(({ path, message }) => {
      const [role = 'the file'] = path;
      return `${placeIn(tree, path).line}: ${String(role)}: ${message}`;
    }),
  );
}

function invalid(file: string, faults: readonly string[]): AppError {
  const shown = faults.slice(0, ERRORS_SHOWN_MAX).map((fault) => `${file}:${fault}`);
  const more = faults.length - shown.length;
  return new AppError('grants_invalid', [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; '));
}
