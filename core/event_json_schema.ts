/** The event's schema as JSON Schema 2020-12, for producers in other languages. Generated from the zod schema. */
import { z } from 'zod';
import { CORE_VERSION, ProducerEvent } from './event.ts';

/** The schema document. Deterministic, so that the published copy can be compared with it. */
export function eventJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(ProducerEvent, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: 'any',
    reused: 'ref',
  });
  return {
    $id: `urn:tracewarden:event:${CORE_VERSION}`,
    title: 'Tracewarden provenance event',
    description: `One event as a producer sends it (core version ${CORE_VERSION}). null means absent; unknown fields are kept.`,
    ...schema,
  };
}
