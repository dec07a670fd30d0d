/** Whether a record with a known event id says the same as the first one, or something else under the same id. */
import { type Fields, groupFields } from '../core/groups.ts';
import type { ParsedEvent } from './record.ts';

/** The stored parts of the record that came first. */
export interface FirstRecord {
  type: string;
  time_ms: number;
  who: string;
  what: string;
  params: string;
  content: string | Buffer;
  detail: string;
}

/**
 * Compares what the producer said. Who accepted it may differ, and so may a session that we derived. A first record
 * whose content is gone (erased) cannot be contradicted: the repetition counts as the same.
 */
export function sameEvent(first: FirstRecord | undefined, second: { parsed: ParsedEvent; who: string }): boolean {
  if (first === undefined) return true;
  const { parsed } = second;
  return (
    first.type === parsed.fields.type &&
    first.time_ms === parsed.time_ms &&
    first.what === parsed.what &&
    first.params === parsed.params &&
    first.content.toString() === parsed.content &&
    first.detail === parsed.detail &&
    comparable(first.who) === comparable(second.who)
  );
}

function comparable(who: string): string {
  const fields: Fields = groupFields(who);
  delete fields.accepted_by;
  if (fields.session_source === 'gap') delete fields.session_id;
  return JSON.stringify(fields);
}
