import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes, fromBase64, fromUtf8, toBase64, toUtf8 } from './bytes.ts';

describe('base64', () => {
  it('writes what Node writes and reads it back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
  });

  it('reads no second spelling of the same bytes', () => {
    for (const bad of ['QQ', 'QQ=', 'QR==', 'Q Q==', 'QQ==\n', ' QQ==', 'QQ==QQ==', '-_-_', '\u00e9', '====']) {
      expect(fromBase64(bad), bad).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        const bytes = fromBase64(text);
        if (bytes !== undefined) expect(toBase64(bytes)).toBe(text);
      }),
    );
  });
});

describe('UTF-8', () => {
  it('keeps every well-formed text, a byte order mark included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => fromUtf8(toUtf8(text) ?? new Uint8Array(1)) === text),
    );
    expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
  });

  it('refuses invalid bytes and lone surrogates', () => {
    expect(fromUtf8(Uint8Array.of(0xff))).toBeUndefined();
    expect(fromUtf8(Uint8Array.of(0xc0, 0x80))).toBeUndefined();
    expect(toUtf8('a\ud800b')).toBeUndefined();
  });
});

it('compares bytes by length and content', () => {
  expect(equalBytes(Uint8Array.of(1, 2), Buffer.from([1, 2]))).toBe(true);
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
});
