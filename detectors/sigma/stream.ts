/**
 * The streaming back end of one correlation. It keeps the rows of each key for as long as a window can reach, and
 * judges every row that may complete a match by looking back from it. What makes up a match is in `docs/rules.md`.
 */
import { type ChainPlan, type EdgesBetween, findChain, planChain } from './chain.ts';
import { createDeadlines, type Deadlines } from './deadlines.ts';
import type { CorrelationRule } from './ir.ts';
import { eventsOf } from './match_events.ts';
import { comparePoints, numberOf } from './record.ts';
import {
  combined,
  comparable,
  type Hit,
  type Key,
  type KeyState,
  keysOf,
  type MatchEvent,
  type Pending,
  placeOf,
  placeOfTime,
  type Row,
  type RowMatch,
  sortedText,
} from './rows.ts';
import type { RuleLimits } from './rule_limits.ts';
import { createWindowNumber, satisfies, type WindowNumber } from './window_number.ts';

/** Told for all correlations of a set together. */
export interface StreamCounters {
  /** In memory now. */
  rows: number;
  keys: number;
  evicted_rows: number;
  evicted_keys: number;
  dropped_rows: number;
  dropped_pending: number;
  cut_searches: number;
}

/** What the correlations of a set share. */
export interface StreamContext {
  limits: RuleLimits;
  counters: StreamCounters;
  edgesBetween: EdgesBetween;
  /** The latest time that was seen of a tenant. */
  clockOf(tenant: string): number;
  /** Counts the events that were looked at; says which key was used last. */
  tick(): number;
}

/** A match, before it is decided whether it is told. */
export interface Found extends RowMatch {
  anchor: Row;
  state: KeyState;
  value: number | null;
  late: boolean;
}

/** A window over the rows of a key that slides with the anchor. */
interface Window {
  start: number;
  /** Place after its last row. */
  end: number;
  number: WindowNumber;
  sessions: Map<string, number>;
}

/** The state and the judgement of one correlation. */
export class CorrelationStream {
  readonly rule: CorrelationRule;
  /** Fields whose values rows keep, its own and those that correlations on top of it ask for. */
  private readonly fields: readonly string[];
  private readonly context: StreamContext;
  /** For how long rows are kept. */
  private readonly reach_ms: number;
  private readonly plan: ChainPlan | undefined;
  /** In the order of their last use. */
  private readonly keys = new Map<string, KeyState>();
  private latest: KeyState | undefined; // the key used last
  private readonly windows = new WeakMap<KeyState, Window>();
  private readonly deadlines: Deadlines;

  constructor(rule: CorrelationRule, fields: readonly string[], context: StreamContext) {
    this.rule = rule;
    this.fields = fields;
    this.context = context;
    this.reach_ms = rule.timespan_ms + context.limits.late_ms_max;
    this.deadlines = createDeadlines(context.limits.pending_max, () => {
      context.counters.dropped_pending++;
    });
    this.plan = rule.sequence ? planChain(rule.sequence, (field) => fields.indexOf(field)) : undefined;
  }

  /** Takes in one event with the sources that it is a row of, and yields the matches that it completes. */
  add(hits: readonly Hit[], late: boolean): Found[] {
    const found: Found[] = [];
    for (const [key, own] of this.byKey(hits)) {
      const row = this.rowOf(own);
      if (row === undefined) continue;
      const judged = this.insert(this.stateOf(key, row.point.tenant), row, late);
      for (const match of judged) found.push(match);
    }
    this.dropExpiredKeys();
    return found;
  }

  /** The hits of one event, by the keys that it belongs to. */
  private byKey(hits: readonly Hit[]): [Key, readonly Hit[]][] {
    const keysOfHit = (hit: Hit): Key[] => {
      const keys = keysOf(hit, this.rule.group_by);
      if (keys === undefined) this.context.counters.dropped_rows++;
      return keys ?? [];
    };
    const [first] = hits;
    if (first !== undefined && hits.length === 1) return keysOfHit(first).map((key) => [key, hits]);
    const by_key = new Map<string, [Key, Hit[]]>();
    for (const hit of hits) {
      for (const key of keysOfHit(hit)) {
        const there = by_key.get(key.id);
        if (there) there[1].push(hit);
        else by_key.set(key.id, [key, [hit]]);
      }
    }
    return [...by_key.values()];
  }

  /** The matches whose deadline has passed when it is `time_ms` for a tenant. */
  due(tenant: string, time_ms: number): Found[] {
    const found: Found[] = [];
    for (const pending of this.deadlines.take(tenant, time_ms)) {
      if (pending.cancelled) continue;
      pending.cancelled = true;
      if (this.isSilent(pending)) found.push(this.told(pending));
    }
    return found;
  }

  /** Whether matches may have a deadline at all. */
  get waits(): boolean {
    return this.plan !== undefined && this.plan.trailing !== 0;
  }

  /** Tenants that have matches with a deadline. */
  readonly tenantsWaiting = (): string[] => this.deadlines.tenants();

  /** When the key that was unused longest was used; undefined when there is none. */
  oldestUse(): number | undefined {
    return this.oldest()?.used;
  }

  /** Forgets the key that was unused longest, because there are too many rows. */
  evictOldest(): void {
    const oldest = this.oldest();
    if (oldest === undefined) return;
    this.context.counters.evicted_keys++;
    this.forget(oldest);
  }

  /** Values of a field of a match's anchor, as a correlation on top of this one reads them. */
  fieldOf({ anchor, state }: Found, field: string): readonly string[] {
    const group = this.rule.group_by.findIndex((each) => each.name === field);
    if (group >= 0) {
      const value = state.values[group];
      return value == null ? [] : [value];
    }
    return anchor.fields[this.fields.indexOf(field)] ?? [];
  }

  /** Forgets keys whose rows no later window can reach. */
  dropExpiredKeys(looks = 2): void {
    for (const state of this.keys.values()) {
      const newest = state.rows.at(-1)?.point.time_ms ?? Number.NEGATIVE_INFINITY;
      if (looks-- <= 0 || newest + this.reach_ms >= this.context.clockOf(state.tenant)) return;
      this.forget(state);
    }
  }

  private readonly oldest = (): KeyState | undefined => this.keys.values().next().value;

  private forget(state: KeyState): void {
    const { counters } = this.context;
    this.keys.delete(state.id);
    if (this.latest === state) this.latest = undefined;
    counters.keys--;
    counters.rows -= state.rows.length;
    for (const { pending } of state.rows) {
      if (pending === undefined || pending.cancelled) continue;
      pending.cancelled = true;
      counters.dropped_pending++;
    }
    state.rows = [];
  }

  private stateOf(key: Key, tenant: string): KeyState {
    let state = this.keys.get(key.id);
    if (state === undefined) {
      const by_source = this.rule.sources.map(() => 0);
      state = { id: key.id, tenant, values: key.values, rows: [], by_source, used: 0 };
      this.context.counters.keys++;
    }
    state.used = this.context.tick();
    if (state !== this.latest) {
      this.keys.delete(key.id);
      this.keys.set(key.id, state);
      this.latest = state;
    }
    return state;
  }

  /** The row that hits of one event and one key make up, or undefined when it lacks what the type needs. */
  private rowOf(hits: readonly Hit[]): Row | undefined {
    const [first] = hits as [Hit];
    const { type, threshold, sources } = this.rule;
    let counted: readonly string[] = [];
    let number = 0;
    if (threshold && threshold.fields.length > 0) {
      const each = threshold.fields.map((field) => first.field(field));
      if (each.some((texts) => texts.length === 0)) return undefined;
      if (type === 'value_count') {
        counted = each.length === 1 ? comparable(each[0] ?? []) : [combined(each.map(sortedText))];
      } else {
        const found = each[0]?.map(numberOf).find((value) => value !== undefined);
        if (found === undefined) return undefined;
        number = found;
      }
    }
    const row: Row = {
      point: first.point,
      mask: 0,
      fields: this.fields.length === 0 ? NO_FIELDS : this.fields.map((field) => comparable(first.field(field))),
      counted,
      number,
      inner: undefined,
      told: false,
      pending: undefined,
    };
    for (const { source, match } of hits) {
      row.mask |= 1 << source;
      if (match === undefined) continue;
      row.inner ??= new Array(sources.length).fill(undefined);
      row.inner[source] = match;
    }
    return row;
  }

  /** Puts a row in its place and judges the anchors that it may concern. */
  private insert(state: KeyState, row: Row, late: boolean): Found[] {
    const { rows } = state;
    const at = placeOf(rows, row.point);
    const there = rows[at];
    if (there !== undefined && comparePoints(there.point, row.point) === 0) {
      const added = row.mask & ~there.mask;
      if (added === 0) return [];
      this.count(state, added, 1);
      there.mask |= added;
      if (row.inner) there.inner = row.inner.map((match, source) => match ?? there.inner?.[source]);
    } else {
      if (at === rows.length) rows.push(row);
      else rows.splice(at, 0, row);
      this.count(state, row.mask, 1);
      this.context.counters.rows++;
    }
    if (at < rows.length - 1 || there !== undefined) this.windows.delete(state);
    this.dropRows(state);
    // Dropping may have moved the row, or taken it.
    const from = placeOf(rows, row.point);
    return this.judge(state, from, late);
  }

  private count(state: KeyState, mask: number, by: number): void {
    for (let source = 0; source < state.by_source.length; source++) {
      if (mask & (1 << source)) state.by_source[source] = (state.by_source[source] ?? 0) + by;
    }
  }

  /** Drops rows that no later window reaches, a good many at a time, and rows beyond the limit. */
  private dropRows(state: KeyState): void {
    const { rows } = state;
    const { limits, counters } = this.context;
    const since = (rows[rows.length - 1] as Row).point.time_ms - this.reach_ms;
    const is_full = rows.length > limits.rows_per_key_max;
    if ((rows[0] as Row).point.time_ms >= since && !is_full) return;
    // Some more than must, so that not every further row moves all others.
    const over = is_full ? Math.max(1, limits.rows_per_key_max >> 6) : 0;
    const expired = placeOfTime(rows, since);
    counters.evicted_rows += Math.max(0, over - expired);
    const count = Math.max(over, expired >= DROP_ROWS_MIN || expired * 2 > rows.length ? expired : 0);
    if (count === 0) return;
    const window = this.windows.get(state);
    for (const [at, row] of rows.splice(0, count).entries()) {
      this.count(state, row.mask, -1);
      if (window && at >= window.start && at < window.end) this.leave(window, row);
    }
    if (window) {
      window.start = Math.max(0, window.start - count);
      window.end = Math.max(0, window.end - count);
    }
    counters.rows -= count;
  }

  /** Judges the row at a place, and those after it whose window it lies in. */
  private judge(state: KeyState, from: number, late: boolean): Found[] {
    const { rows } = state;
    const first = rows[from];
    if (first === undefined) return [];
    const reach = first.point.time_ms + this.rule.timespan_ms;
    const found: Found[] = [];
    const budget = { rows: this.context.limits.late_search_rows_max };
    for (let at = from; at < rows.length && (rows[at] as Row).point.time_ms <= reach; at++) {
      const match = this.plan ? this.judgeChain(state, at, this.plan, late, budget) : this.judgeNumber(state, at, late);
      if (match !== undefined) found.push(match);
    }
    return found;
  }

  private judgeNumber(state: KeyState, at: number, late: boolean): Found | undefined {
    const { rows } = state;
    const row = rows[at] as Row;
    const window = this.slide(state, at);
    if (row.told) return undefined;
    const value = window.number.value(rows, window.start, window.end);
    if (!satisfies(value, this.rule.threshold?.bounds ?? [])) return undefined;
    row.told = true;
    const first = Math.max(window.start, at + 1 - this.context.limits.match_events_max);
    const chosen = this.rule.type === 'temporal' ? this.latestOfEach(rows, window, at) : rows.slice(first, at + 1);
    return { anchor: row, state, events: this.eventsOf(chosen), value, late };
  }

  /** The window whose anchor is at a place. */
  private slide(state: KeyState, at: number): Window {
    const { rows } = state;
    const { timespan_ms, session_chain } = this.rule;
    const since = (rows[at] as Row).point.time_ms - timespan_ms;
    let window = this.windows.get(state);
    if (window === undefined || window.end !== at) {
      const start = placeOfTime(rows, since);
      window = { start, end: start, number: createWindowNumber(this.rule), sessions: new Map() };
      this.windows.set(state, window);
    }
    while (window.end <= at) this.enter(window, rows[window.end++] as Row);
    while ((rows[window.start] as Row).point.time_ms < since) this.leave(window, rows[window.start++] as Row);
    while (session_chain !== null && window.sessions.size > session_chain) {
      this.leave(window, rows[window.start++] as Row);
    }
    return window;
  }

  private enter(window: Window, row: Row): void {
    window.number.add(row);
    if (this.rule.session_chain === null) return;
    const { session_id } = row.point;
    window.sessions.set(session_id, (window.sessions.get(session_id) ?? 0) + 1);
  }

  private leave(window: Window, row: Row): void {
    window.number.remove(row);
    if (this.rule.session_chain === null) return;
    const { session_id } = row.point;
    const left = (window.sessions.get(session_id) ?? 0) - 1;
    if (left > 0) window.sessions.set(session_id, left);
    else window.sessions.delete(session_id);
  }

  /** Of each source its latest row in the window, in order. */
  private latestOfEach(rows: readonly Row[], { start }: Window, anchor: number): Row[] {
    let missing = (1 << this.rule.counted) - 1;
    const chosen: Row[] = [];
    for (let at = anchor; at >= start && missing !== 0; at--) {
      const row = rows[at] as Row;
      if ((row.mask & missing) === 0) continue;
      chosen.push(row);
      missing &= ~row.mask;
    }
    return chosen.reverse();
  }

  private judgeChain(
    state: KeyState,
    at: number,
    plan: ChainPlan,
    late: boolean,
    shared: { rows: number },
  ): Found | undefined {
    const { rows } = state;
    const row = rows[at] as Row;
    if (row.told || (row.mask & (plan.places.at(-1)?.source ?? 0)) === 0) return undefined;
    if (plan.places.some(({ source }) => state.by_source[31 - Math.clz32(source)] === 0)) return undefined;
    const { limits, counters } = this.context;
    const budget = { rows: Math.min(limits.search_rows_max, shared.rows) };
    const given = budget.rows;
    const chain = findChain({
      rows,
      anchor: at,
      start: this.windowStart(rows, at),
      plan,
      edgesBetween: this.context.edgesBetween,
      budget,
    });
    shared.rows -= given - budget.rows;
    if (budget.rows < 0) counters.cut_searches++;
    if (row.pending) row.pending.cancelled = true;
    if (chain === undefined) return undefined;
    const first = chain[0] as Row;
    const deadline_ms = first.point.time_ms + this.rule.timespan_ms;
    const pending: Pending = { anchor: row, chain, deadline_ms, state, cancelled: false, late };
    if (plan.trailing === 0) return this.told(pending);
    if (!this.isSilent(pending)) return undefined;
    if (this.context.clockOf(state.tenant) > deadline_ms) return this.told(pending);
    row.pending = pending;
    this.deadlines.add(pending);
    return undefined;
  }

  private windowStart(rows: readonly Row[], anchor: number): number {
    const { timespan_ms, session_chain } = this.rule;
    const start = placeOfTime(rows, (rows[anchor] as Row).point.time_ms - timespan_ms);
    if (session_chain === null) return start;
    const sessions = new Set<string>();
    for (let at = anchor; at >= start; at--) {
      sessions.add((rows[at] as Row).point.session_id);
      if (sessions.size > session_chain) return at + 1;
    }
    return start;
  }

  private told({ anchor, chain, state, late }: Pending): Found {
    anchor.told = true;
    return { anchor, state, events: this.eventsOf(chain, this.plan), value: null, late };
  }

  /** Whether nothing lies after a chain, up to its deadline, that must not. */
  private isSilent({ anchor, deadline_ms, state }: Pending): boolean {
    const trailing = this.plan?.trailing ?? 0;
    for (let at = placeOf(state.rows, anchor.point); at < state.rows.length; at++) {
      const row = state.rows[at] as Row;
      if (row.point.time_ms > deadline_ms) return true;
      if (row !== anchor && row.mask & trailing) return false;
    }
    return true;
  }

  private eventsOf(rows: readonly Row[], plan?: ChainPlan): () => MatchEvent[] {
    return () => eventsOf(this.rule, rows, plan, this.context.limits.match_events_max);
  }
}

const DROP_ROWS_MIN = 32;
const NO_FIELDS: Row['fields'] = [];
