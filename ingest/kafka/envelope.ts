/**
 * Records on their way through Kafka. What our own roles send comes in a sealed envelope: it says for whom they took the
 * record, with which salt, and whether it is one of the program's own. Whoever else may write to the topic can send
 * events, for any tenant that the broker's access lists let them, and nothing that passes for ours.
 */
import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IHeaders, KafkaMessage, Message } from 'kafkajs';
import { z } from 'zod';
import type { Item } from '../batch.ts';
import { parseRecord } from '../parse.ts';
import type { AcceptedRecord, InternalRecord } from '../record.ts';
import { freshSalt } from '../salt.ts';

const ENVELOPE = 'tw-envelope';
const SEAL = 'tw-seal';
/** Who sent a record that came without an envelope. */
const FROM_KAFKA = 'kafka';

const Envelope = z.strictObject({
  kind: z.enum(['event', 'internal']),
  tenant: z.string().max(256),
  accepted_by: z.string().max(256),
  salt: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
});
const Internal = z.strictObject({
  kind: z.enum(['alert', 'action', 'config']),
  type: z.string(),
  event_id: z.string(),
  tenant: z.string(),
  session_id: z.string(),
  user_id: z.string(),
  actor: z.string(),
  time_ms: z.number(),
  detail: z.record(z.string(), z.unknown()),
});

export class Envelopes {
  private readonly seal_key: Buffer;
  private readonly salt_key: Buffer;

  /** `key`: 32 bytes that all roles share, and nobody else has. */
  constructor(key: Uint8Array) {
    const derived = (name: string) => createHmac('sha256', key).update(`tracewarden/${name}/v1`).digest();
    this.seal_key = derived('envelope-seal');
    this.salt_key = derived('record-salt');
  }

  /** A record that one of our roles took from a producer. */
  seal(bytes: Buffer, tenant: string, accepted_by: string): Pick<Message, 'value' | 'headers'> {
    return this.sealed({ kind: 'event', tenant, accepted_by }, bytes);
  }

  /** A record of the program's own. */
  sealInternal(record: Omit<InternalRecord, 'received_at_ms' | 'salt' | 'offset'>): Pick<Message, 'value' | 'headers'> {
    const { tenant, actor } = record;
    return this.sealed({ kind: 'internal', tenant, accepted_by: actor }, Buffer.from(JSON.stringify(record)));
  }

  /** A salt that every role derives alike, for what came without one. */
  saltOf(log: string, place: string): Buffer {
    return createHmac('sha256', this.salt_key).update(`${log}\0${place}`).digest();
  }

  private sealed(envelope: Omit<z.infer<typeof Envelope>, 'salt'>, value: Buffer): Pick<Message, 'value' | 'headers'> {
    const text = JSON.stringify({ ...envelope, salt: freshSalt().toString('base64') });
    return { value, headers: { [ENVELOPE]: text, [SEAL]: this.mac(text, value).toString('base64') } };
  }

  private mac(text: string, value: Buffer): Buffer {
    return createHmac('sha256', this.seal_key)
      .update(`${Buffer.byteLength(text)}\0${text}\0`)
      .update(value)
      .digest();
  }

  /** What the log makes of a message. A pure function of the message, its place, and the keys. */
  open(message: KafkaMessage, log: string, received_at_ms: number): Item {
    const bytes = message.value ?? Buffer.alloc(0);
    const offset = Number(message.offset);
    const place = { received_at_ms, offset };
    const text = headerOf(message.headers, ENVELOPE);
    const derived = this.saltOf(log, String(offset));
    if (text === undefined) return parsed({ bytes, tenant: '*', accepted_by: FROM_KAFKA, salt: derived, ...place });
    const envelope = this.read(text, headerOf(message.headers, SEAL), bytes);
    if (envelope === undefined) {
      const record = { bytes, tenant: '*', accepted_by: FROM_KAFKA, salt: derived, ...place };
      const told = 'the envelope of this record was not made by a role of this installation';
      return { record, parsed: { ok: false, tenant: '*', reason: 'envelope_invalid', message: told } };
    }
    const { kind, tenant, accepted_by } = envelope;
    const salt = Buffer.from(envelope.salt, 'base64');
    if (kind === 'event') return parsed({ bytes, tenant, accepted_by, salt, ...place });
    const internal = Internal.parse(JSON.parse(bytes.toString('utf8')));
    return { record: { ...internal, salt, ...place } as InternalRecord, internal: true };
  }

  private read(text: string, seal: string | undefined, value: Buffer): z.infer<typeof Envelope> | undefined {
    const given = Buffer.from(seal ?? '', 'base64');
    const made = this.mac(text, value);
    if (given.length !== made.length || !timingSafeEqual(given, made)) return undefined;
    return Envelope.parse(JSON.parse(text));
  }
}

function parsed(record: AcceptedRecord): Item {
  return { record, parsed: parseRecord(record) };
}

/** A header that stands there twice counts for none. */
function headerOf(headers: IHeaders | undefined, name: string): string | undefined {
  const value = headers?.[name];
  if (value === undefined) return undefined;
  return Array.isArray(value) ? '' : value.toString();
}
