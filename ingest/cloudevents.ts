/**
 * CloudEvents 1.0 in structured mode: the envelope's `data` is our event. Id and time of the envelope serve where the
 * data has none of its own. Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
import { AppError } from '../core/errors.ts';
import { quoteShort } from '../core/json/text.ts';

type Envelope = Record<string, unknown>;

/** The event inside an envelope, or the value itself when it is none. Throws `cloudevent_invalid`. */
export function unwrapCloudEvent(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('specversion' in value)) return value;
  const envelope = value as Envelope;
  if (envelope.specversion !== '1.0') {
    throw new AppError(
      'cloudevent_invalid',
      `specversion must be "1.0" (got ${typeof envelope.specversion === 'string' ? quoteShort(envelope.specversion) : 'no text'})`,
    );
  }
  for (const attribute of ['id', 'source', 'type']) {
    if (typeof envelope[attribute] !== 'string' || envelope[attribute] === '') {
      throw new AppError('cloudevent_invalid', `a CloudEvent needs ${attribute} as text that is not empty`);
    }
  }
  const { data } = envelope;
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new AppError('cloudevent_invalid', 'data must be a provenance event as a JSON object');
  }
  const event: Envelope = { ...data };
  event.event_id ??= envelope.id;
  event.time ??= envelope.time;
  return event;
}
