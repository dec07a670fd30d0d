/** The tree's hashes in plain JavaScript (@noble/hashes), for a browser. */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from './bytes.ts';
import { HASH_BYTES, type Hasher, LEAF_PREFIX, NODE_PREFIX } from './hasher.ts';

const LEAF_PREFIX_BYTES = Uint8Array.of(LEAF_PREFIX);
const NODE_PREFIX_BYTES = Uint8Array.of(NODE_PREFIX);

// Hashing is synchronous, so no two uses of the buffer can overlap.
const node_scratch = new Uint8Array(1 + 2 * HASH_BYTES);
node_scratch[0] = NODE_PREFIX;

function sha256(data: Uint8Array): Uint8Array {
  return nobleSha256(data);
}

function leaf(data: Uint8Array): Uint8Array {
  return sha256(concatBytes(LEAF_PREFIX_BYTES, data));
}

function node(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) {
    return sha256(concatBytes(NODE_PREFIX_BYTES, left, right));
  }
  node_scratch.set(left, 1);
  node_scratch.set(right, 1 + HASH_BYTES);
  return sha256(node_scratch);
}

/** RFC 6962 section 2.1 hashes in plain JavaScript. Same results as `nodeHasher`; runs anywhere. */
export const nobleHasher: Hasher = { sha256, leaf, node, empty: () => sha256(new Uint8Array(0)) };
