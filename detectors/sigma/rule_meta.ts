/** Reads what every rule has, whatever it detects: names, level, remarks, and our own part of them. */
import type { Severity } from '../../core/alert.ts';
import { fieldProblem } from './fields.ts';
import type { RuleIr, Suppression } from './ir.ts';
import { type Issues, join, member } from './issues.ts';
import { RULE_LIMITS } from './rule_limits.ts';
import { jsonOf, quoted, type Tree, type TreeMap } from './yaml_tree.ts';

/** What the members of `RuleIr` have in common. */
export type RuleMeta = Omit<RuleIr & { kind: 'base' }, 'kind' | 'types' | 'selections' | 'condition'>;

/** A short run of events that must fire, or that comes close and must not. */
export interface RuleExample {
  name: string;
  fires: boolean;
  events: Record<string, unknown>[];
}

/** Our own key in rules and in their correlation. */
export const EXTENSION = 'x-tracewarden';

const LEVELS: Record<string, Severity> = {
  informational: 'info',
  low: 'low',
  medium: 'medium',
  high: 'high',
  critical: 'critical',
};
const STATUSES = ['stable', 'test', 'experimental', 'deprecated', 'unsupported'] as const;
const DAY_MS = 86_400_000;
const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS };

const COMMON_KEYS = [
  'title',
  'id',
  'name',
  'status',
  'description',
  'author',
  'references',
  'date',
  'modified',
  'taxonomy',
  'falsepositives',
  'level',
  'tags',
  EXTENSION,
];
const BASE_KEYS = [...COMMON_KEYS, 'related', 'license', 'logsource', 'detection', 'fields', 'scope'];
const CORRELATION_KEYS = [...COMMON_KEYS, 'related', 'license', 'correlation', 'generate'];

/** What is common to all rules, and the rule's examples. Undefined when something essential is missing or wrong. */
export function parseMeta(
  map: TreeMap,
  kind: RuleIr['kind'],
  file: string,
  issues: Issues,
): { meta: RuleMeta; examples: RuleExample[] } | undefined {
  refuseOtherForms(map, issues);
  const known = kind === 'base' ? BASE_KEYS : CORRELATION_KEYS;
  for (const [key, { place }] of map.entries) {
    // Sigma leaves room for keys of others; one that is not marked as such is rather a slip of the pen.
    if (!known.includes(key) && !key.startsWith('x-')) issues.add(place, key, `is not a key of a ${kind} rule`);
  }
  const errors = issues.errors.length;
  const text = (key: string, chars_max: number): string | undefined => {
    const tree = member(map, key);
    return tree === undefined ? undefined : issues.text(tree, key, chars_max);
  };
  const texts = (key: string): string[] => {
    const tree = member(map, key);
    return (tree && issues.texts(tree, key, RULE_LIMITS.value_chars_max)) ?? [];
  };
  const title = member(map, 'title');
  if (title === undefined) issues.add(map.place, 'title', 'is missing');
  const { id, name } = identity(map, issues);
  const status = member(map, 'status');
  const level = member(map, 'level');
  const taxonomy = member(map, 'taxonomy');
  if (taxonomy !== undefined) issues.choice(taxonomy, 'taxonomy', ['sigma', 'tracewarden']);
  const severity = level && issues.choice(level, 'level', Object.keys(LEVELS));
  const own = parseOwn(map, kind, issues);
  const meta: RuleMeta = {
    rule_id: id ?? name ?? '',
    name: name ?? null,
    version: own.version,
    title: text('title', RULE_LIMITS.title_chars_max) ?? '',
    description: text('description', RULE_LIMITS.text_chars_max) ?? '',
    severity: severity === undefined ? 'medium' : (LEVELS[severity] ?? 'medium'),
    status: (status && issues.choice(status, 'status', STATUSES)) ?? 'experimental',
    tags: texts('tags'),
    references: texts('references'),
    false_positives: texts('falsepositives'),
    misses: own.misses,
    runbook: own.runbook,
    emit: true,
    suppression: own.suppression,
    source: { file, line: map.place.line },
  };
  return issues.errors.length > errors ? undefined : { meta, examples: own.examples };
}

/** Other things that Sigma files may hold. */
function refuseOtherForms(map: TreeMap, issues: Issues): void {
  const place = (key: string) => map.entries.get(key)?.place;
  const action = place('action');
  if (action !== undefined)
    issues.add(action, 'action', 'is a form that Sigma has given up; write one document for each rule');
  const filter = place('filter');
  if (filter !== undefined)
    issues.add(filter, 'filter', 'is a Sigma filter, which is not supported; use a selection with `not`');
}

function identity(map: TreeMap, issues: Issues): { id: string | undefined; name: string | undefined } {
  const read = (key: string): string | undefined => {
    const tree = member(map, key);
    const text = tree && issues.text(tree, key, RULE_LIMITS.id_chars_max);
    if (tree === undefined || text === undefined) return undefined;
    return /^[\w.-]+$/.test(text) ? text : issues.at(tree, key, 'must be letters, digits, `_`, `-` and `.`');
  };
  const id = read('id');
  const name = read('name');
  if (!map.entries.has('id') && !map.entries.has('name')) issues.add(map.place, 'id', 'is missing, and so is `name`');
  return { id, name };
}

interface OwnPart {
  version: number;
  misses: string;
  runbook: string[];
  suppression: Suppression | null;
  examples: RuleExample[];
}

function parseOwn(map: TreeMap, kind: RuleIr['kind'], issues: Issues): OwnPart {
  const own: OwnPart = { version: 1, misses: '', runbook: [], suppression: null, examples: [] };
  const tree = member(map, EXTENSION);
  const extension = tree && issues.map(tree, EXTENSION);
  if (extension === undefined) return own;
  const known = ['version', 'misses', 'runbook', 'examples', ...(kind === 'base' ? ['suppression'] : [])];
  issues.onlyKeys(extension, EXTENSION, known);
  const at = (key: string) => ({ tree: member(extension, key), path: join(EXTENSION, key) });
  const version = at('version');
  if (version.tree) own.version = issues.integer(version.tree, version.path, 1, 1_000_000_000) ?? 1;
  const misses = at('misses');
  if (misses.tree) own.misses = issues.text(misses.tree, misses.path, RULE_LIMITS.text_chars_max) ?? '';
  const runbook = at('runbook');
  if (runbook.tree) own.runbook = issues.texts(runbook.tree, runbook.path, RULE_LIMITS.value_chars_max) ?? [];
  const suppression = at('suppression');
  if (suppression.tree && kind === 'base') {
    own.suppression = parseSuppression(suppression.tree, suppression.path, issues) ?? null;
    for (const field of own.suppression?.by ?? []) {
      const problem = fieldProblem(field);
      if (problem !== undefined)
        issues.add(suppression.tree.place, join(suppression.path, 'by'), problem, quoted(field));
    }
  }
  const examples = at('examples');
  if (examples.tree) own.examples = parseExamples(examples.tree, examples.path, issues);
  return own;
}

/** `none` gives null, a map a suppression; undefined when something was noted. */
export function parseSuppression(tree: Tree, path: string, issues: Issues): Suppression | null | undefined {
  if (tree.kind === 'scalar' && tree.value === 'none') return null;
  const map = tree.kind === 'map' ? tree : issues.at(tree, path, 'must be a map with `by` or `timespan`, or `none`');
  if (map === undefined) return undefined;
  issues.onlyKeys(map, path, ['by', 'timespan']);
  const by = member(map, 'by');
  const timespan = member(map, 'timespan');
  if (by === undefined && timespan === undefined) return issues.at(map, path, 'needs `by` or `timespan`');
  const fields = by && parseNames(by, join(path, 'by'), issues);
  const window_ms = timespan && parseTimespan(timespan, join(path, 'timespan'), issues);
  if ((by && fields === undefined) || (timespan && window_ms === undefined)) return undefined;
  return { by: fields ?? null, window_ms: window_ms ?? null };
}

/** A list of different field names, which may be empty; the fields themselves are judged where it is known what there is. */
export function parseNames(tree: Tree, path: string, issues: Issues): string[] | undefined {
  const items = issues.list(tree, path, RULE_LIMITS.group_fields_max)?.items;
  const names = items?.map((item, at) => issues.text(item, `${path}[${at}]`, RULE_LIMITS.field_chars_max));
  if (names === undefined || !names.every((name) => name !== undefined)) return undefined;
  return new Set(names).size === names.length ? names : issues.at(tree, path, 'names a field twice');
}

/** A span such as `90m` in milliseconds. */
export function parseTimespan(tree: Tree, path: string, issues: Issues): number | undefined {
  const text = tree.kind === 'scalar' ? String(tree.value) : '';
  const [, count = '', unit = ''] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? [];
  const unit_ms = UNITS_MS[unit];
  if (unit_ms === undefined) return issues.at(tree, path, 'must be a whole number with s, m, h or d, such as 90m');
  const span_ms = Number(count) * unit_ms;
  return span_ms <= RULE_LIMITS.timespan_days_max * DAY_MS
    ? span_ms
    : issues.at(tree, path, `is longer than ${RULE_LIMITS.timespan_days_max} days`);
}

function parseExamples(tree: Tree, path: string, issues: Issues): RuleExample[] {
  const items = issues.list(tree, path, RULE_LIMITS.examples_max)?.items ?? [];
  return items.flatMap((item, at) => parseExample(item, `${path}[${at}]`, issues) ?? []);
}

function parseExample(tree: Tree, path: string, issues: Issues): RuleExample | undefined {
  const map = issues.map(tree, path);
  if (map === undefined) return undefined;
  issues.onlyKeys(map, path, ['name', 'fires', 'events']);
  const [name, fires, events] = ['name', 'fires', 'events'].map((key) => {
    const found = member(map, key);
    return found ?? issues.at(map, join(path, key), 'is missing');
  });
  if (name === undefined || fires === undefined || events === undefined) return undefined;
  const title = issues.text(name, join(path, 'name'), RULE_LIMITS.title_chars_max);
  const flag = issues.flag(fires, join(path, 'fires'));
  const list = issues.list(events, join(path, 'events'), RULE_LIMITS.example_events_max)?.items;
  const maps = list?.map((event, at) => issues.map(event, `${join(path, 'events')}[${at}]`));
  if (title === undefined || flag === undefined || maps === undefined) return undefined;
  if (!maps.every((event) => event !== undefined)) return undefined;
  return { name: title, fires: flag, events: maps.map((event) => jsonOf(event) as Record<string, unknown>) };
}
