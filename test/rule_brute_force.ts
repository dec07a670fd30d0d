/**
 * The definitions of `docs/rules.md` word for word, over all events at once and without any thought of speed: what the
 * back ends are compared with in tests.
 */
import { FieldTable, FieldView } from '../detectors/sigma/field_view.ts';
import type { Bound, CorrelationRule, RuleIr, RuleSet, Sequence } from '../detectors/sigma/ir.ts';
import { compileBase } from '../detectors/sigma/matcher.ts';
import { comparePoints, numberOf, type RuleRecord, textOf, valuesOf } from '../detectors/sigma/record.ts';

/** A match in its shortest form. */
export interface PlainMatch {
  rule_id: string;
  key: (string | null)[];
  anchor: RuleRecord;
  events: RuleRecord[];
  value: number | null;
  /** Of a rule that ends in an absence: its matches are known then, and told in that order. */
  deadline_ms: number;
}

interface PlainRow {
  record: RuleRecord;
  key: (string | null)[];
  sources: Map<number, PlainMatch | undefined>;
  field(name: string): string[];
}

export interface BruteForceOptions {
  /** Deadlines before this time have passed. */
  now_ms: number;
  carried?: (from: RuleRecord, to: RuleRecord) => readonly { kind: string; chars?: number }[];
}

/** The matches of each rule, before suppression, in the order of anchors and keys. */
export function allMatches(set: RuleSet, records: readonly RuleRecord[], options: BruteForceOptions): PlainMatch[] {
  const ordered = [...records].sort(comparePoints);
  const by_rule = new Map<string, PlainMatch[]>();
  for (const rule of set.rules) {
    const matches =
      rule.kind === 'base' ? matchesOfBase(rule, ordered) : matchesOf(rule, ordered, by_rule, set, options);
    by_rule.set(rule.rule_id, matches.sort(compareMatches));
  }
  return [...by_rule.values()].flat();
}

/** Those of the matches that are told. */
export function toldMatches(set: RuleSet, matches: readonly PlainMatch[]): PlainMatch[] {
  return set.rules
    .filter((rule) => rule.emit)
    .flatMap((rule) => {
      const told: { key: string; time_ms: number }[] = [];
      return matches
        .filter((match) => match.rule_id === rule.rule_id)
        .sort((a, b) => a.deadline_ms - b.deadline_ms || compareMatches(a, b))
        .filter((match) => {
          if (rule.suppression === null) return true;
          const { window_ms, by } = rule.suppression;
          const group = rule.kind === 'correlation' ? rule.group_by.map(({ name }) => name) : [];
          const values = by?.map((name) => {
            const at = group.indexOf(name);
            return at >= 0 ? [match.key[at] ?? null] : [...new Set(textsOf(match.anchor, name))].sort();
          });
          const key = JSON.stringify([match.anchor.tenant, values ?? match.key]);
          const { time_ms } = match.anchor;
          const silenced = told.some(
            (other) => other.key === key && Math.abs(time_ms - other.time_ms) < (window_ms ?? Number.POSITIVE_INFINITY),
          );
          if (!silenced) told.push({ key, time_ms });
          return !silenced;
        });
    });
}

function compareMatches(a: PlainMatch, b: PlainMatch): number {
  return comparePoints(a.anchor, b.anchor) || (keyText(a.key) < keyText(b.key) ? -1 : 1);
}

/** As the stream writes keys: only the order of keys with one anchor depends on it. */
function keyText(key: readonly (string | null)[]): string {
  return key.map((value) => (value === null ? '-' : `${value.length}:${value}`)).join('');
}

function textsOf(record: RuleRecord, field: string): string[] {
  return valuesOf(record.get(field)).map(textOf);
}

function matchesOfBase(rule: RuleIr & { kind: 'base' }, records: readonly RuleRecord[]): PlainMatch[] {
  const table = new FieldTable();
  const matches = compileBase(rule, table);
  return records
    .filter((record) => {
      const view = new FieldView(table);
      view.look(record);
      return matches(view);
    })
    .map((record) => ({
      rule_id: rule.rule_id,
      key: [],
      anchor: record,
      events: [record],
      value: null,
      deadline_ms: 0,
    }));
}

function matchesOf(
  rule: CorrelationRule,
  records: readonly RuleRecord[],
  by_rule: ReadonlyMap<string, readonly PlainMatch[]>,
  set: RuleSet,
  options: BruteForceOptions,
): PlainMatch[] {
  const rows = rowsOf(rule, records, by_rule, set);
  return rows.flatMap((anchor) => {
    const own = rows.filter((row) => sameKey(row, anchor));
    const window = windowOf(rule, own, anchor);
    const found = rule.sequence
      ? chainOf(rule, rule.sequence, own, window, anchor, options)
      : numberOfWindow(rule, window);
    if (found === undefined) return [];
    const events = found.rows.flatMap(({ row, sources }) => eventsOfRow(row, sources));
    const unique = [...new Set(events)].sort(comparePoints).slice(-100);
    return [
      {
        rule_id: rule.rule_id,
        key: anchor.key,
        anchor: anchor.record,
        events: unique,
        value: found.value,
        deadline_ms: found.deadline_ms,
      },
    ];
  });
}

function rowsOf(
  rule: CorrelationRule,
  records: readonly RuleRecord[],
  by_rule: ReadonlyMap<string, readonly PlainMatch[]>,
  set: RuleSet,
): PlainRow[] {
  const rows: PlainRow[] = [];
  for (const record of records) {
    for (const [source, { kind, id }] of rule.sources.entries()) {
      const below = kind === 'rule' ? set.rules.find((each) => each.rule_id === id) : undefined;
      const matches =
        kind === 'signal'
          ? textsOf(record, 'signal').includes(id)
            ? [undefined]
            : []
          : (by_rule.get(id) ?? []).filter((match) => match.anchor === record);
      for (const match of matches) {
        const group = below?.kind === 'correlation' ? below.group_by.map(({ name }) => name) : [];
        const field = (name: string): string[] => {
          const at = group.indexOf(name);
          const value = match?.key[at];
          return at < 0 ? textsOf(record, name) : value == null ? [] : [value];
        };
        for (const key of keysOfRow(rule, source, field)) {
          if (rule.threshold?.fields.some((name) => field(name).length === 0)) continue;
          if (isNumeric(rule) && firstNumber(rule, field) === undefined) continue;
          const there = rows.find((row) => row.record === record && JSON.stringify(row.key) === JSON.stringify(key));
          const inner = below?.kind === 'correlation' ? match : undefined;
          if (there) there.sources.set(source, inner);
          else rows.push({ record, key, sources: new Map([[source, inner]]), field });
        }
      }
    }
  }
  return rows;
}

function isNumeric(rule: CorrelationRule): boolean {
  return ['value_sum', 'value_avg', 'value_percentile'].includes(rule.type);
}

function firstNumber(rule: CorrelationRule, field: (name: string) => string[]): number | undefined {
  return field(rule.threshold?.fields[0] ?? '')
    .map(numberOf)
    .find((number) => number !== undefined);
}

function keysOfRow(rule: CorrelationRule, source: number, field: (name: string) => string[]): (string | null)[][] {
  return rule.group_by.reduce<(string | null)[][]>(
    (keys, { fields, optional }) => {
      const values: (string | null)[] = [...new Set(field(fields[source] as string))].slice(0, 16);
      if (values.length === 0 && optional) values.push(null);
      return keys.flatMap((key) => values.map((value) => [...key, value]));
    },
    [[]],
  );
}

function sameKey(a: PlainRow, b: PlainRow): boolean {
  return a.record.tenant === b.record.tenant && JSON.stringify(a.key) === JSON.stringify(b.key);
}

function windowOf(rule: CorrelationRule, rows: readonly PlainRow[], anchor: PlainRow): PlainRow[] {
  const since = anchor.record.time_ms - rule.timespan_ms;
  const window = rows.filter(({ record }) => comparePoints(record, anchor.record) <= 0 && record.time_ms >= since);
  if (rule.session_chain === null) return window;
  for (let start = window.length - 1; start >= 0; start--) {
    const sessions = new Set(window.slice(start).map(({ record }) => record.session_id));
    if (sessions.size > rule.session_chain) return window.slice(start + 1);
  }
  return window;
}

interface Decided {
  rows: { row: PlainRow; sources: number[] }[];
  value: number | null;
  deadline_ms: number;
}

function numberOfWindow(rule: CorrelationRule, window: readonly PlainRow[]): Decided | undefined {
  const value = numberOver(rule, window);
  if (!rule.threshold?.bounds.every((bound) => boundHolds(bound, value))) return undefined;
  const every = window.map((row) => ({ row, sources: [...row.sources.keys()] }));
  if (rule.type !== 'temporal') return { rows: every.slice(-100), value, deadline_ms: 0 };
  const latest = new Set(
    [...new Array(rule.counted).keys()].map((source) => window.findLast((row) => row.sources.has(source))),
  );
  return { rows: every.filter(({ row }) => latest.has(row)), value, deadline_ms: 0 };
}

function numberOver(rule: CorrelationRule, window: readonly PlainRow[]): number {
  const fields = rule.threshold?.fields ?? [];
  const numbers = window.map((row) => firstNumber(rule, row.field) ?? Number.NaN);
  switch (rule.type) {
    case 'value_count': {
      const values = window.flatMap((row) =>
        fields.length === 1
          ? row.field(fields[0] as string)
          : [JSON.stringify(fields.map((name) => [...new Set(row.field(name))].sort()))],
      );
      return new Set(values).size;
    }
    case 'value_sum':
      return numbers.reduce((sum, number) => sum + number, 0);
    case 'value_avg':
      return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
    case 'value_percentile': {
      const sorted = [...numbers].sort((a, b) => a - b);
      return sorted[Math.ceil(((rule.threshold?.percentile ?? 0) / 100) * sorted.length) - 1] ?? Number.NaN;
    }
    case 'temporal':
      return new Set(window.flatMap((row) => [...row.sources.keys()])).size;
    default:
      return window.length;
  }
}

function boundHolds({ operator, value: limit }: Bound, value: number): boolean {
  const holds = { gt: value > limit, gte: value >= limit, lt: value < limit, lte: value <= limit };
  if (operator === 'eq') return value === limit;
  return operator === 'neq' ? value !== limit : holds[operator];
}

function chainOf(
  rule: CorrelationRule,
  sequence: Sequence,
  own: readonly PlainRow[],
  window: readonly PlainRow[],
  anchor: PlainRow,
  options: BruteForceOptions,
): Decided | undefined {
  const places = sequence.steps.flatMap((step, at) =>
    step.absent ? [] : new Array(step.min_count).fill({ step: at, source: step.source }),
  ) as { step: number; source: number }[];
  const chains = listsOf(places.map(({ source }) => window.filter((row) => row.sources.has(source)))).filter(
    (chain) => chain.at(-1) === anchor && isChain(chain, sequence, places, window, options),
  );
  const [best] = chains.sort((a, b) => latestFirst(a, b));
  if (best === undefined || !silentAfter(rule, sequence, own, best, options)) return undefined;
  const rows = best.map((row, at) => ({ row, sources: [places[at]?.source ?? 0] }));
  const [first] = best as [PlainRow];
  const deadline_ms = sequence.steps.at(-1)?.absent ? first.record.time_ms + rule.timespan_ms : 0;
  return { rows, value: null, deadline_ms };
}

/** Every list that takes one row of each place, each before the next. */
function listsOf(places: readonly PlainRow[][]): PlainRow[][] {
  return places.reduce<PlainRow[][]>(
    (lists, rows) =>
      lists.flatMap((list) => {
        const last = list.at(-1);
        return rows
          .filter((row) => last === undefined || comparePoints(last.record, row.record) < 0)
          .map((row) => [...list, row]);
      }),
    [[]],
  );
}

/** From the end: the later row is the better one. */
function latestFirst(a: readonly PlainRow[], b: readonly PlainRow[]): number {
  for (let at = a.length - 1; at >= 0; at--) {
    const order = comparePoints((b[at] as PlainRow).record, (a[at] as PlainRow).record);
    if (order !== 0) return order;
  }
  return 0;
}

function isChain(
  chain: readonly PlainRow[],
  sequence: Sequence,
  places: readonly { step: number }[],
  window: readonly PlainRow[],
  options: BruteForceOptions,
): boolean {
  const rowOfStep = (step: number) => chain[places.findIndex((place) => place.step === step)] as PlainRow;
  const share = (a: PlainRow, b: PlainRow, field: string) =>
    a.field(field).some((value) => b.field(field).includes(value));
  const [first, last] = [chain[0] as PlainRow, chain.at(-1) as PlainRow];
  const between = (source: number, low: PlainRow | undefined, high: PlainRow) =>
    window.some(
      (row) =>
        row.sources.has(source) &&
        (low === undefined || comparePoints(row.record, low.record) > 0) &&
        comparePoints(row.record, high.record) < 0,
    );
  const near = chain.slice(1).every((row, at) => {
    const before = (chain[at] as PlainRow).record;
    if (sequence.max_gap_ms !== null && row.record.time_ms - before.time_ms > sequence.max_gap_ms) return false;
    if (sequence.max_gap_events === null) return true;
    const steps = Math.abs(row.record.session_seq - before.session_seq);
    return row.record.session_id === before.session_id && steps <= sequence.max_gap_events + 1;
  });
  const pairs = chain.flatMap((a, i) =>
    chain.slice(i + 1).map((b, j) => ({ a, b, steps: [places[i], places[i + 1 + j]] })),
  );
  const agree = pairs.every(({ a, b }) => sequence.same.every((field) => share(a, b, field)));
  const differ =
    chain.every((row) => sequence.distinct.every((field) => row.field(field).length > 0)) &&
    pairs.every(({ a, b, steps }) => {
      if (steps[0]?.step === steps[1]?.step) return true;
      return sequence.distinct.every((field) => !share(a, b, field));
    });
  const carries = sequence.carry.every(({ from, to, match, min_chars }) =>
    (options.carried?.(rowOfStep(from).record, rowOfStep(to).record) ?? []).some(({ kind, chars }) => {
      if ((chars ?? 0) < min_chars) return false;
      if (match === 'value') return kind !== 'secret' && kind !== 'text';
      return match === 'any' || match === kind;
    }),
  );
  const silent = sequence.steps.every((step, at) => {
    if (!step.absent) return true;
    const before = places.findLastIndex((place) => place.step < at);
    const after = places.findIndex((place) => place.step > at);
    if (after < 0) return true; // judged when the chain is chosen
    return !between(step.source, before < 0 ? undefined : chain[before], chain[after] as PlainRow);
  });
  const kept = sequence.until === null || !between(sequence.until, first, last);
  return near && agree && differ && carries && silent && kept;
}

function silentAfter(
  rule: CorrelationRule,
  sequence: Sequence,
  own: readonly PlainRow[],
  chain: readonly PlainRow[],
  options: BruteForceOptions,
): boolean {
  const last_present = sequence.steps.findLastIndex((step) => !step.absent);
  const silent = sequence.steps.slice(last_present + 1).map((step) => step.source);
  if (silent.length === 0) return true;
  if (sequence.until !== null) silent.push(sequence.until);
  const [first, last] = [chain[0] as PlainRow, chain.at(-1) as PlainRow];
  const deadline_ms = first.record.time_ms + rule.timespan_ms;
  if (deadline_ms >= options.now_ms) return false;
  return !own.some(
    (row) =>
      silent.some((source) => row.sources.has(source)) &&
      comparePoints(row.record, last.record) > 0 &&
      row.record.time_ms <= deadline_ms,
  );
}

function eventsOfRow(row: PlainRow, sources: readonly number[]): RuleRecord[] {
  return sources.flatMap((source) => row.sources.get(source)?.events ?? [row.record]);
}
