/**
 * Byte-level facts of JSON (RFC 8259) that the parser and the framer share: byte values, white space, string ends.
 */

// Constants of the file itself, not members of an object: the engine folds these, and the loops run per byte.
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Strings up to this length are cheaper to walk than to search with a call. */
const SHORT_STRING = 24;

/** Whether the byte is JSON white space: space, tab, LF, CR. */
export function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The part without JSON white space at either end; a view of the same memory. */
export function trimBlank(bytes: Buffer): Buffer {
  let from = 0;
  let to = bytes.length;
  while (from < to && isBlank(bytes[from])) from++;
  while (to > from && isBlank(bytes[to - 1])) to--;
  return bytes.subarray(from, to);
}

/**
 * The offset after the closing quote of the string that opens at `open`, or -1 when it does not close. Only finds the
 * end; the content is not examined. Linear in the length of the string, whatever the number of backslashes.
 */
export function stringEnd(bytes: Buffer, open: number): number {
  const near = Math.min(bytes.length, open + 1 + SHORT_STRING);
  let at = open + 1;
  while (at < near) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    at += byte === BACKSLASH ? 2 : 1;
  }
  return longStringEnd(bytes, at);
}

/** As `stringEnd`, from an offset inside the string that no backslash escapes. */
function longStringEnd(bytes: Buffer, from: number): number {
  let close = bytes.indexOf(QUOTE, from);
  while (close > from && bytes[close - 1] === BACKSLASH) {
    let before = close - 2;
    while (before >= from && bytes[before] === BACKSLASH) before--;
    if ((close - before) % 2 === 1) break; // an even number of backslashes: each escapes another
    close = bytes.indexOf(QUOTE, close + 1);
  }
  return close < 0 ? -1 : close + 1;
}
