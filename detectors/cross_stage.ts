/**
 * The second stage: joins the observations of several sessions. Each correlator keeps one state for each key. Its
 * input is small and plain, so it can come from this process, from other workers, or from the store after a restart.
 */
import { type Correlator, type Detector, isCorrelator, type Observation } from './detector.ts';
import type { TaggedMatch } from './session_stage.ts';

export interface CrossLimits {
  /** Keys for which one correlator keeps a state; the longest unused one goes first. */
  cross_keys_max: number;
}

export interface CrossHooks {
  failed(detector_id: string, observation: Observation, error: unknown): void;
  evicted(): void;
}

export interface CrossStage {
  observe(observation: Observation): TaggedMatch[];
  /** How far back observations are needed to rebuild every state. */
  readonly window_ms: number;
}

/** A second stage over the correlators of a set of detectors. */
export function createCrossStage(detectors: readonly Detector[], limits: CrossLimits, hooks: CrossHooks): CrossStage {
  const correlators = new Map<string, Correlator>();
  const states = new Map<string, Map<string, unknown>>();
  for (const detector of detectors) {
    if (!isCorrelator(detector)) continue;
    correlators.set(detector.metadata.id, detector);
    states.set(detector.metadata.id, new Map());
  }

  /** The state of a key, which becomes the latest used. */
  function stateOf(correlator: Correlator, key: string): unknown {
    const by_key = states.get(correlator.metadata.id) as Map<string, unknown>;
    const state = by_key.get(key) ?? correlator.initial();
    by_key.delete(key);
    by_key.set(key, state);
    // An iterator has to pass over all that was moved from its beginning.
    if (by_key.size > limits.cross_keys_max) evict(by_key);
    return state;
  }

  function evict(by_key: Map<string, unknown>): void {
    for (const oldest of by_key.keys()) {
      if (by_key.size <= limits.cross_keys_max) break;
      by_key.delete(oldest);
      hooks.evicted();
    }
  }

  return {
    observe(observation) {
      const correlator = correlators.get(observation.detector_id);
      if (correlator === undefined) return []; // of a detector that is switched off now
      try {
        const state = stateOf(correlator, `${observation.tenant}\u0000${observation.key}`);
        const rule_id = correlator.metadata.id;
        return correlator
          .step(state, observation)
          .map((match) => ({ detector: correlator, rule_id, severity: match.severity, match }));
      } catch (error) {
        hooks.failed(observation.detector_id, observation, error);
        return [];
      }
    },
    window_ms: Math.max(0, ...[...correlators.values()].map((correlator) => correlator.window_ms)),
  };
}
