/** The tree's hashes on node:crypto, for the paths that hash every record. */
import { hash } from 'node:crypto';
import { HASH_BYTES, type Hasher, LEAF_PREFIX, NODE_PREFIX } from './hasher.ts';

const NODE_BYTES = 1 + 2 * HASH_BYTES;
const LEAF_SCRATCH_BYTES = 1 + 65_535; // the largest entry of C2SP tlog-tiles

// One buffer for each kind of input. Hashing is synchronous, so no two uses of a buffer can overlap.
const node_scratch = Buffer.alloc(NODE_BYTES);
const leaf_scratch = Buffer.alloc(LEAF_SCRATCH_BYTES);
node_scratch[0] = NODE_PREFIX;
leaf_scratch[0] = LEAF_PREFIX;

/** The platform hands out a digest as text at a quarter of the cost of a buffer of its own. */
function sha256(data: Uint8Array): Uint8Array {
  return Buffer.from(hash('sha256', data, 'binary'), 'latin1');
}

function leaf(data: Uint8Array): Uint8Array {
  if (data.length >= LEAF_SCRATCH_BYTES) return sha256(Buffer.concat([Uint8Array.of(LEAF_PREFIX), data]));
  leaf_scratch.set(data, 1);
  return sha256(leaf_scratch.subarray(0, 1 + data.length));
}

function node(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) {
    return sha256(Buffer.concat([Uint8Array.of(NODE_PREFIX), left, right]));
  }
  node_scratch.set(left, 1);
  node_scratch.set(right, 1 + HASH_BYTES);
  return sha256(node_scratch);
}

/** RFC 6962 section 2.1 hashes by OpenSSL. Same results as `nobleHasher`; Node only. */
export const nodeHasher: Hasher = { sha256, leaf, node, empty: () => sha256(new Uint8Array(0)) };
