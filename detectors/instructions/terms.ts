/**
 * The words and values of a text, in its order. Values (addresses, hosts, ids, numbers) stay whole; an id or a path
 * gives its words as well.
 */
import { HASH_START, hashOn, type Lexeme, lexemeOf, valueAt, wordAt } from './lexicon.ts';

export interface Term {
  lex: Lexeme;
  start: number;
  end: number;
}

const TERMS_MAX = 4_000; // of one text
const TERM_CHARS_MAX = 256;
const PARTS_MAX = 8;

const LETTER = 1;
const OTHER = 2; // belongs to a term that is more than a word: digits, @ and _
const INNER = 4; // goes on with a term when it stands between two of its characters
const KINDS = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code);
  if (/[A-Za-z]/.test(char)) KINDS[code] = LETTER;
  else if (/[\d@_]/.test(char)) KINDS[code] = OTHER;
  else if (/[.+:/'-]/.test(char)) KINDS[code] = INNER;
}

function kindOf(code: number): number {
  if (code < 128) return KINDS[code] as number;
  if (code === 0x2019) return INNER;
  // Letters of other scripts.
  return (code >= 0xc0 && code < 0x2000) || (code >= 0x3040 && code < 0xd800) ? LETTER : 0;
}

/** Takes the terms of a text, one after the other. */
interface TermSink {
  take(lex: Lexeme, start: number, end: number): void;
}

class TermList implements TermSink {
  readonly terms: Term[] = [];

  take(lex: Lexeme, start: number, end: number): void {
    this.terms.push({ lex, start, end });
  }
}

/** The terms of a text between two places. Costs time linear in it. */
export function termsOf(text: string, from = 0, to = text.length): Term[] {
  const list = new TermList();
  readTerms(text, from, to, list);
  return list.terms;
}

/** Hands the terms of a text between two places to a sink. Costs time linear in it. */
export function readTerms(text: string, from: number, to: number, sink: TermSink): void {
  let at = from;
  let read = 0;
  while (at < to && read < TERMS_MAX) {
    const first = text.charCodeAt(at);
    const kind = kindOf(first);
    if (kind !== LETTER && kind !== OTHER) {
      at++;
      continue;
    }
    let word = kind === LETTER;
    let hash = hashOn(HASH_START, first);
    let end = at + 1;
    for (; end < to; end++) {
      const code = text.charCodeAt(end);
      const next = kindOf(code);
      if (next === OTHER) word = false;
      else if (next !== LETTER) {
        if (next !== INNER || !goesOn(text, end, to)) break;
        if (code !== 0x27 && code !== 0x2019) word = false;
      }
      if (end - at < TERM_CHARS_MAX) hash = hashOn(hash, code);
    }
    const cut = Math.min(end, at + TERM_CHARS_MAX);
    read++;
    if (word) sink.take(wordAt(text, at, cut, hash), at, end);
    else takeValue(sink, text, at, cut, end, hash);
    at = end;
  }
}

/** Whether an inner mark has a term's character after it, or is part of `://`. */
function goesOn(text: string, at: number, to: number): boolean {
  if (at + 1 >= to) return false;
  const code = text.charCodeAt(at);
  const next = text.charCodeAt(at + 1);
  const kind = kindOf(next);
  if (kind === LETTER || kind === OTHER) return true;
  return next === 0x2f && (code === 0x3a || text.charCodeAt(at - 1) === 0x3a);
}

function takeValue(sink: TermSink, text: string, start: number, cut: number, end: number, hash: number): void {
  const lex = valueAt(text, start, cut, hash);
  if (lex.word !== '') sink.take(lex, start, end);
  if (!holdsTwoLetters(text, start, cut)) return;
  const written = text.slice(start, cut);
  if (isWhole(written)) return;
  // The words inside an id or a path are worth meeting too.
  const parts = written.match(/\p{Lu}?\p{Ll}{2,}|\p{Lu}{2,}/gu);
  if (parts === null || parts.length > PARTS_MAX) return;
  for (const part of parts) sink.take(lexemeOf(part), start, end);
}

/** Two letters side by side; without them there is no word inside. */
function holdsTwoLetters(text: string, start: number, end: number): boolean {
  for (let at = start + 1; at < end; at++) {
    if (kindOf(text.charCodeAt(at)) === LETTER && kindOf(text.charCodeAt(at - 1)) === LETTER) return true;
  }
  return false;
}

const HOST = /^[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,12}(?:\/|$)/;

/** Addresses, URLs and hosts mean nothing in parts; numbers have none. */
function isWhole(written: string): boolean {
  return /[@]|:\/\//.test(written) || /^[\d.,:+-]+$/.test(written) || HOST.test(written);
}
