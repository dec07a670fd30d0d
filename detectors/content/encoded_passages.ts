/** Passages of a text that are base64, hex or URL-encoding of other readable text. */
import type { Hidden } from './normalise_text.ts';

const PASSAGES_MAX = 64;
/** Decoded characters of one text. */
const DECODED_CHARS_MAX = 262_144;
const HEX = /^[0-9A-Fa-f]+$/;
const PERCENT = /(?:[^\s%"'<>]{0,40}%[0-9A-Fa-f]{2}){6,}[^\s%"'<>]{0,200}/g;
const SAMPLE_CHARS = 48;

/** Readable passages, the encoding as their way; `runs` holds the starts and ends that the scan found. */
export function findEncoded(text: string, runs: readonly number[], percent: boolean): Hidden[] {
  const found: Hidden[] = [];
  let left = DECODED_CHARS_MAX;
  const add = (way: Hidden['way'], start: number, run: string, decode: (run: string) => string) => {
    if (found.length >= PASSAGES_MAX || left <= 0) return;
    // A sample shows whether the whole is worth decoding.
    if (!isReadable(decode(run.slice(0, SAMPLE_CHARS)), true)) return;
    const decoded = decode(run.slice(0, left * 2));
    if (!isReadable(decoded, false)) return;
    left -= decoded.length;
    found.push({ way, start, end: start + run.length, count: run.length, text: decoded });
  };
  for (let at = 0; at + 1 < runs.length; at += 2) {
    const start = runs[at] as number;
    const run = text.slice(start, runs[at + 1]);
    if (HEX.test(run)) add('hex', start, run, (part) => Buffer.from(part, 'hex').toString('utf8'));
    else add('base64', start, run, (part) => Buffer.from(part, 'base64').toString('utf8'));
  }
  if (percent) for (const match of text.matchAll(PERCENT)) add('url_encoding', match.index, match[0], decodePercent);
  return found;
}

/** URL-encoding undone; a plus is a space. */
export function decodePercent(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}

/** Whether bytes were text: nearly all printable; a whole passage also has words with spaces between them, or is
 * encoded in turn. */
function isReadable(decoded: string, sample: boolean): boolean {
  if (decoded.length < 8) return false;
  const part = decoded.slice(0, 2_000);
  const odd = part.match(/[^\x20-\x7e\n\r\t\u00a0-\u024f]/g)?.length ?? 0;
  // The sample may end in the middle of a character.
  if (odd > (sample ? 2 : 0) + part.length * 0.05) return false;
  return sample || /[A-Za-z]{2,} [A-Za-z]{1,}|^[A-Za-z0-9+/_-]{24,}={0,2}$/.test(part);
}
