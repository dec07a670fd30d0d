/**
 * Reads a text the way a model does: characters that show nothing are dropped or decoded, look-alike letters become
 * the Latin ones they pretend to be. Says what was hidden and where. One pass; the text may be anything.
 */
import { isTwinScript, latinTwin, readsAs } from './look_alikes.ts';
import type { Hidden } from './normalise_text.ts';

export interface Characters {
  /** What is read. */
  text: string;
  hidden: Hidden[];
  /** Where a place of the read text stands in the original. */
  origin(at: number): number;
}

const RUNS_MAX = 256;
/** Of one run of invisible characters that are decoded. */
const RUN_POINTS_MAX = 65_536;
/** A name of the flag of England, Scotland or Wales in tag characters, with its end. */
const FLAG_TAGS_MAX = 7;
const BITS_MIN = 16;

interface Reading {
  parts: string[];
  /** Alternating: a place in what is read, and the same place in the original. */
  breaks: number[];
  length: number;
  hidden: Hidden[];
  /** The invisible characters that follow each other at present. */
  run: number[];
  run_start: number;
}

/** Reads the characters of a text. */
export function readCharacters(text: string): Characters {
  const reading: Reading = { parts: [], breaks: [], length: 0, hidden: [], run: [], run_start: 0 };
  let copied = 0;
  const replace = (start: number, end: number, by: string) => {
    if (start > copied) reading.parts.push(text.slice(copied, start));
    if (by !== '') reading.parts.push(by);
    reading.length += start - copied + by.length;
    // What follows directly moves the last break.
    if (start === copied && by === '' && reading.breaks.length > 0) reading.breaks[reading.breaks.length - 1] = end;
    else reading.breaks.push(reading.length, end);
    copied = end;
  };
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code < 128 && code !== 92) {
      if (reading.run.length > 0) closeRun(reading, text, at);
      if (isControl(code)) replace(at, at + 1, '');
      at++;
      continue;
    }
    const { point, width } = pointAt(text, at, code);
    if (isInvisible(point)) {
      if (reading.run.length === 0) reading.run_start = at;
      if (reading.run.length < RUN_POINTS_MAX) reading.run.push(point);
      replace(at, at + width, '');
    } else {
      if (reading.run.length > 0) closeRun(reading, text, at);
      const plain = point > 0xaf || width > 2 ? (readsAs(point) ?? unescaped(point, width)) : undefined;
      if (plain !== undefined) replace(at, at + width, plain);
    }
    at += width;
  }
  if (reading.run.length > 0) closeRun(reading, text, text.length);
  reading.parts.push(text.slice(copied));
  for (const forged of forgedWords(text)) if (reading.hidden.length < RUNS_MAX) reading.hidden.push(forged);
  return { text: reading.parts.join(''), hidden: reading.hidden, origin: (at) => originOf(reading.breaks, at) };
}

const ESCAPED = /^\\{1,4}u([0-9a-fA-F]{4})/;

/** The character at a place; `\u200b` as six letters counts as the one it stands for. */
function pointAt(text: string, at: number, code: number): { point: number; width: number } {
  if (code === 92) {
    // JSON inside JSON doubles its backslashes.
    const hex = ESCAPED.exec(text.slice(at, at + 9));
    if (hex?.[1] === undefined) return { point: code, width: 1 };
    const unit = Number.parseInt(hex[1], 16);
    if (hex[0].length > 6) return { point: unit, width: hex[0].length };
    const low =
      (unit & 0xfc00) === 0xd800 ? /^\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(text.slice(at + 6, at + 12)) : null;
    if (low?.[1] === undefined) return { point: unit, width: 6 };
    return { point: ((unit & 0x3ff) << 10) + (Number.parseInt(low[1], 16) & 0x3ff) + 0x10000, width: 12 };
  }
  const point = text.codePointAt(at) ?? code;
  return { point, width: point > 0xffff ? 2 : 1 };
}

/** An escaped character that shows is read as itself. */
function unescaped(point: number, width: number): string | undefined {
  return width > 2 && point >= 32 ? String.fromCodePoint(point) : undefined;
}

function isControl(code: number): boolean {
  return (code < 32 && code !== 9 && code !== 10 && code !== 13) || code === 127;
}

function isInvisible(point: number): boolean {
  if (point < 0x2000)
    return point === 0xad || point === 0x34f || point === 0x115f || point === 0x1160 || point === 0x180e;
  if (point < 0x2070)
    return (point >= 0x200b && point <= 0x200f) || (point >= 0x202a && point <= 0x202e) || point >= 0x2060;
  if (point === 0x3164 || point === 0xfeff || point === 0xffa0) return true;
  return isSelector(point) || (point >= 0xe0000 && point < 0xe0080);
}

function isSelector(point: number): boolean {
  return (point >= 0xfe00 && point <= 0xfe0f) || (point >= 0xe0100 && point <= 0xe01ef);
}

function isBidi(point: number): boolean {
  return (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

/** Judges invisible characters that follow each other, and decodes what they spell. */
function closeRun(reading: Reading, text: string, end: number): void {
  const { run, run_start: start } = reading;
  reading.run = [];
  if (reading.hidden.length >= RUNS_MAX) return;
  const found = spelled(run, text, start, end);
  if (found !== undefined) reading.hidden.push({ ...found, start, end, count: run.length });
}

function spelled(
  run: readonly number[],
  text: string,
  start: number,
  end: number,
): Pick<Hidden, 'way' | 'text'> | undefined {
  const tags = run.filter((point) => point >= 0xe0000 && point < 0xe0080);
  if (tags.length > 0) {
    const words = String.fromCharCode(...tags.slice(0, 8_192).map((point) => point - 0xe0000)).replace(
      /[^\x20-\x7e]/g,
      '',
    );
    return isFlag(text, start, tags.length) ? undefined : { way: 'tag_characters', text: words };
  }
  const selectors = run.filter(isSelector);
  if (selectors.length >= 4) return { way: 'variation_selectors', text: bytesOf(selectors) };
  if (run.some(isBidi)) {
    const turned = run.some((point) => point === 0x202e);
    return { way: 'bidi', text: turned ? [...untilBreak(text, end)].reverse().join('') : '' };
  }
  const zero_width = run.filter(
    (point) => point !== 0xad && !isSelector(point) && point !== 0x200e && point !== 0x200f,
  );
  if (zero_width.length === 0) return undefined;
  if (run.length < BITS_MIN && !splitsWord(text, start, end)) return undefined;
  return { way: 'zero_width', text: run.length >= BITS_MIN ? bitsOf(zero_width) : '' };
}

/** Flags of parts of a country are written with a black flag and a few tags. */
function isFlag(text: string, start: number, tags: number): boolean {
  return tags <= FLAG_TAGS_MAX && /(?:\ud83c\udff4|\\ud83c\\udff4)$/i.test(text.slice(Math.max(0, start - 12), start));
}

/** Whether Latin letters or digits stand on both sides. */
function splitsWord(text: string, start: number, end: number): boolean {
  return /[A-Za-z0-9]/.test(text.charAt(start - 1)) && /[A-Za-z0-9]/.test(text.charAt(end));
}

function untilBreak(text: string, from: number): string {
  return /^[^\n\u202a-\u202e\u2066-\u2069]{0,400}/.exec(text.slice(from, from + 400))?.[0] ?? '';
}

/** Variation selectors count up from 0, one for each byte. */
function bytesOf(selectors: readonly number[]): string {
  const bytes = selectors.slice(0, 8_192).map((point) => (point < 0xfe10 ? point - 0xfe00 : point - 0xe0100 + 16));
  return printable(Buffer.from(bytes).toString('utf8'));
}

/** Two kinds of invisible characters as zeros and ones, in either sense; a third kind separates. */
function bitsOf(run: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const point of run) counts.set(point, (counts.get(point) ?? 0) + 1);
  const [one, other] = [...counts].sort((a, b) => b[1] - a[1]).map(([point]) => point);
  if (one === undefined || other === undefined) return '';
  const bits = run.filter((point) => point === one || point === other);
  for (const zero of [one, other]) {
    const bytes: number[] = [];
    for (let at = 0; at + 8 <= bits.length; at += 8) {
      bytes.push(bits.slice(at, at + 8).reduce((byte, point) => byte * 2 + (point === zero ? 0 : 1), 0));
    }
    const text = printable(Buffer.from(bytes).toString('utf8'));
    if (text !== '') return text;
  }
  return '';
}

/** A text, if nearly all of it can be read. */
function printable(text: string): string {
  const shown = text.replace(/[^\x20-\x7e\n\u00a1-\u024f]/g, '');
  return shown.length >= text.length * 0.9 ? shown : '';
}

const WORD = /[A-Za-z\u0370-\u058f]{3,64}/g;

/** Words in which letters of another script stand for Latin ones. */
function forgedWords(text: string): Hidden[] {
  const found: Hidden[] = [];
  const whole: Hidden[] = [];
  let native = false; // whether the text is written in such a script at all
  if (!/[\u0370-\u058f]/.test(text)) return found;
  for (const match of text.matchAll(WORD)) {
    const word = match[0];
    let twins = 0;
    let latin = 0;
    let others = 0;
    for (let at = 0; at < word.length; at++) {
      const code = word.charCodeAt(at);
      if (code < 128) latin++;
      else if (latinTwin(code) !== undefined) twins++;
      else if (isTwinScript(code)) others++;
    }
    native ||= others > 0 && latin === 0;
    if (twins === 0 || others > 0) continue;
    const start = match.index;
    const forged: Hidden = { way: 'look_alikes', start, end: start + word.length, count: twins, text: latinised(word) };
    if (latin >= 2) found.push(forged);
    else if (latin === 0 && twins >= 4) whole.push(forged);
    if (found.length >= RUNS_MAX || whole.length >= RUNS_MAX) break;
  }
  // A word of twins alone is forged only where nothing else is written in that script.
  return native ? found : [...found, ...whole];
}

function latinised(word: string): string {
  return [...word].map((char) => latinTwin(char.charCodeAt(0)) ?? char).join('');
}

function originOf(breaks: readonly number[], at: number): number {
  let low = 0;
  let high = breaks.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((breaks[middle * 2] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  const place = low === 0 ? at : (breaks[low * 2 - 1] ?? 0) + at - (breaks[low * 2 - 2] ?? 0);
  // One character may read as several; none of them lies behind it.
  return Math.min(place, breaks[low * 2 + 1] ?? place);
}
