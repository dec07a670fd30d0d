/**
 * What a detector is: one file in `rules/` whose default export is made by `defineDetector` or `defineCorrelator`.
 *
 * A *detector* looks at the events of one session and keeps a state for it. A *correlator* joins what happened in
 * several sessions: its `extract` turns an event into small observations with keys (a server, a token, an indicator),
 * without any state, where the events are; its `step` sees the observations of one key, in one order, wherever they
 * came from. Both yield matches. A match of `info` or `low` severity is a signal: it adds to a session's risk and
 * rules can refer to it. From `medium` on it is a finding that becomes an alert.
 */
import type { Severity } from '../core/alert.ts';
import type { EventType, ProvenanceEvent, ToolDefinition } from '../core/event.ts';
import type { CallProfile } from './catalog/capabilities.ts';
import type { ContentView } from './content/content_view.ts';
import type { RawEvent } from './example_events.ts';
import type { Edge, EventRef, Origin } from './lineage/edge.ts';

export interface DetectorMetadata {
  /** Also the file's name. */
  id: string;
  /** Raised whenever the same events would be judged differently. */
  version: number;
  title: string;
  /** What it detects and what it misses. */
  description: { detects: string; misses: string };
  /** The usual severity; a match carries its own. */
  severity: Severity;
  status: 'experimental' | 'stable';
  /** MITRE ATLAS and OWASP ids. */
  tags: readonly string[];
  references: readonly string[];
  false_positives: readonly string[];
  /** What an analyst does with a finding, step by step. */
  runbook: readonly string[];
}

/** What joins the observations of a correlator; the key itself is what `extract` gives. */
export const CORRELATOR_GROUPS = [
  'user',
  'role',
  'agent',
  'server',
  'tool',
  'token',
  'indicator',
  'resource',
  'memory',
  'delegation',
  'tenant',
] as const;
export type CorrelatorGroup = (typeof CORRELATOR_GROUPS)[number];

/** What the engine knows about the event beyond the event itself. */
export interface DetectorContext {
  /** Values in this call's parameters that occurred earlier; empty for other events. */
  edges: readonly Edge[];
  /** What the called tool can do with these parameters; only on `tool.call` and its `tool.result`. */
  call?: CallProfile | undefined;
  /** Where each parameter of the call came from, by the best evidence. */
  origins?: readonly Origin[] | undefined;
  /** The called tool's definition as this session last saw it published. */
  definition?: ToolDefinition | undefined;
  /** The same, or where this session saw none, as an earlier session of the tenant did. */
  described?: ToolDefinition | undefined;
  /** The text of a prompt, a result, a response or reasoning, cut and decoded once for all detectors. */
  content?: ContentView | undefined;
}

/** What correlators know besides: what the detectors of the session said of this event. */
export interface ExtractContext extends DetectorContext {
  signals: readonly Signal[];
}

/** A match of a detector, as others may refer to it. */
export interface Signal {
  rule_id: string;
  severity: Severity;
  match: Match;
}

/** One event of a match, with the part it plays in an analyst's words. */
export interface MatchStep {
  event: EventRef;
  role: string;
}

export interface Match<Detail = unknown> {
  severity: Severity;
  /** What it adds to a session's risk, 0 to 100; a severity's usual weight when absent. */
  risk?: number;
  /** In log order; the last is the event that completed the match. */
  steps: readonly MatchStep[];
  /** Where the value came from: with the sink it decides what is a repeat. */
  source: string;
  /** Digest of the value that arrived. */
  sink_digest: string;
  detail: Detail;
}

/** No raw secret may stand in it. Text quoted from content stands between “ and ”. */
export interface Explanation {
  title: string;
  reason: string;
  evidence: readonly MatchStep[];
}

/** A short run of events that must fire, or that comes close and must not. */
export interface DetectorExample {
  /** A sentence. */
  name: string;
  /** Events of one session; an event with a `session_id` of its own belongs to that one. */
  events: readonly RawEvent[];
  fires: boolean;
  /** The severity expected when it fires. */
  severity?: Severity;
  /** When it must not fire: a signal of at most this severity may stay. Without it nothing may. */
  at_most?: Severity;
}

interface DetectorBase<Detail> {
  metadata: DetectorMetadata;
  watches: readonly EventType[];
  explain(match: Match<Detail>): Explanation;
  examples: readonly DetectorExample[];
}

/** A detector of one session. */
export interface SessionDetector<State = unknown, Detail = unknown> extends DetectorBase<Detail> {
  group_by: 'session';
  /** A small object, bounded in size. */
  initial(): State;
  /** Looks at one event; may change `state`. Pure otherwise: no clock, no I/O, no randomness. */
  step(state: State, event: ProvenanceEvent, context: DetectorContext): Match<Detail>[];
}

/** What `extract` says of an event: the keys it concerns and a small plain JSON body. No raw secret. */
export interface Extract<Body = unknown> {
  key: string;
  body: Body;
  /** Only looked at against what is known already: not stored, so a restart does not see it again. */
  transient?: true;
}

/** An extract with where it came from: what is stored, and sent from one stage to the other. */
export interface Observation<Body = unknown> extends Extract<Body> {
  detector_id: string;
  tenant: string;
  session_id: string;
  user_id: string;
  user_role: string;
  agent: string;
  event: EventRef;
  time_ms: number;
}

/** A detector over sessions. */
export interface Correlator<State = unknown, Body = unknown, Detail = unknown> extends DetectorBase<Detail> {
  group_by: CorrelatorGroup;
  /** How far back its state reaches; older observations are not needed to rebuild it. */
  window_ms: number;
  /** Types of event that give it something to look for: until one gave an observation in a tenant, others are passed over. */
  armed_by?: readonly EventType[];
  /** Stateless: depends on this event and its context alone. */
  extract(event: ProvenanceEvent, context: ExtractContext): Extract<Body>[];
  initial(): State;
  step(state: State, observation: Observation<Body>): Match<Detail>[];
}

export type Detector = SessionDetector | Correlator;

/** Checks a detector's types and hands it on unchanged. */
export function defineDetector<State, Detail>(
  detector: Omit<SessionDetector<State, Detail>, 'group_by'> & { group_by: 'session' },
): SessionDetector<State, Detail> {
  return detector;
}

/** Checks a correlator's types and hands it on unchanged. */
export function defineCorrelator<State, Body, Detail>(
  correlator: Correlator<State, Body, Detail>,
): Correlator<State, Body, Detail> {
  return correlator;
}

/** Whether it joins several sessions. */
export function isCorrelator(detector: Detector): detector is Correlator {
  return detector.group_by !== 'session';
}
