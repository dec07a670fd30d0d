/** The program's own sequencer over records of the modelled topic: what an owner computes, and what every owner must. */
import { Buffer } from 'node:buffer';
import type { KafkaMessage } from 'kafkajs';
import { createPseudonymizer } from '../../../core/pseudonym.ts';
import { advanceSession, emptySession } from '../../../core/session.ts';
import { CompactRange } from '../../../core/tlog/compact_range.ts';
import { nodeHasher } from '../../../core/tlog/node_hasher.ts';
import type { Item } from '../../../ingest/batch.ts';
import { GapSessions } from '../../../ingest/derive_session.ts';
import { Horizon, horizonId } from '../../../ingest/horizon.ts';
import { Envelopes } from '../../../ingest/kafka/envelope.ts';
import { partitionOf } from '../../../ingest/kafka/partitioner.ts';
import { keyOf } from '../../../ingest/kafka/topics.ts';
import { parseRecord } from '../../../ingest/parse.ts';
import type { InternalRecord, SequencedRecord } from '../../../ingest/record.ts';
import {
  type SequencedBatch,
  type SequencerInput,
  type SequencerState,
  sequenceBatch,
  sessionKey,
} from '../../../ingest/sequencer.ts';
import type { Entry } from './kafka_model.ts';

export const LOG = 'sim.example.com/logs/1/0';
export const ENVELOPES = new Envelopes(Buffer.alloc(32, 7));
const PSEUDONYMS = createPseudonymizer(Buffer.alloc(32, 2));
const HORIZON = 1_000;
const PARTITIONS = 2;

/** A user whose records belong to the partition of the log, and one whose records do not. */
const users = Array.from({ length: 20 }, (_, i) => `user${i}@example.com`);
const partitionFor = (user: string) => partitionOf(keyOf('default', user), PARTITIONS);
export const OWN_USERS = users.filter((user) => partitionFor(user) === 0).slice(0, 2);
export const OTHER_USERS = users.filter((user) => partitionFor(user) !== 0).slice(0, 1);

export function messageOf({ value, offset, timestamp }: Entry): KafkaMessage {
  const fields = { value, offset: String(offset), timestamp: String(timestamp), key: null, attributes: 0, headers: {} };
  return fields as unknown as KafkaMessage;
}

export function isElsewhere(item: Item): boolean {
  if (item.internal || !item.parsed?.ok) return false;
  return partitionOf(keyOf(item.parsed.tenant, String(item.parsed.fields.user_id ?? '')), PARTITIONS) !== 0;
}

/** The worker's own record of its configuration, before the first that it shapes. */
export function configRecord(size: number, received_at_ms: number, offset: number): InternalRecord {
  const salt = ENVELOPES.saltOf(LOG, `config-${size}`);
  const who = { tenant: '*', session_id: '', user_id: '', actor: 'tracewarden' };
  const time = { time_ms: received_at_ms, received_at_ms };
  return {
    kind: 'config',
    type: 'log.config',
    event_id: `config-${size}`,
    ...who,
    ...time,
    salt,
    detail: { v: 1 },
    offset,
  };
}

/** The state that follows from the stored records below a head. */
export function stateFrom(
  rows: readonly SequencedRecord[],
  range: CompactRange,
  without: { horizon?: boolean } = {},
): SequencerState {
  const horizon = new Horizon(HORIZON, 1 << 8);
  const sessions: SequencerState['sessions'] = new Map();
  for (const row of rows) {
    const scope = row.kind === 'event' ? 'event' : 'internal';
    if ((row.kind === 'event' || row.kind === 'config') && without.horizon !== true) {
      horizon.add(horizonId(scope, row.tenant, row.event_id), row.seq);
    }
    if (row.event === undefined) continue;
    const key = sessionKey(row.tenant, row.session_id);
    const session = sessions.get(key) ?? emptySession(row.tenant, row.session_id, 'given');
    advanceSession(session, row.event, row.leaf_hash.toString('base64'));
    sessions.set(key, session);
  }
  return { log: LOG, range, horizon, sessions, gaps: new GapSessions(), pseudonyms: PSEUDONYMS };
}

/** Sequences items; records that a repeated id may repeat are looked up in `known`. */
export function sequence(
  state: SequencerState,
  items: readonly Item[],
  known: (seq: number) => SequencedRecord | undefined,
) {
  const inputs = items.map((item) =>
    item.internal ? item : { record: item.record, parsed: item.parsed ?? parseRecord(item.record) },
  ) as SequencerInput[];
  const into: SequencedBatch = { records: [], nodes: [], touched: new Map() };
  sequenceBatch(state, inputs, known, into);
  return into.records;
}

/** What the log of a topic has to be: one owner, no fault, one record at a time. */
export class Oracle {
  readonly records: SequencedRecord[] = [];
  readonly roots: Buffer[] = [];
  /** How many records of other partitions stand before each offset that was looked at. */
  readonly moved: Entry[] = [];
  private readonly state = stateFrom([], new CompactRange(nodeHasher));
  private received_at_ms = 0;
  private position = 0;

  constructor() {
    this.roots.push(Buffer.from(this.state.range.root()));
  }

  /** Looks at what became visible since. */
  follow(visible: readonly Entry[]): void {
    for (const entry of visible) {
      if (entry.offset < this.position) continue;
      this.position = entry.offset + 1;
      const received_at_ms = Math.max(this.received_at_ms, entry.timestamp);
      const item = ENVELOPES.open(messageOf(entry), LOG, received_at_ms);
      if (isElsewhere(item)) {
        this.moved.push(entry);
        continue;
      }
      this.received_at_ms = received_at_ms;
      const config: Item = { record: configRecord(0, received_at_ms, entry.offset), internal: true };
      for (const each of this.records.length === 0 ? [config, item] : [item]) {
        this.records.push(...sequence(this.state, [each], (seq) => this.records[seq]));
        this.roots.push(Buffer.from(this.state.range.root()));
      }
    }
  }
}
