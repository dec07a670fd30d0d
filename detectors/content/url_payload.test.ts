import { describe, expect, it } from 'vitest';
import { cpuRatio } from '../../test/cpu_ratio.ts';
import { findLinks, payloadOf, wordCount } from './url_payload.ts';

describe('links', () => {
  it.each([
    ['![a](https://x.test/i.png)', 'https://x.test/i.png', true],
    ['![a]( <https://x.test/i.png> "t")', 'https://x.test/i.png', true],
    ['[a](https://x.test/i)', 'https://x.test/i', false],
    ['<img alt="a" src="https://x.test/i.png">', 'https://x.test/i.png', true],
    ['{"h":"<img src=\\"https://x.test/i\\">"}', 'https://x.test/i', true],
    ['see https://x.test/i, and', 'https://x.test/i,', false],
    ['![a][b]\n\n[b]: https://x.test/i', 'https://x.test/i', true],
    ['[b]: https://x.test/i', 'https://x.test/i', false],
  ])('in %j', (text, url, image) => {
    expect(findLinks(text)).toEqual([{ url, image }]);
  });

  it('are none in text without addresses', () => {
    expect(findLinks('![a](b.png) [x](#y) //z')).toEqual([]);
  });
});

describe('what an address carries', () => {
  it('is the query, the fragment and long parts of the path, decoded', () => {
    const encoded = Buffer.from('name Lee, total 4417').toString('base64url');
    expect(payloadOf(`https://u@x.test:8080/v1/${encoded}.png?q=Lee%20Smith%2C+Ulm&n=1#frag-ment`)).toEqual({
      host: 'x.test',
      texts: [`${encoded}.png`, 'name Lee, total 4417', 'Lee Smith, Ulm', 'frag-ment'],
      encoded_chars: 20,
    });
  });

  it('is nothing for a bare host', () => {
    expect(payloadOf('https://x.test')).toEqual({ host: 'x.test', texts: [], encoded_chars: 0 });
    expect(payloadOf('not an address at all')).toBeUndefined();
  });

  it('is no text when the bytes are none, or the value is a word', () => {
    expect(payloadOf('https://x.test/a/iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ')?.encoded_chars).toBe(0);
    expect(payloadOf('https://x.test/a/the-quick-brown-fox-jumps-over')?.encoded_chars).toBe(0);
  });
});

it('counts words of a language', () => {
  expect(wordCount('Lee Smith lives in Ulm, they say')).toBe(7);
  expect(wordCount('w=1024&h=768 a1 b2_c3')).toBe(0);
});

it.each(['![', '![a](', '![a](https://x.test', '<img ', '<img src="https://', '[a]:', 'https://', '[', 'a]('])(
  'takes time linear in a text of %j',
  (unit) => {
    expect(cpuRatio((chars) => findLinks(unit.repeat(chars / unit.length)), 32_768)).toBeLessThan(28);
  },
);
