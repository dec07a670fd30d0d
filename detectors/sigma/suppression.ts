/** Tells a match once for each key and window. */
import type { Suppression } from './ir.ts';

export interface SuppressionState {
  /** Whether a match is told; it then silences those of the same key that come within the window. */
  admits(key: string, time_ms: number): boolean;
}

/** The memory of one rule; without a suppression every match is told. */
export function createSuppression(
  suppression: Suppression | null,
  keys_max: number,
  evicted: () => void,
): SuppressionState {
  if (suppression === null) return { admits: () => true };
  const window_ms = suppression.window_ms ?? Number.POSITIVE_INFINITY;
  /** The times of told matches, by key, the latest told last. */
  const told = new Map<string, number>();
  return {
    admits(key, time_ms) {
      const last = told.get(key);
      if (last !== undefined && Math.abs(time_ms - last) < window_ms) return false;
      told.delete(key);
      told.set(key, last === undefined ? time_ms : Math.max(last, time_ms));
      if (told.size > keys_max) {
        told.delete(told.keys().next().value as string);
        evicted();
      }
      return true;
    },
  };
}
