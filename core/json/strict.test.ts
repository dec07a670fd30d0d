import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { canonicalJson } from './canonical.ts';
import { locate } from './locate.ts';
import { parseStrict } from './strict.ts';

const parseText = (text: string, limits?: { depth_max: number }) => parseStrict(Buffer.from(text), limits);

function refusal(action: () => unknown): AppError {
  try {
    action();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('was accepted');
}
const refusalOf = (text: string) => refusal(() => parseText(text));

const nest = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('parseStrict accepts what I-JSON allows', () => {
  it.each([
    ...['null', 'true', ' 1 ', '"a"', '[]', '{}', '\t{"a":[1,{"b":null}],"c":"d"}\r\n', '{"":""}', '{"a":{"a":1}}'],
    ...['"\\ud83d\\ude00"', '"\\\\ud800"', '"\\\\\\\\ud800 \\""', '"\\u0000"', '[{"a":1},{"a":2}]', '"😀 größe"', '-0'],
    ...['{"a:b":"c:d","e\\"f":"g\\\\"}', '[1,2.5,-3e2,1e-7,1E+2]', '"\\\\"', '"{[,:]}"', '{"a\\\\":1,"a\\"":2}'],
  ])('and returns what JSON.parse returns for %s', (text) => {
    expect(parseText(text)).toStrictEqual(JSON.parse(text));
  });

  it('makes __proto__ an own property and changes no prototype', () => {
    const value = parseText('{"__proto__":{"polluted":1},"a":1}') as object;
    expect(Object.keys(value)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect('polluted' in value).toBe(false);
  });

  it('takes any Uint8Array, also a view into a larger memory', () => {
    const memory = new TextEncoder().encode('xx{"a":1}xx');
    expect(parseStrict(memory.subarray(2, 9))).toEqual({ a: 1 });
  });

  it('takes a string of 10 MB, of plain text or of backslashes, in linear time', () => {
    const started = performance.now();
    expect(parseText(`["${'x'.repeat(10_000_000)}"]`)).toHaveLength(1);
    expect(parseText(`["${'\\\\'.repeat(5_000_000)}"]`)).toHaveLength(1);
    expect(parseText(`["${'\\"'.repeat(5_000_000)}"]`)).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it('is not misled by a tampered Object.prototype', () => {
    let value: unknown;
    let error: unknown;
    Object.defineProperty(Object.prototype, 'planted', { value: 1, enumerable: true, configurable: true });
    try {
      value = parseText('{"a":1}');
      error = refusalOf('{"a":1,"a":2}');
    } finally {
      Reflect.deleteProperty(Object.prototype, 'planted');
    }
    expect(value).toStrictEqual({ a: 1 });
    expect(error).toMatchObject({ code: 'json_duplicate_key' });
  });
});

describe('parseStrict refuses what is not one JSON text', () => {
  it.each([
    ['', 'the text is empty'],
    ['  ', 'it ends too early'],
    ['{"a":1', 'it ends too early'],
    ['[1,2', 'it ends too early'],
    ['"abc', 'byte 0'],
    ['[1,]', 'byte 3'],
    ['{"a":1,}', 'byte 7'],
    ['{a:1}', 'byte 1'],
    ["{'a':1}", 'byte 1'],
    ['{"a":1}}', 'byte 7'],
    ['{"a":1} {"b":2}', 'byte 8'],
    ['[1 2]', 'byte 3'],
    ['["é", nul]', 'byte 7'],
    ['[01]', 'byte 1'],
    ['[1.]', 'byte 1'],
    ['[NaN]', 'byte 1'],
    ['[+1]', 'byte 1'],
    ['["a\nb"]', 'byte 1'],
    ['["a\u0000b"]', 'byte 1'],
    ['"\\x"', 'byte 0'],
    ['"\\ud8"', 'byte 0'],
    ['\u0000', 'byte 0'],
    ['{"a"}', 'byte 4'],
    ['{"a":}', 'byte 5'],
    ['{]', 'byte 1'],
    ['[}', 'byte 1'],
    ['1,2', 'byte 1'],
    ['1:2', 'byte 1'],
    ['1]', 'byte 1'],
    ['\u00a01', 'byte 0'],
    ['[1]\n\n\u0000', 'byte 5'],
    ['// c\n1', 'byte 0'],
  ])('%j: %s', (text, where) => {
    const error = refusalOf(text);
    expect(error.code).toBe('json_malformed');
    expect(error.message).toContain(where);
  });

  it('as malformed even when it also has a duplicate key or a number too large', () => {
    expect(refusalOf('{"a":1,"a":2').code).toBe('json_malformed');
    expect(refusalOf('[1e400').code).toBe('json_malformed');
    expect(refusalOf('["\\ud800"').code).toBe('json_malformed');
  });
});

describe('parseStrict refuses what readers could read differently', () => {
  it.each([
    ...[[0xff], [0x22, 0xc3, 0x22], [0x22, 0xc0, 0xaf, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ...[
      [0xff, 0xfe, 0x31, 0x00],
      [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22],
    ],
  ])('bytes that are not UTF-8 (%#)', (...bytes) => {
    expect(refusal(() => parseStrict(Uint8Array.from(bytes))).code).toBe('json_invalid_utf8');
  });

  it('a byte order mark', () => {
    expect(refusalOf('\ufeff{}').code).toBe('json_byte_order_mark');
    expect(refusalOf('[\ufeff]').code).toBe('json_malformed');
  });

  it.each([
    ['{"a":1,"a":1}', '"a" at byte 7'],
    ['{"a":1,"\\u0061":1}', '"a" at byte 7'],
    ['{"x":{"é":1,"\\u00e9":2}}', '"é" at byte 13'],
    ['[{},{"":{}, "" :{}}]', '"" at byte 12'],
    ['{"__proto__":1,"__proto__":2}', '"__proto__" at byte 15'],
    ['{"1":1,"b":2,"1":3}', '"1" at byte 13'],
    ['{"a":{"b":1,"c":[{"d":1}]},"a":0}', '"a" at byte 27'],
    ['{"\\n\\u001b":1,"\\u000a\\u001b":2}', '"\\u000a\\u001b" at byte 14'],
    ['{"\\"":1,"\\"":2}', '"\\u0022" at byte 8'],
  ])('a duplicate key, named with its offset: %s', (text, named) => {
    const error = refusalOf(text);
    expect(error.code).toBe('json_duplicate_key');
    expect(error.message).toContain(named);
  });

  it.each([
    '"\\ud800"',
    '["\\uDFFF"]',
    '{"\\udead":1}',
    '"\\ude00\\ud83d"',
    '"\\ud83d\\ud83d\\ude00"',
    '"\\\\\\ud800"',
  ])('half of a surrogate pair: %s', (text) => {
    expect(refusalOf(text).code).toBe('json_lone_surrogate');
  });

  it('names the string with half of a pair by its offset', () => {
    expect(refusalOf('["\\ud83d\\ude00","b\\ud800"]').message).toContain('"b\\ud800" at byte 16');
  });

  it.each(['9007199254740992', '[1725183301630000000]', '{"a":1e400}', '-1e-400', '0.10000000000000001', '1e20'])(
    'a number that a double changes: %s',
    (text) => {
      const error = refusalOf(text);
      expect(error.code).toBe('json_number_loses_digits');
      expect(error.message).toContain('send it as a string');
    },
  );

  it('but not digits inside a string', () => {
    expect(parseText('["9007199254740993", "1e400"]')).toEqual(['9007199254740993', '1e400']);
  });
});

describe('parseStrict bounds its work and its messages', () => {
  it('allows exactly the depth of the limit', () => {
    const { json_depth_max } = LIMITS;
    expect(parseText(nest(json_depth_max))).toBeDefined();
    expect(refusalOf(nest(json_depth_max + 1)).code).toBe('json_too_deep');
    expect(refusal(() => parseText('[{"a":[]}]', { depth_max: 2 })).code).toBe('json_too_deep');
    expect(parseText('[{"a":1},[2],"[[["]', { depth_max: 2 })).toHaveLength(3);
  });

  it.each(['[', '{"a":', '[{"a":'])('refuses 100,000 of %s within 100 ms', (open) => {
    const started = performance.now();
    expect(refusalOf(open.repeat(100_000)).code).toBe('json_too_deep');
    expect(performance.now() - started).toBeLessThan(100);
  });

  it('never repeats more than 60 characters of the input', () => {
    const long = 'z'.repeat(5_000);
    const texts = [`{"${long}":1,"${long}":2}`, `["${long}\\ud800"]`, '7'.repeat(5_000), `[${long}]`, `"${long}`];
    for (const text of texts) {
      const { message } = refusalOf(text);
      expect(message.length).toBeLessThan(200);
      expect(message).not.toMatch(/[z7]{61}/);
    }
  });
});

/** JSON text with everything that makes a reader stumble, mostly well formed. */
const jsonText = fc.letrec<{ value: string }>((tie) => {
  const key = fc.constantFrom('"a"', '"\\u0061"', '"b"', '"__proto__"', '"1"', '"é"', '"\\ud800"', '"\\""', '""');
  const scalar = fc.oneof(
    fc.constantFrom('1', '-0', '1e400', '9007199254740993', '0.1', '1e5', 'true', 'null', 'x', '', '01', '1e-400'),
    fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
    fc.constantFrom('"\\ud83d\\ude00"', '"\\ud800"', '"\\\\ud800"', '"\\\\\\""', '"', '"\u0001"', '"é😀"'),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => String(number)),
  );
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalar,
      fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(' ,')}]`),
      fc
        .array(fc.tuple(key, tie('value')), { maxLength: 4 })
        .map((members) => `{${members.map(([name, value]) => `${name}: ${value}`).join(',')}}`),
    ),
  };
}).value;

/** The exclusions by a second route: what JSON.parse with a reviver and plain searches tell. */
function exclusionOf(text: string): string | undefined {
  const value: unknown = JSON.parse(text);
  if (locate(Buffer.from(text).toString('latin1'), 'duplicate_key') !== undefined) return 'json_duplicate_key';
  if (/\\ud[89a-f]/.test(JSON.stringify(value).replaceAll('\\\\', ''))) return 'json_lone_surrogate';
  const numbers = text.replace(/"(?:[^"\\]|\\.)*"/g, '').match(/-?\d[\d.eE+-]*/g) ?? [];
  return numbers.some((number) => !survives(number)) ? 'json_number_loses_digits' : undefined;
}

function survives(number: string): boolean {
  const size = Math.abs(Number(number));
  if (size > Number.MAX_SAFE_INTEGER) return size >= 1e21 && size !== Infinity && /e/i.test(number);
  const plain = (text: string) => text.replace(/^-/, '').replace('+', '').replace(/\.0+$/, '').toLowerCase();
  const again = Number(number);
  return [String(again), again.toExponential(), again.toFixed(1)].some((form) => plain(form) === plain(number));
}

describe('parseStrict against JSON.parse', () => {
  it('accepts what JSON.parse accepts, less the named exclusions, with the same value', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(jsonText, (text) => {
        let expected: unknown;
        let code = 'json_malformed';
        try {
          expected = JSON.parse(text);
          code = exclusionOf(text) ?? 'none';
        } catch {}
        seen.set(code, (seen.get(code) ?? 0) + 1);
        if (code === 'none') expect(parseText(text)).toStrictEqual(expected);
        else expect(refusalOf(text).code).toBe(code);
      }),
      { numRuns: 5_000 },
    );
    expect(seen.size).toBe(5);
  });

  it('finds the place of a fault exactly in texts that JSON.parse refuses', () => {
    const soup = fc.array(fc.constantFrom(...'[]{},:"\\1a \n', 'null', '1e5', '"a"', '"b":'), { maxLength: 12 });
    fc.assert(
      fc.property(
        fc.oneof(
          jsonText,
          soup.map((parts) => parts.join('')),
        ),
        (text) => {
          let good = true;
          try {
            JSON.parse(text);
          } catch {
            good = false;
          }
          expect(locate(Buffer.from(text).toString('latin1'), 'malformed') === undefined).toBe(good);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('throws nothing but AppError on arbitrary bytes', () => {
    const json_like = fc.array(fc.constantFrom(...Buffer.from('[]{},:"\\u0d8e1-. \n\u0000é')), { maxLength: 40 });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), json_like), (bytes) => {
        const buffer = Buffer.from(bytes);
        try {
          const value = parseStrict(buffer);
          expect(isUtf8(buffer)).toBe(true);
          expect(value).toStrictEqual(JSON.parse(buffer.toString()));
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('reads back every value that canonicalJson wrote, unless it has an integer beyond 2^53-1', () => {
    const value = fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' });
    fc.assert(
      fc.property(value, (original) => {
        const text = canonicalJson(original);
        try {
          const again = parseText(text);
          expect(canonicalJson(again)).toBe(text);
          expect(again).toEqual(JSON.parse(JSON.stringify(original)));
        } catch (error) {
          expect(error).toMatchObject({ code: 'json_number_loses_digits' });
          expect(text).toMatch(/\d{16}/);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('accepts the canonical form of everything that it accepts', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        let value: unknown;
        try {
          value = parseText(text);
        } catch {
          return;
        }
        const canonical = canonicalJson(value);
        expect(canonicalJson(parseText(canonical))).toBe(canonical);
      }),
      { numRuns: 3_000 },
    );
  });
});
