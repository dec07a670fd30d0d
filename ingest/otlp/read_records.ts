/** Records of OpenTelemetry as events, each read by the first dialect that knows it. */
import { createHash } from 'node:crypto';
import type { Dialect, OtlpRecord } from './otlp_record.ts';

export interface OtlpEvents {
  events: Record<string, unknown>[];
  /** Of each event the number of its record. */
  of: number[];
  /** Records that no dialect made an event of, by why. */
  passed_over: { unknown: number; empty: number };
}

/** An export that is sent again gives the same ids. `now_ms` stands for a time that a record does not tell. */
export function readRecords(records: readonly OtlpRecord[], dialects: readonly Dialect[], now_ms: number): OtlpEvents {
  const found: OtlpEvents = { events: [], of: [], passed_over: { unknown: 0, empty: 0 } };
  for (const [at, record] of records.entries()) {
    const dialect = dialects.find((each) => each.knows(record));
    if (dialect === undefined) {
      found.passed_over.unknown++;
      continue;
    }
    const drafts = dialect.read(record);
    if (drafts.length === 0) found.passed_over.empty++;
    for (const { part, at_ms, extra, ...draft } of drafts) {
      const time = new Date(at_ms > 0 ? at_ms : now_ms).toISOString();
      const source = { ...(extra as object | undefined), source: 'otlp', dialect: dialect.name };
      found.events.push({ event_id: idOf(record, part, draft), time, ...draft, extra: source });
      found.of.push(at);
    }
  }
  return found;
}

/** A span has an id of its own; a log record is known by all that it says. */
function idOf(
  { kind, trace_id, span_id, name, attributes, start_ms }: OtlpRecord,
  part: string,
  draft: object,
): string {
  const identity =
    kind === 'span' && trace_id !== undefined && span_id !== undefined
      ? [trace_id, span_id, part]
      : [trace_id, span_id, part, name, start_ms, attributes, draft];
  return `otlp-${createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 40)}`;
}
