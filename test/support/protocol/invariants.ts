/** What has to hold, whoever owned the log meanwhile. */
import type { CommittedHead } from '../../../ingest/kafka/head_record.ts';
import type { World } from './world.ts';

export class Violation extends Error {}

/** One history: every head is one of the log that follows from the topic, none is taken back, and none goes back. */
export function checkHeads(world: World, before: readonly CommittedHead[], heads: readonly CommittedHead[]): void {
  const { oracle } = world;
  if (heads.length < before.length) throw new Violation('a committed head is not there any more');
  for (let i = Math.max(0, before.length - 1); i < heads.length; i++) {
    const head = heads[i] as CommittedHead;
    const last = heads[i - 1];
    if (last !== undefined && (head.size < last.size || head.next_offset < last.next_offset)) {
      throw new Violation(`the head went from ${place(last)} back to ${place(head)}`);
    }
    const root = oracle.roots[head.size];
    if (root === undefined)
      throw new Violation(`a head of ${head.size} records, the topic gives ${oracle.records.length}`);
    if (!root.equals(head.root))
      throw new Violation(`a second history: the head of ${head.size} records has another root`);
    const covered = oracle.records.filter(({ offset, kind }) => offset < head.next_offset && kind !== 'config').length;
    const held = oracle.records.slice(0, head.size).filter(({ kind }) => kind !== 'config').length;
    if (covered !== held) throw new Violation(`the head ${place(head)} passes ${covered} records and holds ${held}`);
  }
  const { hint } = world.coordinator;
  const committed = heads.at(-1)?.next_offset ?? 0;
  if (hint !== undefined && hint > committed)
    throw new Violation(`the group goes on at ${hint}, the head at ${committed}`);
}

function place({ size, next_offset }: CommittedHead): string {
  return `(${size} records, offset ${next_offset})`;
}

/** Readers see what is under a committed head: each record once, none missing, none changed. */
export function checkReader(world: World, committed: number): void {
  const { store, oracle } = world;
  const size = store.head?.size ?? 0;
  if (size > committed) throw new Violation(`readers see ${size} records, ${committed} are committed`);
  for (const table of ['leaves', 'events'] as const) {
    const rows = store.rows(table, 0, size);
    for (let seq = 0; seq < size; seq++) {
      const row = rows[seq];
      if (row === undefined || row.seq > seq) throw new Violation(`record ${seq} of ${size} is missing in ${table}`);
      if (row.seq < seq) throw new Violation(`record ${row.seq} is there twice in ${table}`);
      const is = oracle.records[seq];
      if (is === undefined || !is.leaf_hash.equals(row.leaf_hash))
        throw new Violation(`record ${seq} of ${table} is another`);
    }
    if (rows.length > size) throw new Violation(`record ${size - 1} is there twice in ${table}`);
  }
}

/** Every record of the topic is one leaf, every record of another partition was sent on once, and what was signed stays. */
export function checkEnd(world: World, head: CommittedHead | undefined, signed: number): void {
  const { oracle, elsewhere, events } = world;
  const size = head?.size ?? 0;
  if (size !== oracle.records.length) throw new Violation(`${oracle.records.length} records came, ${size} are leaves`);
  if ((head?.next_offset ?? 0) > events.next) throw new Violation('the head is behind the end of the topic');
  if (signed > size) throw new Violation(`${signed} records were signed, ${size} are there`);
  checkReader(world, size);
  const sent = elsewhere.read(0).map(({ value }) => value.toString());
  const owed = oracle.moved.map(({ value }) => value.toString());
  if (JSON.stringify(sent) !== JSON.stringify(owed)) {
    throw new Violation(`${owed.length} records belong to another partition, ${sent.length} were sent on`);
  }
}
