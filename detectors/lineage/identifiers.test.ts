import { describe, expect, it } from 'vitest';
import { identifierAt, identifierHash, sameIdentifier, urlIdentifier } from './identifiers.ts';
import { TextScan } from './text_scan.ts';

function identifiersIn(text: string): string[] {
  const scan = new TextScan().scan(text);
  return Array.from({ length: scan.tokens }, (_, token) => identifierAt(text, scan, token))
    .filter((found) => found !== undefined)
    .map(({ form, start, end }) => `${form}:${text.slice(start, end)}`);
}

describe('identifierAt', () => {
  it.each([
    ['Order ORD-2231 was shipped.', ['code:ORD-2231']],
    ['(#4471823)', ['number:4471823']],
    ['1b4e28ba-2fa1-11d2-883f-0016d3cca427', ['uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427']],
    ['commit 9fceb02d0ae5 of main', ['hash:9fceb02d0ae5']],
    ['case 2026-000-4417', ['number:2026-000-4417']],
    ['in /srv/data/export.csv.', ['path:/srv/data/export.csv']],
    ['~/notes and ./run.sh', ['path:~/notes', 'path:./run.sh']],
    ['C:\\Users\\ann\\todo.txt', ['path:\\Users\\ann\\todo.txt']],
    ['open report-final.pdf', ['file:report-final.pdf']],
    ['team_7 and room_b', ['code:team_7']],
    ['`inv_00917`', ['code:inv_00917']],
  ])('finds those in %s', (text, expected) => {
    expect(identifiersIn(text)).toEqual(expected);
  });

  it.each([
    'and/or, km/h, 24/7',
    'on 2026-01-15 at 10:30, or 01/02/2026',
    '42 of 1,250.00 in Q3',
    'the 21st at 10am, 5kg',
    'ann@example.com and www.example.com',
    'https://example.com/a1b2c3',
    'End.Next sentence, e.g. this one',
    'mp3 and B2B',
  ])('finds none in %s', (text) => {
    expect(identifiersIn(text)).toEqual([]);
  });

  it('knows one again in other letters', () => {
    const [one, other] = ['ORD-22a', 'see ord-22A'];
    expect(identifierHash(one, 0, 7)).toBe(identifierHash(other, 4, 11));
    expect(sameIdentifier(one, 0, other, 4, 11)).toBe(true);
    expect(sameIdentifier('ORD-22b', 0, other, 4, 11)).toBe(false);
  });
});

describe('urlIdentifier', () => {
  it.each([
    ['https://www.example.com/a/b?x=1#top', 'example.com/a/b?x=1'],
    ['http://example.com/a/', 'example.com/a'],
    ['example.com/a', 'example.com/a'],
    ['https://example.com/', undefined],
    ['https://example.com', undefined],
  ])('%s names %s', (url, expected) => {
    const text = `see ${url}`;
    const found = urlIdentifier(text, 4, text.length);
    expect(found && text.slice(found.start, found.end)).toBe(expected);
  });
});
