import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bitAt,
  highestBit,
  isCount,
  levelsUntilEqual,
  parseDecimal,
  popcount,
  shiftRight,
  splitPoint,
  trailingZeros,
} from './bits.ts';

const count = fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constantFrom(2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 52));
const bits = (n: number | bigint) => BigInt(n).toString(2);

describe('arithmetic on sizes', () => {
  it('agrees with BigInt over the whole range of safe integers', () => {
    fc.assert(
      fc.property(count, count, fc.nat(60), (a, b, k) => {
        expect(shiftRight(a, k)).toBe(Number(BigInt(a) >> BigInt(k)));
        expect(bitAt(a, k)).toBe(((BigInt(a) >> BigInt(k)) & 1n) === 1n);
        expect(popcount(a)).toBe(bits(a).replaceAll('0', '').length);
        expect(levelsUntilEqual(a, b)).toBe(a === b ? 0 : bits(BigInt(a) ^ BigInt(b)).length);
        if (a === 0) return;
        expect(highestBit(a)).toBe(bits(a).length - 1);
        expect(trailingZeros(a)).toBe(bits(a).length - bits(a).lastIndexOf('1') - 1);
        if (a === 1) return;
        expect(splitPoint(a)).toBeLessThan(a);
        expect(splitPoint(a) * 2).toBeGreaterThanOrEqual(a);
      }),
      { numRuns: 500 },
    );
  });

  it('takes only whole numbers from 0 to 2^53 - 1 as a count', () => {
    for (const good of [0, 1, 2 ** 53 - 1]) expect(isCount(good)).toBe(true);
    for (const bad of [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) expect(isCount(bad)).toBe(false);
  });

  it('reads a count from its one decimal text', () => {
    fc.assert(fc.property(count, (n) => parseDecimal(String(n)) === n));
    for (const bad of ['', '00', '01', '-1', '+1', '1 ', '1.0', '1e3', '0x1', '\u0661', '9007199254740992', '1\n']) {
      expect(parseDecimal(bad), bad).toBeUndefined();
    }
  });
});
