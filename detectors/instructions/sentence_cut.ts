/** Cuts text into sentences. */

export interface Cut {
  start: number;
  end: number;
}

const SENTENCE_CHARS_MAX = 500;
const CUTS_MAX = 4_000;

const BULLET = 0x2022;
/** Characters that may end a sentence; each but the bullet is ASCII below the letters. */
const ENDINGS = new Uint8Array(0x40);
for (const char of '.!?\n;>') ENDINGS[char.charCodeAt(0)] = 1;

/** The sentences of a text, without the space around them. A longer one is cut. Costs time linear in the text. */
export function sentencesOf(text: string): Cut[] {
  const cuts: Cut[] = [];
  const { length } = text;
  let start = 0;
  for (let at = 0; at < length && cuts.length < CUTS_MAX; at++) {
    const code = text.charCodeAt(at);
    if (at - start < SENTENCE_CHARS_MAX) {
      if (code < 0x40 ? ENDINGS[code] === 0 : code !== BULLET) continue;
      if (!endsAt(text, at)) continue;
    }
    push(cuts, text, start, at + 1);
    start = at + 1;
  }
  if (cuts.length < CUTS_MAX) push(cuts, text, start, length);
  return cuts;
}

function push(cuts: Cut[], text: string, from: number, to: number): void {
  let start = from;
  let end = to;
  while (start < end && text.charCodeAt(start) <= 0x20) start++;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--;
  if (end > start) cuts.push({ start, end });
}

/** A full stop before a space, a line break before a new beginning, a semicolon, a bullet, or the end of a tag. */
function endsAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code === 0x2e || code === 0x21 || code === 0x3f) {
    const next = text.charCodeAt(at + 1);
    if (!(next <= 0x20 || Number.isNaN(next) || next === 0x22 || next === 0x27 || next === 0x29)) return false;
    // Not after a single letter or the number of a list: "e.g.", "1. Open".
    const before = text.charCodeAt(at - 1);
    const two_before = text.charCodeAt(at - 2);
    return !(code === 0x2e && isAlnum(before) && !isAlnum(two_before) && at - 2 >= 0 && two_before !== 0x29);
  }
  if (code === 0x0a) {
    const next = text.charCodeAt(at + 1);
    const lower = next >= 0x61 && next <= 0x7a;
    return !lower || text.charCodeAt(at - 1) === 0x0a;
  }
  return code === 0x3b || code === 0x3e || code === BULLET;
}

function isAlnum(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}
