/**
 * Decides whether a JSON number keeps all its digits as an IEEE 754 double (RFC 7493 section 2.2).
 */

/** From here on the canonical form (RFC 8785) of a number has an exponent. */
const EXPONENT_FROM = 1e21;
/** A double keeps any 15 digits, as long as it is not subnormal (below 2.3e-308). */
const SHORT_CHARS = 15;
const SMALLEST_SHORT = 1e-300;

/** A decimal number as `0.DIGITS * 10^magnitude` without a sign; zero has no digits. */
type Decimal = { digits: string; magnitude: number };

/**
 * Whether the number, given as its JSON text, changes when it becomes a double and is printed again: more digits
 * than a double holds, overflow, non-zero underflow, or an integer beyond ±(2^53-1). A number beyond that bound
 * passes only when it has an exponent, is at least 1e21 and keeps its digits (6.02e23), since smaller ones would be
 * printed as plain integers. So each number that passes also passes in its canonical form. Linear in the length of
 * the text; never throws.
 */
export function losesDigits(text: string): boolean {
  const value = Math.abs(Number(text));
  if (!Number.isFinite(value)) return true;
  if (text.length <= SHORT_CHARS && value > SMALLEST_SHORT && value <= Number.MAX_SAFE_INTEGER) return false;
  const unsigned = text.startsWith('-') ? text.slice(1) : text;
  const at = Math.max(unsigned.indexOf('e'), unsigned.indexOf('E'));
  if (value > Number.MAX_SAFE_INTEGER && (at < 0 || value < EXPONENT_FROM)) return true;
  const written = at < 0 ? decimal(unsigned, 0) : decimal(unsigned.slice(0, at), Number(unsigned.slice(at + 1)));
  const [significand = '', exponent = ''] = value.toExponential().split('e');
  const kept = decimal(significand, Number(exponent));
  return written.digits !== kept.digits || written.magnitude !== kept.magnitude;
}

function decimal(significand: string, exponent: number): Decimal {
  const point = significand.indexOf('.');
  const whole = point < 0 ? significand : significand.slice(0, point);
  const all = point < 0 ? whole : whole + significand.slice(point + 1);
  let first = 0;
  while (first < all.length && all.charCodeAt(first) === 0x30) first++;
  if (first === all.length) return { digits: '', magnitude: 0 };
  let last = all.length;
  while (all.charCodeAt(last - 1) === 0x30) last--;
  return { digits: all.slice(first, last), magnitude: exponent + whole.length - first };
}
