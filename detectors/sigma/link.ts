/** Joins the rules of several files into one set: every name is resolved, or refused by name. */
import {
  describeReference,
  type ParsedCarry,
  type ParsedCorrelation,
  type ParsedStep,
  type Reference,
} from './correlation_rule.ts';
import { fieldProblem } from './fields.ts';
import {
  type Carry,
  type CorrelationRule,
  type GroupField,
  IR_VERSION,
  type RowSource,
  type RuleIr,
  type RuleSet,
  type Sequence,
  type SequenceStep,
} from './ir.ts';
import { Issues, type RuleError } from './issues.ts';
import type { ParsedRule } from './rule_file.ts';
import { RULE_LIMITS } from './rule_limits.ts';
import type { RuleExample, RuleMeta } from './rule_meta.ts';
import { quoted } from './yaml_tree.ts';

export interface LinkOptions {
  /** Ids of the signals that there are; without it any id is taken. */
  signals?: ReadonlySet<string>;
}

export interface LinkedRules {
  /** What could be linked. Complete only when there are no errors. */
  set: RuleSet;
  /** By rule id. */
  examples: Map<string, RuleExample[]>;
  errors: RuleError[];
}

/** The set of rules that files make up together. A rule with an error, and what refers to it, is left out. */
export function linkRules(parsed: readonly ParsedRule[], options: LinkOptions = {}): LinkedRules {
  const linker = new Linker(options);
  for (const rule of parsed) linker.declare(rule);
  for (const rule of parsed) linker.link(rule, []);
  return linker.result();
}

type ParsedCorrelationRule = ParsedRule & { kind: 'correlation' };

function metaOf(rule: ParsedRule): RuleMeta {
  return rule.kind === 'base' ? rule.rule : rule.meta;
}

class Linker {
  private readonly by_name = new Map<string, ParsedRule>();
  /** `undefined` stands for one that could not be linked. */
  private readonly linked = new Map<ParsedRule, RuleIr | undefined>();
  private readonly rules: RuleIr[] = [];
  private readonly depths = new Map<string, number>();
  private readonly examples = new Map<string, RuleExample[]>();
  private readonly errors: RuleError[] = [];
  /** Rules that are referred to, and whether a correlation wants them told as well. */
  private readonly referred = new Map<string, boolean>();
  private readonly options: LinkOptions;

  constructor(options: LinkOptions) {
    this.options = options;
  }

  declare(rule: ParsedRule): void {
    const { rule_id, name, source } = metaOf(rule);
    if (this.by_name.size >= RULE_LIMITS.rules_max) {
      this.refuse(rule, `is one of more than ${RULE_LIMITS.rules_max} rules`);
      return;
    }
    for (const each of new Set([rule_id, ...(name === null ? [] : [name])])) {
      const other = this.by_name.get(each);
      if (other === undefined) {
        this.by_name.set(each, rule);
      } else {
        const { file, line } = metaOf(other).source;
        this.refuse(rule, `has the id or name ${quoted(each)}, which is taken by ${file}:${line}`, source);
      }
    }
  }

  /** The linked form of a rule, after all that it refers to. `path`: the rules on the way to it. */
  link(rule: ParsedRule, path: readonly ParsedRule[]): RuleIr | undefined {
    if (this.linked.has(rule)) return this.linked.get(rule);
    const ir = rule.kind === 'base' ? rule.rule : this.correlation(rule, [...path, rule]);
    this.linked.set(rule, ir);
    if (ir === undefined) return undefined;
    this.rules.push(ir);
    this.examples.set(ir.rule_id, rule.examples);
    return ir;
  }

  result(): LinkedRules {
    const rules = this.rules.map((rule) => ({ ...rule, emit: this.referred.get(rule.rule_id) ?? true }));
    return { set: { ir_version: IR_VERSION, rules }, examples: this.examples, errors: this.errors };
  }

  private correlation(rule: ParsedCorrelationRule, path: readonly ParsedRule[]): CorrelationRule | undefined {
    const { correlation, meta } = rule;
    const before = this.errors.length;
    const issues = new Issues(meta.source.file);
    const sources = new Sources(correlation);
    const targets = sources.references.map((reference) => this.target(reference, path, issues));
    const group_by = groupFields(correlation, sources, issues);
    const sequence = sequenceOf(correlation, sources, issues);
    const names = new Set(correlation.group_by.map(plainName));
    checkFields(correlation, names, issues);
    this.errors.push(...issues.errors);
    if (this.errors.length > before || !targets.every((target) => target !== undefined)) return undefined;
    for (const target of targets) {
      if (target === 'signal') continue;
      const told = this.referred.get(target.rule_id) ?? false;
      this.referred.set(target.rule_id, told || correlation.generate);
    }
    const below = targets.map((target) => (target === 'signal' ? 0 : this.depthOf(target)));
    this.depths.set(meta.rule_id, 1 + Math.max(...below));
    const { suppression } = correlation;
    return {
      kind: 'correlation',
      ...meta,
      suppression: suppression === undefined ? { by: null, window_ms: correlation.timespan_ms } : suppression,
      type: correlation.type,
      sources: sources.references.map(({ kind, name }, at): RowSource => {
        const target = targets[at];
        const reference = sources.references[at] as Reference;
        return { kind, id: target === undefined || target === 'signal' ? reference.id : target.rule_id, name };
      }),
      counted: sources.counted,
      group_by,
      timespan_ms: correlation.timespan_ms,
      session_chain: correlation.session_chain,
      threshold: thresholdOf(correlation, sources.counted),
      sequence: correlation.type === 'temporal_ordered' ? sequence : null,
    };
  }

  /** What a reference leads to, or undefined with a note. */
  private target(reference: Reference, path: readonly ParsedRule[], issues: Issues): RuleIr | 'signal' | undefined {
    const refuse = (problem: string): undefined =>
      issues.add(reference.place, reference.path, problem, quoted(reference.id));
    if (reference.kind === 'signal') {
      const known = this.options.signals?.has(reference.id) ?? true;
      return known ? 'signal' : refuse('is no signal of any detector');
    }
    const rule = this.by_name.get(reference.id);
    if (rule === undefined) return refuse('is the id or name of no rule');
    if (path.includes(rule)) {
      const circle = [...path.slice(path.indexOf(rule)), rule].map((each) => metaOf(each).rule_id);
      return refuse(`leads in a circle: ${circle.slice(0, 20).join(' -> ')}`);
    }
    if (path.length > RULE_LIMITS.chain_max)
      return refuse(`stands on more than ${RULE_LIMITS.chain_max} other correlations`);
    const ir = this.link(rule, path);
    if (ir === undefined) return refuse('cannot be used, since it has errors itself');
    if (ir.kind === 'correlation' && ir.sequence?.steps.at(-1)?.absent) {
      return refuse('ends in an absence, so its matches are known too late for another correlation');
    }
    return this.depthOf(ir) < RULE_LIMITS.chain_max
      ? ir
      : refuse(`stands on more than ${RULE_LIMITS.chain_max} other correlations`);
  }

  /** How many correlations stand on top of each other, with this one. */
  private depthOf(ir: RuleIr): number {
    return this.depths.get(ir.rule_id) ?? 0;
  }

  private refuse(rule: ParsedRule, problem: string, source = metaOf(rule).source): void {
    this.linked.set(rule, undefined);
    this.errors.push({ file: source.file, line: source.line, column: 1, path: '', value: '', problem });
  }
}

/** The sources of a correlation: those in `rules` first, then what else its steps name. */
class Sources {
  readonly references: Reference[];
  readonly counted: number;
  private readonly places = new Map<string, number>();

  constructor(correlation: ParsedCorrelation) {
    const { steps, until } = correlation.sequence;
    this.references = [];
    for (const reference of correlation.rules) this.add(reference);
    this.counted = this.references.length;
    for (const step of steps ?? []) this.add(step.refers);
    if (until !== undefined) this.add(until);
  }

  placeOf(reference: Reference): number {
    return this.places.get(keyOf(reference)) as number;
  }

  private add(reference: Reference): void {
    if (this.places.has(keyOf(reference))) return;
    this.places.set(keyOf(reference), this.references.length);
    this.references.push(reference);
  }
}

function keyOf({ kind, id }: Reference): string {
  return `${kind} ${id}`;
}

/** Without the mark of an optional field. */
function plainName(name: string): string {
  return name.startsWith('?') ? name.slice(1) : name;
}

function groupFields(correlation: ParsedCorrelation, sources: Sources, issues: Issues): GroupField[] {
  const { aliases, group_by, place } = correlation;
  const names = new Set(correlation.rules.map((reference) => reference.name));
  for (const reference of sources.references) names.add(reference.name);
  for (const [alias, fields] of aliases) {
    const path = `correlation.aliases.${alias}`;
    if (!group_by.some((name) => plainName(name) === alias)) issues.add(place, path, 'stands in no `group-by`');
    for (const [rule, field] of fields) {
      if (!names.has(rule)) issues.add(place, path, 'is not one of the rules of this correlation', quoted(rule));
      const problem = fieldProblem(field);
      if (problem !== undefined) issues.add(place, path, problem, quoted(field));
    }
  }
  return group_by.map((written) => {
    const name = plainName(written);
    const alias = aliases.get(name);
    const fields = sources.references.map((reference) => alias?.get(reference.name) ?? name);
    const missing = sources.references.find((reference) => alias !== undefined && !alias.has(reference.name));
    const problem = alias === undefined || missing !== undefined ? fieldProblem(name) : undefined;
    if (problem !== undefined) {
      const why = missing === undefined ? problem : `says nothing of ${describeReference(missing)}, and ${problem}`;
      issues.add(place, 'correlation.group-by', why, quoted(written));
    }
    return { name, optional: written.startsWith('?'), fields };
  });
}

/** Fields of events that a correlation reads besides its group. */
function checkFields(correlation: ParsedCorrelation, group_names: ReadonlySet<string>, issues: Issues): void {
  const { threshold, sequence, suppression, place } = correlation;
  const check = (fields: readonly string[], path: string): void => {
    for (const field of fields) {
      const problem = fieldProblem(field);
      if (problem !== undefined) issues.add(place, path, problem, quoted(field));
    }
  };
  check(threshold?.fields ?? [], 'correlation.condition.field');
  check(sequence.distinct, 'correlation.x-tracewarden.distinct');
  check(sequence.same, 'correlation.x-tracewarden.same');
  const by = (suppression?.by ?? []).filter((name) => !group_names.has(name));
  check(by, 'correlation.x-tracewarden.suppression.by');
}

function thresholdOf(correlation: ParsedCorrelation, counted: number): CorrelationRule['threshold'] {
  if (correlation.type !== 'temporal' || correlation.threshold !== null) return correlation.threshold;
  return { fields: [], percentile: null, bounds: [{ operator: 'eq', value: counted }] };
}

function sequenceOf(correlation: ParsedCorrelation, sources: Sources, issues: Issues): Sequence {
  const { sequence, rules, place } = correlation;
  const path = 'correlation.x-tracewarden';
  const parsed: ParsedStep[] =
    sequence.steps ?? rules.map((refers) => ({ name: refers.name, refers, absent: false, min_count: 1 }));
  const steps = parsed.map(
    ({ name, refers, absent, min_count }): SequenceStep => ({
      name,
      source: sources.placeOf(refers),
      absent,
      min_count,
    }),
  );
  const present = new Set(steps.filter((step) => !step.absent).map((step) => step.source));
  const named = rules.map((reference) => sources.placeOf(reference));
  if (named.length !== present.size || !named.every((source) => present.has(source))) {
    issues.add(place, `${path}.steps`, 'must name the same rules and signals as `rules`, leaving out absent steps');
  }
  const carry = sequence.carry.map((each) => carryOf(each, steps, `${path}.carry`, issues));
  return {
    steps,
    until: sequence.until === undefined ? null : sources.placeOf(sequence.until),
    max_gap_ms: sequence.max_gap_ms,
    max_gap_events: sequence.max_gap_events,
    distinct: sequence.distinct,
    same: sequence.same,
    carry: carry.filter((each) => each !== undefined),
  };
}

function carryOf(carry: ParsedCarry, steps: readonly SequenceStep[], path: string, issues: Issues): Carry | undefined {
  const stepAt = (name: string): number | undefined => {
    const found = steps.flatMap((step, at) => (step.name === name ? [at] : []));
    const [only] = found;
    if (only === undefined) return issues.add(carry.place, path, 'is the name of no step', quoted(name));
    if (found.length > 1)
      return issues.add(carry.place, path, 'is the name of several steps; give them a `name`', quoted(name));
    if (steps[only]?.absent) return issues.add(carry.place, path, 'is an absent step', quoted(name));
    if (steps[only]?.min_count !== 1)
      return issues.add(carry.place, path, 'is a step with a `min_count`', quoted(name));
    return only;
  };
  const [from, to] = [stepAt(carry.from), stepAt(carry.to)];
  if (from === undefined || to === undefined) return undefined;
  if (from >= to) return issues.add(carry.place, path, 'must lead from a step to a later one', quoted(carry.from));
  return { from, to, match: carry.match, min_chars: carry.min_chars };
}
