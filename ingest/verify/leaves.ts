/** Verifies the tree: leaves without a gap, roots of every checkpoint and of the head, inner nodes. */
import { Buffer } from 'node:buffer';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { type HeadRow, readCursor } from '../../core/store/queries/head.ts';
import { streamLeafRows, streamNodeRows } from '../../core/store/queries/records.ts';
import type { Store } from '../../core/store/store.ts';
import { equalBytes } from '../../core/tlog/bytes.ts';
import { CompactRange } from '../../core/tlog/compact_range.ts';
import { nodeHasher } from '../../core/tlog/node_hasher.ts';
import type { Findings } from './report.ts';

/** A root that somebody signed or stored for a size, with where it comes from. */
export interface ClaimedRoot {
  size: number;
  root: Uint8Array;
  source: string;
  /** Where a root that does not fit is reported: the leaves, unless the claim itself is what can be wrong. */
  table: 'leaves' | 'heads';
}

/** Leaf hashes of a window of sequence numbers, 32 bytes each. */
export interface LeafWindow {
  from: number;
  hashes: Buffer;
}

interface TreeCheck {
  range: CompactRange;
  claims: ClaimedRoot[];
  /** Size of the first claim that has not been reached. */
  next_claim: number;
  nodes: Map<string, Buffer>;
}

const COLUMN_OF = { leaves: 'leaf_hash', heads: 'root' } as const;

const nodeKey = (level: number, index: number) => `${level}/${index}`;

/** Reads all leaves below the head, checks them against every claimed root, and gives the first window of them. */
export async function verifyLeaves(
  store: Store,
  head: HeadRow,
  claims: readonly ClaimedRoot[],
  findings: Findings,
  onProgress: (done: number) => void,
  from_source = false,
): Promise<LeafWindow> {
  let before = 0;
  const hashes = Buffer.alloc(32 * Math.min(head.size, LIMITS.verify_window_max));
  const check: TreeCheck = {
    range: new CompactRange(nodeHasher),
    claims: [...claims].sort((a, b) => a.size - b.size),
    next_claim: 0,
    nodes: await readNodes(store, head.log, findings),
  };
  compareClaims(check, findings);
  for await (const leaves of streamLeafRows(store, head.log, head.size)) {
    for (const { seq, hash, offset } of leaves) {
      if (!expectNext(check, seq, findings)) continue;
      // A source has gaps and its own count; only its order is known here.
      const misplaced = from_source ? offset < before : offset !== seq;
      before = offset;
      if (misplaced) {
        findings.add({
          code: 'column_changed',
          table: 'leaves',
          column: 'offset',
          seq,
          message: `offset of ${seq} is ${offset}`,
        });
      }
      if (32 * seq < hashes.length) hash.copy(hashes, 32 * seq);
      check.range.append(hash, (level, index, node) => compareNode(check, level, index, node, findings));
      if (check.next_claim === check.range.size) compareClaims(check, findings);
    }
    onProgress(check.range.size);
  }
  finish(check, head, findings);
  return { from: 0, hashes };
}

/** False when the leaf is a second one for its number, so that the first goes on being the tree. */
function expectNext(check: TreeCheck, seq: number, findings: Findings): boolean {
  const wanted = check.range.size;
  if (seq === wanted) return true;
  if (seq < wanted) {
    findings.add({ code: 'fork', table: 'leaves', seq, message: `record ${seq} has two different leaves` });
    return false;
  }
  const message = `${seq - wanted === 1 ? `leaf ${wanted} is` : `leaves ${wanted} to ${seq - 1} are`} missing`;
  findings.add({ code: 'leaf_missing', table: 'leaves', seq: wanted, message });
  throw new AppError('tree_incomplete', message);
}

async function readNodes(store: Store, log: string, findings: Findings): Promise<Map<string, Buffer>> {
  const nodes = new Map<string, Buffer>();
  for await (const rows of streamNodeRows(store, log)) {
    for (const { level, index, hash } of rows) {
      const key = nodeKey(level, index);
      if (nodes.has(key)) {
        findings.add({
          code: 'node_changed',
          table: 'nodes',
          message: `node ${key} is stored with two different hashes`,
        });
      }
      nodes.set(key, hash);
    }
  }
  return nodes;
}

function compareNode(check: TreeCheck, level: number, index: number, node: Uint8Array, findings: Findings): void {
  if (level % 8 !== 0) return;
  const key = nodeKey(level, index);
  const stored = check.nodes.get(key);
  check.nodes.delete(key);
  if (stored !== undefined && equalBytes(stored, node)) return;
  const code = stored === undefined ? 'node_missing' : 'node_changed';
  findings.add({ code, table: 'nodes', column: 'hash', message: `node ${key} is not the root of its leaves` });
}

/** Compares the root at the size just reached with all that was claimed for it. */
function compareClaims(check: TreeCheck, findings: Findings): void {
  while (check.claims[0] !== undefined && check.claims[0].size === check.range.size) {
    const claim = check.claims.shift() as ClaimedRoot;
    if (equalBytes(claim.root, check.range.root())) continue;
    const message = `the first ${claim.size} leaves do not hash to the root of ${claim.source}`;
    findings.add({
      code: 'root_mismatch',
      table: claim.table,
      column: COLUMN_OF[claim.table],
      seq: claim.size - 1,
      message,
    });
  }
  check.next_claim = check.claims[0]?.size ?? -1;
}

function finish(check: TreeCheck, head: HeadRow, findings: Findings): void {
  if (check.range.size < head.size) {
    const message = `leaves ${check.range.size} to ${head.size - 1} are missing`;
    findings.add({ code: 'leaf_missing', table: 'leaves', seq: check.range.size, message });
  }
  for (const claim of check.claims) {
    const message = `${claim.source} covers ${claim.size} records, the head only ${check.range.size}: it was rolled back or cut`;
    findings.add({ code: 'rolled_back', table: 'heads', column: 'size', seq: check.range.size, message });
  }
  for (const key of check.nodes.keys()) {
    // Above the head are the nodes of a batch that is being stored right now, and they do not count.
    if (nodeEnd(key) > head.size) continue;
    findings.add({ code: 'node_extra', table: 'nodes', message: `node ${key} belongs to no record below the head` });
  }
  const same_range = Buffer.concat(head.range).equals(Buffer.concat(check.range.hashes()));
  if (check.range.size === head.size && !same_range) {
    findings.add({
      code: 'column_changed',
      table: 'heads',
      column: 'range',
      message: 'the head holds other subtree roots',
    });
  }
}

/** The first number behind the leaves of a node. */
function nodeEnd(key: string): number {
  const [level = 0, index = 0] = key.split('/').map(Number);
  return (index + 1) * 2 ** level;
}

/** How far detection says it has come cannot be beyond the head of now. */
export async function verifyCursor(store: Store, log: string, size_now: number, findings: Findings): Promise<void> {
  const cursor = await readCursor(store, log, 'detected_through');
  if (cursor <= size_now) return;
  const message = `detection claims ${cursor} records, the log has ${size_now}`;
  findings.add({ code: 'column_changed', table: 'cursors', column: 'seq', message });
}

/** Reads the hashes of one window; missing ones are zero, which no record hashes to. */
export async function readWindow(store: Store, head: HeadRow, from: number, to: number): Promise<LeafWindow> {
  const hashes = Buffer.alloc((to - from) * 32);
  for await (const leaves of streamLeafRows(store, head.log, to)) {
    for (const { seq, hash } of leaves) if (seq >= from) hash.copy(hashes, (seq - from) * 32);
  }
  return { from, hashes };
}
