/**
 * The first stage: one session at a time. Takes a session's events in their order, keeps its lineage, hands each event
 * to the detectors that watch its type, and then lets the correlators extract what they want to see.
 */
import { SEVERITY_RISK, severityRank } from '../core/alert.ts';
import type { EventType, ProvenanceEvent, ToolDefinition } from '../core/event.ts';
import type { CallProfile, Catalog } from './catalog/capabilities.ts';
import type { ToolBook } from './catalog/tool_book.ts';
import { type ContentView, viewContent } from './content/content_view.ts';
import {
  type Correlator,
  type Detector,
  type DetectorContext,
  type Extract,
  type ExtractContext,
  isCorrelator,
  type Observation,
  type SessionDetector,
  type Signal,
} from './detector.ts';
import { type Edge, type LineageCounters, type Origin, refOf } from './lineage/edge.ts';
import {
  createSessionLineage,
  type LineageLimits,
  type LineageStep,
  type SessionLineage,
} from './lineage/session_lineage.ts';
import { addRisk } from './risk.ts';

export interface SessionLimits extends LineageLimits {
  alerts_per_session_max: number;
}

/** What a session's state holds, and what it says about an event. */
export interface SessionState {
  lineage: SessionLineage;
  counted: LineageCounters;
  /** By detector id. */
  states: Map<string, unknown>;
  /** (rule, source, sink value) of what was told, with the worst severity; a repeat is not told again. */
  told: Map<string, number>;
  /** The greatest risk that each rule gave. */
  risk_by_rule: Map<string, number>;
}

/** What one event brought to light. */
export interface StageResult {
  context: DetectorContext;
  /** Matches not told before in this session. */
  signals: TaggedMatch[];
  observations: Observation[];
}

/** A match with its detector and the event that completed it. */
export interface TaggedMatch extends Signal {
  detector: Detector;
}

export interface SessionStage {
  open(): SessionState;
  observe(session: SessionState, event: ProvenanceEvent): StageResult;
}

export interface StageHooks {
  failed(detector_id: string, event: ProvenanceEvent, error: unknown): void;
  dropped(): void;
  /** Whether a correlator that has to be armed was, in a tenant. */
  armed(detector_id: string, tenant: string): boolean;
}

/** What is known about one event: the same kind of object for every event, since every detector reads it. */
class EventContext implements ExtractContext {
  readonly edges: readonly Edge[];
  readonly call: CallProfile | undefined;
  readonly definition: ToolDefinition | undefined;
  readonly described: ToolDefinition | undefined;
  readonly content: ContentView | undefined;
  signals: readonly Signal[] = [];
  private readonly step: LineageStep;

  constructor(step: LineageStep, content: ContentView | undefined) {
    this.edges = step.edges;
    this.call = step.call;
    this.definition = step.definition;
    this.described = step.described;
    this.content = content;
    this.step = step;
  }

  get origins(): readonly Origin[] | undefined {
    return this.step.origins;
  }
}

/** A first stage over a set of detectors. */
export function createSessionStage(
  detectors: readonly Detector[],
  catalog: Catalog,
  limits: SessionLimits,
  hooks: StageHooks,
  book?: ToolBook,
): SessionStage {
  const own = indexByType(detectors.filter((detector) => !isCorrelator(detector)) as SessionDetector[]);
  const correlators = indexByType(detectors.filter(isCorrelator));

  function contextOf(session: SessionState, event: ProvenanceEvent): EventContext {
    const content = event.content ? viewContent(event.content, limits.lineage_text_bytes_max) : undefined;
    if (content !== undefined && content.chars > content.text.length) session.counted.truncated_texts++;
    try {
      return new EventContext(session.lineage.observe(event, content), content);
    } catch (error) {
      hooks.failed('lineage', event, error);
      return new EventContext({ edges: [] }, content);
    }
  }

  function stateOf(session: SessionState, detector: SessionDetector): unknown {
    const id = detector.metadata.id;
    let state = session.states.get(id);
    if (state === undefined) {
      state = detector.initial();
      session.states.set(id, state);
    }
    return state;
  }

  function runDetectors(session: SessionState, event: ProvenanceEvent, context: DetectorContext): TaggedMatch[] {
    const signals: TaggedMatch[] = [];
    for (const detector of own.get(event.type) ?? []) {
      try {
        for (const match of detector.step(stateOf(session, detector), event, context)) {
          const signal = { detector, rule_id: detector.metadata.id, severity: match.severity, match };
          if (isNews(session, signal)) signals.push(signal);
        }
      } catch (error) {
        hooks.failed(detector.metadata.id, event, error);
      }
    }
    return signals;
  }

  function isNews(session: SessionState, signal: TaggedMatch): boolean {
    const key = `${signal.rule_id}\u0000${signal.match.source}\u0000${signal.match.sink_digest}`;
    const rank = severityRank(signal.severity);
    const before = session.told.get(key);
    // A repeat is told again only when it became worse.
    if (before !== undefined && before >= rank) return false;
    if (before === undefined && session.told.size >= limits.alerts_per_session_max) {
      hooks.dropped();
      return false;
    }
    session.told.set(key, rank);
    addRisk(session.risk_by_rule, signal.rule_id, signal.match.risk ?? SEVERITY_RISK[signal.severity]);
    return true;
  }

  function isUnarmed(correlator: Correlator, event: ProvenanceEvent): boolean {
    const { armed_by, metadata } = correlator;
    if (armed_by === undefined || armed_by.includes(event.type)) return false;
    return !hooks.armed(metadata.id, event.tenant);
  }

  function extract(event: ProvenanceEvent, context: EventContext): Observation[] {
    const watching = correlators.get(event.type);
    if (watching === undefined) return [];
    const observations: Observation[] = [];
    for (const correlator of watching) {
      if (isUnarmed(correlator, event)) continue;
      try {
        for (const extract of correlator.extract(event, context)) {
          observations.push(observationOf(correlator, event, extract));
        }
      } catch (error) {
        hooks.failed(correlator.metadata.id, event, error);
      }
    }
    return observations;
  }

  return {
    open() {
      const counted: LineageCounters = { evicted_values: 0, truncated_texts: 0 };
      const lineage = createSessionLineage(catalog, limits, counted, book);
      return { lineage, counted, states: new Map(), told: new Map(), risk_by_rule: new Map() };
    },
    observe(session, event) {
      const context = contextOf(session, event);
      const signals = runDetectors(session, event, context);
      context.signals = signals;
      return { context, signals, observations: extract(event, context) };
    },
  };
}

function indexByType<D extends { watches: readonly EventType[] }>(detectors: readonly D[]): Map<EventType, D[]> {
  const index = new Map<EventType, D[]>();
  for (const detector of detectors) {
    for (const type of detector.watches) index.set(type, [...(index.get(type) ?? []), detector]);
  }
  return index;
}

function observationOf(correlator: Correlator, event: ProvenanceEvent, extract: Extract): Observation {
  const { key, body, transient } = extract;
  const observation: Observation = {
    key,
    body,
    detector_id: correlator.metadata.id,
    tenant: event.tenant,
    session_id: event.session_id,
    user_id: event.user_id ?? '',
    user_role: event.user_role ?? '',
    agent: event.agent ?? '',
    event: refOf(event),
    time_ms: event.time_ms,
  };
  if (transient === true) observation.transient = transient;
  return observation;
}
