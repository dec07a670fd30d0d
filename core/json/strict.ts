/**
 * Parses JSON so that what we read is what every other reader would read: I-JSON (RFC 7493) plus a depth limit.
 *
 * JSON.parse makes the value; one scan of the bytes finds what JSON.parse lets pass. The scan only proves that a text
 * is good; the slow search for the place of a fault runs once a text is to be refused.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { AppError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { stringEnd } from './bytes.ts';
import { locate } from './locate.ts';
import { losesDigits } from './numbers.ts';
import { isWellFormed, quoteShort } from './text.ts';

const QUOTE = 0x22;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_E = 0x45;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const LOWER_E = 0x65;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** `depth_max`: most arrays and objects open at once. Keep it below 1000, since values are walked by recursion. */
export type JsonLimits = { readonly depth_max: number };

export const JSON_LIMITS: JsonLimits = { depth_max: LIMITS.json_depth_max };

/** Number tokens of up to this many characters, without an exponent, keep all their digits as a double. */
const SAFE_NUMBER_CHARS = 15;
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/** What the scan learned. The number is the first one that a double cannot hold. */
type Scan = { members: number; bad_number: { offset: number; text: string } | undefined };

/**
 * Parses ONE JSON text (RFC 8259) in UTF-8 under I-JSON (RFC 7493). The result is what JSON.parse returns; a key
 * `__proto__` is an own property of it.
 *
 * Throws an AppError and nothing else: `json_invalid_utf8`, `json_byte_order_mark`, `json_too_deep` (before anything
 * is parsed), `json_malformed`, `json_duplicate_key` (keys compared after unescaping), `json_lone_surrogate`,
 * `json_number_loses_digits` (see `losesDigits`). Offsets in messages are bytes from the start of `bytes`; a message
 * repeats at most 40 characters of the input. The caller bounds the length (below 512 MB). Time is linear in it.
 */
export function parseStrict(bytes: Uint8Array, limits: JsonLimits = JSON_LIMITS): unknown {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ascii = isAscii(buffer);
  if (!ascii) refuseEncoding(buffer);
  const raw = buffer.toString('latin1');
  const scan = scanStructure(buffer, raw, limits.depth_max);
  const value = parse(ascii ? raw : buffer.toString('utf8'), raw);
  if (countMembers(value) !== scan.members) refuseDuplicateKey(raw);
  if (raw.includes('\\u') && SURROGATE_ESCAPE.test(raw) && !isAllWellFormed(value)) refuseLoneSurrogate(raw);
  if (scan.bad_number !== undefined) refuseNumber(scan.bad_number);
  return value;
}

function refuseEncoding(buffer: Buffer): void {
  if (!isUtf8(buffer)) throw new AppError('json_invalid_utf8', 'the text is not valid UTF-8');
  if (buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf) {
    throw new AppError('json_byte_order_mark', 'the text starts with a byte order mark; send it without');
  }
}

/**
 * Counts members (colons outside strings), refuses what is too deep, examines numbers. Trusts nothing but UTF-8; on a
 * text that is not JSON the result has no meaning, and JSON.parse refuses it next.
 */
function scanStructure(bytes: Buffer, raw: string, depth_max: number): Scan {
  const scan: Scan = { members: 0, bad_number: undefined };
  const length = bytes.length;
  let depth = 0;
  let members = 0;
  let at = 0;
  while (at < length) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) {
      const end = stringEnd(bytes, at);
      if (end < 0) break;
      at = end;
      continue;
    }
    if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      at = scanNumber(bytes, raw, at, scan);
      continue;
    }
    if (byte === COLON) members++;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > depth_max) refuseDepth(at, depth_max);
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
    at++;
  }
  scan.members = members;
  return scan;
}

/** The offset after the number that starts at `from`; notes the number when it is the first to lose digits. */
function scanNumber(bytes: Buffer, raw: string, from: number, scan: Scan): number {
  let at = skipDigits(bytes, from + 1);
  const exponent = bytes[at] === LOWER_E || bytes[at] === UPPER_E;
  if (exponent) at = skipDigits(bytes, at + 1);
  if ((exponent || at - from > SAFE_NUMBER_CHARS) && scan.bad_number === undefined) {
    const text = raw.slice(from, at);
    if (losesDigits(text)) scan.bad_number = { offset: from, text };
  }
  return at;
}

/** The first offset at or after `from` whose byte is none of `0-9 + - .`. */
function skipDigits(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at] ?? 0;
    const part = (byte >= ZERO && byte <= NINE) || isSignOrPoint(byte);
    if (!part) return at;
    at++;
  }
}

function isSignOrPoint(byte: number): boolean {
  return byte === POINT || byte === MINUS || byte === PLUS;
}

function parse(text: string, raw: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The engine's own message repeats the input and changes between versions.
    return refuseMalformed(raw);
  }
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null) count += countMembers(item);
    return count;
  }
  const members = value as Record<string, unknown>;
  // for-in is the fast way over what JSON.parse made; what a tampered Object.prototype adds must not be counted.
  for (const key in members) {
    if (!Object.hasOwn(members, key)) continue;
    count++;
    const member = members[key];
    if (typeof member === 'object' && member !== null) count += countMembers(member);
  }
  return count;
}

function isAllWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return isWellFormed(value);
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isAllWellFormed);
  return Object.entries(value).every(([key, member]) => isWellFormed(key) && isAllWellFormed(member));
}

function refuseMalformed(raw: string): never {
  if (raw.length === 0) throw new AppError('json_malformed', 'the text is empty');
  const offset = locate(raw, 'malformed')?.offset ?? raw.length;
  const where = offset >= raw.length ? 'it ends too early' : `it goes wrong at byte ${offset}`;
  throw new AppError('json_malformed', `the text is not JSON: ${where}`);
}

function refuseDuplicateKey(raw: string): never {
  const place = locate(raw, 'duplicate_key') ?? { offset: 0, text: '' };
  const key = quoteShort(place.text);
  throw new AppError('json_duplicate_key', `the key ${key} at byte ${place.offset} is already in its object`);
}

function refuseLoneSurrogate(raw: string): never {
  const place = locate(raw, 'lone_surrogate') ?? { offset: 0, text: '' };
  const text = quoteShort(place.text);
  throw new AppError('json_lone_surrogate', `the string ${text} at byte ${place.offset} holds half of a \\u pair`);
}

function refuseNumber(number: { offset: number; text: string }): never {
  const text = quoteShort(number.text).slice(1, -1);
  throw new AppError(
    'json_number_loses_digits',
    `the number ${text} at byte ${number.offset} does not fit a 64-bit double without loss; send it as a string`,
  );
}

function refuseDepth(offset: number, depth_max: number): never {
  throw new AppError('json_too_deep', `more than ${depth_max} arrays and objects are open at byte ${offset}`);
}
