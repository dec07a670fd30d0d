/** Texts with wildcards: matched without backtracking, and as SQL's LIKE has them. */
import type { Pattern } from './tree.ts';

/** Only A to Z: what both the engine and this program fold alike. */
export function foldAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Whether the whole text is as the pattern says. */
export function matchesPattern(text: string, pattern: Pattern): boolean {
  const [first, ...rest] = pattern;
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/** Whether the text holds the pattern somewhere. */
export function holdsPattern(text: string, pattern: Pattern): boolean {
  return matchesPattern(text, ['', ...pattern, '']);
}

/** The pattern in LIKE's notation. */
export function likeText(pattern: Pattern): string {
  return pattern.map((part) => part.replace(/[\\%_]/g, '\\$&')).join('%');
}

/** The words of a text as the index of words has them: runs of ASCII letters and digits, and of anything beyond ASCII. */
export function wordsOf(text: string): string[] {
  return [...new Set(text.toLowerCase().match(/[a-z0-9\u0080-\u{10ffff}]+/gu) ?? [])];
}
