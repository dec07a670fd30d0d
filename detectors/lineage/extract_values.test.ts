import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractValues } from './extract_values.ts';

const valuesOf = (text: string, hint?: { account: boolean; phone: boolean }) =>
  extractValues(text, hint).map((found) => `${found.kind}:${found.value}`);

describe('extractValues', () => {
  it.each([
    ['Write to <Ann.Lee+x@Example.COM>, please', ['email:ann.lee+x@example.com']],
    ['mailto:ann@example.org.', ['email:ann@example.org']],
    ['See www.example.com.', ['host:example.com']],
    ['at http://www.example.com/a and EXAMPLE.com', ['host:example.com', 'host:example.com']],
    ['(https://docs.example.org/x_(y)?q=1#z), ok', ['host:docs.example.org']],
    ['https://good.example.com@evil.test/x', ['host:evil.test']],
    ['http://0x7f.1/', ['host:127.0.0.1']],
    ['the host 203.0.113.9 answers', ['host:203.0.113.9']],
    ['s3://bucket-one/key', ['host:bucket-one']],
    ['read report.pdf, main.py, v1.2.3 and obj.Method', []],
    ['IBAN DE89 3704 0044 0532 0130 00 from now', ['account:DE89370400440532013000']],
    ['to gb29-nwbk-6016-1331-9268-19', ['account:GB29NWBK60161331926819']],
    ['DE88 3704 0044 0532 0130 00 is mistyped', []],
    ['account number: 1002-003-004', ['account:1002003004']],
    ['account opened 2026-01-15', []],
    ['order 1002003004', []],
    ['call +1 (202) 555-0143 today', ['phone:2025550143']],
    ['202-555-0143', ['phone:2025550143']],
    ['+44 7700 900123', ['phone:7700900123']],
    ['a@b', []],
    ['@handle and 12:30', []],
  ])('%s', (text, expected) => {
    expect(valuesOf(text)).toEqual(expected);
  });

  it('reads bare digits by the name of their field', () => {
    expect(valuesOf('1002003004', { account: true, phone: false })).toEqual(['account:1002003004']);
    expect(valuesOf('2025550143', { account: false, phone: true })).toEqual(['phone:2025550143']);
  });

  it('yields places inside any text, in order and apart from each other', () => {
    const part = fc.constantFrom('a', '@', '.', '://', '1', ' ', '-', '+', '(', 'é', '\n', 'example.com', 'DE89');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
        const text = parts.join('');
        let last = 0;
        for (const { start, end, value } of extractValues(text)) {
          expect(value).not.toBe('');
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeGreaterThan(last);
          expect(end).toBeLessThanOrEqual(text.length);
          last = end;
        }
      }),
    );
  });
});
