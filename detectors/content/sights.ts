/** What the pass over a text notes as worth a closer look, and which single characters are. */

/** What a text holds that asks for a closer look. */
export const SIGHT = {
  /** Zero-width, bidi, tag or selector characters. */
  invisible: 1 << 0,
  /** Letters that look like Latin ones. */
  look_alike: 1 << 1,
  /** `\uXXXX`, as in JSON that holds ASCII only. */
  escape: 1 << 2,
  /** `<!` or `[//]` */
  comment: 1 << 3,
  /** A style attribute or a stylesheet may hide text. */
  markup: 1 << 4,
  /** Chat template tokens, role labels, capital tags, delimiter lines. */
  frame: 1 << 5,
  /** `](`, `<img` or `://` */
  link: 1 << 6,
  /** A long run that may be base64 or hex. */
  encoded: 1 << 7,
  /** URL-encoded text. */
  percent: 1 << 8,
  /** A run of letters and digits as tokens have. */
  random: 1 << 9,
  /** Letters of a script other than Latin. */
  other_script: 1 << 10,
  at: 1 << 11,
  /** The field `role` of a message. */
  role_key: 1 << 12,
} as const;

const HIDING_ESCAPE = /^(?:00[4-7a]|03|04|05|11|18|200[b-f]|202[a-e]|206|21|24|316|d83[5c]|db40|fe|ff)/i;

/** Whether an escaped character is one that hides something, or a plain letter that need not be escaped. */
export function escapeSight(text: string, at: number): number {
  return HIDING_ESCAPE.test(text.slice(at, at + 4)) ? SIGHT.escape : 0;
}

/** What a character beyond ASCII asks for. */
export function sightOf(code: number, after: number): number {
  if (code < 0xad) return code < 0xa0 ? SIGHT.invisible : 0;
  if (code < 0x250) return code === 0xad ? SIGHT.invisible : code === 0x131 ? SIGHT.look_alike : 0;
  if (code < 0x2b0) return SIGHT.look_alike; // phonetic letters
  if (code < 0x370) return code === 0x34f ? SIGHT.invisible : 0;
  if (code < 0x590) return SIGHT.look_alike | SIGHT.other_script; // Greek, Cyrillic, Armenian
  if (code < 0x2000)
    return code === 0x115f || code === 0x1160 || code === 0x180e ? SIGHT.invisible : SIGHT.other_script;
  if (code < 0x2070) return isInvisible(code) ? SIGHT.invisible : 0;
  if (code < 0x2100) return 0;
  if (code < 0x2190) return SIGHT.look_alike; // letters used as symbols
  if (code < 0x2460) return 0;
  if (code < 0x2500) return SIGHT.look_alike; // letters in circles
  if (code < 0x2e80) return 0;
  if (code < 0xd800) return code === 0x3164 ? SIGHT.invisible : SIGHT.other_script;
  if (code < 0xe000) return surrogateSight(code, after);
  if (code >= 0xfe00 && code <= 0xfe0f) return isSelector(after) ? SIGHT.invisible : 0;
  if (code === 0xfeff || code === 0xffa0) return SIGHT.invisible;
  return code >= 0xff01 && code <= 0xff5e ? SIGHT.look_alike : SIGHT.other_script;
}

function isInvisible(code: number): boolean {
  return (code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) || code >= 0x2060;
}

function isSelector(code: number): boolean {
  return (code >= 0xfe00 && code <= 0xfe0f) || code === 0xdb40;
}

function surrogateSight(high: number, low: number): number {
  if (high === 0xdb40) return SIGHT.invisible; // tags and further selectors
  if (high === 0xd835) return SIGHT.look_alike; // letters of mathematics
  return high === 0xd83c && low >= 0xdd00 && low <= 0xddff ? SIGHT.look_alike : 0; // letters in squares, flags
}
