/**
 * Comparison of versions, and the ranges in which advisories write them. Versions follow SemVer 2.0 where they can:
 * numbers are compared as numbers, a pre-release comes before its release, and what follows a plus sign counts for
 * nothing. Other forms (`v1.2`, `2024.05.1`, `1.2.3.4`, `1.0rc1`) are read as numbers and words in turn. Ranges know
 * `<`, `<=`, `>`, `>=`, `=`, `^`, `~`, `x` and `*`, spaces and commas for "and", `||` for "or". Unlike a package
 * manager, a range includes pre-releases that lie within it: a pre-release of what is affected is affected too.
 */

interface Version {
  numbers: number[];
  /** Empty for a release. */
  pre: (number | string)[];
}

const CHARS_MAX = 256;
const PARTS_MAX = 8;
const RANGE_CHARS_MAX = 1_024;
const COMPARATORS_MAX = 32;

/** Less than 0, 0, or more than 0, as the first is older than, equal to or newer than the second; undefined if unreadable. */
export function compareVersions(a: string, b: string): number | undefined {
  const left = parse(a);
  const right = parse(b);
  return left === undefined || right === undefined ? undefined : compare(left, right);
}

/** Whether it can be read as a version. */
export function isVersion(text: string): boolean {
  return parse(text) !== undefined;
}

/** Whether a version lies in a range; undefined where one of the two cannot be read. */
export function inRange(version: string, range: string): boolean | undefined {
  const parsed = parse(version);
  const sets = parseRange(range);
  if (parsed === undefined || sets === undefined) return undefined;
  return sets.some((set) => set.every(({ sign, than }) => holds(compare(parsed, than), sign)));
}

/** Whether it can be read as a range. */
export function isRange(text: string): boolean {
  return parseRange(text) !== undefined;
}

function parse(text: string): Version | undefined {
  const plain =
    text
      .trim()
      .slice(0, CHARS_MAX)
      .replace(/^[vV=]\s*/, '')
      .split('+', 1)[0] ?? '';
  const match = /^(\d+(?:\.\d+)*)(?:[-._]?([0-9A-Za-z][0-9A-Za-z.-]*))?$/.exec(plain);
  if (match === null) return undefined;
  const numbers = (match[1] ?? '').split('.').map(Number).slice(0, PARTS_MAX);
  const words = (match[2] ?? '').match(/\d+|[A-Za-z]+/g) ?? [];
  return {
    numbers,
    pre: words.slice(0, PARTS_MAX).map((word) => (/^\d/.test(word) ? Number(word) : word.toLowerCase())),
  };
}

/** After a release come its repairs, in these words; anything else in letters comes before it. */
const AFTER_RELEASE = new Set(['post', 'patch', 'p', 'r', 'rev', 'sp']);

function compare(a: Version, b: Version): number {
  for (let at = 0; at < Math.max(a.numbers.length, b.numbers.length); at++) {
    const difference = (a.numbers[at] ?? 0) - (b.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  const stage = stageOf(a) - stageOf(b);
  if (stage !== 0) return stage;
  for (let at = 0; at < Math.max(a.pre.length, b.pre.length); at++) {
    const difference = compareParts(a.pre[at], b.pre[at]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function stageOf({ pre: [first] }: Version): number {
  if (first === undefined) return 0;
  return typeof first === 'string' && AFTER_RELEASE.has(first) ? 1 : -1;
}

/** By SemVer 2.0, section 11.4: numbers before words, fewer parts before more. */
function compareParts(a: number | string | undefined, b: number | string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
  return typeof a === 'number' ? -1 : 1;
}

type Sign = '<' | '<=' | '>' | '>=' | '=';

interface Comparator {
  sign: Sign;
  than: Version;
}

function holds(difference: number, sign: Sign): boolean {
  if (sign === '<') return difference < 0;
  if (sign === '<=') return difference <= 0;
  if (sign === '>') return difference > 0;
  return sign === '>=' ? difference >= 0 : difference === 0;
}

const COMPARATOR = /(<=|>=|<|>|==?|\^|~>?)?\s*([vV]?\d[0-9A-Za-z.+*-]*|[*xX])/y;

function parseRange(text: string): Comparator[][] | undefined {
  if (text.length > RANGE_CHARS_MAX) return undefined;
  const sets: Comparator[][] = [];
  for (const part of text.split('||')) {
    const set = parseSet(part.trim());
    if (set === undefined) return undefined;
    sets.push(set);
  }
  return sets;
}

function parseSet(text: string): Comparator[] | undefined {
  const hyphen = /^(\S+)\s+-\s+(\S+)$/.exec(text);
  if (hyphen !== null) return parseSet(`>=${hyphen[1]} <=${hyphen[2]}`);
  const set: Comparator[] = [];
  COMPARATOR.lastIndex = 0;
  let at = 0;
  while (at < text.length) {
    COMPARATOR.lastIndex = at;
    const match = COMPARATOR.exec(text);
    if (match === null || set.length >= COMPARATORS_MAX) return undefined;
    const comparators = comparatorsOf(match[1] ?? '', match[2] ?? '');
    if (comparators === undefined) return undefined;
    set.push(...comparators);
    at = COMPARATOR.lastIndex;
    at += /^[\s,]*/.exec(text.slice(at))?.[0].length ?? 0;
  }
  return text === '' ? undefined : set;
}

function comparatorsOf(sign: string, version: string): Comparator[] | undefined {
  if (/^[*xX]$/.test(version)) return sign === '' ? [] : undefined;
  const wild = /^[vV]?(\d+(?:\.\d+){0,2})\.[*xX](?:\.[*xX])*$/.exec(version);
  if (wild !== null) return sign === '' || sign.startsWith('=') ? between(wild[1] ?? '', 'last') : undefined;
  if (sign === '^') return between(version, 'first_not_zero');
  if (sign.startsWith('~')) return between(version, version.split('.').length > 1 ? 'second' : 'last');
  const than = parse(version);
  return than === undefined ? undefined : [{ sign: (sign === '' || sign === '==' ? '=' : sign) as Sign, than }];
}

/** From a version up to where its last, its second or its first number that is not 0 goes up by one. */
function between(version: string, raises: 'last' | 'second' | 'first_not_zero'): Comparator[] | undefined {
  const from = parse(version);
  if (from === undefined) return undefined;
  const nonzero = from.numbers.findIndex((number) => number !== 0);
  const last = from.numbers.length - 1;
  const at = raises === 'last' ? last : raises === 'second' ? Math.min(1, last) : nonzero < 0 ? last : nonzero;
  const numbers = from.numbers.slice(0, at + 1).map((number, place) => (place === at ? number + 1 : number));
  // The first pre-release of the upper end lies outside as well.
  return [
    { sign: '>=', than: from },
    { sign: '<', than: { numbers, pre: [0] } },
  ];
}
