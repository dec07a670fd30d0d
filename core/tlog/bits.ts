/** Tree sizes and indexes up to 2^53 - 1: their text and their bits, by arithmetic, as bit operators stop at 2^31. */

/** True for what can be a tree size or an index: a whole number from 0 to 2^53 - 1. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** A decimal number up to 2^53 - 1 without sign or leading zeros; undefined for any other text. */
export function parseDecimal(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return isCount(value) ? value : undefined;
}

/** floor(n / 2^bits). Exact, since dividing a double by a power of two does not round here. */
export function shiftRight(n: number, bits: number): number {
  return Math.floor(n / 2 ** bits);
}

/** True if bit `bit` (0 is the lowest) of n is 1. */
export function bitAt(n: number, bit: number): boolean {
  return shiftRight(n, bit) % 2 === 1;
}

/** How many bits of n are 1. */
export function popcount(n: number): number {
  let count = 0;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/** How many zero bits n ends with; n must be above 0. */
export function trailingZeros(n: number): number {
  let zeros = 0;
  for (let rest = n; rest > 0 && rest % 2 === 0; rest /= 2) zeros++;
  return zeros;
}

/** The level of the highest 1 bit of n, which is floor(log2(n)); n must be above 0. */
export function highestBit(n: number): number {
  return n < 2 ** 32 ? 31 - Math.clz32(n) : 63 - Math.clz32(Math.floor(n / 2 ** 32));
}

/** The bit length of (a xor b): how many levels up the paths of a and b meet. */
export function levelsUntilEqual(a: number, b: number): number {
  let levels = 0;
  for (let x = a, y = b; x !== y; x = Math.floor(x / 2), y = Math.floor(y / 2)) levels++;
  return levels;
}

/** The largest power of two that is smaller than n: where RFC 6962 section 2.1 splits a tree of n leaves (n >= 2). */
export function splitPoint(n: number): number {
  return 2 ** highestBit(n - 1);
}
