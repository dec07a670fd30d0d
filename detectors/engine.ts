/**
 * The streaming engine. Events go in, in log order; a bounded buffer puts those of a session into the order of their
 * times; the session stage and the cross stage look at them; findings, signals and edges come out. A session that was
 * put out of memory can be rebuilt by replaying its events.
 */
import { type Finding, SEVERITY_RISK } from '../core/alert.ts';
import { messageOf } from '../core/errors.ts';
import type { ProvenanceEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { type Catalog, createCatalog } from './catalog/capabilities.ts';
import { createToolBook, type ToolBookLimits } from './catalog/tool_book.ts';
import { type CrossLimits, createCrossStage } from './cross_stage.ts';
import type { Detector, Observation } from './detector.ts';
import { findingId } from './finding_id.ts';
import type { Edge } from './lineage/edge.ts';
import { createReorder, type Released, type ReorderLimits } from './reorder.ts';
import { sessionRisk } from './risk.ts';
import { addRuleRisk, createRuleStage, type RuleStage, type RuleStageLimits } from './rule_stage.ts';
import { createSessionStage, type SessionLimits, type SessionState, type TaggedMatch } from './session_stage.ts';
import type { RuleSet } from './sigma/ir.ts';

interface EngineLimits extends SessionLimits, ReorderLimits, CrossLimits, RuleStageLimits, ToolBookLimits {
  engine_sessions_max: number;
  replay_events_per_session_max: number;
  reevaluations_per_session_max: number;
}

interface EngineCounters {
  events: number;
  /** Findings and signals. */
  findings: number;
  /** In memory now. */
  sessions: number;
  evicted_sessions: number;
  evicted_values: number;
  evicted_keys: number;
  truncated_texts: number;
  /** Findings beyond a session's maximum, which nobody will see. */
  dropped_findings: number;
  /** Sessions that had more events than a replay may take. */
  truncated_replays: number;
  /** Events older than what had been looked at in their session. */
  late_events: number;
  detector_errors: number;
}

/** A detector, or the lineage, that failed on an event. */
interface EngineError {
  detector_id: string;
  event_id: string;
  message: string;
}

/** What the events that were released just now brought to light. */
export interface Detected {
  /** Of every severity; those below `ALERT_SEVERITY_MIN` are signals. */
  findings: Finding[];
  edges: Edge[];
  /** What correlators saw; stored, so that a restart can rebuild their states. */
  observations: Observation[];
  /** Sessions that should be looked at again from their beginning, since an event came late. */
  late_sessions: string[];
}

export interface Engine {
  /** Takes in the next event of the log; yields what the events that are due now complete. */
  observe(event: ProvenanceEvent): Detected;
  /** Tells the time while no event comes. */
  advance(received_at_ms: number): Detected;
  /** Looks at everything that still waits for older events. */
  flush(): Detected;
  /** Whether a session's state is in memory; if not and it has earlier events, `restore` it before `observe`. */
  knows(session_key: string): boolean;
  /** Rebuilds a session's state from its earlier events without yielding their findings again. */
  restore(session_key: string, events: readonly ProvenanceEvent[]): void;
  /** Looks at a session again in the order of its times; yields what was not told before, marked late. */
  reevaluate(session_key: string, events: readonly ProvenanceEvent[]): Detected;
  /** Rebuilds the states of correlators from stored observations, in order. */
  remember(observations: readonly Observation[]): void;
  /** Takes in, in log order, events in which servers published their tools, before any event that comes after them. */
  learn(events: readonly ProvenanceEvent[]): void;
  /** A session's risk from 0 to 100, or undefined when its state is not in memory. */
  risk(session_key: string): number | undefined;
  /** The smallest seq that still waits, or undefined: everything below was looked at. */
  readonly held_from: number | undefined;
  /** Puts another set of rules into operation. */
  useRules(set: RuleSet): void;
  /** What the rules in operation counted. */
  readonly rule_counters: RuleStage['counters'];
  /** How far back stored observations are needed. */
  readonly window_ms: number;
  /** How far back sessions matter to others by the rules in operation: these are restored at a start. */
  readonly rules_window_ms: number;
  readonly counters: Readonly<EngineCounters>;
  /** The last failures; `counters.detector_errors` counts them all. */
  readonly errors: readonly EngineError[];
}

export interface EngineOptions {
  detectors: readonly Detector[];
  limits?: Partial<EngineLimits>;
  catalog?: Catalog;
  rules?: RuleSet;
  /** Told a session's risk before its state goes out of memory. */
  onEvicted?: (session_key: string, risk: number) => void;
}

interface Session {
  state: SessionState;
  reevaluations: number;
}

/**
 * Whether an event is looked at for the first time, or was before: by a process or a state that is no more, or by this
 * one, in which case correlators and rules know it already.
 */
type Life = 'new' | 'restored' | 'again';

const ERRORS_KEPT_MAX = 100;

/** The name under which the engine knows an event's session. Ids hold no control characters, so it is unambiguous. */
export function sessionKey(event: Pick<ProvenanceEvent, 'tenant' | 'session_id'>): string {
  return `${event.tenant}\u0000${event.session_id}`;
}

/** An engine without any session. */
export function createEngine(options: EngineOptions): Engine {
  const limits: EngineLimits = { ...LIMITS, ...options.limits };
  const sessions = new Map<string, Session>(); // in the order of their last use
  const errors: EngineError[] = [];
  const counters = emptyCounters();
  /** What a replay counts goes nowhere: its events were counted when they came first. */
  let counting = counters;

  /** (tenant, correlator) pairs with an observation: at most the tenants times the correlators. */
  const armed = new Set<string>();
  const arm = ({ tenant, detector_id }: Observation) => armed.add(`${tenant}\u0000${detector_id}`);

  const failed = (detector_id: string, event_id: string, error: unknown): void => {
    counting.detector_errors++;
    if (counting !== counters) return;
    errors.push({ detector_id, event_id, message: messageOf(error) });
    if (errors.length > ERRORS_KEPT_MAX) errors.shift();
  };
  const book = createToolBook(limits);
  const stage = createSessionStage(
    options.detectors,
    options.catalog ?? createCatalog(),
    limits,
    {
      failed: (id, event, error) => failed(id, event.event_id, error),
      dropped: () => counting.dropped_findings++,
      armed: (id, tenant) => armed.has(`${tenant}\u0000${id}`),
    },
    book,
  );
  const cross = createCrossStage(options.detectors, limits, {
    failed: (id, observation, error) => failed(id, observation.event.event_id, error),
    evicted: () => counters.evicted_keys++,
  });
  const reorder = createReorder(limits);
  const rules = createRuleStage(limits, options.rules);

  function open(key: string): Session {
    const session = { state: stage.open(), reevaluations: 0 };
    sessions.set(key, session);
    if (sessions.size > limits.engine_sessions_max) evict();
    counters.sessions = sessions.size;
    return session;
  }

  /** Puts out the session that was used least lately and waits for nothing. */
  function evict(): void {
    for (const [key, { state }] of sessions) {
      if (sessions.size <= limits.engine_sessions_max) return;
      if (!reorder.forget(key)) continue;
      sessions.delete(key);
      options.onEvicted?.(key, sessionRisk(state.risk_by_rule));
      counters.evicted_sessions++;
    }
  }

  function use(key: string): Session {
    const session = sessions.get(key);
    if (session === undefined) return open(key);
    sessions.delete(key);
    sessions.set(key, session);
    return session;
  }

  function look(session: Session, event: ProvenanceEvent, late: boolean, life: Life, into: Detected): void {
    const { context, signals, observations } = stage.observe(session.state, event);
    const { counted } = session.state;
    counting.evicted_values += counted.evicted_values;
    counting.truncated_texts += counted.truncated_texts;
    counted.evicted_values = counted.truncated_texts = 0;
    for (const edge of context.edges) into.edges.push(edge);
    for (const signal of signals) into.findings.push(toFinding(signal, event, late));
    for (const observation of life === 'new' ? observations : []) {
      arm(observation);
      if (observation.transient !== true) into.observations.push(observation);
      for (const signal of cross.observe(observation)) into.findings.push(toFinding(signal, event, late));
    }
    // What a session began in an earlier life is completed by its next event.
    if (life === 'restored') rules.rehearse(event, context, signals);
    if (life === 'new') {
      const of_rules = rules.observe(event, context, signals);
      addRuleRisk(session.state.risk_by_rule, of_rules);
      for (const finding of of_rules) into.findings.push(late ? { ...finding, late } : finding);
    }
    counting.findings += signals.length;
  }

  function lookAtAll(released: readonly Released[]): Detected {
    const detected = nothing();
    for (const { event, late } of released) {
      const key = sessionKey(event);
      const session = use(key);
      look(session, event, late, 'new', detected);
      if (late) noteLate(session, key, detected);
    }
    return detected;
  }

  function noteLate(session: Session, key: string, detected: Detected): void {
    counters.late_events++;
    if (session.reevaluations >= limits.reevaluations_per_session_max) return;
    if (!detected.late_sessions.includes(key)) detected.late_sessions.push(key);
  }

  /** Runs a session's own events through a fresh state. */
  function rebuild(
    session_key: string,
    events: readonly ProvenanceEvent[],
    session: Session,
    life: 'restored' | 'again',
  ): Detected {
    const detected = nothing();
    const own = events.filter((event) => sessionKey(event) === session_key).sort(byTime);
    if (own.length > limits.replay_events_per_session_max) counters.truncated_replays++;
    counting = emptyCounters();
    for (const event of own.slice(-limits.replay_events_per_session_max)) {
      look(session, event, true, life, detected);
      reorder.resume(session_key, event.time_ms, event.seq);
    }
    counting = counters;
    return detected;
  }

  return {
    observe(event) {
      counters.events++;
      book.note(event); // as it comes: what an event may know must not depend on who waits for whom
      const key = sessionKey(event);
      use(key);
      reorder.push(key, event);
      return lookAtAll(reorder.take());
    },
    advance(received_at_ms) {
      reorder.advance(received_at_ms);
      return lookAtAll(reorder.take());
    },
    flush: () => lookAtAll(reorder.flush()),
    knows: (session_key) => sessions.has(session_key),
    restore(session_key, events) {
      sessions.delete(session_key);
      rebuild(session_key, events, open(session_key), 'restored');
    },
    reevaluate(session_key, events) {
      const before = sessions.get(session_key);
      const session = { state: stage.open(), reevaluations: (before?.reevaluations ?? 0) + 1 };
      if (before !== undefined) keepTold(before.state, session.state);
      sessions.delete(session_key);
      sessions.set(session_key, session);
      const detected = rebuild(session_key, events, session, 'again');
      counters.findings += detected.findings.length;
      return detected;
    },
    remember(observations) {
      for (const observation of observations) {
        arm(observation);
        cross.observe(observation);
      }
    },
    learn(events) {
      for (const event of events) book.note(event);
    },
    risk(session_key) {
      const session = sessions.get(session_key);
      return session && sessionRisk(session.state.risk_by_rule);
    },
    get held_from() {
      return reorder.held_from;
    },
    useRules: (set) => rules.use(set),
    get rule_counters() {
      return rules.counters;
    },
    window_ms: cross.window_ms,
    get rules_window_ms() {
      return rules.shared_window_ms;
    },
    counters,
    errors,
  };
}

/** What was told stays told, and what it added to the risk stays added. */
function keepTold(from: SessionState, to: SessionState): void {
  for (const [key, rank] of from.told) to.told.set(key, rank);
  for (const [rule_id, risk] of from.risk_by_rule) to.risk_by_rule.set(rule_id, risk);
}

function nothing(): Detected {
  return { findings: [], edges: [], observations: [], late_sessions: [] };
}

function emptyCounters(): EngineCounters {
  return {
    events: 0,
    findings: 0,
    sessions: 0,
    evicted_sessions: 0,
    evicted_values: 0,
    evicted_keys: 0,
    truncated_texts: 0,
    dropped_findings: 0,
    truncated_replays: 0,
    late_events: 0,
    detector_errors: 0,
  };
}

function byTime(a: ProvenanceEvent, b: ProvenanceEvent): number {
  return a.time_ms - b.time_ms || a.seq - b.seq;
}

function toFinding(signal: TaggedMatch, event: ProvenanceEvent, late: boolean): Finding {
  const { detector, match, severity } = signal;
  const { id, version, tags } = detector.metadata;
  const { title, reason, evidence } = detector.explain(match);
  return {
    finding_id: findingId({
      rule_id: id,
      rule_version: version,
      tenant: event.tenant,
      session_id: event.session_id,
      event_ids: match.steps.map((step) => step.event.event_id),
      sink_digest: match.sink_digest,
    }),
    rule_id: id,
    rule_version: version,
    severity,
    title,
    reason,
    tenant: event.tenant,
    session_id: event.session_id,
    user_id: event.user_id ?? '',
    agent: event.agent ?? '',
    time_ms: event.time_ms,
    tags: [...tags],
    evidence: evidence.map(({ event: { log, seq, event_id }, role }) => ({ log, seq, event_id, role })),
    server: event.server ?? '',
    tool: event.tool ?? '',
    sink_digest: match.sink_digest,
    risk: match.risk ?? SEVERITY_RISK[severity],
    late,
  };
}
