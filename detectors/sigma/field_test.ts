/** Turns one line of a selection, such as `params.to|endswith|all: [...]`, into comparisons. */
import { parseNetwork } from './cidr.ts';
import { fieldProblem, KEYWORD_FIELDS } from './fields.ts';
import type { Compare, GlobPiece, Matcher, Test, TimePart } from './ir.ts';
import type { Issues } from './issues.ts';
import { regexProblem } from './regex.ts';
import { RULE_LIMITS } from './rule_limits.ts';
import {
  base64Offsets,
  compareOf,
  dashCount,
  parseGlob,
  plainText,
  WIDE_ENCODINGS,
  type WideEncoding,
  wideBytes,
  withDashes,
} from './text_value.ts';
import { type Place, quoted, type Scalar, type Tree } from './yaml_tree.ts';

const TIME_PARTS: readonly TimePart[] = ['minute', 'hour', 'day', 'week', 'month', 'year'];
const ORDER_OPERATORS = ['gt', 'gte', 'lt', 'lte'] as const;
type OrderOperator = (typeof ORDER_OPERATORS)[number];
const TEXT_MODIFIERS: readonly string[] = [
  'contains',
  'startswith',
  'endswith',
  'cased',
  'windash',
  'base64',
  'base64offset',
  ...WIDE_ENCODINGS,
];
const KINDS = ['re', 'cidr', 'exists', 'fieldref', ...ORDER_OPERATORS] as const;

/** Which modifiers may stand beside the one that says how values are compared. */
const ALLOWED_WITH: Record<string, readonly string[]> = {
  re: ['i', 'm', 's', 'all'],
  cidr: ['all'],
  exists: [],
  fieldref: ['neq', 'cased'],
  gt: TIME_PARTS,
  gte: TIME_PARTS,
  lt: TIME_PARTS,
  lte: TIME_PARTS,
  part: [...ORDER_OPERATORS, 'neq'],
  plain: ['neq', 'all', ...TEXT_MODIFIERS],
};

/** What the modifiers of one line come to. */
interface Line {
  modifiers: readonly string[];
  kind: (typeof KINDS)[number] | 'plain';
  part: TimePart | null;
  keyword: boolean;
  issues: Issues;
  path: string;
}

/** The matcher of a line `key: values`. An empty field before the modifiers stands for keywords. */
export function parseFieldTest(
  key: string,
  key_place: Place,
  tree: Tree,
  path: string,
  issues: Issues,
): Matcher | undefined {
  const [field = '', ...modifiers] = key.split('|');
  const line = readModifiers(field, modifiers, key_place, path, issues);
  if (line === undefined) return undefined;
  const values = valuesOf(line, tree);
  if (values === undefined) return undefined;
  const fields = line.keyword ? KEYWORD_FIELDS : [field];
  const negated = modifiers.includes('neq');
  const each = values.map(({ value, tree: at }) => comparesOf(line, value, at));
  if (!each.every((compares) => compares !== undefined)) return undefined;
  const tests = each.map((compares) =>
    joined(
      negated ? 'and' : 'or',
      compares.flatMap((compare) => fields.map((name) => testOf(name, line, negated, compare))),
    ),
  );
  return joined(modifiers.includes('all') || negated ? 'and' : 'or', tests);
}

/** One matcher out of several. */
export function joined(op: 'and' | 'or', of: Matcher[]): Matcher {
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { op, of };
}

function testOf(field: string, line: Line, negated: boolean, compare: Compare): Test {
  return { op: 'test', field, part: line.part, quantifier: negated ? 'none' : 'any', compare };
}

function readModifiers(
  field: string,
  modifiers: readonly string[],
  at: Place,
  path: string,
  issues: Issues,
): Line | undefined {
  const keyword = field === '';
  const refuse = (problem: string, value = ''): undefined => issues.add(at, path, problem, value && quoted(value));
  const field_problem = keyword ? undefined : fieldProblem(field);
  if (field.length > RULE_LIMITS.field_chars_max) {
    return refuse(`has a field name of more than ${RULE_LIMITS.field_chars_max} characters`);
  }
  if (field_problem !== undefined) return refuse(field_problem, field);
  if (modifiers.includes('expand'))
    return refuse('uses placeholders, and there is nothing to fill them from', 'expand');
  const kind = KINDS.find((each) => modifiers.includes(each)) ?? 'plain';
  const part = TIME_PARTS.find((each) => modifiers.includes(each)) ?? null;
  const allowed = part === null ? (ALLOWED_WITH[kind] ?? []) : [part, ...(ALLOWED_WITH.part ?? [])];
  for (const modifier of modifiers) {
    const known = modifier === kind || allowed.includes(modifier);
    if (!known && isKnown(modifier)) return refuse(`cannot stand beside ${part ?? kind}`, modifier);
    if (!known) return refuse('is not a modifier', modifier);
  }
  if (new Set(modifiers).size < modifiers.length) return refuse('has a modifier twice');
  const ends = modifiers.filter((each) => ['contains', 'startswith', 'endswith', 'neq'].includes(each));
  if (ends.length > 1) return refuse(`cannot stand together: ${ends.join(', ')}`);
  if (keyword && modifiers.some((each) => !['all', 're', 'i', 'm', 's', 'cased', 'contains'].includes(each))) {
    return refuse('is not for keywords', modifiers.join('|'));
  }
  return { modifiers, kind, part, keyword, issues, path };
}

function isKnown(modifier: string): boolean {
  return [...KINDS, ...TEXT_MODIFIERS, ...TIME_PARTS, 'neq', 'all', 'i', 'm', 's'].includes(modifier);
}

/** The values of a line, each with its place. */
function valuesOf(line: Line, tree: Tree): { value: Scalar; tree: Tree }[] | undefined {
  const { issues, path } = line;
  if (tree.kind === 'map') return issues.at(tree, path, 'must be a value or a list of values');
  const all = line.modifiers.includes('all');
  if (tree.kind === 'scalar') {
    return all
      ? issues.at(tree, path, 'must be a list of several values, since it has `all`')
      : [{ value: tree.value, tree }];
  }
  if (tree.items.length === 0) return issues.at(tree, path, 'must not be an empty list');
  if (all && tree.items.length === 1) return issues.at(tree, path, 'must have several values, since it has `all`');
  const values: { value: Scalar; tree: Tree }[] = [];
  for (const [at, item] of tree.items.entries()) {
    const item_path = `${path}[${at}]`;
    if (item.kind !== 'scalar') return issues.at(item, item_path, 'must be a single value');
    if (item.value === null)
      return issues.at(item, item_path, 'cannot stand in a list: null needs a selection of its own');
    values.push({ value: item.value, tree: item });
  }
  return values;
}

/** The comparisons of one value, of which one has to hold (with `neq`: none). */
function comparesOf(line: Line, value: Scalar, at: Tree): Compare[] | undefined {
  const { issues, path, kind } = line;
  const refuse = (problem: string): undefined => issues.at(at, path, problem);
  if (typeof value === 'string' && value.length > RULE_LIMITS.value_chars_max && kind !== 're') {
    return refuse(`has more than ${RULE_LIMITS.value_chars_max} characters`);
  }
  if (line.part !== null) return numberCompare(line, value, refuse);
  if (kind === 're') {
    if (typeof value !== 'string' || value === '') return refuse('must be an expression');
    const compare = regexOf(value, line.modifiers);
    const problem = regexProblem(compare);
    return problem === undefined ? [compare] : refuse(problem);
  }
  if (kind === 'cidr') {
    if (typeof value !== 'string' || parseNetwork(value) === undefined)
      return refuse('must be a network such as 10.0.0.0/8');
    return [{ kind: 'cidr', network: value }];
  }
  if (kind === 'exists') {
    return typeof value === 'boolean' ? [{ kind: 'exists', exists: value }] : refuse('must be true or false');
  }
  if (kind === 'fieldref') {
    if (typeof value !== 'string') return refuse('must be the name of a field');
    const problem = fieldProblem(value);
    if (problem !== undefined) return refuse(problem);
    return [{ kind: 'field', field: value, cased: line.modifiers.includes('cased') }];
  }
  return kind === 'plain' ? plainCompares(line, value, refuse) : numberCompare(line, value, refuse);
}

function regexOf(pattern: string, modifiers: readonly string[]): Compare & { kind: 'regex' } {
  const [ignore_case, multi_line, dot_all] = ['i', 'm', 's'].map((flag) => modifiers.includes(flag));
  return {
    kind: 'regex',
    pattern,
    ignore_case: ignore_case === true,
    multi_line: multi_line === true,
    dot_all: dot_all === true,
  };
}

type Refuse = (problem: string) => undefined;

function numberCompare(line: Line, value: Scalar, refuse: Refuse): Compare[] | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return refuse('must be a number');
  const operator = ORDER_OPERATORS.find((each): each is OrderOperator => line.modifiers.includes(each)) ?? 'eq';
  return [{ kind: 'number', operator, value }];
}

function plainCompares(line: Line, value: Scalar, refuse: Refuse): Compare[] | undefined {
  const as_text = line.keyword || line.modifiers.some((modifier) => TEXT_MODIFIERS.includes(modifier));
  if (value === null) {
    return as_text || line.modifiers.length > 0 ? refuse('null has no modifiers') : [{ kind: 'exists', exists: false }];
  }
  if (!as_text && typeof value === 'boolean') return [{ kind: 'boolean', value }];
  if (!as_text && typeof value === 'number') {
    return Number.isFinite(value) ? [{ kind: 'number', operator: 'eq', value }] : refuse('must be a finite number');
  }
  const text = String(value);
  if (as_text && text === '') return refuse('must not be empty here');
  return textCompares(line, text, refuse);
}

/** Applies the modifiers of a text in the order in which they stand. */
function textCompares(line: Line, text: string, refuse: Refuse): Compare[] | undefined {
  let values: (GlobPiece[] | Buffer)[] = [parseGlob(text)];
  const plain = (): string[] | undefined => {
    const texts = values.map((value) => (Buffer.isBuffer(value) ? undefined : plainText(value)));
    return texts.every((each) => each !== undefined) ? texts : undefined;
  };
  for (const modifier of line.modifiers) {
    if ((WIDE_ENCODINGS as readonly string[]).includes(modifier)) {
      const texts = plain();
      if (texts === undefined) return refuse(`cannot have wildcards or another encoding before ${modifier}`);
      values = texts.map((each) => wideBytes(each, modifier as WideEncoding));
    } else if (modifier === 'base64' || modifier === 'base64offset') {
      const bytes = values.map((value) => (Buffer.isBuffer(value) ? value : utf8Of(value)));
      if (!bytes.every((each) => each !== undefined)) return refuse(`cannot have wildcards before ${modifier}`);
      values = bytes
        .flatMap((each) => (modifier === 'base64' ? [each.toString('base64')] : base64Offsets(each)))
        .map((literal) => [{ literal }]);
      if (values.some((value) => (value as GlobPiece[]).some((piece) => 'literal' in piece && piece.literal === ''))) {
        return refuse(`is too short for ${modifier}`);
      }
    } else if (modifier === 'windash') {
      const texts = values.map((value) => (Buffer.isBuffer(value) ? undefined : value));
      if (!texts.every((each) => each !== undefined)) return refuse('cannot be encoded before windash');
      if (texts.some((each) => dashCount(each) > RULE_LIMITS.windash_places_max)) {
        return refuse(`has more than ${RULE_LIMITS.windash_places_max} dashes for windash`);
      }
      values = texts.flatMap(withDashes);
    } else {
      const wrapped = withEnds(values, modifier);
      if (wrapped === undefined) return refuse('must go through base64 after an encoding of bytes');
      values = wrapped;
    }
  }
  return finish(line, values, refuse);
}

function withEnds(values: readonly (GlobPiece[] | Buffer)[], modifier: string): GlobPiece[][] | undefined {
  const any: GlobPiece = { wild: 'any' };
  const wrapped = values.map((value) => {
    if (Buffer.isBuffer(value)) return undefined;
    if (modifier === 'contains') return [any, ...value, any];
    if (modifier === 'startswith') return [...value, any];
    return modifier === 'endswith' ? [any, ...value] : value;
  });
  return wrapped.every((each) => each !== undefined) ? wrapped : undefined;
}

function finish(line: Line, values: readonly (GlobPiece[] | Buffer)[], refuse: Refuse): Compare[] | undefined {
  const cased = line.modifiers.includes('cased');
  const globs =
    line.keyword && !line.modifiers.includes('contains') ? withEnds(values, 'contains') : withEnds(values, '');
  if (globs === undefined) return refuse('must go through base64 after an encoding of bytes');
  const compares = globs.map((pieces) => compareOf(pieces, cased));
  for (const compare of compares) {
    if (compare.kind !== 'glob') continue;
    const chars = compare.pieces.reduce((sum, piece) => sum + ('literal' in piece ? piece.literal.length : 1), 0);
    if (chars > RULE_LIMITS.glob_chars_max) {
      return refuse(`has wildcards inside and more than ${RULE_LIMITS.glob_chars_max} characters`);
    }
  }
  return compares;
}

function utf8Of(pieces: readonly GlobPiece[]): Buffer | undefined {
  const text = plainText(pieces);
  return text === undefined ? undefined : Buffer.from(text, 'utf8');
}
