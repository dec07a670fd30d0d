/** The words of a text that may be planted values, as digests: long, with letters and digits, without white space. */
import { hash } from 'node:crypto';

const CHARS_MIN = 12;
const CHARS_MAX = 256;
/** Of the 64 hex digits that are kept: 64 bits, enough to tell values apart. */
const DIGEST_CHARS = 16;
const SEPARATORS = /[+/=]+/;
const ADDRESS = /(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,3}/g;
/** Identifiers and digests, of which results are full. */
const COMMON = /^(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i;

/** A digest as these tokens have it, of one in full length. */
export function shortDigest(sha256: string): string {
  return sha256.slice(0, DIGEST_CHARS);
}

/** Adds the candidates among the runs that the scan found, whole and between their separators. */
export function addTokens(
  text: string,
  runs: readonly number[],
  into: Set<string>,
  tokens_max: number,
  common: boolean,
): void {
  for (let at = 0; at + 1 < runs.length; at += 2) {
    const run = text.slice(runs[at], runs[at + 1]);
    add(run, into, tokens_max, common);
    if (!SEPARATORS.test(run)) continue;
    for (const part of run.split(SEPARATORS)) add(part, into, tokens_max, common);
  }
}

/** Adds the e-mail addresses of a text. */
export function addAddresses(text: string, into: Set<string>, tokens_max: number): void {
  for (const [address] of text.matchAll(ADDRESS)) if (into.size < tokens_max) into.add(digest(address));
}

function add(token: string, into: Set<string>, tokens_max: number, common: boolean): void {
  if (token.length < CHARS_MIN || token.length > CHARS_MAX || into.size >= tokens_max) return;
  if (!/\d/.test(token) || !/[A-Za-z]/.test(token) || (!common && COMMON.test(token))) return;
  into.add(digest(token));
}

function digest(token: string): string {
  return shortDigest(hash('sha256', token));
}
