/** The tree, its proofs and nothing else, written just as RFC 6962 section 2.1 reads: slow, and only for tests. */
import type { Hasher } from './hasher.ts';

function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** MTH(D[n]) over leaf hashes. */
export function referenceRoot(hasher: Hasher, leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return hasher.empty();
  if (leaves.length === 1) return first;
  const k = split(leaves.length);
  return hasher.node(referenceRoot(hasher, leaves.slice(0, k)), referenceRoot(hasher, leaves.slice(k)));
}

/** PATH(m, D[n]) over leaf hashes. */
export function referenceInclusion(hasher: Hasher, m: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return m < k
    ? [...referenceInclusion(hasher, m, left), referenceRoot(hasher, right)]
    : [...referenceInclusion(hasher, m - k, right), referenceRoot(hasher, left)];
}

/** SUBPROOF(m, D[n], b) over leaf hashes; PROOF(m, D[n]) with b left out. */
export function referenceConsistency(
  hasher: Hasher,
  m: number,
  leaves: readonly Uint8Array[],
  whole = true,
): Uint8Array[] {
  if (m === leaves.length) return whole ? [] : [referenceRoot(hasher, leaves)];
  const k = split(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return m <= k
    ? [...referenceConsistency(hasher, m, left, whole), referenceRoot(hasher, right)]
    : [...referenceConsistency(hasher, m - k, right, false), referenceRoot(hasher, left)];
}
