/**
 * Finds addresses, hosts, account numbers and phone numbers in text. One pass over the characters; around each anchor
 * (an @, a dot, `://`, a digit) a bounded stretch is looked at, so the time is linear whatever the text is.
 */
import { hostOf, ibanHolds, ibanLength, normaliseAccount, normalisePhone, type ValueKind } from './normalise.ts';

export interface ExtractedValue {
  kind: ValueKind;
  /** In its one spelling. */
  value: string;
  start: number;
  end: number;
}

/** What the place of a text says about bare digits in it: the name of its field or parameter. */
export interface NumberHint {
  account: boolean;
  phone: boolean;
}

const LOCAL_CHARS_MAX = 64;
const HOST_CHARS_MAX = 253;
const URL_CHARS_MAX = 2_048;
const CONTEXT_CHARS = 48;
/** Of an account or a phone. */
const DIGITS_MIN = 7;
const DATE_CHARS = 10;
const DATE_DIGITS = [1, 2, 3, 5, 6, 8, 9];

// One bit for each class a character belongs to.
const DIGIT = 1;
const LETTER = 2;
const HOST = 4; // letters, digits, - and .
const LOCAL = 8; // what stands before the @ of an address
const URL_END = 16;
const CLASSES = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code);
  let bits = 0;
  if (/\d/.test(char)) bits |= DIGIT | HOST | LOCAL;
  if (/[A-Za-z]/.test(char)) bits |= LETTER | HOST | LOCAL;
  if (/[-.]/.test(char)) bits |= HOST | LOCAL;
  if (/[_%+]/.test(char)) bits |= LOCAL;
  if (/[\u0000-\u0020"'<>`|\\^{}]/.test(char)) bits |= URL_END;
  CLASSES[code] = bits;
}

/** The characters that a value is found by. */
const ANCHORS = new Uint8Array(128);
for (const char of '0123456789@:.') ANCHORS[char.charCodeAt(0)] = 1;

function is(text: string, at: number, classes: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 128) return ((CLASSES[code] ?? 0) & classes) !== 0;
  // Letters of other scripts may stand in hosts and addresses.
  return code >= 0xc0 && code < 0x2000 && (classes & (HOST | LOCAL | LETTER)) !== 0 && classes !== LETTER;
}

const NO_HINT: NumberHint = { account: false, phone: false };
const NONE: readonly ExtractedValue[] = [];

/** Every value of a text between two places, in the order of the text. */
export function extractValues(
  text: string,
  hint: NumberHint = NO_HINT,
  start = 0,
  end = text.length,
): readonly ExtractedValue[] {
  let found: ExtractedValue[] | undefined;
  let from = start; // nothing before here belongs to a later value
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x40 || ANCHORS[code] !== 1) continue;
    if (code <= 0x39 && code >= 0x30) {
      const skip = fewDigits(text, at, end);
      if (skip > at && !is(text, at - 1, LETTER)) {
        at = skip - 1;
        continue;
      }
    }
    const value = valueAt(text, at, from, hint);
    if (value === undefined) continue;
    if (value.value !== '') {
      found ??= [];
      found.push(value);
    }
    from = value.end;
    at = Math.max(at, value.end - 1);
  }
  return found ?? NONE;
}

/** Where a number ends that has too few digits to be an account or a phone; `at` when it has more. */
function fewDigits(text: string, at: number, end: number): number {
  if (isDateAt(text, at)) return at + DATE_CHARS;
  let last = at;
  let count = 0;
  for (let next = at; next < end; next++) {
    const code = text.charCodeAt(next);
    if (code >= 0x30 && code <= 0x39) {
      if (++count >= DIGITS_MIN) return at;
      last = next + 1;
    } else if (next - last >= 2 || (code !== 0x20 && code !== 0x2d && code !== 0x28 && code !== 0x29)) break;
  }
  return last;
}

/** A date such as 2026-01-15. */
function isDateAt(text: string, at: number): boolean {
  if (text.charCodeAt(at + 4) !== 0x2d || text.charCodeAt(at + 7) !== 0x2d) return false;
  for (const place of DATE_DIGITS) if (!is(text, at + place, DIGIT)) return false;
  return !is(text, at + DATE_CHARS, DIGIT);
}

/** The value that the character at `at` anchors; one with an empty `value` says how far to skip. */
function valueAt(text: string, at: number, from: number, hint: NumberHint): ExtractedValue | undefined {
  const code = text.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return numberAt(text, at, from, hint);
  if (code === 0x40) return emailAt(text, at, from);
  if (code === 0x3a) return text.startsWith('://', at) ? urlAt(text, at, from) : undefined;
  if (code === 0x2e) return bareHostAt(text, at, from);
  return undefined;
}

function backWhile(text: string, at: number, floor: number, classes: number): number {
  let start = at;
  while (start > floor && is(text, start - 1, classes)) start--;
  return start;
}

function forwardWhile(text: string, at: number, ceiling: number, classes: number): number {
  const limit = Math.min(text.length, ceiling);
  let end = at;
  while (end < limit && is(text, end, classes)) end++;
  return end;
}

function emailAt(text: string, at: number, from: number): ExtractedValue | undefined {
  let start = backWhile(text, at, Math.max(from, at - LOCAL_CHARS_MAX), LOCAL);
  while (start < at && !is(text, start, DIGIT | LETTER)) start++;
  let end = forwardWhile(text, at + 1, at + 1 + HOST_CHARS_MAX, HOST);
  while (end > at + 1 && !is(text, end - 1, DIGIT | LETTER)) end--;
  const host = text.slice(at + 1, end);
  if (start === at || !/\.[^.\d-][^.]+$/.test(host)) return undefined;
  return { kind: 'email', value: text.slice(start, end).toLowerCase(), start, end };
}

function urlAt(text: string, at: number, from: number): ExtractedValue | undefined {
  const start = backWhile(text, at, Math.max(from, at - 16), LETTER | DIGIT);
  if (start === at) return undefined;
  const end = trimUrl(text, at + 3, urlEnd(text, at + 3));
  const host = hostOf(text.slice(start, end));
  return { kind: 'host', value: host ?? '', start, end };
}

function urlEnd(text: string, at: number): number {
  const limit = Math.min(text.length, at + URL_CHARS_MAX);
  let end = at;
  while (end < limit && ((CLASSES[text.charCodeAt(end)] ?? 0) & URL_END) === 0 && text.charCodeAt(end) < 0x2000) end++;
  return end;
}

/** Punctuation that closes a sentence or a bracket is no part of the URL before it. */
function trimUrl(text: string, floor: number, end: number): number {
  let trimmed = end;
  while (trimmed > floor && /[.,;:!?)\]*_~]/.test(text.charAt(trimmed - 1))) trimmed--;
  return trimmed;
}

// Endings under which bare hosts are written; with `www.` or `://` before it any ending will do.
const TOP_LEVEL = new Set(
  `com org net info biz edu gov mil int io ai app dev xyz online site shop store tech cloud club top live news blog page
  link click email website space fun icu work world life agency digital media group network systems solutions services
  support center finance bank money pay health care academy school design studio software tools zone team today run
  test example invalid local internal lan onion arpa name pro mobi travel jobs chat wiki host cyou buzz`.split(/\s+/),
);
const TWO_LETTER_FILE_ENDINGS = new Set(
  'py sh md js ts rs cc pl ps so gz db cs rb vb go hs kt mk ml mm pm tf cr'.split(' '),
);

function bareHostAt(text: string, at: number, from: number): ExtractedValue | undefined {
  if (!is(text, at - 1, DIGIT | LETTER) || !is(text, at + 1, DIGIT | LETTER)) return undefined;
  const start = backWhile(text, at, Math.max(from, at - HOST_CHARS_MAX), HOST);
  const end = forwardWhile(text, at, at + HOST_CHARS_MAX, HOST);
  const before = text.charAt(start - 1);
  // `name.part@` is an address that its @ will find; after these characters it is a path or a variable.
  if (startsAddress(text, end) || (before !== '' && '@/\\_$#'.includes(before))) return undefined;
  // A decimal number or a version: an address of numbers has three dots.
  if (is(text, end - 1, DIGIT) && end - start < 7) return { kind: 'host', value: '', start, end };
  const host = text.slice(start, end).replace(/[-.]+$/, '');
  if (!isBareHost(host)) return { kind: 'host', value: '', start, end: start + host.length };
  const whole_end =
    text.charAt(start + host.length) === '/' ? trimUrl(text, end, urlEnd(text, end)) : start + host.length;
  return { kind: 'host', value: hostOf(host) ?? '', start, end: whole_end };
}

/** Whether what ends here goes on as the part of an address before its @. */
function startsAddress(text: string, end: number): boolean {
  return text.charAt(forwardWhile(text, end, end + LOCAL_CHARS_MAX, LOCAL)) === '@';
}

/** Whether a dotted name without a scheme is a host: by its ending, by `www.`, or as an IPv4 address. */
function isBareHost(name: string): boolean {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(name)) return name.split('.').every((part) => Number(part) <= 255);
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (/^www\./i.test(name)) return /^www\.[^.].*\.[a-z]{2,}$/i.test(name);
  if (last !== last.toLowerCase() && last !== last.toUpperCase()) return false;
  const ending = last.toLowerCase();
  return TOP_LEVEL.has(ending) || (/^[a-z]{2}$/.test(ending) && !TWO_LETTER_FILE_ENDINGS.has(ending));
}

const ACCOUNT_WORD = /account|acct|a\/c|iban|routing|payee|beneficiary|\bcard\b/i;
const PHONE_WORD = /phone|mobile|\bcell|\btel\b|telephone|\bfax|\bsms|\btext\b|\bcall\b|\bdial|whatsapp/i;
const ISO_DATE = /^\d{4}-\d{2}-\d{2}/;

function numberAt(text: string, at: number, from: number, hint: NumberHint): ExtractedValue | undefined {
  if (is(text, at - 1, LETTER)) {
    return is(text, at + 1, DIGIT) && is(text, at - 2, LETTER) && at - 2 >= from ? ibanAt(text, at - 2) : undefined;
  }
  const end = numberEnd(text, at);
  const written = text.slice(at, end);
  const digits = written.replace(/\D/g, '');
  // An identifier such as 12ab or a dotted version is no number; an IPv4 address is left to its first dot.
  if (is(text, end, LETTER) || text.charAt(end) === '@') return undefined;
  if (written.length === digits.length && text.charAt(end) === '.' && is(text, end + 1, DIGIT)) return undefined;
  const start = text.charAt(at - 1) === '+' || text.charAt(at - 1) === '(' ? at - 1 : at;
  const kind = ISO_DATE.test(written) ? undefined : numberKind(text, at, written, digits.length, hint);
  const value = kind === 'account' ? digits : normalisePhone(digits);
  return { kind: kind ?? 'phone', value: kind === undefined ? '' : value, start, end };
}

const JOINS_DIGITS = ' -()';

/** Digits with single separators between their groups. */
function numberEnd(text: string, at: number): number {
  const limit = Math.min(text.length, at + 28);
  let end = at;
  for (let next = at; next < limit; next++) {
    if (is(text, next, DIGIT)) end = next + 1;
    else if (next - end >= 2 || !JOINS_DIGITS.includes(text.charAt(next))) break;
  }
  return end === limit ? forwardWhile(text, end, end + 256, DIGIT) : end;
}

function numberKind(text: string, at: number, written: string, count: number, hint: NumberHint): ValueKind | undefined {
  if (count < DIGITS_MIN || count > 17) return undefined;
  const plus = text.charAt(at - 1) === '+';
  const grouped = /^(?:1[- ])?\d{3}\)?[- ]{1,2}\d{3}[- ]\d{4}$/.test(written);
  if (count <= 15 && (plus || grouped || hint.phone)) return 'phone';
  if (count >= 8 && hint.account) return 'account';
  const before = text.slice(Math.max(0, at - CONTEXT_CHARS), at);
  const context = before.slice(before.lastIndexOf('\u0000') + 1); // strings of one result are joined by a NUL
  if (count >= 8 && ACCOUNT_WORD.test(context)) return 'account';
  if (count <= 15 && PHONE_WORD.test(context)) return 'phone';
  return undefined;
}

const IBAN_CHARS_MAX = 34;

function ibanAt(text: string, start: number): ExtractedValue | undefined {
  if (is(text, start - 1, LETTER | DIGIT)) return undefined;
  const length = ibanLength(text.slice(start, start + 2));
  const compact_end = forwardWhile(text, start, start + 64, LETTER | DIGIT);
  if (length !== undefined) {
    const end = endOfChars(text, start, length);
    const iban = end === undefined ? '' : normaliseAccount(text.slice(start, end));
    if (end !== undefined && ibanHolds(iban)) return { kind: 'account', value: iban, start, end };
  }
  // Shaped like an IBAN without a valid check: still an account for somebody who pays to it.
  const compact = text.slice(start, compact_end);
  if (compact.length < 14 || compact.length > IBAN_CHARS_MAX || compact.replace(/\D/g, '').length < 10)
    return undefined;
  return { kind: 'account', value: normaliseAccount(compact), start, end: compact_end };
}

/** Where the `count`-th letter or digit ends, when single spaces or dashes separate the groups and the word ends there. */
function endOfChars(text: string, start: number, count: number): number | undefined {
  let seen = 0;
  let at = start;
  for (; seen < count; at++) {
    if (is(text, at, LETTER | DIGIT)) seen++;
    else if (!' -'.includes(text.charAt(at)) || at >= text.length || !is(text, at - 1, LETTER | DIGIT))
      return undefined;
  }
  return is(text, at, LETTER | DIGIT) ? undefined : at;
}
