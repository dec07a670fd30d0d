/** The bytes of a log follow from its records alone: not from batches, caches or restarts. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseCore } from '../core/core_record.ts';
import { LIMITS } from '../core/limits.ts';
import { createPseudonymizer } from '../core/pseudonym.ts';
import type { SessionState } from '../core/session.ts';
import { CompactRange } from '../core/tlog/compact_range.ts';
import { nodeHasher } from '../core/tlog/node_hasher.ts';
import { GapSessions, knownSession } from './derive_session.ts';
import type { FirstRecord } from './duplicate.ts';
import { Horizon, horizonId } from './horizon.ts';
import { parseRecord } from './parse.ts';
import type { AcceptedRecord, InternalRecord, SequencedRecord } from './record.ts';
import {
  type SequencedBatch,
  type SequencerInput,
  type SequencerState,
  sequenceBatch,
  sessionKey,
} from './sequencer.ts';

const LOG = 'test.example.com/log';
const START_MS = Date.UTC(2026, 0, 15, 10);
const HORIZON = 12;
const PSEUDONYMS = createPseudonymizer(Buffer.alloc(32, 2));

/** What the store keeps of a log, as far as the sequencer reads it back. */
class ModelStore {
  readonly records: SequencedRecord[] = [];
  readonly sessions = new Map<string, SessionState>();
  range: CompactRange = new CompactRange(nodeHasher);
  latest_ms = 0;

  commit(batch: SequencedBatch, range: CompactRange): void {
    for (const record of batch.records) {
      this.records.push(record);
      this.latest_ms = Math.max(this.latest_ms, record.received_at_ms);
    }
    for (const [key, session] of batch.touched) this.sessions.set(key, structuredClone(session));
    this.range = CompactRange.from(nodeHasher, range.size, range.hashes());
  }

  first(seq: number): FirstRecord | undefined {
    return this.records[seq];
  }

  /** The state that a writer builds when it takes the log over; no session is in its cache. */
  takeOver(): SequencerState {
    const horizon = new Horizon(HORIZON, 16);
    for (const record of this.records.slice(-HORIZON)) {
      const space = record.kind === 'event' ? 'event' : 'internal';
      if (['event', 'alert', 'action', 'config'].includes(record.kind)) {
        horizon.add(horizonId(space, record.tenant, record.event_id), record.seq);
      }
    }
    const gaps = new GapSessions();
    gaps.advance(this.latest_ms);
    const open = [...this.sessions.values()].filter((session) => session.session_source === 'gap');
    for (const session of open.sort((a, b) => a.last_seq - b.last_seq)) gaps.follow(session);
    const range = CompactRange.from(nodeHasher, this.range.size, this.range.hashes());
    return { log: LOG, range, horizon, sessions: new Map(), gaps, pseudonyms: PSEUDONYMS };
  }
}

const record = (text: string, index: number, received_at_ms: number): AcceptedRecord => ({
  bytes: Buffer.from(text),
  tenant: '*',
  accepted_by: `key-${index % 2}`,
  received_at_ms,
  salt: Buffer.alloc(32, index),
});

/** One step of a stream: a record, and how long after the one before it came. */
interface Step {
  wait_ms: number;
  id: number;
  user: string | undefined;
  session: string | undefined;
  text: string;
  kind: 'event' | 'bad' | 'internal';
}

const step: fc.Arbitrary<Step> = fc.record({
  wait_ms: fc.oneof(
    fc.nat(1_000),
    fc.constantFrom(-5, LIMITS.session_gap_ms / 2, LIMITS.session_gap_ms - 1, LIMITS.session_gap_ms),
  ),
  id: fc.nat(25),
  user: fc.constantFrom('ana', 'bob', undefined),
  session: fc.constantFrom('s-1', 's-2', 's-3', undefined, undefined),
  text: fc.constantFrom('a', 'b'),
  kind: fc.constantFrom('event', 'event', 'event', 'event', 'event', 'event', 'bad', 'internal'),
});

function inputsOf(steps: readonly Step[]): SequencerInput[] {
  let now_ms = START_MS;
  return steps.map((each, index) => {
    now_ms += each.wait_ms;
    if (each.kind === 'internal') return { record: internal(each, index, now_ms), internal: true };
    const { id, user, session, text } = each;
    const time = new Date(START_MS + 1_000 * id).toISOString();
    const event = { event_id: `e-${id}`, type: 'prompt', time, user_id: user, session_id: session, content: text };
    const accepted = record(each.kind === 'bad' ? '{' : JSON.stringify(event), index, now_ms);
    return { record: accepted, parsed: parseRecord(accepted) };
  });
}

function internal({ id, text }: Step, index: number, now_ms: number): InternalRecord {
  return {
    kind: 'action',
    type: 'note',
    event_id: `a-${id}`,
    tenant: 'default',
    session_id: 's-1',
    user_id: '',
    actor: 'admin',
    time_ms: now_ms,
    received_at_ms: now_ms,
    salt: Buffer.alloc(32, index),
    detail: { text },
  };
}

/** What happens after a batch: nothing, some sessions leave the cache, or the writer starts anew. */
type After = 'nothing' | 'evict' | 'restart';

function run(inputs: readonly SequencerInput[], batches: readonly { length: number; after: After }[]) {
  const store = new ModelStore();
  let state = store.takeOver();
  let from = 0;
  for (let turn = 0; from < inputs.length; turn++) {
    const { length, after } = batches[turn % batches.length] ?? { length: inputs.length, after: 'nothing' };
    const batch = inputs.slice(from, from + length);
    from += length;
    loadSessions(store, state, batch);
    const into: SequencedBatch = { records: [], nodes: [], touched: new Map() };
    sequenceBatch(state, batch, (seq) => store.first(seq), into);
    store.commit(into, state.range);
    if (after === 'evict') for (const key of [...state.sessions.keys()].slice(0, 2)) state.sessions.delete(key);
    if (after === 'restart') state = store.takeOver();
  }
  return { records: store.records, sessions: store.sessions, root: Buffer.from(state.range.root()).toString('hex') };
}

function loadSessions(store: ModelStore, state: SequencerState, batch: readonly SequencerInput[]): void {
  for (const input of batch) {
    if (input.internal || !input.parsed.ok) continue;
    const { fields, tenant } = input.parsed;
    const session_id = knownSession(state.gaps, fields, tenant);
    if (session_id === undefined) continue;
    const key = sessionKey(tenant, session_id);
    const stored = store.sessions.get(key);
    if (stored !== undefined && !state.sessions.has(key)) state.sessions.set(key, structuredClone(stored));
  }
}

const batches = fc.array(
  fc.record({ length: fc.integer({ min: 1, max: 9 }), after: fc.constantFrom<After>('nothing', 'evict', 'restart') }),
  { minLength: 1, maxLength: 8 },
);

it('gives the same bytes whatever the batches, the evictions and the restarts', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), batches, (steps, cuts) => {
      const inputs = inputsOf(steps);
      const whole = run(inputs, []);
      const cut = run(inputs, cuts);
      expect(cut.records.map(({ core }) => core)).toEqual(whole.records.map(({ core }) => core));
      expect(cut.records).toEqual(whole.records);
      expect(cut.sessions).toEqual(whole.sessions);
      expect(cut.root).toBe(whole.root);
    }),
    { numRuns: 400 },
  );
});

it('links the records of each session, and numbers them without a gap', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), batches, (steps, cuts) => {
      const { records } = run(inputsOf(steps), cuts);
      const last = new Map<string, { session_seq: number; leaf: string }>();
      for (const [seq, made] of records.entries()) {
        const core = parseCore(made.core);
        expect(core.seq).toBe(seq);
        expect(made.leaf_hash).toEqual(Buffer.from(nodeHasher.leaf(Buffer.from(made.core))));
        if (made.kind !== 'event') {
          expect(core.session_seq).toBeUndefined();
          continue;
        }
        const before = last.get(made.session_id);
        expect(core.session_seq).toBe(before === undefined ? 0 : before.session_seq + 1);
        expect(core.session_prev).toBe(before?.leaf);
        last.set(made.session_id, { session_seq: core.session_seq ?? -1, leaf: made.leaf_hash.toString('base64') });
      }
    }),
  );
});

it('stores an id once within the horizon: what comes again is a duplicate or a conflict that names the first', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      const { records } = run(inputsOf(steps), []);
      const firsts = new Map<string, SequencedRecord>();
      for (const made of records) {
        if (made.kind === 'rejected') continue;
        const key = `${made.type}/${made.event_id}`;
        const first = firsts.get(key);
        const known = first !== undefined && first.seq >= made.seq - HORIZON;
        expect(made.kind === 'duplicate' || made.kind === 'conflict', made.core).toBe(known);
        if (!known) firsts.set(key, made);
        else expect(made.first_seq).toBe(first.seq);
      }
    }),
  );
});

it('keeps all of a conflict and of a rejected record, and nothing of a duplicate', () => {
  const at = { wait_ms: 1, id: 1, user: 'ana', session: 's-1', kind: 'event' as const };
  const { records } = run(
    inputsOf([
      { ...at, text: 'a' },
      { ...at, text: 'a' },
      { ...at, text: 'b' },
      { ...at, text: '', kind: 'bad' },
    ]),
    [],
  );
  expect(records.map((made) => [made.kind, made.reason, made.first_seq, made.content.toString()])).toEqual([
    ['event', '', -1, 'a'],
    ['duplicate', 'duplicate', 0, ''],
    ['conflict', 'event_id_conflict', 0, 'b'],
    ['rejected', 'json_malformed', -1, '{'],
  ]);
  expect(records[1]?.who).toBe('{"accepted_by":"key-1","tenant":"default"}');
  expect(JSON.parse(records[3]?.detail ?? '')).toMatchObject({
    size_bytes: 1,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
});

it('keeps the ids of producers and of the program apart', () => {
  const at = { wait_ms: 1, user: 'ana', session: 's-1', text: 'a', id: 1 };
  const { records } = run(
    inputsOf([
      { ...at, kind: 'internal' },
      { ...at, kind: 'event' },
      { ...at, kind: 'internal' },
    ]),
    [],
  );
  expect(records.map((made) => made.kind)).toEqual(['action', 'event', 'duplicate']);
});
