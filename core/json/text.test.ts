import { describe, expect, it } from 'vitest';
import { quoteShort } from './text.ts';

describe('quoteShort', () => {
  it('leaves plain text as it is, in quotes', () => {
    expect(quoteShort('user id, größe 😀')).toBe('"user id, größe 😀"');
  });

  it('shows control, direction and format characters, quotes and backslashes as escapes', () => {
    expect(quoteShort('a\u001b[31m\n\u0000"\\')).toBe('"a\\u001b[31m\\u000a\\u0000\\u0022\\u005c"');
    expect(quoteShort('\u202e\u200b\u2028\ufeff\ud800x')).toBe('"\\u202e\\u200b\\u2028\\ufeff\\ud800x"');
    expect(quoteShort('\u{e0041}')).toBe('"\\udb40\\udc41"');
  });

  it('cuts after 40 characters and never through a pair', () => {
    expect(quoteShort('x'.repeat(10_000))).toBe(`"${'x'.repeat(40)}…"`);
    expect(quoteShort(`${'x'.repeat(39)}😀y`)).toBe(`"${'x'.repeat(39)}…"`);
  });
});
