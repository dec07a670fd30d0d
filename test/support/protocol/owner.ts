/**
 * One owner's way with a log, step by step: taking it over, and one batch after the other. What is decided is decided by
 * the program's own functions; what is modelled is only the order of the calls between them.
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { AppError } from '../../../core/errors.ts';
import type { HeadRow } from '../../../core/store/queries/head.ts';
import { CompactRange } from '../../../core/tlog/compact_range.ts';
import { nodeHasher } from '../../../core/tlog/node_hasher.ts';
import type { Item } from '../../../ingest/batch.ts';
import { type CommittedHead, formatHead, type LedgerView, readLedgerValue } from '../../../ingest/kafka/head_record.ts';
import { offsetBehind } from '../../../ingest/kafka/partition_log.ts';
import { agrees, placeFault } from '../../../ingest/kafka/source_check.ts';
import { foreignTo } from '../../../ingest/log_writer.ts';
import type { SequencedRecord } from '../../../ingest/record.ts';
import type { SequencerState } from '../../../ingest/sequencer.ts';
import { headFault } from '../../../ingest/takeover.ts';
import type { Entry } from './kafka_model.ts';
import { configRecord, ENVELOPES, isElsewhere, LOG, messageOf, sequence, stateFrom } from './sequencing.ts';
import { TABLES_MODEL } from './store_model.ts';
import { Fault, isFatal, type Steps, type Tenure, type World } from './world.ts';

const TAIL_RECORDS = 16;
const FETCH_RECORDS = 4;

/** What an owner holds in memory while the log is its own. */
interface Open {
  epoch: number;
  head: HeadRow | undefined;
  state: SequencerState;
  known: SequencedRecord[];
  above: Map<number, Buffer[]>;
  position: number;
  fetch_at: number;
  received_at_ms: number;
  config_due: boolean;
  moves: Entry[];
}

/** From taking the log over until it is given up. Throws what makes an owner give up; fatal where it halts the log. */
export function* own(world: World, tenure: Tenure): Steps {
  const early = world.has('head_read_before_fencing') ? yield* readHead(world, tenure, undefined) : undefined;
  const epoch = yield* world.call(tenure, 'shut out who was before', () => world.coordinator.init(LOG));
  yield* mark(world, tenure, epoch);
  const view = early ?? (yield* readHead(world, tenure, `mark of ${tenure.name}`));
  let open: Open;
  try {
    open = yield* takeOver(world, tenure, epoch, view.head);
  } catch (error) {
    // Who was shut out meanwhile has seen another's work half done: it has no say in whether the log is sound.
    if (isFatal(error) && !world.has('fault_of_the_shut_out')) yield* mark(world, tenure, epoch);
    throw error;
  }
  while (!tenure.ended) yield* takeBatch(world, tenure, open);
}

function* mark(world: World, tenure: Tenure, epoch: number): Steps {
  const { coordinator, ledger } = world;
  const value = JSON.stringify({ kind: 'owner', log: LOG, nonce: `mark of ${tenure.name}` });
  yield* world.call(tenure, 'send the mark', () => coordinator.send(LOG, epoch, ledger, value, 0));
  yield* world.call(tenure, 'commit the mark', () => coordinator.commit(LOG, epoch));
}

/** Reads the topic of heads piece by piece, to the own mark or, without one, to its end. */
function* readHead(world: World, tenure: Tenure, nonce: string | undefined): Steps<LedgerView> {
  const view: LedgerView = { marked: false };
  for (let at = 0; !view.marked; ) {
    const piece = yield* world.call(tenure, 'read the topic of heads', () => {
      const all = world.ledger.entries.filter(({ offset, state }) => offset >= at && state !== 'marker').slice(0, 5);
      return world.has('uncommitted_heads_read') ? all : world.ledger.read(at, 5);
    });
    for (const { value } of piece) readLedgerValue(view, value, LOG, nonce ?? '');
    const last = piece.at(-1);
    if (last !== undefined) at = last.offset + 1;
    else if (nonce === undefined) break;
  }
  return view;
}

function* takeOver(world: World, tenure: Tenure, epoch: number, head: CommittedHead | undefined): Steps<Open> {
  const { store } = world;
  const kept = yield* world.call(tenure, 'read the head of the store', () => store.head);
  const fault = headFault(LOG, kept, head);
  if (fault !== undefined) throw fault;
  if (head !== undefined && (kept?.size ?? -1) < head.size) {
    yield* world.call(tenure, 'copy the head to the store', () => store.insertHead(head));
  }
  const size = head?.size ?? 0;
  if (world.has('rows_removed_at_takeover')) {
    for (const table of TABLES_MODEL) yield* world.call(tenure, `clear ${table}`, () => store.remove(table, size));
  }
  const rows = yield* world.call(tenure, 'read the rows below the head', () => store.rows('events', 0, size));
  const leaves = yield* world.call(tenure, 'read the leaves below the head', () => store.rows('leaves', 0, size));
  const range = CompactRange.from(nodeHasher, size, head?.range ?? []);
  checkRows(rows, leaves, head);
  const above = new Map<number, Buffer[]>();
  for (const table of TABLES_MODEL) {
    const found = yield* world.call(tenure, `read ${table} above the head`, () => store.rows(table, size));
    for (const { seq, leaf_hash } of found) above.set(seq, [...(above.get(seq) ?? []), leaf_hash]);
  }
  const position = yield* positionOf(world, tenure, head, leaves);
  const seen = world.has('session_not_rebuilt') ? store.rows('events', 0) : rows;
  const state = stateFrom(seen, range, { horizon: world.has('horizon_not_loaded') });
  return {
    epoch,
    head,
    state,
    known: [...rows],
    above,
    position,
    fetch_at: world.coordinator.hint ?? world.events.low,
    received_at_ms: head?.received_at_ms ?? 0,
    config_due: !rows.some(({ kind }) => kind === 'config'),
    moves: [],
  };
}

/** The rows below the head are those that its root was made of. */
function checkRows(
  rows: readonly SequencedRecord[],
  leaves: readonly SequencedRecord[],
  head: HeadRow | undefined,
): void {
  const tree = new CompactRange(nodeHasher);
  for (const [i, leaf] of leaves.entries()) {
    const row = rows[i];
    const same = row?.seq === i && row.leaf_hash.equals(leaf.leaf_hash);
    if (leaf.seq !== i || !same) throw tampered(`record ${i} is missing or is there twice`);
    tree.append(leaf.leaf_hash);
  }
  if (head === undefined) return;
  if (tree.size !== head.size || rows.length !== head.size)
    throw tampered(`${tree.size} leaves under a head of ${head.size}`);
  if (!head.root.equals(tree.root())) throw tampered('the root is another');
}

function tampered(why: string): AppError {
  return new AppError('log_tampered', why, { fatal: true });
}

/** Where the source goes on, once it was seen to be the one that the log came from. */
function* positionOf(
  world: World,
  tenure: Tenure,
  head: CommittedHead | undefined,
  leaves: readonly SequencedRecord[],
): Steps<number> {
  const { events } = world;
  if (head === undefined) return events.low;
  try {
    const bounds = yield* world.call(tenure, 'ask for the bounds of the source', () => ({
      low: events.low,
      high: events.stable,
    }));
    const fault = world.has('place_not_checked') ? undefined : placeFault(head, bounds);
    if (fault !== undefined) throw fault;
    const tail = leaves.slice(-TAIL_RECORDS).filter(({ offset }) => offset >= bounds.low && offset < head.next_offset);
    const from = tail[0]?.offset ?? head.next_offset;
    const again = yield* world.call(tenure, 'read the last records again', () => events.read(from));
    for (const row of world.has('tail_not_compared') ? [] : tail) {
      const entry = again.find(({ offset }) => offset === row.offset);
      if (agrees(row, entry && messageOf(entry), LOG, ENVELOPES)) continue;
      throw new AppError('source_mismatch', `record ${row.seq}`, { fatal: true });
    }
  } catch (error) {
    if (isFatal(error) && world.has('seek_to_zero')) return events.low;
    throw error;
  }
  return world.has('hint_trusted') ? (world.coordinator.hint ?? events.low) : head.next_offset;
}

/** What one fetch of the group brings. */
function* takeBatch(world: World, tenure: Tenure, open: Open): Steps {
  // After a change of the group a member is sent back, or on, to where others had come.
  if (world.random.chance(0.1))
    open.fetch_at = Math.max(world.events.low, (world.coordinator.hint ?? 0) - world.random.below(4));
  if (world.random.chance(0.05)) open.fetch_at = open.position + 1 + world.random.below(3);
  const from = open.fetch_at;
  const entries = yield* world.call(tenure, `fetch from ${from}`, () => world.events.read(from, FETCH_RECORDS));
  if (tenure.ended) return;
  if (from > open.position && !world.has('skipped_not_asked')) {
    const skipped = yield* world.call(tenure, 'ask for what was skipped', () => world.events.read(open.position));
    if (skipped.some(({ offset }) => offset < from)) {
      open.fetch_at = open.position;
      return;
    }
  }
  const items: Item[] = [];
  for (const entry of entries) {
    if (entry.offset < open.position && !world.has('old_messages_taken')) continue;
    open.position = entry.offset + 1;
    const item = arrived(world, open, entry);
    if (isElsewhere(item)) open.moves.push(entry);
    else items.push(item);
  }
  const last = entries.at(-1);
  if (last !== undefined) open.fetch_at = last.offset + 1;
  while (items.length > 0) yield* store(world, tenure, open, items.splice(0, 1 + world.random.below(FETCH_RECORDS)));
  if (open.moves.length > 0) yield* passMoves(world, tenure, open);
}

/** Stamps a message as the log will have it. */
function arrived(world: World, open: Open, entry: Entry): Item {
  const timestamp = world.has('clock_of_the_worker') ? 1_000_000 + world.tick : entry.timestamp;
  const received_at_ms = Math.max(open.received_at_ms, timestamp);
  const item = ENVELOPES.open(messageOf(entry), LOG, received_at_ms);
  if (!isElsewhere(item) || world.has('clock_of_moved_records')) open.received_at_ms = received_at_ms;
  if (world.has('random_salts') && !item.internal) item.record.salt = randomBytes(32);
  return item;
}

/** Sequences, stores and commits one batch. */
function* store(world: World, tenure: Tenure, open: Open, items: Item[]): Steps {
  const first = items[0];
  if (open.config_due && first !== undefined) {
    const { received_at_ms, offset = 0 } = first.record;
    items.unshift({ record: configRecord(open.head?.size ?? 0, received_at_ms, offset), internal: true });
    open.config_due = false;
  }
  const records = sequence(open.state, items, (seq) => open.known[seq]);
  open.known.push(...records);
  const { range } = open.state;
  const received_at_ms = Math.max(open.head?.received_at_ms ?? 0, ...records.map((record) => record.received_at_ms));
  const root = Buffer.from(range.root());
  const head = {
    log: LOG,
    size: range.size,
    root,
    range: range.hashes().map((hash) => Buffer.from(hash)),
    received_at_ms,
  };
  const last = records.at(-1) as SequencedRecord;
  const next = { ...head, next_offset: offsetBehind(last) };
  yield* removeForeign(world, tenure, open, records);
  if (world.has('head_before_rows')) yield* commit(world, tenure, open, next);
  if (world.has('store_head_first')) yield* world.call(tenure, 'head to the store', () => world.store.insertHead(head));
  yield* insert(world, tenure, records);
  if (!world.has('head_before_rows')) yield* commit(world, tenure, open, next);
  yield* world.call(tenure, 'head to the store', () => world.store.insertHead(head));
  open.head = head;
}

/** Both tables at once; when one fails the other is waited for. */
function* insert(world: World, tenure: Tenure, records: readonly SequencedRecord[]): Steps {
  const order = world.random.chance(0.5) ? TABLES_MODEL : [...TABLES_MODEL].reverse();
  let failed: unknown;
  for (const [i, table] of order.entries()) {
    if (world.has('rows_not_awaited') && i > 0) {
      world.late.push(() => world.store.insert(table, records));
      continue;
    }
    try {
      yield* world.call(tenure, `${records.length} rows to ${table}`, () => world.store.insert(table, records));
    } catch (error) {
      failed = error;
    }
  }
  if (failed !== undefined) throw failed;
}

function* removeForeign(world: World, tenure: Tenure, open: Open, records: readonly SequencedRecord[]): Steps {
  if (foreignTo(open.above, records).length === 0) return;
  const size = open.head?.size ?? 0;
  for (const table of TABLES_MODEL) {
    yield* world.call(tenure, `remove foreign rows of ${table} from ${size}`, () => {
      if (size >= (world.store.head?.size ?? 0)) world.store.remove(table, size);
    });
  }
  open.above = new Map();
}

/** The head, records of other partitions before it, and the hint for the group: in one transaction. */
function* commit(world: World, tenure: Tenure, open: Open, head: CommittedHead): Steps {
  const { coordinator, ledger, elsewhere } = world;
  const moves = open.moves.filter(({ offset }) => offset < head.next_offset);
  open.moves = open.moves.filter(({ offset }) => offset >= head.next_offset);
  const told = `${head.size} records, offset ${head.next_offset}`;
  if (world.has('moves_outside_transaction')) {
    for (const { value } of moves) yield* world.call(tenure, 'send on', () => elsewhere.append(value, 0));
    moves.length = 0;
  }
  if (world.has('head_outside_transaction')) {
    yield* world.call(tenure, `send the head: ${told}`, () => void ledger.append(formatHead(head), 0));
    coordinator.hint = head.next_offset;
    return;
  }
  yield* world.call(tenure, `send the head: ${told}`, () => {
    coordinator.send(LOG, open.epoch, ledger, formatHead(head), 0);
    for (const { value } of moves) coordinator.send(LOG, open.epoch, elsewhere, value, 0);
  });
  yield* world.call(tenure, 'send the offset', () => coordinator.sendOffset(LOG, open.epoch, head.next_offset));
  try {
    yield* world.call(tenure, `commit the head: ${told}`, () => coordinator.commit(LOG, open.epoch));
  } catch (error) {
    if (error instanceof Fault && world.has('doubt_is_success')) return;
    if (!(error instanceof Fault && world.has('doubt_is_failure'))) throw error;
    open.moves.unshift(...moves);
    yield* commit(world, tenure, open, head);
  }
}

/** Nothing but records of another partition came: the head stays, and the place behind them is committed. */
function* passMoves(world: World, tenure: Tenure, open: Open): Steps {
  const empty = { log: LOG, size: 0, root: Buffer.from(nodeHasher.empty()), range: [], received_at_ms: 0 };
  yield* commit(world, tenure, open, { ...(open.head ?? empty), next_offset: open.position });
}
