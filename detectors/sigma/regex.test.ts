/** Regular expressions of rules: the search for literals in front of them changes nothing but the time. */
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { foldCase } from './fold.ts';
import { createRegex, type RegexOptions, regexProblem } from './regex.ts';
import { requiredLiterals } from './regex_literals.ts';

const RUNS = Number(process.env.FC_RUNS ?? 5_000);
const plain = (pattern: string, given: Partial<RegexOptions> = {}): RegexOptions => ({
  pattern,
  ignore_case: false,
  multi_line: false,
  dot_all: false,
  ...given,
});

const letters = fc.constantFrom('ab', 'abc', 'a.b', 'ks', 'xa', 'b0', 'S', 'K', 'k');
const odd = fc.constantFrom(
  ...['a', 'b', 'ab', 'abc', 'k', 's', 'S', 'K', 'ö', 'Σ', '😀', ' ', 'x', '0', '-', '.', '\\.', '\\|', '\\(', '\\\\'],
  ...[
    '\\d',
    '\\w',
    '\\W',
    '\\s',
    '\\b',
    '\\B',
    '\\A',
    '\\z',
    '^',
    '$',
    '\\t',
    '\\n',
    '\\x61',
    '\\x{6b}',
    '\\pL',
    '\\p{Lu}',
  ],
  ...[
    '[ab]',
    '[^a]',
    '[]a]',
    '[^]]',
    '[a\\]b]',
    '[[:alpha:]]',
    '[[:^digit:]x]',
    '[|)]',
    '[(]',
    '\\Qa.b\\E',
    '{',
    '}',
    '{,2}',
    ']',
    '\\07',
  ],
  ...['(?i)', '(?s)', '(?-i)', '\\C', '\\/', '[[:a]'],
);
const atom = fc.oneof({ arbitrary: letters, weight: 2 }, { arbitrary: odd, weight: 1 });
const quantifier = fc.constantFrom(
  '',
  '',
  '',
  '',
  '*',
  '+',
  '?',
  '{2}',
  '{0,2}',
  '{1,}',
  '{0}',
  '*?',
  '+?',
  '??',
  '{1,2}?',
);
const { pattern } = fc.letrec<{ pattern: string; branch: string; item: string; group: string }>((tie) => ({
  pattern: fc.array(tie('branch'), { minLength: 1, maxLength: 3 }).map((branches) => branches.join('|')),
  branch: fc.array(tie('item'), { maxLength: 5 }).map((items) => items.join('')),
  item: fc
    .tuple(fc.oneof({ maxDepth: 3, depthIdentifier: 'p' }, atom, tie('group')), quantifier)
    .map((parts) => parts.join('')),
  group: fc
    .tuple(fc.constantFrom('(', '(?:', '(?P<n>', '(?<n>', '(?i:', '(?s:'), tie('pattern'))
    .map(([open, inside]) => `${open}${inside})`),
}));
const text = fc
  .array(
    fc.constantFrom(
      'a',
      'b',
      'ab',
      'abc',
      'A',
      'AB',
      'k',
      'K',
      '\u212a',
      's',
      'S',
      'ſ',
      'ö',
      'Ö',
      'σ',
      'ς',
      'Σ',
      'İ',
      '😀',
      ' ',
      '\n',
      'x',
      '0',
      '-',
      '.',
      '|',
      '(',
      '\\',
      '{',
      '}',
      ']',
      'a.b',
      '\t',
      '\ud83d',
    ),
    { maxLength: 10 },
  )
  .map((parts) => parts.join(''));

describe('the literals that an expression requires', () => {
  it.each([
    ['password\\s*=\\s*\\S+', ['password']],
    ['(?:token|access)[_-]?key', ['token', 'access']],
    ['https?://[^/]*\\.example\\.com/', ['.example.com/']],
    ['ab+c', ['ab']],
    ['xx(abc)+def', ['abcdef']],
    ['(ab){2}c', ['abc']],
    ['\\bcurl\\b.+\\|\\s*sh', ['curl']],
    ['(one|two|three)', ['one', 'two', 'three']],
    ['a{3}bcd', ['abcd']],
  ])('of %s are its longest sure ones', (source, literals) => {
    const found = requiredLiterals(source, false)?.any;
    expect(found?.toSorted()).toEqual([...literals].sort());
  });

  it.each(['.*', 'a|b', '(?i)abc', 'abc|', '(abc)?', '(abc){0,3}', '\\Qabc\\E', '[abc][def]'])(
    'of %s are none',
    (source) => {
      expect(requiredLiterals(source, false)).toBeUndefined();
    },
  );

  it('are found in every text in which the expression is found', () => {
    let accepted = 0;
    let with_literals = 0;
    let spared = 0;
    let texts = 0;
    fc.assert(
      fc.property(
        pattern,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        fc.array(text, { minLength: 1, maxLength: 8 }),
        (source, ignore_case, multi_line, dot_all, tried) => {
          const options = plain(source, { ignore_case, multi_line, dot_all });
          if (regexProblem(options) !== undefined) return;
          accepted++;
          if (requiredLiterals(source, ignore_case) !== undefined) with_literals++;
          const regex = createRegex(options);
          const alone = RE2JS.compile(
            source,
            (ignore_case ? RE2JS.CASE_INSENSITIVE : 0) |
              (multi_line ? RE2JS.MULTILINE : 0) |
              (dot_all ? RE2JS.DOTALL : 0),
          );
          for (const each of tried) {
            expect(regex.test(each, foldCase(each)), `${JSON.stringify(options)} in ${JSON.stringify(each)}`).toBe(
              alone.test(each),
            );
          }
          texts += regex.counters.texts;
          spared += regex.counters.texts - regex.counters.searched;
        },
      ),
      { numRuns: RUNS },
    );
    expect(accepted).toBeGreaterThan(RUNS / 6);
    expect(with_literals).toBeGreaterThan(accepted / 20);
    expect(spared).toBeGreaterThan(texts / 50);
  });
});

describe('an expression', () => {
  it.each([
    ['(a', 'not an expression'],
    ['(?<=a)b', 'not an expression'],
    ['(a)\\1', 'not an expression'],
    ['a{2000}', 'not an expression'],
    ['(a{1,100}){1,9}', 'too large'],
    ['a'.repeat(2_001), 'more than'],
  ])('%.20s is refused with the reason', (source, reason) => {
    expect(regexProblem(plain(source))).toContain(reason);
  });

  it('needs its flags, as Sigma has them', () => {
    const found = (options: RegexOptions, where: string) => createRegex(options).test(where, foldCase(where));
    expect(found(plain('abc'), 'xABCx')).toBe(false);
    expect(found(plain('abc', { ignore_case: true }), 'xABCx')).toBe(true);
    expect(found(plain('^b$'), 'a\nb\nc')).toBe(false);
    expect(found(plain('^b$', { multi_line: true }), 'a\nb\nc')).toBe(true);
    expect(found(plain('a.b'), 'a\nb')).toBe(false);
    expect(found(plain('a.b', { dot_all: true }), 'a\nb')).toBe(true);
  });

  // With backtracking each of these takes longer than anyone waits.
  it.each([
    ['(a+)+$', 'a'],
    ['(a|a)*b$', 'a'],
    ['(.*)(.*)(.*)(.*)(.*)[^a]', 'a'],
    ['(a?){60}(a){60}$', 'a'],
    ['[a-m].{240}[xy]\\b', 'qwertzui opasdfghjklyxcvbnm'],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'],
    ['(x+x+)+y?$', 'x'],
    ['(\\w+\\s?)+$', 'ab '],
    ['.*.*=.*', 'x'],
  ])('%s on a long hostile text ends soon', (source, unit) => {
    const where = `${unit.repeat(Math.ceil(2_000_000 / unit.length))}!`;
    expect(regexProblem(plain(source))).toBeUndefined();
    const started = performance.now();
    createRegex(plain(source)).test(where);
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it('sees the beginning of a long text only', () => {
    const late = `${'x'.repeat(262_140)}needle`;
    expect(createRegex(plain('needle')).test(late)).toBe(false);
    expect(createRegex(plain('needle')).test(late.slice(10))).toBe(true);
  });
});
