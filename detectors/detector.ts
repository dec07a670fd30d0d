/** What a detector is: one file in `rules/` whose default export is made by `defineDetector`. */
import type { Severity } from '../core/alert.ts';
import type { EventType, ProvenanceEvent } from '../core/event.ts';
import type { CallProfile } from './catalog/capabilities.ts';
import type { RawEvent } from './example_events.ts';
import type { Edge, EventRef } from './lineage/edge.ts';

interface DetectorMetadata {
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

/** Names of the ways to group events; each detector keeps one state for each group. */
export type GroupBy = 'session';

/** What the engine knows about the event beyond the event itself. */
export interface DetectorContext {
  /** Values in this call's parameters that occurred earlier; empty for other events. */
  edges: readonly Edge[];
  /** What the called tool can do with these parameters; only on `tool.call`. */
  call?: CallProfile;
}

/** One event of a match, with the part it plays in an analyst's words. */
interface MatchStep {
  event: EventRef;
  role: string;
}

export interface Match<Detail = unknown> {
  severity: Severity;
  /** In log order; the last is the event that completed the match. */
  steps: readonly MatchStep[];
  /** Where the value came from: with the sink it decides what is a repeat. */
  source: string;
  /** Digest of the value that arrived. */
  sink_digest: string;
  detail: Detail;
}

interface Explanation {
  title: string;
  reason: string;
  evidence: readonly MatchStep[];
}

/** A short session that must fire, or that comes close and must not. */
export interface DetectorExample {
  /** A sentence. */
  name: string;
  events: readonly RawEvent[];
  fires: boolean;
  /** The severity expected when it fires. */
  severity?: Severity;
}

export interface Detector<State = unknown, Detail = unknown> {
  metadata: DetectorMetadata;
  watches: readonly EventType[];
  group_by: GroupBy;
  /** A small plain object, bounded in size. */
  initial(): State;
  /** Looks at one event; may change `state`. Pure otherwise: no clock, no I/O, no randomness. */
  step(state: State, event: ProvenanceEvent, context: DetectorContext): Match<Detail>[];
  explain(match: Match<Detail>): Explanation;
  examples: readonly DetectorExample[];
}

/** Checks a detector's types and hands it on unchanged. */
export function defineDetector<State, Detail>(detector: Detector<State, Detail>): Detector<State, Detail> {
  return detector;
}
