/** A record from its arrival to the log: the bytes as accepted, what parsing made of them, and what is committed. */
import type { Buffer } from 'node:buffer';
import type { Kind } from '../core/core_record.ts';
import type { ProvenanceEvent } from '../core/event.ts';
import type { Fields } from '../core/groups.ts';

/**
 * A record as accepted. The salt and `received_at_ms` are written once, here, before anything else sees the record;
 * from then on every byte of the log follows from it and from the state before it.
 */
export interface AcceptedRecord {
  bytes: Buffer;
  /** Tenant of the key that sent it; '*' when the key may speak for any tenant. */
  tenant: string;
  /** Id of the key that sent it. */
  accepted_by: string;
  received_at_ms: number;
  salt: Buffer;
  /** Its place in the source; absent where the log itself is the first place that it has. */
  offset?: number;
}

/** A record that the program itself writes: an alert, an action of a person, a configuration. */
export interface InternalRecord {
  kind: Extract<Kind, 'alert' | 'action' | 'config'>;
  type: string;
  event_id: string;
  tenant: string;
  session_id: string;
  user_id: string;
  actor: string;
  time_ms: number;
  received_at_ms: number;
  salt: Buffer;
  detail: Fields;
  offset?: number;
}

export interface ParsedEvent {
  ok: true;
  /** Every field as it will be stored, but for the session where the producer named none. */
  fields: Fields;
  tenant: string;
  time_ms: number;
  /** Its id as the horizon knows it, once that was computed. */
  horizon_id?: Uint8Array;
  what: string;
  params: string;
  content: string;
  detail: string;
}

export interface ParsedRejection {
  ok: false;
  tenant: string;
  reason: string;
  message: string;
}

export type Parsed = ParsedEvent | ParsedRejection;

/** A record in its place in the log, with the stored bytes of each part. */
export interface SequencedRecord {
  seq: number;
  /** Its place in the source, or its `seq` where there is no other. */
  offset: number;
  kind: Kind;
  type: string;
  event_id: string;
  tenant: string;
  session_id: string;
  session_seq: number;
  time_ms: number;
  received_at_ms: number;
  user_id: string;
  user_role: string;
  agent: string;
  server: string;
  tool: string;
  call_id: string;
  is_error: boolean;
  reason: string;
  message: string;
  first_seq: number;
  core: string;
  leaf_hash: Buffer;
  salt: Buffer;
  who: string;
  what: string;
  params: string;
  content: string | Buffer;
  detail: string;
  /** Of kind `event`: what detectors see. */
  event: ProvenanceEvent | undefined;
  /** Of kind `alert`, `action`, `config`: the fields of `detail`. */
  internal: Fields | undefined;
}
