/** The edge `result -> call` of the provenance graph: which earlier value arrives in which parameter. */
import type { ProvenanceEvent } from '../../core/event.ts';
import { SENSITIVITIES, type Sensitivity } from '../catalog/capability.ts';
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

/** Where an event stands. */
export function refOf(event: ProvenanceEvent): EventRef {
  const { log, seq, event_id } = event;
  return { log, seq, event_id, server: event.server ?? '', tool: event.tool ?? event.type };
}

/**
 * What arrives: an exact value, a secret, an identifier (an id, hash, path, URL with its path, or the name of a record),
 * a passage of text, or any other short field's value.
 */
export type EdgeKind = ValueKind | 'secret' | 'identifier' | 'text' | 'value';

/** Of a source; `unknown` when nothing says so. */
export type SourceSensitivity = Sensitivity | 'unknown';
const BY_SENSITIVITY: readonly SourceSensitivity[] = ['unknown', ...SENSITIVITIES];

/** A source that went out in pieces, none of which need mean anything alone. */
export interface Split {
  /** Calls that carried a piece, this one included. */
  calls: number;
  /** Characters of the source carried in all. */
  chars: number;
  /** Their share of the secret, or of the string that the text stands in. */
  coverage: number;
}

/** A value of an earlier result that arrives in a parameter of a call. */
export interface Edge {
  from: EventRef;
  to: EventRef;
  /** The parameter, such as `message.to[0]`. */
  path: string;
  /** Whether the parameter's name says that it names a destination; false for what an encoding hides in it. */
  destination: boolean;
  kind: EdgeKind;
  digest: string;
  /** The value as it may be shown; a secret and an account are masked. */
  preview: string;
  /** How the value stood in that result: the most ordinary of its places there. */
  occurrence: Occurrence;
  /** The sentence around it, secrets masked; empty for a field. */
  sentence: string;
  in_prompt: boolean;
  /** How the value was wrapped in the parameter, or in the result, outermost first. */
  encodings: readonly Encoding[];
  /** How surely the value came from there: 1 for one that occurs nowhere else, near 0 for a common word. */
  strength: number;
  /** Characters of the parameter that match. */
  chars: number;
  /** Their share of the string in the result, and of the parameter; 0 to 1. */
  source_share: number;
  parameter_share: number;
  /** The field of the result that held it; empty in running text. */
  field: string;
  /** Whether that tool's results hold text written by others; the profile's `untrusted_fields` may say which. */
  untrusted: boolean;
  /** Of the source, by its data sources and by what the tool reads. */
  sensitivity: SourceSensitivity;
  /** The memory that the source was read from. */
  memory_store?: string;
  /** Present when the pieces of several calls, or parameters, add up. */
  split?: Split;
}

/** Where a parameter's value came from, by the best evidence; `agent` when it was seen nowhere. */
export interface Origin {
  path: string;
  origin: 'prompt' | 'result' | 'agent';
  /** The strongest edge to this parameter. */
  edge?: Edge;
}

/** Counted for all sessions together. */
export interface LineageCounters {
  /** Values and texts that were forgotten, or not taken in, because a session's memory was full. */
  evicted_values: number;
  truncated_texts: number;
  /** Characters and index entries looked at; counted where it is present. */
  work?: number;
}

/** The greater of two sensitivities. */
export function moreSensitive(one: SourceSensitivity, other: SourceSensitivity): SourceSensitivity {
  return BY_SENSITIVITY.indexOf(one) >= BY_SENSITIVITY.indexOf(other) ? one : other;
}
