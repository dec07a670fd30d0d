/**
 * One look over a text that everything else rests on: its words with a hash each, in one spelling whatever their case,
 * and the tokens that may be identifiers or encoded text. Writes into buffers that are used again, makes no strings.
 */

/** What a token holds, one bit each. */
export const TOKEN = { lower: 1, upper: 2, digit: 4, slash: 8, percent: 16, dot: 32, at: 64 } as const;

const LETTERS = TOKEN.lower | TOKEN.upper;
/** A longer run of letters is cut where its own characters say so, so that any piece of it is cut alike. */
const WORD_CHARS_MAX = 24;
/** A token this long with letters of both cases, or a digit, may be encoded text. */
const ENCODED_CHARS_MIN = 16;
/** A character's part in a token: its bit above, or one of these. */
const JOINT = 128; // joins a token and says nothing, like a hyphen
const BREAK = 129; // ends a token
const ALONE = 130; // is a word of its own, as in Chinese
const IGNORED = 131; // is not seen, like a soft hyphen
const WORD_KINDS = TOKEN.digit;

const KIND = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code);
  if (/[a-z]/.test(char)) KIND[code] = TOKEN.lower;
  else if (/[A-Z]/.test(char)) KIND[code] = TOKEN.upper;
  else if (/[0-9]/.test(char)) KIND[code] = TOKEN.digit;
  else if (/[/\\]/.test(char)) KIND[code] = TOKEN.slash;
  else if (char === '%') KIND[code] = TOKEN.percent;
  else if (char === '.') KIND[code] = TOKEN.dot;
  else if (char === '@') KIND[code] = TOKEN.at;
  else KIND[code] = /[+_#$*~-]/.test(char) ? JOINT : BREAK;
}

const FOLDED_BELOW = 0x600;
/** Letters and digits of the nearer scripts in their one spelling; zero for anything else. */
const FOLD = new Uint16Array(FOLDED_BELOW);
for (let code = 0; code < FOLDED_BELOW; code++) {
  const char = String.fromCharCode(code);
  const lower = char.toLowerCase();
  if (/[\p{L}\p{N}\p{M}]/u.test(char)) FOLD[code] = lower.length === 1 ? lower.charCodeAt(0) : code;
}

/** The kind of a character beyond ASCII. A letter there counts as a small one, so that it alone makes no token. */
function wideKind(code: number): number {
  if (code < FOLDED_BELOW) return FOLD[code] !== 0 ? TOKEN.lower : code === 0xad ? IGNORED : BREAK;
  if (code >= 0x2000 && code < 0x2c00) {
    return (code >= 0x200b && code <= 0x200f) || (code >= 0x2060 && code <= 0x2064) ? IGNORED : BREAK;
  }
  if (code === 0xfeff) return IGNORED;
  if (code >= 0x2e80 && code < 0xa000) return code >= 0x3000 && code < 0x3040 ? BREAK : ALONE;
  if (code >= 0xf900 && code < 0xfb00) return ALONE;
  if (code >= 0xd800 && code < 0xe000) return BREAK;
  if (code < 0xff00) return TOKEN.lower;
  return code <= 0xff5e && foldWide(code) !== 0 ? TOKEN.lower : BREAK;
}

function foldWide(code: number): number {
  if (code < FOLDED_BELOW) return FOLD[code] as number;
  return code > 0xff00 && code <= 0xff5e ? (FOLD[code - 0xfee0] as number) : code; // full-width letters
}

const HASH_SEED = 0x811c9dc5 | 0;
const HASH_PRIME = 0x01000193;

/** Spreads the bits of a hash. */
export function mixed(hash: number): number {
  let mix = hash ^ (hash >>> 16);
  mix = Math.imul(mix, 0x7feb352d);
  mix ^= mix >>> 15;
  mix = Math.imul(mix, 0x846ca68b);
  return mix ^ (mix >>> 16);
}

let units_held = new Uint16Array(4_096);
let bytes_held = Buffer.from(units_held.buffer);
const BIG_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

/** The code units of a text in a buffer that is used again: twice as fast to go through as the string. */
function unitsOf(text: string): Uint16Array {
  if (text.length > units_held.length) {
    units_held = new Uint16Array(Math.max(text.length, units_held.length * 2));
    bytes_held = Buffer.from(units_held.buffer);
  }
  const bytes = bytes_held.write(text, 0, 'utf16le');
  if (BIG_ENDIAN) bytes_held.subarray(0, bytes).swap16();
  return units_held;
}

/** The words and tokens of the text looked at last. */
export class TextScan {
  text = '';
  words = 0;
  starts = new Int32Array(256);
  ends = new Int32Array(256);
  hashes = new Int32Array(256);
  tokens = 0;
  token_starts = new Int32Array(64);
  token_ends = new Int32Array(64);
  token_flags = new Uint8Array(64);
  /** Whether some token may be encoded text. */
  encoded = false;

  /** Looks at a text from one place to another; places are those of the whole text. */
  scan(text: string, from = 0, to = text.length): this {
    this.text = text;
    this.words = 0;
    this.tokens = 0;
    this.encoded = false;
    let token = -1;
    let flags = 0;
    let dots = 0;
    const units = unitsOf(from === 0 && to === text.length ? text : text.slice(from, to));
    let at = 0;
    const end = to - from;
    while (at < end) {
      const code = units[at] as number;
      const kind = code < 128 ? (KIND[code] as number) : wideKind(code);
      if (kind <= WORD_KINDS) {
        if (token < 0) token = at;
        const start = at;
        let hash = HASH_SEED;
        let letter = code;
        let letter_kind = kind;
        do {
          flags |= letter_kind;
          hash = Math.imul(hash ^ (letter < 128 ? letter | 0x20 : foldWide(letter)), HASH_PRIME);
          do {
            if (++at === end) break;
            letter = units[at] as number;
            letter_kind = letter < 128 ? (KIND[letter] as number) : wideKind(letter);
          } while (letter_kind === IGNORED);
        } while (at < end && letter_kind <= WORD_KINDS);
        if (at - start <= WORD_CHARS_MAX) this.push(from + start, from + at, hash);
        else this.addLongWord(from + start, from + at);
        continue;
      }
      if (kind === IGNORED) {
        at++;
        continue;
      }
      if (kind === ALONE) this.push(from + at, from + at + 1, Math.imul(HASH_SEED ^ code, HASH_PRIME));
      if (kind < BREAK) {
        if (token < 0) token = at;
        if (kind !== JOINT) flags |= kind;
        if (kind === TOKEN.dot) dots++;
      } else if (token >= 0) {
        if (flags > LETTERS || at - token >= ENCODED_CHARS_MIN) this.addToken(from + token, from + at, flags, dots);
        token = -1;
        flags = 0;
        dots = 0;
      }
      at++;
    }
    if (token >= 0 && (flags > LETTERS || end - token >= ENCODED_CHARS_MIN))
      this.addToken(from + token, to, flags, dots);
    return this;
  }

  /** The number of the first word that begins at a place or after it. */
  wordFrom(place: number): number {
    let low = 0;
    let high = this.words;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.starts[middle] as number) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private addLongWord(start: number, end: number): void {
    let from = start;
    let hash = HASH_SEED;
    let window = 0; // the last four characters
    for (let at = start; at < end; at++) {
      const code = this.text.charCodeAt(at);
      if (code >= 128 && wideKind(code) === IGNORED) continue;
      const folded = code < 128 ? code | 0x20 : foldWide(code);
      hash = Math.imul(hash ^ folded, HASH_PRIME);
      window = (window << 8) ^ folded;
      if ((mixed(window) & 7) !== 0 && at - from < WORD_CHARS_MAX) continue;
      this.push(from, at + 1, hash);
      from = at + 1;
      hash = HASH_SEED;
    }
    if (from < end) this.push(from, end, hash);
  }

  private push(start: number, end: number, hash: number): void {
    const at = this.words++;
    if (at === this.starts.length) {
      this.starts = grown(this.starts);
      this.ends = grown(this.ends);
      this.hashes = grown(this.hashes);
    }
    this.starts[at] = start;
    this.ends[at] = end;
    this.hashes[at] = hash;
  }

  /** Keeps a token that holds more than letters; the full stop of a sentence does not count. */
  private addToken(start: number, end: number, flags: number, dots: number): void {
    const mixed_case = (flags & LETTERS) === LETTERS || (flags & TOKEN.digit) !== 0;
    if ((flags & TOKEN.percent) !== 0 || (mixed_case && end - start >= ENCODED_CHARS_MIN)) this.encoded = true;
    if ((flags & ~LETTERS) === TOKEN.dot && dots === 1 && this.text.charCodeAt(end - 1) === 0x2e) return;
    const at = this.tokens++;
    if (at === this.token_starts.length) {
      this.token_starts = grown(this.token_starts);
      this.token_ends = grown(this.token_ends);
      const flags_grown = new Uint8Array(at * 2);
      flags_grown.set(this.token_flags);
      this.token_flags = flags_grown;
    }
    this.token_starts[at] = start;
    this.token_ends[at] = end;
    this.token_flags[at] = flags;
  }
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
