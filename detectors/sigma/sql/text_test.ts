/** Comparisons of one text in SQL: exact wherever RE2 and Unicode's lower case are the same on both sides. */
import { parseNetwork } from '../cidr.ts';
import { foldCase } from '../fold.ts';
import type { Compare, GlobPiece } from '../ir.ts';
import { requiredLiterals } from '../regex_literals.ts';
import { RULE_LIMITS } from '../rule_limits.ts';
import type { Binds } from './binds.ts';
import { allOf, anyOf, type Bounds, exactly, FALSE, TRUE } from './bounds.ts';

type TextForm = (Compare & { kind: 'text' })['form'];

/** What can be asked of one value: a comparison, or several texts that are looked for in the same way. */
export type ValueCompare =
  | Exclude<Compare, { kind: 'exists' } | { kind: 'field' }>
  | { kind: 'texts'; form: TextForm; texts: readonly string[]; cased: boolean };

/** Needles that one search of the engine takes. */
const NEEDLES_MAX = 200;

/** A text as comparisons without `cased` see it; `with_sigma`: a final sigma has to become one. */
function folded(sql: string, with_sigma: boolean): string {
  // The letters stand as code points, so that no source file decides how they are encoded.
  return with_sigma ? `replaceAll(lowerUTF8(${sql}), unhex('CF82'), unhex('CF83'))` : `lowerUTF8(${sql})`;
}

/** Whether a text of SQL compares to one of several texts. */
function isAnyText(sql: string, form: TextForm, texts: readonly string[], cased: boolean, binds: Binds): string {
  const wanted = [...new Set(cased ? texts : texts.map(foldCase))];
  const value = cased ? sql : folded(sql, wanted.join('').includes('σ'));
  switch (form) {
    case 'equals':
      return wanted.length === 1
        ? `${value} = ${binds.text(wanted[0] as string)}`
        : `${value} IN ${binds.texts(wanted)}`;
    case 'contains': {
      if (wanted.length === 1) return `position(${value}, ${binds.text(wanted[0] as string)}) > 0`;
      const searches: string[] = [];
      for (let from = 0; from < wanted.length; from += NEEDLES_MAX) {
        searches.push(`multiSearchAny(${value}, ${binds.texts(wanted.slice(from, from + NEEDLES_MAX))})`);
      }
      return anyOf(searches);
    }
    case 'starts':
    case 'ends': {
      const name = form === 'starts' ? 'startsWith' : 'endsWith';
      if (wanted.length === 1) return `${name}(${value}, ${binds.text(wanted[0] as string)})`;
      return `arrayExists(each -> ${name}(${value}, each), ${binds.texts(wanted)})`;
    }
  }
}

/** Whether one text, which is not empty, satisfies a comparison. */
export function textBounds(sql: string, compare: ValueCompare, binds: Binds): Bounds {
  switch (compare.kind) {
    case 'text':
      return exactly(isAnyText(sql, compare.form, [compare.text], compare.cased, binds));
    case 'texts':
      return exactly(isAnyText(sql, compare.form, compare.texts, compare.cased, binds));
    case 'glob': {
      const pieces = compare.cased ? compare.pieces : compare.pieces.map(foldPiece);
      const value = compare.cased ? sql : folded(sql, literalsOf(pieces).join('').includes('σ'));
      return exactly(`match(${value}, ${binds.text(globExpression(pieces))})`);
    }
    case 'regex': {
      const { ignore_case, multi_line, dot_all, pattern } = compare;
      const flags = `${ignore_case ? 'i' : ''}${multi_line ? 'm' : ''}${dot_all ? 's' : '-s'}`;
      const found = `match(${sql}, ${binds.text(`(?${flags})${pattern}`)})`;
      // A rule looks at the beginning of a long text only. Bytes are never fewer than UTF-16 units.
      const chars = RULE_LIMITS.regex_text_chars_max;
      return {
        may: anyOf([found, `length(${sql}) > ${chars}`]),
        must: allOf([found, `length(${sql}) <= ${chars}`]),
      };
    }
    case 'cidr':
      return { may: networkPrefix(sql, compare.network, binds), must: FALSE };
    case 'number':
      return { may: `match(${sql}, ${binds.text('^[+-]?[0-9]')})`, must: FALSE };
    case 'boolean':
      return exactly(`lowerUTF8(${sql}) = ${binds.text(String(compare.value))}`);
  }
}

/**
 * A condition that holds of a JSON document whenever it has a value somewhere that satisfies the comparison. Canonical
 * JSON writes a text in one way, so a literal is looked for as it would be written.
 */
export function documentHint(doc: string, compare: ValueCompare, binds: Binds): string {
  const written = (text: string) => JSON.stringify(text).slice(1, -1);
  const holds = (text: string, cased: boolean) => isAnyText(doc, 'contains', [written(text)], cased, binds);
  switch (compare.kind) {
    case 'text':
      return holds(compare.text, compare.cased);
    case 'texts':
      return isAnyText(doc, 'contains', compare.texts.map(written), compare.cased, binds);
    case 'glob':
      return allOf(literalsOf(compare.pieces).map((literal) => holds(literal, compare.cased)));
    case 'regex': {
      const literals = requiredLiterals(compare.pattern, compare.ignore_case)?.any;
      // Where case is ignored, `s` may stand for a long s as well, which lower case does not join.
      if (literals === undefined || (compare.ignore_case && literals.some((each) => each.includes('s')))) return TRUE;
      return isAnyText(doc, 'contains', literals.map(written), !compare.ignore_case, binds);
    }
    case 'cidr': {
      const prefix = octetsOf(compare.network);
      return prefix === '' ? TRUE : holds(prefix, true);
    }
    case 'boolean':
      return isAnyText(doc, 'contains', [String(compare.value)], false, binds);
    case 'number':
      return TRUE;
  }
}

/** A number that is a number in SQL as well. */
export function numberTest(sql: string, compare: Compare & { kind: 'number' }, binds: Binds): string {
  const operator = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' }[compare.operator];
  return `toFloat64(${sql}) ${operator} ${binds.float(compare.value)}`;
}

function networkPrefix(sql: string, network: string, binds: Binds): string {
  if (network.includes(':')) return `position(${sql}, ':') > 0`;
  const prefix = octetsOf(network);
  const shape = `match(${sql}, ${binds.text('^[0-9.]+$')})`;
  return prefix === '' ? shape : allOf([`startsWith(${sql}, ${binds.text(prefix)})`, shape]);
}

/** What every address of an IPv4 network begins with: its whole octets. */
function octetsOf(text: string): string {
  const network = parseNetwork(text);
  if (network === undefined || network.bytes.length !== 4) return '';
  const whole = network.bytes.slice(0, Math.floor(network.bits / 8));
  return whole.length === 4 ? whole.join('.') : whole.map((octet) => `${octet}.`).join('');
}

function foldPiece(piece: GlobPiece): GlobPiece {
  return 'literal' in piece ? { literal: foldCase(piece.literal) } : piece;
}

function literalsOf(pieces: readonly GlobPiece[]): string[] {
  return pieces.flatMap((piece) => ('literal' in piece && piece.literal !== '' ? [piece.literal] : []));
}

/** Pieces as an expression of RE2 over the whole text. */
function globExpression(pieces: readonly GlobPiece[]): string {
  const parts = pieces.map((piece) =>
    'literal' in piece ? quoteExpression(piece.literal) : piece.wild === 'any' ? '.*' : '.',
  );
  return `(?s)\\A${parts.join('')}\\z`;
}

/** A text as an expression that finds it and nothing else. */
function quoteExpression(text: string): string {
  return text.replace(/[\0-\x7f]/g, (char) => {
    if (/[A-Za-z0-9_]/.test(char)) return char;
    return char < ' ' || char === '\x7f' ? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}` : `\\${char}`;
  });
}
