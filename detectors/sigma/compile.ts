/** A set of rules as one object: records go in, in any order, and matches come out. No clock, no I/O, no chance. */
import { EVENT_TYPES } from '../../core/event.ts';
import type { EdgesBetween } from './chain.ts';
import { FieldTable, FieldView } from './field_view.ts';
import type { BaseRule, CorrelationRule, RuleIr, RuleSet } from './ir.ts';
import { compileBase, type Predicate, possibleTypes } from './matcher.ts';
import { comparePoints, type EventPoint, pointOf, type RuleRecord } from './record.ts';
import { combined, type Hit, type RuleMatch, sortedText } from './rows.ts';
import { RULE_LIMITS, type RuleLimits } from './rule_limits.ts';
import { CorrelationStream, type Found, type StreamCounters } from './stream.ts';
import { createSuppression, type SuppressionState } from './suppression.ts';

export interface RuleCounters extends StreamCounters {
  events: number;
  /** Older than another event of their tenant that was seen before. */
  late_events: number;
  /** So late that rows may have gone which they belong with. */
  too_late_events: number;
  /** Told. */
  matches: number;
  /** Not told, because one like it was. */
  suppressed: number;
  evicted_suppressions: number;
  evicted_tenants: number;
}

export interface CompiledRules {
  /** Takes in an event; yields what it completes, and what it shows to be absent. */
  observe(record: RuleRecord): RuleMatch[];
  /** Takes in an event that was told about in an earlier life: what it completes is not told and not counted again. */
  rehearse(record: RuleRecord): void;
  /** Tells that it is at least this late for everyone: yields what that shows to be absent, and lets go of old rows. */
  flush(now_ms: number): RuleMatch[];
  /** By id. */
  readonly rules: ReadonlyMap<string, RuleIr>;
  /** How far back events are needed to rebuild the state of all correlations. */
  readonly window_ms: number;
  /** The same for correlations that join events of several sessions; 0 without any. */
  readonly shared_window_ms: number;
  readonly counters: Readonly<RuleCounters>;
}

export interface CompileOptions {
  /** What the lineage knows; without it no `carry` holds. */
  edgesBetween?: EdgesBetween;
  limits?: Partial<RuleLimits>;
}

/** Where the rows of a source go. */
interface Listener {
  unit: CorrelationUnit;
  source: number;
}

/** A rule in operation. */
interface Unit {
  rule: RuleIr;
  suppression: SuppressionState;
  listeners: Listener[];
}

interface BaseUnit extends Unit {
  rule: BaseRule;
  matches: Predicate;
  /** Numbers of the fields that its suppression asks for. */
  by: number[];
}

interface CorrelationUnit extends Unit {
  rule: CorrelationRule;
  stream: CorrelationStream;
  /** Hits of events that are being looked at. */
  hits: Hit[];
}

/** Rules in operation, without any event yet. */
export function compileRules(set: RuleSet, options: CompileOptions = {}): CompiledRules {
  return new Compiled(set, { ...RULE_LIMITS, ...options.limits }, options.edgesBetween ?? (() => []));
}

/** The latest event of a tenant, and how late it is for sure: one producer's clock may be ahead of all others. */
interface TenantClock {
  time_ms: number;
  log: string;
  seq: number;
  sure_ms: number;
}

class Compiled implements CompiledRules {
  readonly rules: ReadonlyMap<string, RuleIr>;
  readonly window_ms: number;
  readonly shared_window_ms: number;
  readonly counters: RuleCounters = {
    events: 0,
    late_events: 0,
    too_late_events: 0,
    matches: 0,
    suppressed: 0,
    rows: 0,
    keys: 0,
    evicted_rows: 0,
    evicted_keys: 0,
    evicted_suppressions: 0,
    evicted_tenants: 0,
    dropped_rows: 0,
    dropped_pending: 0,
    cut_searches: 0,
  };
  private readonly limits: RuleLimits;
  private readonly table = new FieldTable();
  private readonly view: FieldView;
  private readonly by_type: ReadonlyMap<string, readonly BaseUnit[]>;
  /** What a correlation refers to stands before it. */
  private readonly correlations: CorrelationUnit[] = [];
  private readonly signals = new Map<string, Listener[]>();
  private readonly signal_slot: number;
  /** Of each tenant, in the order in which they were first seen. */
  private readonly clocks = new Map<string, TenantClock>();
  private flushed_ms = Number.NEGATIVE_INFINITY;
  private uses = 0;

  constructor(set: RuleSet, limits: RuleLimits, edgesBetween: EdgesBetween) {
    this.limits = limits;
    this.rules = new Map(set.rules.map((rule) => [rule.rule_id, rule]));
    this.window_ms = windowOf(set.rules);
    this.shared_window_ms = windowOf(set.rules, joinsSessions);
    const fields = neededFields(set.rules);
    const units = new Map<string, Unit>();
    const bases: BaseUnit[] = [];
    const context = {
      limits,
      counters: this.counters,
      edgesBetween,
      clockOf: (tenant: string) => this.clockOf(tenant),
      tick: () => ++this.uses,
    };
    for (const rule of set.rules) {
      const common = {
        suppression: createSuppression(rule.suppression, limits.suppressions_per_rule_max, () => {
          this.counters.evicted_suppressions++;
        }),
        listeners: [],
      };
      if (rule.kind === 'base') {
        const by = (rule.suppression?.by ?? []).map((field) => this.table.slot(field));
        const unit: BaseUnit = { rule, ...common, matches: compileBase(rule, this.table), by };
        bases.push(unit);
        units.set(rule.rule_id, unit);
      } else {
        const stream = new CorrelationStream(rule, fields.get(rule.rule_id) ?? [], context);
        const unit: CorrelationUnit = { rule, ...common, stream, hits: [] };
        this.correlations.push(unit);
        units.set(rule.rule_id, unit);
        this.listen(unit, units);
      }
    }
    this.by_type = indexByType(bases.filter((unit) => unit.rule.emit || unit.listeners.length > 0));
    this.signal_slot = this.table.slot('signal');
    for (const names of fields.values()) for (const field of names) this.table.slot(field);
    for (const { rule } of this.correlations) {
      for (const each of rule.group_by) for (const field of each.fields) this.table.slot(field);
    }
    this.view = new FieldView(this.table);
  }

  observe(record: RuleRecord): RuleMatch[] {
    this.counters.events++;
    const late = this.advance(record);
    this.view.look(record);
    const told: RuleMatch[] = [];
    let point: EventPoint | undefined;
    const hitOf = (source: number): Hit => {
      point ??= pointOf(record);
      return { source, point, field: this.textsOf, match: undefined };
    };
    for (const unit of this.by_type.get(record.type) ?? []) {
      if (!unit.matches(this.view)) continue;
      for (const { unit: above, source } of unit.listeners) above.hits.push(hitOf(source));
      if (unit.rule.emit) this.tellBase(unit, record, late, told);
    }
    if (this.signals.size > 0) {
      for (const signal of this.view.texts(this.signal_slot)) {
        for (const { unit, source } of this.signals.get(signal) ?? []) unit.hits.push(hitOf(source));
      }
    }
    for (const unit of this.correlations) {
      const due = late || !unit.stream.waits ? [] : unit.stream.due(record.tenant, record.time_ms);
      this.judge(unit, due, late, told);
    }
    this.view.look(undefined);
    this.keepWithinRows();
    return told;
  }

  rehearse(record: RuleRecord): void {
    const { events, late_events, too_late_events, matches, suppressed } = this.counters;
    this.observe(record);
    Object.assign(this.counters, { events, late_events, too_late_events, matches, suppressed });
  }

  flush(now_ms: number): RuleMatch[] {
    this.flushed_ms = Math.max(this.flushed_ms, now_ms);
    const told: RuleMatch[] = [];
    for (const unit of this.correlations) {
      const due = unit.stream.tenantsWaiting().flatMap((tenant) => unit.stream.due(tenant, now_ms));
      this.judge(unit, due, false, told);
      unit.stream.dropExpiredKeys(Number.POSITIVE_INFINITY);
    }
    return told;
  }

  /** Hands on what a correlation found, by its deadlines and by the hits that came for it. */
  private judge(unit: CorrelationUnit, due: readonly Found[], late: boolean, told: RuleMatch[]): void {
    if (due.length === 0 && unit.hits.length === 0) return;
    const { stream } = unit;
    const hits = unit.hits;
    unit.hits = [];
    const found = byEvent(hits).flatMap((own) => stream.add(own, late));
    if (found.length > 1) found.sort(compareFound);
    for (const each of due.length === 0 ? found : [...due, ...found]) {
      for (const { unit: above, source } of unit.listeners) {
        above.hits.push({
          source,
          point: each.anchor.point,
          field: (name) => stream.fieldOf(each, name),
          match: each,
        });
      }
      if (unit.rule.emit) this.tellCorrelation(unit, each, told);
    }
  }

  private tellBase(unit: BaseUnit, record: RuleRecord, late: boolean, told: RuleMatch[]): void {
    const key =
      unit.rule.suppression &&
      suppressionKey(
        record.tenant,
        unit.by.map((slot) => this.view.texts(slot)),
      );
    if (!this.admits(unit, key ?? '', record.time_ms)) return;
    const { rule_id, version } = unit.rule;
    const point = pointOf(record);
    const events = [{ point, role: rule_id }];
    told.push({ rule_id, version, tenant: record.tenant, key: {}, anchor: point, events, value: null, late });
  }

  private tellCorrelation(unit: CorrelationUnit, found: Found, told: RuleMatch[]): void {
    const { rule, stream } = unit;
    const { anchor, state, value, late } = found;
    const by = rule.suppression?.by;
    const key =
      by == null
        ? state.id
        : suppressionKey(
            state.tenant,
            by.map((field) => stream.fieldOf(found, field)),
          );
    if (!this.admits(unit, key, anchor.point.time_ms)) return;
    told.push({
      rule_id: rule.rule_id,
      version: rule.version,
      tenant: state.tenant,
      key: Object.fromEntries(rule.group_by.map(({ name }, at) => [name, state.values[at] ?? null])),
      anchor: anchor.point,
      events: found.events(),
      value,
      late,
    });
  }

  private admits(unit: Unit, key: string, time_ms: number): boolean {
    const admitted = unit.suppression.admits(key, time_ms);
    if (admitted) this.counters.matches++;
    else this.counters.suppressed++;
    return admitted;
  }

  /** Notes the time of an event; says whether it comes after a later one. */
  private advance(record: RuleRecord): boolean {
    const { tenant, time_ms, log, seq, received_at_ms = time_ms } = record;
    const latest = this.clocks.get(tenant);
    const sure_ms = Math.min(time_ms, received_at_ms);
    if (latest === undefined) {
      this.clocks.set(tenant, { time_ms, log, seq, sure_ms });
      if (this.clocks.size > this.limits.tenants_max) {
        this.clocks.delete(this.clocks.keys().next().value as string);
        this.counters.evicted_tenants++;
      }
      return false;
    }
    latest.sure_ms = Math.max(latest.sure_ms, sure_ms);
    if (comparePoints(record, latest) < 0) {
      this.counters.late_events++;
      if (time_ms < latest.time_ms - this.limits.late_ms_max) this.counters.too_late_events++;
      return true;
    }
    latest.time_ms = time_ms;
    latest.log = log;
    latest.seq = seq;
    return false;
  }

  private clockOf(tenant: string): number {
    return Math.max(this.flushed_ms, this.clocks.get(tenant)?.sure_ms ?? Number.NEGATIVE_INFINITY);
  }

  private readonly textsOf = (field: string): readonly string[] => this.view.texts(this.table.slot(field));

  /** Lets go of the keys that were unused longest, whichever correlation they are of. */
  private keepWithinRows(): void {
    while (this.counters.rows > this.limits.rows_max) {
      let stalest: CorrelationStream | undefined;
      let used = Number.POSITIVE_INFINITY;
      for (const { stream } of this.correlations) {
        const oldest = stream.oldestUse() ?? Number.POSITIVE_INFINITY;
        if (oldest < used) {
          used = oldest;
          stalest = stream;
        }
      }
      if (stalest === undefined) return;
      stalest.evictOldest();
    }
  }

  private listen(unit: CorrelationUnit, units: ReadonlyMap<string, Unit>): void {
    for (const [source, { kind, id }] of unit.rule.sources.entries()) {
      if (kind === 'rule') {
        units.get(id)?.listeners.push({ unit, source });
      } else {
        const listeners = this.signals.get(id) ?? [];
        listeners.push({ unit, source });
        this.signals.set(id, listeners);
      }
    }
  }
}

function indexByType(units: readonly BaseUnit[]): Map<string, BaseUnit[]> {
  const index = new Map<string, BaseUnit[]>(EVENT_TYPES.map((type) => [type, []]));
  for (const unit of units) {
    for (const type of possibleTypes(unit.rule)) index.get(type)?.push(unit);
  }
  return index;
}

/** A match of a correlation reaches back by its own timespan and by those of what it stands on; so does suppression. */
function windowOf(rules: readonly RuleIr[], counts: (rule: RuleIr) => boolean = () => true): number {
  const reach = new Map<string, number>();
  let window_ms = 0;
  for (const rule of rules) {
    const below = rule.kind === 'correlation' ? rule.sources.map(({ id }) => reach.get(id) ?? 0) : [];
    const own = rule.kind === 'correlation' ? rule.timespan_ms + Math.max(0, ...below) : 0;
    reach.set(rule.rule_id, own);
    if (counts(rule)) window_ms = Math.max(window_ms, own + (rule.suppression?.window_ms ?? 0));
  }
  return window_ms;
}

/** Whether events of one session alone do not decide what a rule says. */
function joinsSessions(rule: RuleIr): boolean {
  const by_session = (fields: readonly string[]) => fields.includes('session_id');
  if (rule.suppression?.by != null && !by_session(rule.suppression.by)) return true;
  return (
    rule.kind === 'correlation' && !rule.group_by.some(({ fields }) => fields.every((name) => name === 'session_id'))
  );
}

/** For each correlation, the fields of its rows that it, or one that stands on it, asks for later. */
function neededFields(rules: readonly RuleIr[]): Map<string, string[]> {
  const needed = new Map<string, Set<string>>();
  for (const rule of rules.toReversed()) {
    if (rule.kind !== 'correlation') continue;
    const { group_by, sequence, suppression } = rule;
    const group = new Set(group_by.map(({ name }) => name));
    const fields = needed.get(rule.rule_id) ?? new Set();
    for (const field of [...(sequence?.distinct ?? []), ...(sequence?.same ?? [])]) fields.add(field);
    for (const field of suppression?.by ?? []) if (!group.has(field)) fields.add(field);
    needed.set(rule.rule_id, fields);
    for (const [at, source] of rule.sources.entries()) {
      const below = source.kind === 'rule' ? rules.find((each) => each.rule_id === source.id) : undefined;
      if (below?.kind !== 'correlation') continue;
      const known = new Set(below.group_by.map(({ name }) => name));
      const below_fields = needed.get(below.rule_id) ?? new Set();
      const asked = [
        ...fields,
        ...group_by.map((each) => each.fields[at] as string),
        ...(rule.threshold?.fields ?? []),
      ];
      for (const field of asked) if (!known.has(field)) below_fields.add(field);
      needed.set(below.rule_id, below_fields);
    }
  }
  return new Map([...needed].map(([id, fields]) => [id, [...fields]]));
}

function suppressionKey(tenant: string, fields: readonly (readonly string[])[]): string {
  return combined([tenant, ...fields.map(sortedText)]);
}

/** Hits of the same event together, in the order of events. */
function byEvent(hits: readonly Hit[]): Hit[][] {
  if (hits.length <= 1) return hits.length === 0 ? [] : [[...hits]];
  const sorted = [...hits].sort((a, b) => comparePoints(a.point, b.point) || a.source - b.source);
  const groups: Hit[][] = [];
  for (const hit of sorted) {
    const last = groups.at(-1);
    if (last?.[0] && comparePoints(last[0].point, hit.point) === 0) last.push(hit);
    else groups.push([hit]);
  }
  return groups;
}

function compareFound(a: Found, b: Found): number {
  return (
    comparePoints(a.anchor.point, b.anchor.point) || (a.state.id < b.state.id ? -1 : a.state.id > b.state.id ? 1 : 0)
  );
}
