/**
 * The streaming engine: takes events in log order, keeps a bounded lineage for each session, and hands each event to
 * the detectors that watch its type. A session that was put out of memory can be rebuilt by replaying its events.
 */
import type { Finding } from '../core/alert.ts';
import { messageOf } from '../core/errors.ts';
import type { EventType, ProvenanceEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { type Catalog, createCatalog } from './catalog/capabilities.ts';
import type { Detector, DetectorContext, GroupBy, Match } from './detector.ts';
import { findingId } from './finding_id.ts';
import type { LineageCounters } from './lineage/edge.ts';
import {
  createSessionLineage,
  type LineageLimits,
  type LineageStep,
  type SessionLineage,
} from './lineage/session_lineage.ts';

interface EngineLimits extends LineageLimits {
  engine_sessions_max: number;
  replay_events_per_session_max: number;
  alerts_per_session_max: number;
}

interface EngineCounters {
  events: number;
  findings: number;
  /** In memory now. */
  sessions: number;
  evicted_sessions: number;
  evicted_values: number;
  truncated_texts: number;
  /** Findings beyond a session's maximum, which nobody will see. */
  dropped_findings: number;
  /** Sessions that had more events than a replay may take. */
  truncated_replays: number;
  detector_errors: number;
}

/** A detector, or the lineage, that failed on an event. */
interface EngineError {
  detector_id: string;
  event_id: string;
  message: string;
}

export interface Engine {
  /** Takes in the next event and yields what it completes. */
  observe(event: ProvenanceEvent): Finding[];
  /** Whether a session's state is in memory; if not and it has earlier events, `restore` it before `observe`. */
  knows(session_key: string): boolean;
  /** Rebuilds a session's state from its earlier events, in log order, without yielding their findings again. */
  restore(session_key: string, events: readonly ProvenanceEvent[]): void;
  readonly counters: Readonly<EngineCounters>;
  /** The last failures; `counters.detector_errors` counts them all. */
  readonly errors: readonly EngineError[];
}

export interface EngineOptions {
  detectors: readonly Detector[];
  limits?: Partial<EngineLimits>;
  catalog?: Catalog;
}

interface Session {
  lineage: SessionLineage;
  /** What the lineage counted since the engine last looked. */
  counted: LineageCounters;
  /** By detector and group. */
  states: Map<string, unknown>;
  /** (rule, source, sink value) of the findings so far; a repeat is not told again. */
  told: Set<string>;
}

const ERRORS_KEPT_MAX = 100;
const GROUP_KEYS: Record<GroupBy, (event: ProvenanceEvent) => string> = {
  session: (event) => event.session_id,
};

/** The name under which the engine knows an event's session. Ids hold no control characters, so it is unambiguous. */
export function sessionKey(event: Pick<ProvenanceEvent, 'tenant' | 'session_id'>): string {
  return `${event.tenant}\u0000${event.session_id}`;
}

/** An engine without any session. */
export function createEngine(options: EngineOptions): Engine {
  const limits: EngineLimits = { ...LIMITS, ...options.limits };
  const catalog = options.catalog ?? createCatalog();
  const watchers = indexByType(options.detectors);
  const sessions = new Map<string, Session>(); // in the order of their last use
  const errors: EngineError[] = [];
  const counters: EngineCounters = {
    events: 0,
    findings: 0,
    sessions: 0,
    evicted_sessions: 0,
    evicted_values: 0,
    truncated_texts: 0,
    dropped_findings: 0,
    truncated_replays: 0,
    detector_errors: 0,
  };
  /** What a replay counts: its events were counted when they came first. */
  const replayed: EngineCounters = { ...counters };

  function open(key: string): Session {
    const counted: LineageCounters = { evicted_values: 0, truncated_texts: 0 };
    const lineage = createSessionLineage(catalog, limits, counted);
    const session: Session = { lineage, counted, states: new Map(), told: new Set() };
    sessions.set(key, session);
    for (const oldest of sessions.keys()) {
      if (sessions.size <= limits.engine_sessions_max) break;
      sessions.delete(oldest);
      counters.evicted_sessions++;
    }
    counters.sessions = sessions.size;
    return session;
  }

  function use(key: string): Session {
    const session = sessions.get(key);
    if (session === undefined) return open(key);
    sessions.delete(key);
    sessions.set(key, session);
    return session;
  }

  function fail(detector_id: string, event: ProvenanceEvent, error: unknown, into: EngineCounters): void {
    into.detector_errors++;
    if (into === replayed) return;
    errors.push({ detector_id, event_id: event.event_id, message: messageOf(error) });
    if (errors.length > ERRORS_KEPT_MAX) errors.shift();
  }

  function stepLineage(session: Session, event: ProvenanceEvent, into: EngineCounters): LineageStep {
    try {
      return session.lineage.observe(event);
    } catch (error) {
      fail('lineage', event, error, into);
      return { edges: [] };
    } finally {
      into.evicted_values += session.counted.evicted_values;
      into.truncated_texts += session.counted.truncated_texts;
      session.counted.evicted_values = session.counted.truncated_texts = 0;
    }
  }

  function run(session: Session, event: ProvenanceEvent, into: EngineCounters): Finding[] {
    const context: DetectorContext = stepLineage(session, event, into);
    const findings: Finding[] = [];
    for (const detector of watchers.get(event.type) ?? []) {
      try {
        for (const match of stepDetector(detector, session, event, context)) {
          const finding = tell(session, detector, match, event, into);
          if (finding !== undefined) findings.push(finding);
        }
      } catch (error) {
        fail(detector.metadata.id, event, error, into);
      }
    }
    return findings;
  }

  /** The finding of a match, unless the session has it already or has too many. */
  function tell(session: Session, detector: Detector, match: Match, event: ProvenanceEvent, into: EngineCounters) {
    const told = `${detector.metadata.id}\u0000${match.source}\u0000${match.sink_digest}`;
    if (session.told.has(told)) return undefined;
    if (session.told.size >= limits.alerts_per_session_max) {
      into.dropped_findings++;
      return undefined;
    }
    const finding = toFinding(detector, match, event);
    session.told.add(told);
    into.findings++;
    return finding;
  }

  return {
    observe(event) {
      counters.events++;
      return run(use(sessionKey(event)), event, counters);
    },
    knows: (session_key) => sessions.has(session_key),
    restore(session_key, events) {
      sessions.delete(session_key);
      const session = open(session_key);
      const own = events.filter((event) => sessionKey(event) === session_key);
      if (own.length > limits.replay_events_per_session_max) counters.truncated_replays++;
      for (const event of own.slice(-limits.replay_events_per_session_max)) run(session, event, replayed);
    },
    counters,
    errors,
  };
}

function indexByType(detectors: readonly Detector[]): Map<EventType, Detector[]> {
  const index = new Map<EventType, Detector[]>();
  for (const detector of detectors) {
    for (const type of detector.watches) index.set(type, [...(index.get(type) ?? []), detector]);
  }
  return index;
}

function stepDetector(detector: Detector, session: Session, event: ProvenanceEvent, context: DetectorContext): Match[] {
  const key = `${detector.metadata.id}\u0000${GROUP_KEYS[detector.group_by](event)}`;
  let state = session.states.get(key);
  if (state === undefined) {
    state = detector.initial();
    session.states.set(key, state);
  }
  return detector.step(state, event, context);
}

function toFinding(detector: Detector, match: Match, event: ProvenanceEvent): Finding {
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
    severity: match.severity,
    title,
    reason,
    tenant: event.tenant,
    session_id: event.session_id,
    user_id: event.user_id ?? '',
    agent: event.agent ?? '',
    time_ms: event.time_ms,
    tags: [...tags],
    evidence: evidence.map(({ event: { log, seq, event_id }, role }) => ({ log, seq, event_id, role })),
  };
}
