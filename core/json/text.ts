/**
 * Small text helpers of this folder: quoting hostile text in a message, and the test for lone surrogates.
 */

declare global {
  interface String {
    /** In Node >= 20; the es2023 library does not declare it yet. */
    isWellFormed(): boolean;
  }
}

/** Most characters of the input that one message repeats. */
const QUOTED_CHARS_MAX = 40;

/**
 * What a terminal or a log viewer could act on: control and format characters (direction marks, zero width, tags),
 * line separators, lone surrogates; also the quote and the backslash, so that the quoting is unambiguous.
 */
const UNSAFE = /["\\\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/**
 * The text in double quotes for use in a message: at most 40 characters of it, then `…`; everything that a terminal
 * could act on is shown as `\uXXXX`. Never throws.
 */
export function quoteShort(text: string): string {
  const cut = text.length > QUOTED_CHARS_MAX;
  let head = cut ? text.slice(0, QUOTED_CHARS_MAX) : text;
  // A pair that the cut split would look like a lone surrogate of the input.
  if (cut && isHighSurrogate(head.charCodeAt(QUOTED_CHARS_MAX - 1))) head = head.slice(0, -1);
  return `"${head.replace(UNSAFE, escapeUnits)}${cut ? '…' : ''}"`;
}

/** Whether no UTF-16 surrogate of the text stands alone, so that the text has a UTF-8 form. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

function escapeUnits(character: string): string {
  let escaped = '';
  for (let at = 0; at < character.length; at++) {
    escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return escaped;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
