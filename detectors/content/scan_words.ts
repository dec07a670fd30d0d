/**
 * One pass over a text: which words of the vocabulary it holds and where, and whether anything in it asks for a
 * closer look (invisible or look-alike characters, comments, markup, encoded runs). Everything else here builds on
 * this pass, so that an ordinary text is read once and no more.
 */
import { escapeSight, SIGHT, sightOf } from './sights.ts';
import { FIRST, HELPER, KEY, KEY_KIND, MODEL, ROLE, SECOND, SECRET, SYSTEM, wordWith } from './vocabulary.ts';

/** A token's mark: it begins a line, a string or a sentence. */
export const LINE_START = 1;

/** Fields of a token: classes, word id, start, end, number of its word, number of its sentence, marks. */
export const STRIDE = 8;
const RUN_CHARS_MIN = 24;
const RANDOM_CHARS_MIN = 16;
/** Runs kept of one text. */
const RUNS_MAX = 64;
const RUN_LOOKED_AT_CHARS = 512;
/** Digits in a row that make a number worth keeping, and those of it that are kept. */
const NUMBER_DIGITS_MIN = 5;
const NUMBER_DIGITS_MAX = 15;
/** Tokens kept of one text: one word in eight characters, in the longest text that is searched. */
const TOKENS_MAX = 65_536;

/** What a scan found. Its tokens are overwritten by the next scan. */
export interface WordScan {
  /** The text that was scanned. */
  text: string;
  /** Starts and ends of runs that may be base64 or hex. */
  runs: number[];
  /** Starts and ends of runs with letters and digits, as tokens have. */
  randoms: number[];
  /** Where words stand that name secrets. */
  secrets: number[];
  /** Starts and ends of labels such as `System:` at the beginning of a line. */
  labels: number[];
  /** Numbers of five digits and more. */
  numbers: number[];
  tokens: Int32Array;
  count: number;
  /** All classes of the first bank that occur. */
  classes: number;
  sights: number;
}

/** The last scan that was made. */
export const lastScan: WordScan = {
  text: '',
  runs: [],
  randoms: [],
  secrets: [],
  labels: [],
  numbers: [],
  tokens: new Int32Array(STRIDE * 512),
  count: 0,
  classes: 0,
  sights: 0,
};

const LETTERS = 26;
// Kinds of what is no letter.
const PLAIN = 32; // ends a word, and the beginning of a line
const SOFT = 33; // may stand before the first word of a line
const STOP = 34; // needs a look of its own
const DIGIT = 35;
const RUN = 36; // may stand in base64
const SOFT_RUN = 37; // the same, and before the first word of a line
/**
 * The kind of every UTF-16 unit, 0 to 25 for the Latin letters with or without marks: a plain look-up is the fastest
 * there is, and ordinary text touches little of it.
 */
const KIND = new Uint8Array(65_536).fill(STOP);
fillKinds();

function fillKinds(): void {
  for (let code = 0; code < 0x250; code++) {
    const char = String.fromCharCode(code);
    const base = char.normalize('NFD').charAt(0).toLowerCase();
    if (base >= 'a' && base <= 'z') KIND[code] = base.charCodeAt(0) - 97;
    else if (code < 128) KIND[code] = asciiKind(char);
  }
}

function asciiKind(char: string): number {
  if (/\d/.test(char)) return DIGIT;
  if (/[+/]/.test(char)) return RUN;
  if (char === '_') return SOFT_RUN;
  if (/[\n.!?\\<[\]"'%:#=|@\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-]/.test(char)) return STOP;
  return /[ \t\r*>({`~]/.test(char) ? SOFT : PLAIN;
}

let scratch = Buffer.allocUnsafeSlow(131_072);
let scratch_units = new Uint16Array(scratch.buffer);
/** Scratch memory is kept up to this size; longer texts, which are rare, get their own. */
const SCRATCH_BYTES_MAX = 1_048_576;

/** The units of a text in plain memory, where a loop reads them far faster than in a string. */
function unitsOf(text: string): Uint16Array {
  const bytes = text.length * 2;
  if (bytes > SCRATCH_BYTES_MAX) return unitsIn(Buffer.allocUnsafeSlow(bytes), text);
  if (bytes > scratch.length) {
    scratch = Buffer.allocUnsafeSlow(Math.min(SCRATCH_BYTES_MAX, bytes * 2));
    scratch_units = new Uint16Array(scratch.buffer);
  }
  scratch.write(text, 0, bytes, 'utf16le');
  return scratch_units;
}

function unitsIn(memory: Buffer, text: string): Uint16Array {
  memory.write(text, 'utf16le');
  return new Uint16Array(memory.buffer);
}

// Where the scan stands. A stop changes these, and a word reads them.
let units: Uint16Array = scratch_units;
let length = 0;
let sights = 0;
let sentence = 0;
/** Whether a word that came now would begin a line, a string or a sentence. */
let fresh = true;
/** Where the run of base64 characters begins. */
let run = 0;

/** Reads a text. Costs a fixed number of steps for each character. */
export function scanWords(text: string): WordScan {
  begin(text);
  const memory = units;
  const size = text.length;
  let classes = 0;
  let count = 0;
  let ordinal = 0;
  let at = 0;
  while (at < size) {
    const code = memory[at] as number;
    let kind = KIND[code] as number;
    if (kind < LETTERS) {
      const start = at;
      let key = 0;
      let letters = 0;
      for (;;) {
        key = (Math.imul(key, 33) + kind + 1) | 0; // as `nextKey` does
        letters++;
        if (++at === size) break;
        kind = KIND[memory[at] as number] as number;
        if (kind < LETTERS) continue;
        kind = afterApostrophe(at);
        if (kind >= LETTERS) break;
        at++;
      }
      ordinal++;
      const id = wordWith(key, letters);
      if (id !== 0) {
        classes |= FIRST[id] as number;
        if ((((FIRST[id] as number) & SECRET) !== 0 || isKeyOfKind(id, count, ordinal)) && noteSecret(start))
          classes |= SECRET;
        if (count < TOKENS_MAX) pushToken(count++, id, start, at, ordinal);
      }
      fresh = false;
    } else if (kind === DIGIT) {
      at = readNumber(at);
    } else {
      // A dash or an equals sign is part of a run and may be a mark of its own.
      if (kind < RUN && code !== 45 && code !== 61) {
        if (at - run >= RANDOM_CHARS_MIN) noteRun(text, run, at);
        run = at + 1;
      }
      at++;
      if (kind === STOP) at = readStop(text, at, code, count);
      else if (kind === PLAIN || kind === RUN) fresh = false;
    }
  }
  if (size - run >= RANDOM_CHARS_MIN) noteRun(text, run, size);
  lastScan.count = count;
  lastScan.classes = classes;
  lastScan.sights = sights;
  return lastScan;
}

function begin(text: string): void {
  lastScan.text = text;
  if (lastScan.runs.length > 0) lastScan.runs = [];
  if (lastScan.randoms.length > 0) lastScan.randoms = [];
  if (lastScan.secrets.length > 0) lastScan.secrets = [];
  if (lastScan.labels.length > 0) lastScan.labels = [];
  if (lastScan.numbers.length > 0) lastScan.numbers = [];
  units = unitsOf(text);
  length = text.length;
  sights = sentence = run = 0;
  fresh = true;
}

/** The kind of the letter after an apostrophe inside a word, as in don't; no letter's kind otherwise. */
function afterApostrophe(at: number): number {
  const code = units[at] as number;
  if ((code !== 39 && code !== 0x2019) || at + 1 === length) return STOP;
  return KIND[units[at + 1] as number] as number;
}

/** Reads digits; gives the place after them. */
function readNumber(from: number): number {
  let at = from;
  let value = 0;
  for (; at < length; at++) {
    const code = units[at] as number;
    if (code < 48 || code > 57) break;
    if (at - from < NUMBER_DIGITS_MAX) value = value * 10 + code - 48;
  }
  if (at - from >= NUMBER_DIGITS_MIN && lastScan.numbers.length < RUNS_MAX) lastScan.numbers.push(value);
  fresh = false;
  return at;
}

/** Looks at a character that is no letter, digit or blank; `at` is the place after it, and so is what comes back. */
function readStop(text: string, at: number, code: number, count: number): number {
  const after = at < length ? (units[at] as number) : 0;
  switch (code) {
    case 10:
      return readBreak(text, at);
    case 92: // backslash
      return readEscape(text, at);
    case 46:
    case 33:
    case 63: // . ! ?
      fresh = after <= 32 || after === 34 || after === 39 || after === 92 || after === 60;
      if (fresh) sentence++;
      break;
    case 34: // a quote before , : } ] ends a string
      if (after === 44 || after === 58 || after === 125 || after === 93) sentence++;
      fresh = true;
      break;
    case 60: // <
      if (after === 33) sights |= SIGHT.comment;
      else if (after === 124 || after === 60 || after === 0xff5c) sights |= SIGHT.frame;
      else if (isLetter(after) || after === 47) sights |= SIGHT.markup;
      fresh = true;
      break;
    case 91: // [
      if (after === 47) sights |= SIGHT.comment | SIGHT.frame;
      else if (after >= 65 && after <= 90) sights |= SIGHT.frame;
      break;
    case 93: // ]
      if (after === 40) sights |= SIGHT.link;
      else if (after === 58) sights |= SIGHT.comment;
      fresh = true;
      break;
    case 58: // :
      if (after === 47) sights |= SIGHT.link;
      else if (count > 0) sights |= labelSight(text, count - 1, at - 1);
      fresh = after === 32;
      break;
    case 37: // %
      if (isHex(after)) sights |= SIGHT.percent;
      break;
    case 35:
    case 61:
    case 45:
    case 124: // # = - |
      if (after === code) sights |= SIGHT.frame;
      break;
    case 64:
      sights |= SIGHT.at;
      break;
    default:
      if (code >= 128) sights |= sightOf(code, after);
      else if (code !== 39) sights |= SIGHT.invisible;
  }
  return at;
}

/** A line break ends a sentence when an empty line, a list item or a heading follows. */
function readBreak(text: string, from: number): number {
  const at = skipBlanks(text, from);
  fresh = true;
  if (endsLine(text, at)) sentence++;
  run = at;
  return at;
}

/** An escape as in JSON, whose backslashes are doubled where JSON stands in JSON. */
function readEscape(text: string, from: number): number {
  let at = from;
  while (at < length && units[at] === 92) at++;
  if (isEscape(text, at, 110) || isEscape(text, at, 114)) {
    fresh = true;
    at++;
    if (endsLine(text, at) || isEscape(text, at, 92)) sentence++;
  } else if (isEscape(text, at, 116)) at++;
  else if (isEscape(text, at, 117)) sights |= escapeSight(text, at + 1);
  run = at;
  return at;
}

function pushToken(at: number, id: number, start: number, end: number, ordinal: number): void {
  const base = at * STRIDE;
  if (base >= lastScan.tokens.length) {
    const larger = new Int32Array(lastScan.tokens.length * 2);
    larger.set(lastScan.tokens);
    lastScan.tokens = larger;
  }
  const { tokens } = lastScan;
  tokens[base] = FIRST[id] as number;
  tokens[base + 1] = id;
  tokens[base + 2] = start;
  tokens[base + 3] = end;
  tokens[base + 4] = ordinal;
  tokens[base + 5] = sentence;
  tokens[base + 6] = fresh ? LINE_START : 0;
}

const ROLES = MODEL | HELPER | SYSTEM;

/** What the last word before a colon says: a role that opens its line with a capital is kept, `role` is a sight. */
function labelSight(text: string, token: number, colon: number): number {
  const base = token * STRIDE;
  const { tokens, labels } = lastScan;
  if ((tokens[base + 3] as number) < colon - 3) return 0;
  if (SECOND[tokens[base + 1] as number] === ROLE) return SIGHT.role_key;
  const start = tokens[base + 2] as number;
  const named = ((tokens[base] as number) & ROLES) !== 0 && ((tokens[base + 6] as number) & LINE_START) !== 0;
  const capital = text.charCodeAt(start);
  if (named && capital >= 65 && capital <= 90 && labels.length < RUNS_MAX * 2) {
    labels.push(start, colon + 1);
  }
  return 0;
}

/** Whether a word is `key` and the one before it says what the key opens. */
function isKeyOfKind(id: number, count: number, ordinal: number): boolean {
  if (((SECOND[id] as number) & KEY) === 0 || count === 0) return false;
  const base = (count - 1) * STRIDE;
  if (lastScan.tokens[base + 4] !== ordinal - 1) return false;
  return ((SECOND[lastScan.tokens[base + 1] as number] as number) & KEY_KIND) !== 0;
}

function noteSecret(start: number): boolean {
  if (lastScan.secrets.length < RUNS_MAX) lastScan.secrets.push(start);
  return true;
}

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102);
}

function skipBlanks(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== 32 && code !== 9 && code !== 13) return at;
  }
  return text.length;
}

/** A further break, a list item, a heading or a quote. */
function endsLine(text: string, at: number): boolean {
  if (at >= text.length) return true;
  const code = text.charCodeAt(at);
  return code === 10 || code === 45 || code === 42 || code === 35 || code === 62;
}

function isEscape(text: string, at: number, code: number): boolean {
  return at < text.length && text.charCodeAt(at) === code;
}

/** Judges a run of base64 characters, and keeps its place when it may be a token or encoded text. */
function noteRun(text: string, start: number, end: number): void {
  const run = text.slice(start, Math.min(end, start + RUN_LOOKED_AT_CHARS));
  const digits = /\d/.test(run);
  const random = digits && /[A-Za-z]/.test(run);
  if (random) {
    sights |= SIGHT.random;
    if (lastScan.randoms.length < RUNS_MAX * 2) lastScan.randoms.push(start, end);
  }
  if (end - start < (digits ? RUN_CHARS_MIN : RUN_CHARS_MIN * 2)) return;
  // Encoded text mixes capitals and small letters, or is hex; without a digit it is short.
  if ((!digits && !(/[a-z]/.test(run) && /[A-Z]/.test(run))) || lastScan.runs.length >= RUNS_MAX * 2) return;
  sights |= SIGHT.encoded;
  lastScan.runs.push(start, end);
}
