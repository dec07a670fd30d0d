/** Reads a rule over several events. What its names refer to is decided later, by `link.ts`. */
import { type Bound, CORRELATION_TYPES, type CorrelationType, type Suppression, type Threshold } from './ir.ts';
import { type Issues, join, member } from './issues.ts';
import { RULE_LIMITS } from './rule_limits.ts';
import { EXTENSION, parseNames, parseSuppression, parseTimespan } from './rule_meta.ts';
import { type Place, quoted, type Tree, type TreeMap } from './yaml_tree.ts';

/** A rule or a signal as a file names it. */
export interface Reference {
  kind: 'rule' | 'signal';
  /** Without `signal:`. */
  id: string;
  /** As it stands in the file. */
  name: string;
  place: Place;
  path: string;
}

export interface ParsedStep {
  name: string;
  refers: Reference;
  absent: boolean;
  min_count: number;
}

export interface ParsedCarry {
  from: string;
  to: string;
  match: 'any' | 'secret' | 'text' | 'value';
  min_chars: number;
  place: Place;
}

/** What `x-tracewarden` says of the order of events. */
export interface ParsedSequence {
  /** Undefined: the rules, in their order. */
  steps: ParsedStep[] | undefined;
  until: Reference | undefined;
  max_gap_ms: number | null;
  max_gap_events: number | null;
  distinct: string[];
  same: string[];
  carry: ParsedCarry[];
}

export interface ParsedCorrelation {
  type: CorrelationType;
  rules: Reference[];
  group_by: string[];
  /** By alias, then by the name of a rule as `rules` has it. */
  aliases: Map<string, Map<string, string>>;
  timespan_ms: number;
  threshold: Threshold | null;
  session_chain: number | null;
  /** Null: none. Undefined: nothing was said, so the usual one. */
  suppression: Suppression | null | undefined;
  sequence: ParsedSequence;
  generate: boolean;
  place: Place;
}

const PATH = 'correlation';
const KEYS = ['type', 'rules', 'aliases', 'group-by', 'timespan', 'condition', 'generate', EXTENSION];
const SEQUENCE_KEYS = ['steps', 'until', 'max_gap', 'max_gap_events', 'distinct', 'same', 'carry'];
const OPERATORS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const;
const VALUE_TYPES: readonly CorrelationType[] = ['value_count', 'value_sum', 'value_avg', 'value_percentile'];
const SIGNAL = 'signal:';

/** The correlation of a rule, or undefined when something was noted. */
export function parseCorrelation(rule: TreeMap, issues: Issues): ParsedCorrelation | undefined {
  const tree = member(rule, PATH);
  const map = tree && issues.map(tree, PATH);
  if (map === undefined) return undefined;
  const before = issues.errors.length;
  issues.onlyKeys(map, PATH, KEYS);
  const need = <T>(key: string, read: (tree: Tree, path: string) => T | undefined): T | undefined => {
    const found = member(map, key);
    return found ? read(found, join(PATH, key)) : issues.add(map.place, join(PATH, key), 'is missing');
  };
  const type = need('type', (found, path) => issues.choice(found, path, CORRELATION_TYPES));
  const rules = need('rules', (found, path) => parseReferences(found, path, issues));
  const group_by = need('group-by', (found, path) => parseNames(found, path, issues));
  const timespan_ms = need('timespan', (found, path) => parseTimespan(found, path, issues));
  const aliases = parseAliases(member(map, 'aliases'), issues);
  const threshold = type && parseThreshold(map, type, issues);
  const extension = parseExtension(member(map, EXTENSION), type, issues);
  const generate = parseGenerate(rule, map, issues);
  if (issues.errors.length > before) return undefined;
  if (!type || !rules || !group_by || !timespan_ms || threshold === undefined || !extension) return undefined;
  return { type, rules, group_by, aliases, timespan_ms, threshold, generate, place: map.place, ...extension };
}

function parseGenerate(rule: TreeMap, map: TreeMap, issues: Issues): boolean {
  // Sigma's schema has it beside the correlation, its tools inside.
  const flags = [
    { tree: member(rule, 'generate'), path: 'generate' },
    { tree: member(map, 'generate'), path: join(PATH, 'generate') },
  ].map(({ tree, path }) => tree !== undefined && issues.flag(tree, path) === true);
  return flags.includes(true);
}

function parseReferences(tree: Tree, path: string, issues: Issues): Reference[] | undefined {
  const items = issues.list(tree, path, RULE_LIMITS.sources_max)?.items;
  const references = items?.map((item, at) => parseReference(item, `${path}[${at}]`, issues));
  if (references === undefined || !references.every((each) => each !== undefined)) return undefined;
  if (references.length === 0) return issues.at(tree, path, 'must not be empty');
  const names = new Set(references.map((each) => each.name));
  return names.size === references.length ? references : issues.at(tree, path, 'names a rule twice');
}

/** A rule's name or id, or `signal:` and an id. */
function parseReference(tree: Tree, path: string, issues: Issues): Reference | undefined {
  const name = issues.text(tree, path, RULE_LIMITS.id_chars_max);
  if (name === undefined) return undefined;
  const signal = name.startsWith(SIGNAL);
  return {
    kind: signal ? 'signal' : 'rule',
    id: signal ? name.slice(SIGNAL.length) : name,
    name,
    place: tree.place,
    path,
  };
}

/** `{ rule: name }` or `{ signal: id }`, of which exactly one. */
function parseNamed(map: TreeMap, path: string, issues: Issues): Reference | undefined {
  const rule = member(map, 'rule');
  const signal = member(map, 'signal');
  if ((rule === undefined) === (signal === undefined))
    return issues.at(map, path, 'needs `rule` or `signal`, and not both');
  if (rule !== undefined) return parseReference(rule, join(path, 'rule'), issues);
  const id = signal && issues.text(signal, join(path, 'signal'), RULE_LIMITS.id_chars_max);
  return id === undefined ? undefined : { kind: 'signal', id, name: `${SIGNAL}${id}`, place: map.place, path };
}

function parseAliases(tree: Tree | undefined, issues: Issues): ParsedCorrelation['aliases'] {
  const aliases: ParsedCorrelation['aliases'] = new Map();
  const path = join(PATH, 'aliases');
  const map = tree && issues.map(tree, path);
  for (const [alias, { value }] of map?.entries ?? []) {
    const alias_path = join(path, alias);
    const fields = new Map<string, string>();
    for (const [rule, { value: field }] of issues.map(value, alias_path)?.entries ?? []) {
      const name = issues.text(field, join(alias_path, rule), RULE_LIMITS.field_chars_max);
      if (name !== undefined) fields.set(rule, name);
    }
    aliases.set(alias, fields);
  }
  return aliases;
}

/** Null where the type has none and none is given. */
function parseThreshold(map: TreeMap, type: CorrelationType, issues: Issues): Threshold | null | undefined {
  const tree = member(map, 'condition');
  const path = join(PATH, 'condition');
  if (tree === undefined) {
    const needed = type !== 'temporal' && type !== 'temporal_ordered';
    return needed ? issues.add(map.place, path, `is missing, and ${type} needs it`) : null;
  }
  if (type === 'temporal_ordered')
    return issues.at(tree, path, 'has no meaning for temporal_ordered: all rules must occur');
  const condition = issues.map(tree, path);
  if (condition === undefined) return undefined;
  const values = VALUE_TYPES.includes(type);
  const known = [...OPERATORS, ...(values ? ['field'] : []), ...(type === 'value_percentile' ? ['percentile'] : [])];
  issues.onlyKeys(condition, path, known);
  const bounds = parseBounds(condition, path, type.endsWith('_count'), issues);
  const fields = values ? parseValueFields(condition, type, path, issues) : [];
  const percentile = type === 'value_percentile' ? parsePercentile(condition, path, issues) : null;
  return bounds && fields && percentile !== undefined ? { fields, percentile, bounds } : undefined;
}

function parseBounds(condition: TreeMap, path: string, counts: boolean, issues: Issues): Bound[] | undefined {
  const bounds: Bound[] = [];
  for (const operator of OPERATORS) {
    const tree = member(condition, operator);
    if (tree === undefined) continue;
    if (tree.kind !== 'scalar' || typeof tree.value !== 'number' || !Number.isFinite(tree.value)) {
      return issues.at(tree, join(path, operator), 'must be a number');
    }
    if (counts && tree.value > RULE_LIMITS.rows_per_key_max) {
      return issues.at(
        tree,
        join(path, operator),
        `is more than the ${RULE_LIMITS.rows_per_key_max} events that are counted`,
      );
    }
    bounds.push({ operator, value: tree.value });
  }
  return bounds.length > 0 ? bounds : issues.at(condition, path, `needs one of ${OPERATORS.join(', ')}`);
}

function parseValueFields(
  condition: TreeMap,
  type: CorrelationType,
  path: string,
  issues: Issues,
): string[] | undefined {
  const tree = member(condition, 'field');
  const field_path = join(path, 'field');
  if (tree === undefined) return issues.at(condition, field_path, `is missing, and ${type} needs it`);
  const fields = issues.texts(tree, field_path, RULE_LIMITS.field_chars_max);
  if (fields === undefined) return undefined;
  const several = type === 'value_count' ? RULE_LIMITS.group_fields_max : 1;
  if (fields.length >= 1 && fields.length <= several) return fields;
  return issues.at(tree, field_path, several === 1 ? 'must be one field' : `must be 1 to ${several} fields`);
}

function parsePercentile(condition: TreeMap, path: string, issues: Issues): number | undefined {
  const tree = member(condition, 'percentile');
  const percentile_path = join(path, 'percentile');
  if (tree === undefined) {
    return issues.at(condition, percentile_path, 'is missing; Sigma does not say which percentile is meant without it');
  }
  const value = tree.kind === 'scalar' ? tree.value : undefined;
  if (typeof value === 'number' && value > 0 && value <= 100) return value;
  return issues.at(tree, percentile_path, 'must be a number above 0 and up to 100');
}

type Extension = Pick<ParsedCorrelation, 'session_chain' | 'suppression' | 'sequence'>;

function parseExtension(
  tree: Tree | undefined,
  type: CorrelationType | undefined,
  issues: Issues,
): Extension | undefined {
  const path = join(PATH, EXTENSION);
  const sequence: ParsedSequence = {
    steps: undefined,
    until: undefined,
    max_gap_ms: null,
    max_gap_events: null,
    distinct: [],
    same: [],
    carry: [],
  };
  const extension: Extension = { session_chain: null, suppression: undefined, sequence };
  if (tree === undefined) return extension;
  const map = issues.map(tree, path);
  if (map === undefined) return undefined;
  issues.onlyKeys(map, path, [...SEQUENCE_KEYS, 'window', 'suppression']);
  for (const key of SEQUENCE_KEYS) {
    const found = map.entries.get(key);
    if (found && type !== 'temporal_ordered') issues.add(found.place, join(path, key), 'is for temporal_ordered only');
  }
  const read = <T>(key: string, reader: (tree: Tree, path: string) => T | undefined): T | undefined => {
    const found = member(map, key);
    return found && reader(found, join(path, key));
  };
  sequence.steps = read('steps', (found, at) => parseSteps(found, at, issues));
  sequence.until = read('until', (found, at) =>
    found.kind === 'map' ? parseNamed(found, at, issues) : parseReference(found, at, issues),
  );
  sequence.max_gap_ms = read('max_gap', (found, at) => parseTimespan(found, at, issues)) ?? null;
  sequence.max_gap_events = read('max_gap_events', (found, at) => issues.integer(found, at, 0, 1_000_000)) ?? null;
  sequence.distinct = read('distinct', (found, at) => parseNames(found, at, issues)) ?? [];
  sequence.same = read('same', (found, at) => parseNames(found, at, issues)) ?? [];
  sequence.carry = read('carry', (found, at) => parseCarries(found, at, issues)) ?? [];
  extension.session_chain = read('window', (found, at) => parseWindow(found, at, issues)) ?? null;
  extension.suppression = read('suppression', (found, at) => parseSuppression(found, at, issues));
  return extension;
}

function parseWindow(tree: Tree, path: string, issues: Issues): number | undefined {
  const map = issues.map(tree, path);
  if (map === undefined) return undefined;
  issues.onlyKeys(map, path, ['session_chain']); // the time is the correlation's own `timespan`
  const chain = member(map, 'session_chain');
  if (chain === undefined) return issues.at(map, join(path, 'session_chain'), 'is missing');
  return issues.integer(chain, join(path, 'session_chain'), 1, RULE_LIMITS.session_chain_max);
}

function parseSteps(tree: Tree, path: string, issues: Issues): ParsedStep[] | undefined {
  const items = issues.list(tree, path, RULE_LIMITS.steps_max)?.items;
  const steps = items?.map((item, at) => parseStep(item, `${path}[${at}]`, issues));
  if (steps === undefined || !steps.every((step) => step !== undefined)) return undefined;
  const present = steps.filter((step) => !step.absent);
  if (present.length === 0) return issues.at(tree, path, 'needs a step that is not absent');
  const places = present.reduce((sum, step) => sum + step.min_count, 0);
  if (places > RULE_LIMITS.places_max) {
    return issues.at(tree, path, `needs ${places} events, and ${RULE_LIMITS.places_max} are allowed`);
  }
  return steps;
}

function parseStep(tree: Tree, path: string, issues: Issues): ParsedStep | undefined {
  const map = issues.map(tree, path);
  if (map === undefined) return undefined;
  issues.onlyKeys(map, path, ['rule', 'signal', 'name', 'absent', 'min_count']);
  const refers = parseNamed(map, path, issues);
  if (refers === undefined) return undefined;
  const name = member(map, 'name');
  const absent = member(map, 'absent');
  const min_count = member(map, 'min_count');
  const step: ParsedStep = {
    name: (name && issues.text(name, join(path, 'name'), RULE_LIMITS.id_chars_max)) ?? refers.name,
    refers,
    absent: (absent && issues.flag(absent, join(path, 'absent'))) ?? false,
    min_count: (min_count && issues.integer(min_count, join(path, 'min_count'), 1, RULE_LIMITS.min_count_max)) ?? 1,
  };
  if (step.absent && min_count)
    return issues.at(min_count, join(path, 'min_count'), 'has no meaning for an absent step');
  return step;
}

function parseCarries(tree: Tree, path: string, issues: Issues): ParsedCarry[] | undefined {
  const items = tree.kind === 'list' ? issues.list(tree, path, RULE_LIMITS.steps_max)?.items : [tree];
  const carries = items?.map((item, at) => parseCarry(item, tree.kind === 'list' ? `${path}[${at}]` : path, issues));
  return carries?.every((carry) => carry !== undefined) ? carries : undefined;
}

function parseCarry(tree: Tree, path: string, issues: Issues): ParsedCarry | undefined {
  const map = issues.map(tree, path);
  if (map === undefined) return undefined;
  issues.onlyKeys(map, path, ['from', 'to', 'match', 'min_len']);
  const [from, to] = ['from', 'to'].map((key) => {
    const found = member(map, key);
    if (found === undefined) return issues.at(map, join(path, key), 'is missing');
    return issues.text(found, join(path, key), RULE_LIMITS.id_chars_max);
  });
  const match = member(map, 'match');
  const kind = match ? issues.choice(match, join(path, 'match'), ['any', 'secret', 'text', 'value']) : 'any';
  const min_len = member(map, 'min_len');
  const min_chars = min_len ? issues.integer(min_len, join(path, 'min_len'), 1, 1_000_000) : 0;
  if (from === undefined || to === undefined || kind === undefined || min_chars === undefined) return undefined;
  return { from, to, match: kind, min_chars, place: map.place };
}

/** A name of a reference in words, for errors. */
export function describeReference(reference: Reference): string {
  return `${reference.kind} ${quoted(reference.id)}`;
}
