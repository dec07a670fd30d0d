/** How detectors write names, quotations and evidence, so that all findings read alike. */
import type { MatchStep } from './detector.ts';
import { extractSecrets, maskSecrets } from './lineage/secrets.ts';

const QUOTE_CHARS_MAX = 160;

/** A server's name for a sentence. */
export function serverName(server: string): string {
  return server === '' ? 'an unnamed server' : server;
}

/** Text of a stranger for a sentence: one line, secrets masked, cut, between the marks that stand for quotations. */
export function quote(text: string): string {
  return `“${shorten(maskSecrets(text, extractSecrets(text)))}”`;
}

/** One line without control characters and quotation marks, cut to what a sentence can hold. */
export function shorten(text: string, chars_max = QUOTE_CHARS_MAX): string {
  const line = text
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ')
    .replace(/[“”]/g, '"')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > chars_max ? `${line.slice(0, chars_max - 1)}…` : line;
}

/** "a", "a and b", "a, b and 3 more". */
export function listing(items: readonly string[], shown_max = 3): string {
  if (items.length === 0) return 'nothing';
  const shown = items.slice(0, shown_max);
  const more = items.length - shown.length;
  const last = more > 0 ? `${more} more` : (shown.pop() ?? '');
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`;
}

/** The steps as they stand in the log. */
export function inLogOrder(steps: readonly MatchStep[]): MatchStep[] {
  return [...steps].sort((a, b) => a.event.seq - b.event.seq);
}

/** A span of time in words. */
export function duration(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1_000)} seconds`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} minutes`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} hours`;
  return `${Math.round(ms / 86_400_000)} days`;
}
