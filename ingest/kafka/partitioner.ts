/** The partition of a key, as the standard clients of Kafka compute it: murmur2 over its bytes, without the sign. */
import { Buffer } from 'node:buffer';

const M = 0x5bd1e995;
const SEED = 0x9747b28c;

/** The murmur2 hash of Kafka's Java client, as a signed 32-bit number. */
export function murmur2(data: Uint8Array): number {
  const { length } = data;
  const at = (i: number) => data[i] as number;
  let h = SEED ^ length;
  const words = length >> 2;
  for (let i = 0; i < words; i++) {
    const from = 4 * i;
    let k = at(from) | (at(from + 1) << 8) | (at(from + 2) << 16) | (at(from + 3) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const rest = length & ~3;
  const left = length & 3;
  if (left === 3) h ^= at(rest + 2) << 16;
  if (left >= 2) h ^= at(rest + 1) << 8;
  if (left >= 1) h = Math.imul(h ^ at(rest), M);
  h = Math.imul(h ^ (h >>> 13), M);
  return h ^ (h >>> 15);
}

export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions;
}
