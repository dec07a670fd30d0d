/**
 * Runs rules over what is stored. SQL brings the events that a rule can be about; what the rule may ask of them besides
 * is read for a page of them at a time; and the code of the stream chooses the matches.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ProvenanceEvent } from '../../core/event.ts';
import { groupFields } from '../../core/groups.ts';
import { LIMITS } from '../../core/limits.ts';
import {
  type EdgeOfEvent,
  eventKeys,
  type RuleEvent,
  readRuleContents,
  readRuleEdges,
  readRuleSignals,
  streamRuleEvents,
} from '../../core/store/queries/rule_events.ts';
import type { Store } from '../../core/store/store.ts';
import { eventOf } from '../../core/stored_event.ts';
import type { CallProfile, Catalog } from '../../detectors/catalog/capabilities.ts';
import type { ToolBook } from '../../detectors/catalog/tool_book.ts';
import { createSessionLineage, type SessionLineage } from '../../detectors/lineage/session_lineage.ts';
import { type CompiledRules, compileRules } from '../../detectors/sigma/compile.ts';
import { derivedFields } from '../../detectors/sigma/derived_fields.ts';
import { createEdgeMemory, type EdgeMemory } from '../../detectors/sigma/edge_memory.ts';
import type { RuleSet } from '../../detectors/sigma/ir.ts';
import { eventRecord, pointOf, type RuleRecord } from '../../detectors/sigma/record.ts';
import type { RuleMatch } from '../../detectors/sigma/rows.ts';
import { closureOf } from '../../detectors/sigma/sql/rule_fields.ts';
import { type QueryNeeds, queryOfRule, type Refusal, type RuleQuery } from '../../detectors/sigma/sql/rule_query.ts';
import type { ToolVariants } from '../../detectors/sigma/sql/tool_bounds.ts';

export interface BacktestScope {
  store: Store;
  catalog: Catalog;
  /** Ids of the detectors of sessions, whose findings rules see as signals. */
  detectors: readonly string[];
  tools: readonly ToolVariants[];
  /** What servers published, as the stream knew it. */
  book: ToolBook;
  /** Empty for all. */
  tenant: string;
  /** Matches whose anchor is at or after this time, and before the other one. */
  since_ms: number;
  until_ms: number;
  /** It is this late for absences. */
  now_ms: number;
  /** Whether to end early; asked between pages. */
  stop?: () => boolean;
}

export interface RuleRun {
  /** Events that SQL brought. */
  events: number;
  /** Whether SQL could leave out any. */
  filters: boolean;
  /** Limits that were reached, by name: with one, matches may be missing. */
  limits: Record<string, number>;
}

const PAGE_EVENTS = 4_000;
const EDGES_MAX = 1_000_000;
/** Counters that say no more than what was seen. */
const HARMLESS = new Set(['events', 'matches', 'suppressed', 'rows', 'keys', 'late_events', 'too_late_events']);

/** Hands the matches of one rule to `onMatch`, in the order of telling. Or says why the rule cannot be run. */
export async function runRule(
  set: RuleSet,
  rule_id: string,
  scope: BacktestScope,
  onMatch: (match: RuleMatch) => void,
): Promise<RuleRun | { refused: Refusal[] }> {
  const { store, detectors, tools, tenant, since_ms, until_ms } = scope;
  // Events before fill the windows and the suppressions of the first matches.
  const { window_ms } = compileRules(closureOf(set, rule_id));
  const from_ms = Math.max(0, since_ms - window_ms);
  const query = queryOfRule(set, rule_id, { tools, detectors, tenant, from_ms, to_ms: until_ms });
  if ('refused' in query) return query;
  const run = new Run(query, scope);
  const told = (matches: readonly RuleMatch[]): void => {
    for (const match of matches) if (match.anchor.time_ms >= since_ms) onMatch(match);
  };
  for await (const page of pagesOf(streamRuleEvents(store, query.sql, query.params))) {
    for (const record of await run.recordsOf(page)) told(run.compiled.observe(record));
    await nextTurn();
    if (scope.stop?.() !== true) continue;
    const { events } = run.compiled.counters;
    return { events, filters: query.filters, limits: { ...run.limits, stopped_after_events: events } };
  }
  told(run.compiled.flush(Math.min(scope.now_ms, until_ms)));
  return { events: run.compiled.counters.events, filters: query.filters, limits: run.limits };
}

async function* pagesOf(pieces: AsyncIterable<RuleEvent[]>): AsyncGenerator<RuleEvent[]> {
  let page: RuleEvent[] = [];
  for await (const events of pieces) {
    for (const event of events) {
      page.push(event);
      if (page.length < PAGE_EVENTS) continue;
      yield page;
      page = [];
    }
  }
  if (page.length > 0) yield page;
}

/** What stands beside the events of a page, by their places. */
interface Beside {
  contents: Map<string, { params: string; content: string }>;
  signals: Map<string, { rule_id: string; severity: string }[]>;
  edges: Map<string, EdgeOfEvent[]>;
}

/** One rule over the events that its statement brings. */
class Run {
  readonly compiled: CompiledRules;
  private readonly scope: BacktestScope;
  private readonly needs: QueryNeeds;
  private readonly memory: EdgeMemory = createEdgeMemory(EDGES_MAX, EDGES_MAX);
  /** In the order of their last use. */
  private readonly sessions = new Map<string, SessionLineage>();
  private evicted_sessions = 0;

  constructor(query: RuleQuery, scope: BacktestScope) {
    this.scope = scope;
    this.needs = query.needs;
    this.compiled = compileRules(query.set, { edgesBetween: this.memory.edgesBetween });
  }

  get limits(): Record<string, number> {
    const { evicted_edges, evicted_results } = this.memory.counters;
    const all = { ...this.compiled.counters, evicted_edges, evicted_results, evicted_sessions: this.evicted_sessions };
    return Object.fromEntries(Object.entries(all).filter(([name, count]) => count > 0 && !HARMLESS.has(name)));
  }

  async recordsOf(page: readonly RuleEvent[]): Promise<RuleRecord[]> {
    const beside = await this.readBeside(page);
    return page.map(({ place, fields }) => {
      const key = placeKey(place.log, place.seq);
      const { params = '', content = '' } = beside.contents.get(key) ?? {};
      const event = eventOf(place, {
        ...fields,
        ...(params !== '' && { params: groupFields(params) }),
        ...(content !== '' && { content }),
      });
      const call = this.needs.calls ? this.callOf(event) : undefined;
      const derived = derivedFields(call, beside.edges.get(key) ?? [], beside.signals.get(key) ?? []);
      const record = eventRecord(event, derived);
      if (this.needs.edges) this.noteEdges(record, beside.edges.get(key) ?? []);
      return record;
    });
  }

  private async readBeside(page: readonly RuleEvent[]): Promise<Beside> {
    const { store, detectors } = this.scope;
    const { params, content, signals, destinations, edges } = this.needs;
    const keys = eventKeys(page);
    const [of_content, of_signals, of_edges] = await Promise.all([
      params || content ? readRuleContents(store, keys, { params, content }) : [],
      signals ? readRuleSignals(store, keys, detectors) : [],
      destinations || edges ? readRuleEdges(store, keys) : [],
    ]);
    return {
      contents: new Map(of_content.map((each) => [placeKey(each.log, each.seq), each])),
      signals: groupedBy(of_signals, ({ log, seq }) => placeKey(log, seq)),
      edges: groupedBy(of_edges, ({ log, to_seq }) => placeKey(log, to_seq)),
    };
  }

  /** What the call can do, by the lineage's own code: it saw the same definitions and calls of the session. */
  private callOf(event: ProvenanceEvent): CallProfile | undefined {
    const key = `${event.tenant}\u0000${event.session_id}`;
    const known = this.sessions.get(key);
    // A session that published nothing so far has nothing to be remembered, as long as nobody asks about results.
    if (known === undefined && event.tools === undefined && this.needs.support === 'definitions') {
      return this.openSession().observe(event, undefined).call;
    }
    const session = known ?? this.openSession();
    if (known === undefined && this.sessions.size >= LIMITS.engine_sessions_max) {
      this.sessions.delete(this.sessions.keys().next().value as string);
      this.evicted_sessions++;
    }
    this.sessions.delete(key);
    this.sessions.set(key, session);
    return session.observe(event, undefined).call;
  }

  private openSession(): SessionLineage {
    return createSessionLineage(this.scope.catalog, LIMITS, { evicted_values: 0, truncated_texts: 0 }, this.scope.book);
  }

  private noteEdges(record: RuleRecord, edges: readonly EdgeOfEvent[]): void {
    const point = pointOf(record);
    for (const { log, from_seq, from_type, from_call_id } of edges) {
      if (from_type !== 'tool.result' || from_call_id === '') continue;
      this.memory.note({ ...point, log, seq: from_seq, type: from_type, call_id: from_call_id }, []);
    }
    const known = edges.map(({ log, from_seq, kind, chars }) => ({
      from: { log, seq: from_seq },
      kind: kind as Parameters<EdgeMemory['note']>[1][number]['kind'],
      chars,
    }));
    this.memory.note({ ...point, type: '' }, known);
  }
}

function placeKey(log: string, seq: number): string {
  return `${seq}\u0000${log}`;
}

function groupedBy<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}
