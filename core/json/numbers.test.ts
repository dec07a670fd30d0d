import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical.ts';
import { losesDigits } from './numbers.ts';

describe('losesDigits', () => {
  it.each([
    ...['0', '-0', '0.0', '0e5', '0e-999', '1', '-1', '0.1', '1.50', '1E3', '1e+3', '100e-2', '0.000001e6'],
    ...['9007199254740991', '-9007199254740991', '9007199254740991.0', '4.50', '333333333.3333333', '1e21', '6.02e23'],
    ...['1.7976931348623157e308', '2.2250738585072014e-308', '5e-324', '0.30000000000000004', '1725183301630.125'],
    `1.${'0'.repeat(1000)}`,
    `0.${'0'.repeat(400)}1e401`,
  ])('is false for %s, which a double keeps', (text) => {
    expect(losesDigits(text)).toBe(false);
  });

  it.each([
    ...['9007199254740992', '-9007199254740992', '9007199254740993', '1725183301630000000', '9007199254740993.0'],
    ...['1e20', '123456789e12', '1000000000000000000000', '1000000000000000000000.5', '1e400', '-1e400', '1e999999999'],
    ...[
      '1e-400',
      '-1e-400',
      '4.9e-324',
      '2e-324',
      '0.10000000000000001',
      '333333333.33333329',
      '3.14159265358979323846',
    ],
    ...['1.00000000000000000001', '123456789.1234567891', '1.7976931348623159e308', '1.23456789012345678e30'],
    '9'.repeat(1000),
    `0.${'0'.repeat(1000)}1`,
    '1e99999999999999999999',
    '1e-99999999999999999999',
  ])('is true for %s, which a double changes', (text) => {
    expect(losesDigits(text)).toBe(true);
  });

  it('is false for the shortest text of every double up to 2^53-1 and from 1e21 on', () => {
    const value = fc.double({ noDefaultInfinity: true, noNaN: true });
    fc.assert(
      fc.property(value, (number) => {
        const size = Math.abs(number);
        const kept = size <= Number.MAX_SAFE_INTEGER || size >= 1e21;
        expect(losesDigits(canonicalJson(number))).toBe(!kept);
        expect(losesDigits(number.toExponential())).toBe(!kept);
      }),
      { numRuns: 2_000 },
    );
  });

  it('agrees with exact decimal arithmetic on random decimals', () => {
    const parts = fc.tuple(fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n }), fc.integer({ min: -25, max: 5 }));
    fc.assert(
      fc.property(parts, ([digits, exponent]) => {
        const text = `${digits}e${exponent}`;
        const size = Math.abs(Number(text));
        const [significand = '', power = ''] = Number(text).toExponential().split('e');
        const fraction = significand.split('.')[1] ?? '';
        // Both as integers over one power of ten.
        const shift = 60n;
        const written = digits * 10n ** (shift + BigInt(exponent));
        const kept = BigInt(significand.replace('.', '')) * 10n ** (shift + BigInt(Number(power) - fraction.length));
        const expected = written !== kept || (size > Number.MAX_SAFE_INTEGER && size < 1e21);
        expect(losesDigits(text)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes a million digits in its stride', () => {
    const started = performance.now();
    expect(losesDigits('1'.repeat(1_000_000))).toBe(true);
    expect(losesDigits(`0.${'0'.repeat(1_000_000)}1`)).toBe(true);
    expect(losesDigits(`1.${'0'.repeat(1_000_000)}`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(500);
  });
});
