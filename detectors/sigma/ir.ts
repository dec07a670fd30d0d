/**
 * The intermediate form of rules: what a rule file means, as plain JSON data, with every short form of the file
 * written out. The file's parser makes it; the streaming back end and the SQL back end both start from it, so it fixes
 * what a rule says. How events are chosen, ordered and grouped is in `docs/rules.md`; the two must be read together.
 */
import type { Severity } from '../../core/alert.ts';
import type { EventType } from '../../core/event.ts';

/** Raised when the same intermediate form would be judged differently. */
export const IR_VERSION = 1;

/** Rules that were checked together: every reference is resolved, and a correlation stands after what it refers to. */
export interface RuleSet {
  ir_version: typeof IR_VERSION;
  rules: RuleIr[];
}

export type RuleIr = BaseRule | CorrelationRule;

interface RuleMeta {
  /** The rule's `id`, or its `name` when it has no id. Unique in a set. */
  rule_id: string;
  /** How other rules may refer to it, beside the id. */
  name: string | null;
  /** Part of a finding's id: raised whenever the same events would be judged differently. */
  version: number;
  title: string;
  description: string;
  severity: Severity;
  status: 'stable' | 'test' | 'experimental' | 'deprecated' | 'unsupported';
  tags: string[];
  references: string[];
  false_positives: string[];
  /** What it does not find. */
  misses: string;
  /** What an analyst does with a match, step by step. */
  runbook: string[];
  /** Whether a match is told. A rule that is only referred to is not, unless a correlation says `generate`. */
  emit: boolean;
  /** Which matches are told once only; null when every match is told. */
  suppression: Suppression | null;
  source: { file: string; line: number };
}

/** After a match was told, those of the same key are counted and not told. */
export interface Suppression {
  /** Fields of the anchor event, or names in `group_by`; null stands for the group key. The tenant is always part. */
  by: string[] | null;
  /** For how long after the told match's anchor; null for good. */
  window_ms: number | null;
}

/** A rule over single events. */
export interface BaseRule extends RuleMeta {
  kind: 'base';
  /** From the log source: the event must be of one of these types. Null for any type. */
  types: EventType[] | null;
  selections: Record<string, Matcher>;
  condition: Condition;
}

/** What must hold of the selections. `1 of`, `all of` and patterns are written out. */
export type Condition =
  | { op: 'and' | 'or'; of: Condition[] }
  | { op: 'not'; of: Condition }
  | { op: 'selection'; name: string };

/** What must hold of an event. Lists of values, `all`, keywords and encodings are written out. */
export type Matcher = { op: 'and' | 'or'; of: Matcher[] } | Test;

/**
 * One comparison of one field. A field gives zero or more values: none when it is missing, several when it is a list.
 * `any`: at least one value satisfies it. `none`: there is at least one value, and none satisfies it (`neq`).
 */
export interface Test {
  op: 'test';
  field: string;
  /** Compare this number, taken out of a time in UTC, instead of the value itself. */
  part: TimePart | null;
  quantifier: 'any' | 'none';
  compare: Compare;
}

export type TimePart = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';

export type Compare =
  /** Of the value as text. Without `cased`, both sides are folded to lower case first. */
  | { kind: 'text'; form: 'equals' | 'starts' | 'ends' | 'contains'; text: string; cased: boolean }
  /** The whole text fits the pieces in turn. Only where the other forms cannot say it. */
  | { kind: 'glob'; pieces: GlobPiece[]; cased: boolean }
  /** Found anywhere in the value's first `regex_text_chars_max` characters. RE2 syntax. */
  | { kind: 'regex'; pattern: string; ignore_case: boolean; multi_line: boolean; dot_all: boolean }
  /** The value as an address lies in the network. */
  | { kind: 'cidr'; network: string }
  /** The value as a number; a text counts when it is a decimal number and nothing else. */
  | { kind: 'number'; operator: 'eq' | 'gt' | 'gte' | 'lt' | 'lte'; value: number }
  | { kind: 'boolean'; value: boolean }
  /** Equal to one of the other field's values, as text. */
  | { kind: 'field'; field: string; cased: boolean }
  /** Whether the field has a value at all; `exists: false` is also what `null` and `''` in a file mean. */
  | { kind: 'exists'; exists: boolean };

export type GlobPiece = { literal: string } | { wild: 'any' | 'one' };

export const CORRELATION_TYPES = [
  'event_count',
  'value_count',
  'value_sum',
  'value_avg',
  'value_percentile',
  'temporal',
  'temporal_ordered',
] as const;
export type CorrelationType = (typeof CORRELATION_TYPES)[number];

/** A rule over several events of one group. */
export interface CorrelationRule extends RuleMeta {
  kind: 'correlation';
  type: CorrelationType;
  /** Where rows come from. Other members name a source by its place in this list. */
  sources: RowSource[];
  /** The first so many of `sources` are those that `rules` names; the others are for absence and `until` only. */
  counted: number;
  group_by: GroupField[];
  timespan_ms: number;
  /** A window also holds no more than the latest so many sessions; null for no such bound. */
  session_chain: number | null;
  /** For every type but `temporal_ordered`. */
  threshold: Threshold | null;
  /** For `temporal_ordered` only. */
  sequence: Sequence | null;
}

/** A rule of the set, or a signal that detectors emit. */
export interface RowSource {
  kind: 'rule' | 'signal';
  /** The rule's `rule_id`, or the signal's id. */
  id: string;
  /** As it stands in the file: what aliases and steps call it, and the role of its events in a match. */
  name: string;
}

export interface GroupField {
  /** A field, or an alias. */
  name: string;
  /** Written `?name`: a missing value is a value of its own, instead of dropping the row. */
  optional: boolean;
  /** For each source, the field to read. */
  fields: string[];
}

/** What must hold of the number that a window yields. All bounds must hold. */
export interface Threshold {
  /** Of value types: which values are looked at. Several fields count as one combined value (`value_count` only). */
  fields: string[];
  /** Of `value_percentile`: above 0, up to 100. */
  percentile: number | null;
  bounds: Bound[];
}

export interface Bound {
  operator: 'gt' | 'gte' | 'lt' | 'lte' | 'eq' | 'neq';
  value: number;
}

/** Steps in order. */
export interface Sequence {
  steps: SequenceStep[];
  /** A source that discards what began before it; null for none. */
  until: number | null;
  /** Between neighbouring events of the match. */
  max_gap_ms: number | null;
  /** Events of the session between neighbouring events of the match, which must be of one session. */
  max_gap_events: number | null;
  /** Events of different steps have no value of these fields in common, and each has one. */
  distinct: string[];
  /** Any two events of the match have a value of these fields in common. */
  same: string[];
  carry: Carry[];
}

export interface SequenceStep {
  name: string;
  source: number;
  /** No row of the source may lie here. Then `min_count` is 1. */
  absent: boolean;
  /** So many rows of the source, one after the other. */
  min_count: number;
}

/** A value must have come from the event of one step into the event of a later one. */
export interface Carry {
  /** Places in `steps`; both are present and have a `min_count` of 1; `from` stands before `to`. */
  from: number;
  to: number;
  /** Which edges count: all, those of secrets, those of text, or those of all other values. */
  match: 'any' | 'secret' | 'text' | 'value';
  /** The carried value has at least so many characters; 0 for no bound. */
  min_chars: number;
}
