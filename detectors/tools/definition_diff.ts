/** Says in words how a tool's definition changed, and how much that matters: a new word is not a new order. */
import { type Severity, severityRank } from '../../core/alert.ts';
import { holdsWord, wordSet, wordsOf } from '../catalog/words.ts';
import { listing, shorten } from '../wording.ts';
import type { DefinitionFingerprint, ParameterShape } from './definition_fingerprint.ts';
import { gradeOrders, ORDER_KINDS, orderMeaning } from './model_orders.ts';

export type ChangeKind =
  | 'wording'
  | 'output_schema'
  | 'parameter_removed'
  | 'parameter_added'
  | 'parameter_required'
  | 'parameter_loosened'
  | 'parameter_tightened'
  | 'schema_opened'
  | 'power_words'
  | 'host'
  | 'order'
  | 'annotation';

export interface DefinitionChange {
  kind: ChangeKind;
  severity: Severity;
  /** A clause for "the definition …". */
  text: string;
}

const CHANGES_MAX = 12;
/** Parameters through which a server could draw data that the tool has no need of. */
const DRAWS = wordSet(`context history conversation transcript notes note sidenote memory reasoning thought credential
  credentials password secret token key environment env metadata debug prompt callback webhook forward bcc cc`);
const ORDERS_FAINT = new Set(['precondition', 'other_tool']);

/** The changes from one definition of a tool to another, the gravest first; none when they are the same. */
export function diffDefinitions(before: DefinitionFingerprint, after: DefinitionFingerprint): DefinitionChange[] {
  if (before.digest === after.digest) return [];
  const changes = [
    ...orderChanges(before, after),
    ...hostChanges(before, after),
    ...parameterChanges(before, after),
    ...schemaChanges(before, after),
    ...annotationChanges(before, after),
    ...powerChanges(before, after),
  ];
  if (before.output !== after.output) {
    changes.push({ kind: 'output_schema', severity: 'low', text: 'describes its results otherwise' });
  }
  // Whatever is left to differ is the text itself, or a member that means nothing here.
  if (changes.length === 0) changes.push({ kind: 'wording', severity: 'low', text: 'is worded otherwise' });
  return changes.sort((a, b) => severityRank(b.severity) - severityRank(a.severity)).slice(0, CHANGES_MAX);
}

/**
 * How much the changes matter together. A new place that data goes to is clear only with a new way to get it there.
 */
export function gradeChanges(changes: readonly DefinitionChange[]): Severity {
  let worst: Severity = 'low';
  for (const { severity } of changes) if (severityRank(severity) > severityRank(worst)) worst = severity;
  const kinds = new Set(changes.map(({ kind }) => kind));
  const draws = changes.some(({ kind, severity }) => kind.startsWith('parameter_') && severity === 'medium');
  return worst === 'medium' && kinds.has('host') && draws ? 'high' : worst;
}

function orderChanges(before: DefinitionFingerprint, after: DefinitionFingerprint): DefinitionChange[] {
  const known = new Set(before.orders.map(({ kind, quote }) => `${kind} ${quote}`));
  const fresh = after.orders.filter(({ kind, quote }) => !known.has(`${kind} ${quote}`));
  if (fresh.length === 0) return [];
  const grade = gradeOrders(after.orders);
  const was = gradeOrders(before.orders);
  const worse = grade !== undefined && (was === undefined || severityRank(grade) > severityRank(was));
  const told = ORDER_KINDS.flatMap((kind) => fresh.filter((order) => order.kind === kind))[0];
  if (told === undefined || (!worse && fresh.every(({ kind }) => ORDERS_FAINT.has(kind)))) return [];
  // An order in a definition that was in use without it is graver than one that always stood there.
  const severity: Severity = grade === 'high' || grade === 'medium' ? 'high' : 'medium';
  return [{ kind: 'order', severity, text: `now ${orderMeaning(told.kind)}: ${told.quote}` }];
}

function hostChanges(before: DefinitionFingerprint, after: DefinitionFingerprint): DefinitionChange[] {
  const fresh = after.hosts.filter((host) => !before.hosts.includes(host));
  if (fresh.length === 0) return [];
  return [{ kind: 'host', severity: 'medium', text: `now names ${listing(fresh.map((host) => shorten(host, 80)))}` }];
}

function parameterChanges(before: DefinitionFingerprint, after: DefinitionFingerprint): DefinitionChange[] {
  const old = new Map(before.parameters.map((shape) => [shape.path, shape]));
  const changes: DefinitionChange[] = [];
  for (const shape of after.parameters) {
    const was = old.get(shape.path);
    if (was === undefined) changes.push(addedParameter(shape));
    else changes.push(...changedParameter(was, shape));
    old.delete(shape.path);
  }
  if (old.size > 0) {
    const names = listing([...old.keys()].map((path) => shorten(path, 48)));
    changes.push({ kind: 'parameter_removed', severity: 'low', text: `no longer has ${names}` });
  }
  if (before.rest !== after.rest) {
    changes.push({ kind: 'parameter_added', severity: 'low', text: 'changed some of its many further parameters' });
  }
  return changes;
}

function addedParameter(shape: ParameterShape): DefinitionChange {
  const name = shorten(shape.path, 48);
  if (shape.required) {
    return { kind: 'parameter_required', severity: 'medium', text: `has the new required parameter ${name}` };
  }
  const draws = holdsWord(wordsOf(shape.path), DRAWS);
  return { kind: 'parameter_added', severity: draws ? 'medium' : 'low', text: `has the new parameter ${name}` };
}

function changedParameter(was: ParameterShape, is: ParameterShape): DefinitionChange[] {
  const name = shorten(is.path, 48);
  const changes: DefinitionChange[] = [];
  if (!was.required && is.required) {
    changes.push({ kind: 'parameter_required', severity: 'medium', text: `now requires ${name}` });
  }
  const dropped = was.limits.filter((limit) => !is.limits.some((other) => nameOfLimit(other) === nameOfLimit(limit)));
  if (dropped.length > 0 || isWider(was.type, is.type)) {
    const what =
      dropped.length > 0 ? `${name} without its ${listing(dropped.map(nameOfLimit))}` : `${is.type} for ${name}`;
    changes.push({ kind: 'parameter_loosened', severity: 'medium', text: `now takes ${what}` });
  } else if (was.type !== is.type || was.limits.join() !== is.limits.join()) {
    changes.push({ kind: 'parameter_tightened', severity: 'low', text: `takes other values for ${name}` });
  }
  return changes;
}

function nameOfLimit(limit: string): string {
  return limit.split('=', 1)[0] ?? limit;
}

/** Whether every value of the old type is one of the new, and more. */
function isWider(was: string, is: string): boolean {
  if (was === is) return false;
  if (is === 'any' || (was === 'enum' && is === 'string') || (was === 'integer' && is === 'number')) return true;
  const types = is.split('|');
  return types.length > was.split('|').length && was.split('|').every((type) => types.includes(type));
}

function schemaChanges(before: DefinitionFingerprint, after: DefinitionFingerprint): DefinitionChange[] {
  if (!before.closed || after.closed) return [];
  return [{ kind: 'schema_opened', severity: 'medium', text: 'now takes parameters that it does not name' }];
}

/** The others turn up in ordinary rewording as well. */
const STRONG_POWERS = new Set(
  `delete remove destroy drop erase wipe execute shell command script eval upload forward transfer pay purchase refund
  install password credential secret token admin root sudo permission grant webhook callback overwrite encrypt clipboard
  screenshot microphone camera conversation environment kill reboot shutdown`
    .split(/\s+/)
    .concat('api key', 'private key'),
);

function powerChanges(before: DefinitionFingerprint, after: DefinitionFingerprint): DefinitionChange[] {
  const fresh = after.powers.filter((word) => !before.powers.includes(word));
  if (fresh.length === 0) return [];
  const severity = fresh.some((word) => STRONG_POWERS.has(word)) ? 'medium' : 'low';
  return [{ kind: 'power_words', severity, text: `now speaks of ${listing(fresh, 5)}` }];
}

/** What a server may change about itself to look harmless, or to admit that it no longer is. */
const WEIGHTY = /^(?:readOnlyHint|destructiveHint|openWorldHint)=/;

function annotationChanges(before: DefinitionFingerprint, after: DefinitionFingerprint): DefinitionChange[] {
  const fresh = after.annotations.filter((annotation) => !before.annotations.includes(annotation));
  const gone = before.annotations.filter((annotation) => !after.annotations.includes(annotation));
  if (fresh.length === 0 && gone.length === 0) return [];
  const weighty = [...fresh, ...gone].some((annotation) => WEIGHTY.test(annotation));
  const text = fresh.length > 0 ? `now says ${listing(fresh)}` : `no longer says ${listing(gone)}`;
  return [{ kind: 'annotation', severity: weighty ? 'medium' : 'low', text }];
}
