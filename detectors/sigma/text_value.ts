/** Texts of rules: wildcards, encodings and dashes, and the comparison that they come down to. */
import type { Compare, GlobPiece } from './ir.ts';

/** Reads Sigma's wildcards: a backslash before `*`, `?` or itself takes the meaning away, elsewhere it is itself. */
export function parseGlob(text: string): GlobPiece[] {
  const pieces: GlobPiece[] = [];
  let literal = '';
  const flush = (): void => {
    if (literal !== '') pieces.push({ literal });
    literal = '';
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    const next = text[at + 1];
    if (char === '\\' && (next === '*' || next === '?' || next === '\\')) {
      literal += next;
      at++;
    } else if (char === '*' || char === '?') {
      flush();
      pieces.push({ wild: char === '*' ? 'any' : 'one' });
    } else {
      literal += char;
    }
  }
  flush();
  return pieces;
}

/** The text of pieces without wildcards, or undefined when there is one. */
export function plainText(pieces: readonly GlobPiece[]): string | undefined {
  let text = '';
  for (const piece of pieces) {
    if ('wild' in piece) return undefined;
    text += piece.literal;
  }
  return text;
}

/** The simplest comparison that says the same as the pieces. */
export function compareOf(given: readonly GlobPiece[], cased: boolean): Compare {
  const pieces = withoutRepeats(given);
  const starts_wild = isAny(pieces[0]);
  const ends_wild = isAny(pieces.at(-1));
  if (pieces.length === 0) return { kind: 'exists', exists: false };
  if (pieces.length === 1 && starts_wild) return { kind: 'exists', exists: true };
  const inner = pieces.slice(starts_wild ? 1 : 0, ends_wild ? -1 : undefined);
  const text = plainText(inner);
  if (text === undefined) return { kind: 'glob', pieces, cased };
  const form = starts_wild ? (ends_wild ? 'contains' : 'ends') : ends_wild ? 'starts' : 'equals';
  return { kind: 'text', form, text, cased };
}

function isAny(piece: GlobPiece | undefined): boolean {
  return piece !== undefined && 'wild' in piece && piece.wild === 'any';
}

function withoutRepeats(pieces: readonly GlobPiece[]): GlobPiece[] {
  return pieces.filter((piece, at) => !(isAny(piece) && isAny(pieces[at - 1])));
}

/** Whether a text fits pieces from end to end. Takes time in proportion to the product of both lengths at most. */
export function globFits(text: string, pieces: readonly GlobPiece[]): boolean {
  // Greedy with one point to return to: after a later `*`, an earlier one has no better choice.
  let at = 0;
  let piece = 0;
  let resume_at = -1;
  let resume_piece = -1;
  for (;;) {
    const next = pieces[piece];
    if (next === undefined && at === text.length) return true;
    if (next !== undefined && 'literal' in next && text.startsWith(next.literal, at)) {
      at += next.literal.length;
      piece++;
    } else if (next !== undefined && 'wild' in next && next.wild === 'one' && at < text.length) {
      at += charLength(text, at);
      piece++;
    } else if (next !== undefined && isAny(next)) {
      if (piece === pieces.length - 1) return true;
      resume_at = at;
      resume_piece = ++piece;
    } else {
      if (resume_piece < 0 || resume_at >= text.length) return false;
      resume_at = nextTry(text, resume_at, pieces[resume_piece]);
      if (resume_at < 0) return false;
      at = resume_at;
      piece = resume_piece;
    }
  }
}

/** The next place after `at` where the piece after a `*` may begin, or -1. */
function nextTry(text: string, at: number, piece: GlobPiece | undefined): number {
  const from = at + charLength(text, at);
  return piece !== undefined && 'literal' in piece ? text.indexOf(piece.literal, from) : from;
}

function charLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

export const WIDE_ENCODINGS = ['wide', 'utf16le', 'utf16be', 'utf16'] as const;
export type WideEncoding = (typeof WIDE_ENCODINGS)[number];

/** A text as bytes of UTF-16; `wide` is little-endian, `utf16` has a byte order mark before it. */
export function wideBytes(text: string, encoding: WideEncoding): Buffer {
  const little = Buffer.from(text, 'utf16le');
  if (encoding === 'utf16be') return Buffer.from(little).swap16();
  return encoding === 'utf16' ? Buffer.concat([Buffer.from([0xff, 0xfe]), little]) : little;
}

/** The three forms that bytes take in base64, by their place among other bytes, without what their neighbours change. */
export function base64Offsets(bytes: Buffer): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    const cut_start = [0, 2, 3][shift];
    const cut_end = [undefined, -3, -2][(bytes.length + shift) % 3];
    return encoded.slice(cut_start, cut_end);
  });
}

const DASHES = ['-', '/', '–', '—', '―'];

/** How many places `windash` exchanges: a dash or slash that begins a word. */
export function dashCount(pieces: readonly GlobPiece[]): number {
  return pieces.reduce((sum, piece) => sum + ('literal' in piece ? dashPlaces(piece.literal).length : 0), 0);
}

/** The pieces with every choice of dash at each of these places. */
export function withDashes(pieces: readonly GlobPiece[]): GlobPiece[][] {
  return pieces.reduce<GlobPiece[][]>(
    (all, piece) => {
      const choices = 'literal' in piece ? dashed(piece.literal).map((literal) => ({ literal })) : [piece];
      return all.flatMap((before) => choices.map((choice) => [...before, choice]));
    },
    [[]],
  );
}

function dashed(text: string): string[] {
  return dashPlaces(text).reduce(
    (texts, at) => texts.flatMap((each) => DASHES.map((dash) => each.slice(0, at) + dash + each.slice(at + 1))),
    [text],
  );
}

function dashPlaces(text: string): number[] {
  return [...text.matchAll(/(?<!\w)[-/–—―](?=\w)/g)].map((match) => match.index);
}
