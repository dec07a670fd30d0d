/** Reads an operator's YAML by a schema, so that every fault is told with the line it stands on. Pure. */
import type { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import { placeIn } from '../sigma/tree_place.ts';
import { jsonOf, type Place, readYaml } from '../sigma/yaml_tree.ts';

const ERRORS_SHOWN_MAX = 10;

/** The one document of a text, or what the schema makes of `{}` where it holds none. Throws `policy_invalid`. */
export function checkedYaml<T extends z.ZodType>(schema: T, source: string, file: string): z.output<T> {
  const { documents, problems } = readYaml(source);
  if (problems.length > 0) throw invalid(file, problems);
  const [tree, second] = documents;
  if (second !== undefined) throw invalid(file, [{ place: second.place, problem: 'a policy is one document' }]);
  const result = schema.safeParse(tree === undefined ? {} : jsonOf(tree));
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => ({
    place: tree === undefined ? { line: 1, column: 1 } : placeIn(tree, path),
    problem: `${pathText(path)} ${message}`,
  }));
  throw invalid(file, faults);
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
