/** The four SHA-256 hashes of the log's tree, as one interface: Node has a fast implementation, a browser a pure one. */

/** Bytes of every hash in the tree. */
export const HASH_BYTES = 32;

/**
 * Hashes of RFC 6962 section 2.1. Every result is a fresh 32-byte array that the caller owns. A leaf and a node can
 * never be taken for each other, since each has its own first byte.
 */
export interface Hasher {
  /** SHA-256(data). */
  sha256(data: Uint8Array): Uint8Array;
  /** SHA-256(0x00 || data). */
  leaf(data: Uint8Array): Uint8Array;
  /** SHA-256(0x01 || left || right). In a tree both are 32 bytes; other lengths are hashed as the formula says. */
  node(left: Uint8Array, right: Uint8Array): Uint8Array;
  /** SHA-256 of nothing: the root of the empty tree. */
  empty(): Uint8Array;
}

/** First byte of what is hashed, by RFC 6962 section 2.1. */
export const LEAF_PREFIX = 0x00;
export const NODE_PREFIX = 0x01;

/** True if the value is a byte array of the length of a hash. */
export function isHash(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === HASH_BYTES;
}
