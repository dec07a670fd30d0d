/** What detectors see live and what they see again from the store must be one and the same. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseCore } from '../core/core_record.ts';
import { createPseudonymizer } from '../core/pseudonym.ts';
import { eventOf, storedFields } from '../core/stored_event.ts';
import { CompactRange } from '../core/tlog/compact_range.ts';
import { nodeHasher } from '../core/tlog/node_hasher.ts';
import { arbitraryEvent } from '../test/arbitrary_event.ts';
import { GapSessions } from './derive_session.ts';
import { Horizon } from './horizon.ts';
import { parseRecord } from './parse.ts';
import type { AcceptedRecord, SequencedRecord } from './record.ts';
import { type SequencedBatch, sequenceBatch } from './sequencer.ts';

const RECEIVED_MS = Date.UTC(2026, 0, 15, 10);

function sequence(event: unknown): SequencedRecord {
  const record: AcceptedRecord = {
    bytes: Buffer.from(JSON.stringify(event)),
    tenant: '*',
    accepted_by: 'key-1',
    received_at_ms: RECEIVED_MS,
    salt: Buffer.alloc(32, 1),
  };
  const into: SequencedBatch = { records: [], nodes: [], touched: new Map() };
  const state = {
    log: 'test.example.com/log',
    range: new CompactRange(nodeHasher),
    horizon: new Horizon(100),
    sessions: new Map(),
    gaps: new GapSessions(),
    pseudonyms: createPseudonymizer(Buffer.alloc(32, 2)),
  };
  sequenceBatch(state, [{ record, parsed: parseRecord(record) }], () => undefined, into);
  return into.records[0] as SequencedRecord;
}

it('gives the event that was seen live, rebuilt from its stored parts, down to the order of keys', () => {
  fc.assert(
    fc.property(arbitraryEvent(fc.constant('e-1')), (raw) => {
      const made = sequence(raw);
      expect({ kind: made.kind, message: made.message }).toEqual({ kind: 'event', message: '' });
      const core = parseCore(made.core);
      const { who, what, detail, params, content } = made;
      const has_content = core.commit.content !== undefined;
      const fields = storedFields({ who, what, detail, params, content: content.toString(), has_content });
      const rebuilt = eventOf(
        {
          log: 'test.example.com/log',
          seq: core.seq,
          session_seq: core.session_seq ?? -1,
          event_id: core.event_id ?? '',
          type: core.type,
          time: core.time ?? '',
          time_ms: made.time_ms,
          received_at_ms: Date.parse(core.received_at),
        },
        fields,
      );
      expect(JSON.stringify(rebuilt)).toBe(JSON.stringify(made.event));
    }),
    { numRuns: 1_000 },
  );
});

it('keeps every value that a producer sent, known or not', () => {
  fc.assert(
    fc.property(arbitraryEvent(fc.constant('e-1')), (raw) => {
      const { event } = sequence(raw);
      const kept = JSON.stringify(event);
      for (const [field, value] of Object.entries(raw)) {
        if (value === null || value === '' || value === false) continue;
        if (Array.isArray(value) && value.length === 0) continue;
        expect(kept, field).toContain(`"${field === 'data_sources' ? 'data_sources' : field}":`);
      }
    }),
  );
});
