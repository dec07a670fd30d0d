/** What rules may ask for beside an event's own fields: the same for a stream and for what is stored. */
import type { CallProfile } from '../catalog/capabilities.ts';
import type { DerivedFields } from './record.ts';

/** The derived fields of an event, from what the call can do, the edges that end at it, and what detectors said of it. */
export function derivedFields(
  call: CallProfile | undefined,
  edges: readonly { destination: boolean | number; preview: string }[],
  signals: readonly { rule_id: string; severity: string }[],
): DerivedFields {
  const derived: DerivedFields = {};
  if (call !== undefined) {
    derived.capability = [...call.capabilities];
    derived.egress = call.egress;
  }
  const destination = edges.filter((edge) => edge.destination).map((edge) => edge.preview);
  if (destination.length > 0) derived.destination = destination;
  if (signals.length > 0) {
    derived.signal = signals.map((signal) => signal.rule_id);
    derived.severity = signals.map((signal) => signal.severity);
  }
  return derived;
}
