/** What detection derived from events, within bounds and encoded as rows of the store's tables. */
import type { Finding } from '../core/alert.ts';
import { encodeEdge } from '../core/store/queries/edges.ts';
import { encodeObservation, type ObservationRow } from '../core/store/queries/observations.ts';
import { encodeSignal } from '../core/store/queries/signals.ts';
import { RowWriter } from '../core/store/row_binary.ts';
import type { Observation } from '../detectors/detector.ts';
import type { Edge } from '../detectors/lineage/edge.ts';

/** Beyond these a row is shortened, or not stored and counted. */
export const DERIVED_LIMITS = {
  edges_per_call_max: 200, // the strongest are stored
  edge_text_chars_max: 1_000, // of a path, a preview, a sentence, a field
  signal_title_chars_max: 500,
  signal_reason_chars_max: 4_000,
  signal_evidence_max: 64,
  observations_per_event_max: 256,
  observation_key_chars_max: 4_096,
  observation_body_chars_max: 65_536,
} as const;

export const DERIVED_TABLES = ['edges', 'signals', 'observations'] as const;

/** Rows that wait to be stored together. */
export class DerivedRows {
  readonly edges = new RowWriter(4_096);
  readonly signals = new RowWriter(4_096);
  readonly observations = new RowWriter(4_096);
  /** Rows that were beyond a limit. */
  dropped = 0;

  get bytes(): number {
    return this.edges.size + this.signals.size + this.observations.size;
  }

  /** Edges of one call and tenant, in whatever order. */
  addEdges(tenant: string, session_id: string, edges: readonly Edge[]): void {
    const { edges_per_call_max } = DERIVED_LIMITS;
    let kept = edges;
    if (edges.length > edges_per_call_max) {
      kept = [...edges].sort((a, b) => b.strength - a.strength).slice(0, edges_per_call_max);
      this.dropped += edges.length - kept.length;
    }
    for (const edge of kept) this.addEdge(tenant, session_id, edge);
  }

  private addEdge(tenant: string, session_id: string, edge: Edge): void {
    encodeEdge(this.edges, {
      ...edge,
      tenant,
      session_id,
      log: edge.to.log,
      path: cut(edge.path, DERIVED_LIMITS.edge_text_chars_max),
      preview: cut(edge.preview, DERIVED_LIMITS.edge_text_chars_max),
      sentence: cut(edge.sentence, DERIVED_LIMITS.edge_text_chars_max),
      field: cut(edge.field, DERIVED_LIMITS.edge_text_chars_max),
      memory_store: cut(edge.memory_store ?? '', DERIVED_LIMITS.edge_text_chars_max),
    });
  }

  addSignal(log: string, signal: Finding): void {
    encodeSignal(this.signals, {
      ...signal,
      log,
      risk: Math.round(Math.min(100, Math.max(0, signal.risk || 0))),
      title: cut(signal.title, DERIVED_LIMITS.signal_title_chars_max),
      reason: cut(signal.reason, DERIVED_LIMITS.signal_reason_chars_max),
      evidence: signal.evidence.slice(-DERIVED_LIMITS.signal_evidence_max),
    });
  }

  /** What a correlator saw. Of one beyond a limit a restart will not know. */
  addObservation(observation: Observation, place: { part: number; seen_at: number; nth: number }): void {
    const body = JSON.stringify(observation.body ?? null);
    const { observations_per_event_max, observation_key_chars_max, observation_body_chars_max } = DERIVED_LIMITS;
    const fits =
      place.part < observations_per_event_max &&
      observation.key.length <= observation_key_chars_max &&
      body.length <= observation_body_chars_max;
    if (!fits) {
      this.dropped++;
      return;
    }
    const { event, ...of } = observation;
    encodeObservation(this.observations, { ...of, ...event, ...place, body });
  }
}

/** A stored observation as correlators take it. */
export function observationOf(row: ObservationRow): Observation {
  const { log, seq, event_id, server, tool, body, part: _, seen_at: __, nth: ___, ...of } = row;
  return { ...of, body: JSON.parse(body) as unknown, event: { log, seq, event_id, server, tool } };
}

/** Text of at most so many UTF-16 units; the last stands for what is missing. */
function cut(text: string, chars_max: number): string {
  return text.length > chars_max ? `${text.slice(0, chars_max - 1)}…` : text;
}
