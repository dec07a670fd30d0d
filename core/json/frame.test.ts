import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import { frameRecords, LineFramer, type OverlongLine } from './frame.ts';

const texts = (frames: (Buffer | OverlongLine)[]) =>
  frames.map((frame) => (Buffer.isBuffer(frame) ? frame.toString() : frame));
const split = (body: string, kind: 'json' | 'ndjson', records_max = 1_000) =>
  texts(frameRecords(Buffer.from(body), kind, { records_max, record_bytes_max: 10 }));

function codeOfRefusal(body: string, kind: 'json' | 'ndjson' = 'json', records_max?: number): string {
  try {
    split(body, kind, records_max);
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('frameRecords of json', () => {
  it.each<[string, string[]]>([
    ['', []],
    [' \n\n\t\r', []],
    ['[]', []],
    [' [ \n ] ', []],
    [' {"a":[1,2]} \n', ['{"a":[1,2]}']],
    ['"[1,2]"', ['"[1,2]"']],
    ['[1]', ['1']],
    ['[ {"a":1} ,\n[2,3] , "x,]" ]', ['{"a":1}', '[2,3]', '"x,]"']],
    ['["\\"],[","\\\\","a"]', ['"\\"],["', '"\\\\"', '"a"']],
    [`[{"k":"${'y'.repeat(50)}\\"],"},1]`, [`{"k":"${'y'.repeat(50)}\\"],"}`, '1']],
    [
      `["${'y'.repeat(24)}","${'\\\\'.repeat(12)}","${'\\\\'.repeat(13)}"]`,
      [`"${'y'.repeat(24)}"`, `"${'\\\\'.repeat(12)}"`, `"${'\\\\'.repeat(13)}"`],
    ],
    ['["😀","é"]', ['"😀"', '"é"']],
    ['{} {}', ['{} {}']],
    ['[nul,{"a":1],2]', ['nul', '{"a":1]', '2']],
    ['\u0000', ['\u0000']],
    ['\ufeff[1]', ['\ufeff[1]']],
  ])('%j', (body, expected) => {
    expect(split(body, 'json')).toEqual(expected);
  });

  it.each([
    '[',
    '[1',
    '[1,',
    '[1,]',
    '[,1]',
    '[1,,2]',
    '[,]',
    '[1] 2',
    '[1]]',
    '[1}',
    '["a]',
    '["a\\"]',
    '[[1]',
    '[1]\u0000',
  ])('refuses %j, an array that does not close, misses an element or is followed by more', (body) => {
    expect(codeOfRefusal(body)).toBe('json_malformed');
  });

  it('refuses too many records, but takes as many as the limit', () => {
    expect(split('[1,2,3]', 'json', 3)).toHaveLength(3);
    expect(codeOfRefusal('[1,2,3,4]', 'json', 3)).toBe('too_many_records');
    expect(codeOfRefusal('[1', 'json', 0)).toBe('json_malformed');
  });

  it('returns an over-long record whole', () => {
    expect(split(`["${'x'.repeat(100)}",1]`, 'json')).toEqual([`"${'x'.repeat(100)}"`, '1']);
  });

  it('returns views of the body', () => {
    const body = Buffer.from('[1,{"a":2}]');
    for (const frame of frameRecords(body, 'json')) expect(frame.buffer).toBe(body.buffer);
  });

  it('is linear in brackets, quotes, backslashes and blanks', () => {
    const started = performance.now();
    const bodies = ['['.repeat(1e6), `[${'['.repeat(1e6)}`, `["${'\\\\'.repeat(1e6)}"]`, `["${'\\"'.repeat(1e6)}`];
    for (const body of [...bodies, `[${' '.repeat(2e6)}`, '"'.repeat(2e6), `[${'"'.repeat(2e6)}`]) {
      codeOfRefusal(body);
    }
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  it('gives the elements that JSON.parse gives', () => {
    const value = fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' });
    const blank = fc.constantFrom('', ' ', '\n', '\r\n\t');
    const indent = fc.constantFrom(0, 1, '\t');
    fc.assert(
      fc.property(fc.array(value, { maxLength: 8 }), blank, indent, (items, space, spaces) => {
        const body = `${space}${JSON.stringify(items, null, spaces)}${space}`;
        const framed = split(body, 'json').map((frame) => JSON.parse(String(frame)));
        expect(framed).toStrictEqual(JSON.parse(body));
      }),
      { numRuns: 2_000 },
    );
  });

  it('throws nothing but AppError on arbitrary bytes', () => {
    const json_like = fc.array(fc.constantFrom(...Buffer.from('[]{},"\\1 \n\r')), { maxLength: 40 });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), json_like), fc.constantFrom('json', 'ndjson'), (bytes, kind) => {
        try {
          frameRecords(Buffer.from(bytes), kind, { records_max: 5 });
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('frameRecords of ndjson', () => {
  it.each<[string, string[]]>([
    ['', []],
    ['\n\n', []],
    ['{"a":1}', ['{"a":1}']],
    ['1\n2\r\n3\n', ['1', '2', '3']],
    ['1\n\n \t\r\n2', ['1', '2']],
    ['[1,\n2]', ['[1,', '2]']],
    ['a\rb\n', ['a\rb']],
    ['\u0000\n1', ['\u0000', '1']],
  ])('%j', (body, expected) => {
    expect(split(body, 'ndjson')).toEqual(expected);
  });

  it('refuses too many records, not counting blank lines', () => {
    expect(split('1\n\n\n2\n\n', 'ndjson', 2)).toEqual(['1', '2']);
    expect(codeOfRefusal('1\n2\n3', 'ndjson', 2)).toBe('too_many_records');
  });
});

describe('LineFramer', () => {
  const feed = (framer: LineFramer, chunks: Buffer[]) => [
    // Each chunk's memory is overwritten after its lines were read, as a reader with one buffer does.
    ...chunks.flatMap((chunk) => {
      const own = Buffer.from(chunk);
      const lines = texts(framer.push(own));
      own.fill(0x21);
      return lines;
    }),
    ...texts(framer.end()),
  ];
  const cutAt = (body: Buffer, cuts: number[]) => {
    const offsets = [0, ...cuts.map((cut) => cut % (body.length + 1)).sort((a, b) => a - b), body.length];
    return offsets.slice(1).map((to, index) => body.subarray(offsets[index], to));
  };

  it('gives over any cuts the lines of the whole', () => {
    const line = fc.oneof(fc.json(), fc.constantFrom('', ' ', '\r', 'é😀', 'x'.repeat(100), 'a\rb'));
    const body = fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\n\n')), { maxLength: 10 });
    fc.assert(
      fc.property(body, line, fc.array(fc.nat(), { maxLength: 12 }), (lines, last, cuts) => {
        const whole = Buffer.from(lines.map((pair) => pair.join('')).join('') + last);
        const framer = new LineFramer({ line_bytes_max: 1_000_000 });
        expect(feed(framer, cutAt(whole, cuts))).toEqual(texts(frameRecords(whole, 'ndjson')));
      }),
      { numRuns: 2_000 },
    );
  });

  it('tells each over-long line once, with its length and head, over any cuts, and goes on', () => {
    const line = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.constantFrom('\n', '\r\n'));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), fc.array(fc.nat(), { maxLength: 12 }), (lines, cuts) => {
        const contents = lines.map(([length], index) => 'abcdefghij'.charAt(index).repeat(length));
        const whole = Buffer.from(lines.map(([, ending], index) => contents[index] + ending).join(''));
        const expected = contents.map((text) =>
          text.length <= 8 ? text : { overlong: true, bytes: text.length, head: Buffer.from(text.slice(0, 4)) },
        );
        const framer = new LineFramer({ line_bytes_max: 8, head_bytes_max: 4 });
        expect(feed(framer, cutAt(whole, cuts))).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('tells an over-long last line without an ending, and can be used again after end', () => {
    const framer = new LineFramer({ line_bytes_max: 3 });
    expect(feed(framer, [Buffer.from('1\nabcdef')])).toEqual([
      '1',
      { overlong: true, bytes: 6, head: Buffer.from('abc') },
    ]);
    expect(feed(framer, [Buffer.from('2\n')])).toEqual(['2']);
    expect(framer.end()).toEqual([]);
  });

  it('counts a line ending not as part of the line', () => {
    const framer = new LineFramer({ line_bytes_max: 3 });
    expect(
      feed(
        framer,
        ['ab', 'c', '\r', '\nabc\r\n', 'abc'].map((text) => Buffer.from(text)),
      ),
    ).toEqual(['abc', 'abc', 'abc']);
  });

  it('keeps memory bounded over a line of 200 MB', () => {
    const framer = new LineFramer({ line_bytes_max: 1_000_000, head_bytes_max: 100 });
    const chunk = Buffer.alloc(1_000_000, 0x61);
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 200; index++) expect(framer.push(chunk)).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
    expect(framer.push(Buffer.from('\n1\n'))).toEqual([
      { overlong: true, bytes: 200_000_000, head: Buffer.alloc(100, 0x61) },
      Buffer.from('1'),
    ]);
  });

  it('takes a line of a million chunks of one byte in linear time', () => {
    const framer = new LineFramer();
    const byte = Buffer.from('a');
    const started = performance.now();
    for (let index = 0; index < 1_000_000; index++) framer.push(byte);
    expect(framer.end()).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});
