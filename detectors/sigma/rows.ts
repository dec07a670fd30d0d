/** What the stream keeps of events that may be part of a match. */
import { digestOf } from '../finding_id.ts';
import type { GroupField } from './ir.ts';
import { comparePoints, type EventPoint } from './record.ts';
import { RULE_LIMITS } from './rule_limits.ts';

/** One event of a match, with the part it plays. */
export interface MatchEvent {
  point: EventPoint;
  /** The step, or the source, that it stands for. */
  role: string;
}

/** A match of a rule. */
export interface RuleMatch {
  rule_id: string;
  version: number;
  tenant: string;
  /** By name in `group-by`; null is a missing value. Long values are given by their digest. */
  key: Record<string, string | null>;
  /** The event that completed it. */
  anchor: EventPoint;
  /** In order. */
  events: MatchEvent[];
  /** For counts, values and `temporal`: the number that satisfied the condition. */
  value: number | null;
  /** Found only because an event came after later ones. */
  late: boolean;
}

/** An event that is a row of a source. */
export interface Hit {
  source: number;
  point: EventPoint;
  /** The values of a field as texts. */
  field(name: string): readonly string[];
  /** Of a source that is a correlation: its match. */
  match: RowMatch | undefined;
}

/** An event of one key, with all sources that it is a row of. */
export interface Row {
  readonly point: EventPoint;
  /** A bit for each source. */
  mask: number;
  /** Values of the fields that the correlation, or one that stands on it, asks for; in the order of its fields. */
  readonly fields: readonly (readonly string[])[];
  /** Of value types: the values that are counted. */
  readonly counted: readonly string[];
  /** Of number types. */
  readonly number: number;
  /** The matches that it is, by source. */
  inner: (RowMatch | undefined)[] | undefined;
  /** It was the anchor of a match. */
  told: boolean;
  /** The match that waits for its deadline with this anchor. */
  pending: Pending | undefined;
}

/** A match as a row of a correlation on top: its events are put together when someone asks. */
export interface RowMatch {
  events(): MatchEvent[];
}

/** A chain that is a match if nothing comes that must not. */
export interface Pending {
  anchor: Row;
  chain: readonly Row[];
  deadline_ms: number;
  state: KeyState;
  cancelled: boolean;
  late: boolean;
}

/** All that is kept of one key of one correlation. */
export interface KeyState {
  readonly id: string;
  readonly tenant: string;
  readonly values: readonly (string | null)[];
  /** In order. */
  rows: Row[];
  /** Rows of each source. */
  readonly by_source: number[];
  /** When it was last used, in events. */
  used: number;
}

/** A key that an event belongs to. */
export interface Key {
  id: string;
  values: (string | null)[];
}

/** The keys of a hit: none when a value is missing, undefined when there are too many. */
export function keysOf(hit: Hit, group_by: readonly GroupField[]): Key[] | undefined {
  const [only] = group_by;
  if (only !== undefined && group_by.length === 1) {
    const texts = hit.field(only.fields[hit.source] as string);
    const [value] = texts;
    if (value !== undefined && texts.length === 1 && value.length <= RULE_LIMITS.key_chars_max) {
      return [{ id: part(hit.point.tenant) + part(value), values: [value] }]; // by far the most usual
    }
  }
  let keys: Key[] = [{ id: part(hit.point.tenant), values: [] }];
  for (const { fields, optional } of group_by) {
    const values = comparable(hit.field(fields[hit.source] as string)).slice(0, RULE_LIMITS.keys_per_field_max);
    const choices: readonly (string | null)[] = values.length === 0 && optional ? [null] : values;
    if (keys.length * choices.length > RULE_LIMITS.keys_per_row_max) return undefined;
    keys = keys.flatMap(({ id, values: before }) =>
      choices.map((value) => ({ id: id + part(value), values: [...before, value] })),
    );
  }
  return keys;
}

/** Different values, long ones by their digest: what is only ever compared need not be kept. */
export function comparable(texts: readonly string[]): readonly string[] {
  const [only] = texts;
  if (only === undefined) return texts;
  if (texts.length === 1) return only.length <= RULE_LIMITS.key_chars_max ? texts : [shortened(only)];
  return [...new Set(texts.map(shortened))];
}

/** Several values as one text that no other values give. */
export function combined(texts: readonly (string | null)[]): string {
  return texts.map(part).join('');
}

/** A list of values as one text: the same for the same values in another order. */
export function sortedText(texts: readonly string[]): string {
  return combined([...comparable(texts)].sort());
}

function part(value: string | null): string {
  return value === null ? '-' : `${value.length}:${value}`;
}

function shortened(text: string): string {
  return text.length <= RULE_LIMITS.key_chars_max ? text : `sha256:${digestOf([text])}`;
}

/** The first place in ordered rows that is not before a point. */
export function placeOf(rows: readonly Row[], point: EventPoint): number {
  const last = rows.at(-1);
  if (last === undefined || comparePoints(last.point, point) < 0) return rows.length;
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comparePoints((rows[middle] as Row).point, point) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first place in ordered rows whose time is not before a time. */
export function placeOfTime(rows: readonly Row[], time_ms: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle] as Row).point.time_ms < time_ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
