import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { canonicalJson } from './canonical.ts';

/** Its types describe an ES module, its code is CommonJS. */
const oracle = canonicalize as unknown as (value: unknown) => string | undefined;

function codeOfRefusal(value: unknown): string {
  try {
    canonicalJson(value);
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return 'accepted';
}

function nest(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

describe('canonicalJson gives the known answers of RFC 8785', () => {
  it('arrays', () => {
    const input = '[\n  56,\n  {\n    "d": true,\n    "10": null,\n    "1": [ ]\n  }\n]';
    expect(canonicalJson(JSON.parse(input))).toBe('[56,{"1":[],"10":null,"d":true}]');
  });

  it('french', () => {
    const input = {
      peach: 'This sorting order',
      péché: 'is wrong according to French',
      pêche: 'but canonicalization MUST',
      sin: 'ignore locale',
    };
    expect(canonicalJson(input)).toBe(
      '{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ignore locale"}',
    );
  });

  it('structures', () => {
    const input =
      '{"1": {"f": {"f": "hi","F": 5} ,"\\n": 56.0}, "10": { }, "": "empty", "a": { }, "111": [ {"e": "yes","E": "no" } ], "A": { }}';
    expect(canonicalJson(JSON.parse(input))).toBe(
      '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}',
    );
  });

  it('unicode', () => {
    expect(canonicalJson(JSON.parse('{"Unnormalized Unicode":"A\\u030a"}'))).toBe('{"Unnormalized Unicode":"A\u030a"}');
  });

  it('values', () => {
    const input = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    expect(canonicalJson(JSON.parse(input))).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('weird', () => {
    const input = String.raw`{
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\u000a": "Newline",
      "1": "One",
      "\u0080": "Control\u007f",
      "\ud83d\ude02": "Smiley",
      "\u00f6": "Latin Small Letter O With Diaeresis",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "</script>": "Browser Challenge"
    }`;
    const expected = [
      '{"\\n":"Newline"',
      '"\\r":"Carriage Return"',
      '"1":"One"',
      '"</script>":"Browser Challenge"',
      '"\u0080":"Control\u007f"',
      '"\u00f6":"Latin Small Letter O With Diaeresis"',
      '"\u20ac":"Euro Sign"',
      '"\ud83d\ude02":"Smiley"',
      '"\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    ];
    expect(canonicalJson(JSON.parse(input))).toBe(expected.join(','));
  });

  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('appendix B: the double %s is %s', (bits, expected) => {
    expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(expected);
  });

  it.each(['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000'])('appendix B: %s is refused', (bits) => {
    expect(codeOfRefusal(Buffer.from(bits, 'hex').readDoubleBE())).toBe('json_unsupported_value');
  });
});

describe('canonicalJson', () => {
  it('sorts integer-like keys as text, not as numbers', () => {
    expect(canonicalJson({ 2: 0, 10: 0, 1: 0, a: 0, '-1': 0 })).toBe('{"-1":0,"1":0,"10":0,"2":0,"a":0}');
  });

  it('sorts by UTF-16 code units, not by code points', () => {
    expect(canonicalJson({ '\ufb33': 1, '😂': 2 })).toBe('{"😂":2,"\ufb33":1}');
  });

  it('writes an own __proto__ and reads nothing through the prototype', () => {
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":[]}}'))).toBe('{"__proto__":{"a":[]},"b":1}');
    expect(canonicalJson(Object.assign(Object.create(null), { b: 1, a: 2 }))).toBe('{"a":2,"b":1}');
  });

  it('leaves out members that are undefined, also all of them', () => {
    expect(canonicalJson({ b: undefined, a: 1, c: undefined, d: 2 })).toBe('{"a":1,"d":2}');
    expect(canonicalJson({ a: undefined })).toBe('{}');
  });

  it('does not call toJSON', () => {
    expect(canonicalJson({ toJSON: 'data' })).toBe('{"toJSON":"data"}');
    expect(codeOfRefusal({ toJSON: () => 1 })).toBe('json_unsupported_value');
  });

  it('gives the same text when shapes share first key, last key and length', () => {
    for (const middle of ['x', 'a', 'z', 'x', 'a', 'z']) {
      const order = ['b', middle, 'c'].sort();
      const expected = `{${order.map((key) => `"${key}":1`).join(',')}}`;
      expect(canonicalJson({ b: 1, [middle]: 1, c: 1 })).toBe(expected);
    }
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['undefined in an array', [undefined]],
    ['a hole in an array', new Array(1)],
    ['a function', () => 1],
    ['a function as a member', { a: () => 1 }],
    ['a symbol', { a: Symbol('a') }],
    ['a bigint', [1n]],
    ['NaN', NaN],
    ['infinity', { a: [-Infinity] }],
    ['a Date', new Date(0)],
    ['a Map', { a: new Map() }],
    ['a Buffer', Buffer.from('a')],
    ['a boxed string', Object('a')],
  ])('refuses %s', (_name, value) => {
    expect(codeOfRefusal(value)).toBe('json_unsupported_value');
  });

  it('refuses a lone surrogate in a string or a key, each time', () => {
    for (let time = 0; time < 3; time++) {
      expect(codeOfRefusal(['a\ud800'])).toBe('json_lone_surrogate');
      expect(codeOfRefusal({ 'a\udc00': 1 })).toBe('json_lone_surrogate');
    }
  });

  it('allows exactly the depth of the limit, and refuses cycles', () => {
    expect(codeOfRefusal(nest(LIMITS.json_depth_max))).toBe('accepted');
    expect(codeOfRefusal(nest(LIMITS.json_depth_max + 1))).toBe('json_too_deep');
    expect(codeOfRefusal(nest(100_000))).toBe('json_too_deep');
    const cycle: unknown[] = [];
    cycle.push({ cycle });
    expect(codeOfRefusal(cycle)).toBe('json_too_deep');
    expect(canonicalJson(nest(66), { depth_max: 66 })).toHaveLength(1 + 33 * 2 + 33 * 6);
  });

  it('agrees with the canonicalize package', () => {
    const value = fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' });
    const keys = fc.constantFrom('a', 'b', '1', '10', '2', '__proto__', 'é', '\ufb33', '😂', '\r', 'toString', '');
    const objects = fc.dictionary(keys, value, { maxKeys: 8 });
    fc.assert(
      fc.property(fc.oneof(value, objects, fc.array(objects, { maxLength: 3 })), (sample) => {
        // The package and we take what a parser made; the round trip removes prototypes that fast-check sets.
        const parsed: unknown = JSON.parse(JSON.stringify(sample));
        expect(canonicalJson(parsed)).toBe(oracle(parsed));
      }),
      { numRuns: 3_000 },
    );
  });

  it('does not depend on the order of members', () => {
    const members = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), fc.integer()), {
      maxLength: 90,
      selector: ([key]) => key,
    });
    fc.assert(
      fc.property(members, (entries) => {
        const forward = canonicalJson(Object.fromEntries(entries));
        expect(canonicalJson(Object.fromEntries(entries.toReversed()))).toBe(forward);
      }),
      { numRuns: 500 },
    );
  });

  it('writes a string of 10 MB', () => {
    expect(canonicalJson('x\n'.repeat(5_000_000))).toHaveLength(15_000_002);
  });
});
