/** The edge `result -> call` of the provenance graph: which earlier value arrives in which parameter. */
import type { Encoding } from './decode.ts';
import type { ValueKind } from './normalise.ts';
import type { Occurrence } from './sentences.ts';

/** Where an event stands, and which tool it speaks of. */
export interface EventRef {
  log: string;
  seq: number;
  event_id: string;
  server: string;
  tool: string;
}

/** A value of an earlier result that arrives in a parameter of a call. */
export interface Edge {
  from: EventRef;
  to: EventRef;
  /** The parameter, such as `message.to[0]`. */
  path: string;
  /** Whether the parameter's name says that it names a destination. */
  destination: boolean;
  kind: ValueKind | 'secret';
  digest: string;
  /** The value as it may be shown; a secret and an account are masked. */
  preview: string;
  /** How the value stood in that result: the most ordinary of its places there. */
  occurrence: Occurrence;
  /** The sentence around it, secrets masked; empty for a field. */
  sentence: string;
  in_prompt: boolean;
  /** How a secret was wrapped, outermost first. */
  encodings: readonly Encoding[];
}

/** Counted for all sessions together. */
export interface LineageCounters {
  evicted_values: number;
  truncated_texts: number;
}
