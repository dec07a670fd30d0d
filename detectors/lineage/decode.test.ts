import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodings } from './decode.ts';

const TEXT = 'Twelve pallets of tiles were damaged, and the größte Teil is replaced on Friday.';
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
const hex = (text: string | Buffer) => Buffer.from(text).toString('hex');
const layersOf = (text: string, part: string) => decodings(text).find((each) => each.text.includes(part))?.encodings;

describe('decodings', () => {
  it.each([
    ['base64', base64(TEXT), ['base64']],
    ['base64 for URLs', Buffer.from(TEXT).toString('base64url'), ['base64']],
    ['base64 in lines', base64(TEXT.repeat(4)).replace(/(.{76})/g, '$1\n'), ['base64']],
    ['base64 in a path', `https://x.test/p/q/${base64(TEXT)}.png`, ['base64']],
    ['hex', hex(TEXT), ['hex']],
    ['URL encoding', encodeURIComponent(TEXT), ['url']],
    ['base64 of gzip', base64(gzipSync(TEXT)), ['base64', 'gzip']],
    ['hex of zlib', hex(deflateSync(TEXT)), ['hex', 'deflate']],
    ['base64 of hex', base64(hex(TEXT)), ['base64', 'hex']],
    ['URL encoding of base64 of gzip', encodeURIComponent(base64(gzipSync(TEXT))), ['url', 'base64', 'gzip']],
  ])('reads %s', (_name, text, encodings) => {
    expect(layersOf(text, 'the größte Teil')).toEqual(encodings);
  });

  it('finds an encoded copy whatever the cut', () => {
    const encode = { base64, hex };
    const cut = fc.record({
      by: fc.constantFrom<'base64' | 'hex'>('base64', 'hex'),
      start: fc.nat(60),
      chars: fc.integer({ min: 40, max: 100 }),
      before: fc.constantFrom('', 'id=', 'a/b/', ' '),
    });
    fc.assert(
      fc.property(cut, ({ by, start, chars, before }) => {
        const whole = encode[by](TEXT.repeat(2));
        const per_byte = by === 'hex' ? 2 : 4 / 3;
        const first = Math.ceil(start / per_byte) + 2;
        const last = Math.floor((start + chars) / per_byte) - 2;
        const held = Buffer.from(TEXT.repeat(2)).subarray(first, last).toString('latin1');
        // What is not cut at either edge; a letter of two bytes may be.
        const inside = held.replace(/^[\u0080-\u00ff]+|[\u0080-\u00ff]+$/g, '');
        const found = decodings(`${before}${whole.slice(start, start + chars)}`);
        expect(found.map((each) => Buffer.from(each.text).toString('latin1')).join('\n')).toContain(inside);
      }),
    );
  });

  it('reads the beginning of compressed text that was cut', () => {
    const words = Array.from({ length: 400 }, (_, at) => (at * 7919).toString(36)).join(' ');
    const cut = base64(gzipSync(`${TEXT} ${words}`)).slice(0, 600);
    expect(layersOf(cut, 'the größte Teil')).toEqual(['base64', 'gzip']);
  });

  it('takes no more than a part of what becomes very long', () => {
    const bomb = base64(gzipSync(Buffer.alloc(64_000_000, 'spam ')));
    const chars = decodings(bomb).reduce((sum, each) => sum + each.text.length, 0);
    expect(chars).toBeLessThan(1_000_000);
  });

  it('grows by a bounded factor, whatever the text', () => {
    const unit = fc.constantFrom('%41', 'H4sI', 'eJw', '1f8b08', '41', 'QUJD', ' ', '\n', 'a/', 'Zz9+');
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 400 }), (parts) => {
        const text = parts.join('');
        const chars = decodings(text).reduce((sum, each) => sum + each.text.length, 0);
        expect(chars).toBeLessThanOrEqual(text.length * 24 + 24);
      }),
    );
  });

  it.each([
    'Recommendations for the InternationalConference',
    'https://www.example.com/docs/Some-Page',
    '2026-01-15T10:30:00Z',
  ])('finds nothing in %s', (text) => {
    const hidden = decodings(text)
      .slice(1)
      .map((each) => each.text);
    expect(hidden.filter((each) => /[a-z]{4,} [a-z]{4,}/i.test(each))).toEqual([]);
  });
});
