/** Spreads the names that events bring over a fixed number of states, so that no producer can push states out by making up names. */
import { digestOf } from './finding_id.ts';

/** The number, as text, of the state that a name falls into; always the same for the same name. */
export function bucketOf(name: string, buckets: number): string {
  return String(Number.parseInt(digestOf([name]).slice(0, 8), 16) % buckets);
}
