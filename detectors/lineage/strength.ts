/** How surely a value that occurs in two places came from one to the other: by how much of it there is, and how rare. */
import { wordSet } from '../catalog/words.ts';
import type { EdgeKind } from './edge.ts';
import type { IdentifierForm } from './identifiers.ts';

const BY_KIND: Record<Exclude<EdgeKind, 'identifier' | 'value' | 'text'>, number> = {
  email: 0.95,
  host: 0.85,
  account: 1,
  phone: 0.95,
  secret: 1,
};
const BY_FORM: Record<IdentifierForm, number> = {
  uuid: 1,
  hash: 0.9,
  url: 0.9,
  path: 0.75,
  file: 0.6,
  number: 0.4,
  code: 0.5,
  name: 0.2,
};
/** What each further character of an identifier adds, up to the most. */
const PER_CHAR = 0.04;
const MOST = 0.95;
/** Values of status, kind and time that many records share. */
const COMMON =
  wordSet(`true false null none yes no on off ok open closed active inactive pending done new old low medium
  high normal public private internal default unknown other all any today tomorrow yesterday monday tuesday wednesday
  thursday friday saturday sunday january february march april may june july august september october november december
  success error failed completed draft admin user owner member read write file folder text email phone usd eur gbp`);
const COMMON_STRENGTH = 0.05;
/** Of a text, the characters for which the strength is one half. */
const HALF_CHARS = 60;

/** An exact value of a fixed kind; `sources` counts the results that hold it. */
export function valueStrength(kind: keyof typeof BY_KIND, sources: number): number {
  return rounded(BY_KIND[kind] * rarity(sources));
}

/** An identifier: the longer, the surer. */
export function identifierStrength(form: IdentifierForm, text: string, sources: number): number {
  const by_length = BY_FORM[form] + Math.max(0, text.length - 5) * PER_CHAR;
  return rounded(Math.min(Math.max(MOST, BY_FORM[form]), by_length) * rarity(sources));
}

/** A short field's value, or the name of a record. */
export function phraseStrength(text: string, words: number, name: boolean, sources: number): number {
  if (words === 1 && COMMON.has(text.toLowerCase())) return COMMON_STRENGTH;
  const digits = /^[\d\s.,:/-]*$/.test(text);
  const by_length = digits ? Math.max(0, text.length - 2) * 0.06 : (text.length - 2) * 0.025 + (words - 1) * 0.1;
  return rounded(
    Math.min(0.85, Math.max(COMMON_STRENGTH, by_length) + (name && !digits ? BY_FORM.name : 0)) * rarity(sources),
  );
}

/** A passage of so many matching characters. */
export function textStrength(chars: number): number {
  return rounded(chars / (chars + HALF_CHARS));
}

/** A value that many results hold says less about any of them. */
function rarity(sources: number): number {
  return sources <= 1 ? 1 : 1 / (1 + 0.15 * (sources - 1));
}

function rounded(strength: number): number {
  return Math.round(strength * 1_000) / 1_000;
}
