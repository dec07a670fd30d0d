import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, inRange, isRange, isVersion } from './versions.ts';

const sign = (a: string, b: string) => Math.sign(compareVersions(a, b) ?? Number.NaN);

describe('compareVersions', () => {
  // SemVer 2.0, section 11.2 and 11.4.
  const SEMVER = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '2.0.0',
    '2.1.0',
    '2.1.1',
  ];
  it('orders the versions of the SemVer specification', () => {
    for (const [at, a] of SEMVER.entries()) {
      for (const [other, b] of SEMVER.entries()) expect([a, b, sign(a, b)]).toEqual([a, b, Math.sign(at - other)]);
    }
  });

  it.each([
    ['1.9.0', '1.10.0', -1],
    ['v1.2', '1.2.0', 0],
    ['1.2.3+build.5', '1.2.3+build.9', 0],
    ['1.2.3.4', '1.2.3', 1],
    ['2024.05.1', '2024.4.9', 1],
    ['1.0rc1', '1.0', -1],
    ['1.0.0-p1', '1.0.0', 1],
    ['1.0.post2', '1.0', 1],
  ])('%s against %s: %i', (a, b, expected) => expect(sign(a, b)).toBe(expected));

  it.each(['', 'latest', 'main-3f2a', '1..2', '-1', 'x'])('does not read %o', (text) => {
    expect(isVersion(text)).toBe(false);
    expect(compareVersions(text, '1.0.0')).toBeUndefined();
  });

  const version = fc
    .tuple(fc.nat(99), fc.nat(99), fc.nat(99), fc.constantFrom('', '-alpha', '-rc.1', '-rc.2', '+b1'))
    .map(([major, minor, patch, rest]) => `${major}.${minor}.${patch}${rest}`);
  it('is an order', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(sign(a, a)).toBe(0);
        expect(sign(a, b)).toBe(-sign(b, a) + 0);
        if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('never fails and takes bounded time', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        compareVersions(a, b);
        inRange(a, b);
      }),
    );
    const started_ms = performance.now();
    compareVersions('1.'.repeat(500_000), '1'.repeat(500_000));
    inRange('1.0.0', '>='.repeat(500));
    expect(performance.now() - started_ms).toBeLessThan(500);
  });
});

describe('inRange', () => {
  it.each([
    ['2.1.9', '<2.2.0', true],
    ['2.2.0', '<2.2.0', false],
    ['2.2.0-rc.1', '<2.2.0', true],
    ['1.5.0', '>=1.2.0 <2.0.0', true],
    ['1.5.0', '>= 1.2.0, < 1.4.0', false],
    ['3.0.0', '<1.0.0 || >=3.0.0', true],
    ['1.4.2', '1.4.2', true],
    ['1.4.2', '=1.4.3', false],
    ['1.4.2', '1.x', true],
    ['2.0.0', '1.x', false],
    ['1.4.9', '1.4.*', true],
    ['9.9.9', '*', true],
    ['1.9.0', '^1.2.3', true],
    ['2.0.0', '^1.2.3', false],
    ['0.2.9', '^0.2.3', true],
    ['0.3.0', '^0.2.3', false],
    ['1.2.9', '~1.2.3', true],
    ['1.3.0', '~1.2.3', false],
    ['1.2.3', '1.0.0 - 1.2.3', true],
    ['1.2.4', '1.0.0 - 1.2.3', false],
    ['2.0.0-beta', '^1.2.3', false],
  ])('%s in %s: %o', (version, range, expected) => expect(inRange(version, range)).toBe(expected));

  it.each(['', 'latest', '>', '1.2 ||', '<<1', 'a.b.c', '>=1.0.0 nonsense'])('does not read %o', (range) => {
    expect(isRange(range)).toBe(false);
    expect(inRange('1.0.0', range)).toBeUndefined();
  });
});
