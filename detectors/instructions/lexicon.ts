/**
 * What is known of a word by itself: its stem, how much it says, the kind of action it names, the field of life it
 * belongs to, and the parts it can play in an order. Looked up once for each word and kept.
 */
import { VERB_CLASSES, type VerbClass, verbsOf } from '../catalog/words.ts';
import * as lists from './word_lists.ts';

/** The parts a word can play, as bits. */
export const PART = {
  base_verb: 1,
  opener: 2,
  determiner: 4,
  after_noun: 8,
  duty: 16,
  asking: 32,
  wish: 64,
  subject_you: 128,
  pronoun_object: 256,
  declares: 512,
  agent: 1_024,
  past: 2_048,
} as const;

export interface Lexeme {
  /** Lower case; a value in its one spelling. */
  word: string;
  stem: string;
  /** Stands for the stem where many are kept: 52 bits of its hash. */
  key: number;
  /** The low 32 bits of the key, as a signed number, and those above. */
  key_low: number;
  key_high: number;
  /** How much meeting this word says: 0 for words that any sentence holds. */
  weight: number;
  /** The kind of action it names, if it is a verb. */
  verb: VerbClass | undefined;
  /** The same as one bit, or 0. */
  verb_bit: number;
  /** Fields of life as bits. */
  fields: number;
  /** Parts it can play, as bits of `PART`. */
  parts: number;
}

const WEIGHT = { stop: 0, common: 0.5, word: 1, number: 0.7, value: 2 };
/** Entries are kept in pairs of places, found by the hash of what is written; the one used less lately goes. */
const KEPT_PLACES = 1 << 16;
const words_kept = new Array<Kept | undefined>(KEPT_PLACES).fill(undefined);
const values_kept = new Array<Kept | undefined>(KEPT_PLACES).fill(undefined);

interface Kept {
  written: string;
  lexeme: Lexeme;
}

const SAME = new Map(
  lists.SAME.flatMap((line) => {
    const [first = '', ...others] = line.split(' ');
    return others.map((other) => [other, first] as const);
  }),
);
const FIELDS = new Map<string, number>();
for (const [bit, words] of lists.FIELDS.entries()) {
  for (const word of words.split(/\s+/).filter(Boolean)) {
    const stem = stemOf(word);
    FIELDS.set(stem, (FIELDS.get(stem) ?? 0) | (1 << bit));
  }
}

const PARTS = new Map<string, number>();
const PART_LISTS: readonly (readonly [ReadonlySet<string>, number])[] = [
  [lists.BASE_VERBS, PART.base_verb],
  [lists.OPENERS, PART.opener],
  [lists.DETERMINERS, PART.determiner],
  [lists.AFTER_NOUN, PART.after_noun],
  [lists.DUTY, PART.duty],
  [lists.ASKING, PART.asking],
  [lists.WISH, PART.wish],
  [lists.SUBJECT_YOU, PART.subject_you],
  [lists.PRONOUN_OBJECT, PART.pronoun_object],
  [lists.DECLARES, PART.declares],
  [lists.AGENTS, PART.agent],
];
for (const [words, part] of PART_LISTS) for (const word of words) PARTS.set(word, (PARTS.get(word) ?? 0) | part);

/** The hash of a written form begins here and takes in one character after the other. */
export const HASH_START = 0x811c9dc5 | 0;
export function hashOn(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}

/** The entry of a word as it is written. */
export function lexemeOf(written: string): Lexeme {
  let hash = HASH_START;
  for (let at = 0; at < written.length; at++) hash = hashOn(hash, written.charCodeAt(at));
  return wordAt(written, 0, written.length, hash);
}

/** The entry of the word that stands between two places of a text; `hash` is that of its characters. */
export function wordAt(text: string, start: number, end: number, hash: number): Lexeme {
  return find(words_kept, text, start, end, hash) ?? keep(words_kept, wordLexeme, text.slice(start, end), hash);
}

/** The entry of an address, a host, an id or a number: without scheme, `www.` and closing marks. */
export function valueAt(text: string, start: number, end: number, hash: number): Lexeme {
  return find(values_kept, text, start, end, hash) ?? keep(values_kept, valueLexeme, text.slice(start, end), hash);
}

function placeOf(hash: number): number {
  return (hash ^ (hash >>> 15)) & (KEPT_PLACES - 2);
}

function find(
  kept: readonly (Kept | undefined)[],
  text: string,
  start: number,
  end: number,
  hash: number,
): Lexeme | undefined {
  const place = placeOf(hash);
  const first = kept[place];
  if (first !== undefined && standsAt(first.written, text, start, end)) return first.lexeme;
  const second = kept[place + 1];
  return second !== undefined && standsAt(second.written, text, start, end) ? second.lexeme : undefined;
}

function standsAt(written: string, text: string, start: number, end: number): boolean {
  if (written.length !== end - start) return false;
  for (let at = start; at < end; at++) if (text.charCodeAt(at) !== written.charCodeAt(at - start)) return false;
  return true;
}

function keep(kept: (Kept | undefined)[], make: (written: string) => Lexeme, found: string, hash: number): Lexeme {
  const written = ` ${found}`.slice(1); // a part of a text would keep the whole text in memory
  const lexeme = make(written);
  const place = placeOf(hash);
  kept[place + 1] = kept[place];
  kept[place] = { written, lexeme };
  return lexeme;
}

function wordLexeme(written: string): Lexeme {
  const word = written.toLowerCase();
  const stem = stemOf(word);
  const weight = lists.STOP.has(word) ? WEIGHT.stop : lists.COMMON.has(word) ? WEIGHT.common : WEIGHT.word;
  const verb = verbsOf([word])[0]?.verb_class;
  const verb_bit = verb === undefined ? 0 : verbBit(verb);
  return { word, stem, ...keyOf(stem), weight, verb, verb_bit, fields: FIELDS.get(stem) ?? 0, parts: partsOf(word) };
}

function valueLexeme(written: string): Lexeme {
  const word = spellingOf(written);
  const weight = weightOfValue(word);
  const parts = partsOf(word);
  return { word, stem: word, ...keyOf(word), weight, verb: undefined, verb_bit: 0, fields: 0, parts };
}

/** The bit that stands for a kind of action. */
export function verbBit(verb: VerbClass): number {
  return 1 << VERB_CLASSES.indexOf(verb);
}

/** Two hashes side by side: the low 32 bits and 20 more. Equal stems have equal keys on every machine. */
function keyOf(stem: string): Pick<Lexeme, 'key' | 'key_low' | 'key_high'> {
  let low = HASH_START;
  let high = 0x9e3779b9 | 0;
  for (let at = 0; at < stem.length; at++) {
    const code = stem.charCodeAt(at);
    low = hashOn(low, code);
    high = Math.imul(high ^ code, 0x5bd1e995) ^ (high >>> 13);
  }
  low ^= low >>> 16;
  const key_high = (high >>> 12) & 0xfffff;
  return { key: key_high * 2 ** 32 + (low >>> 0), key_low: low, key_high };
}

function partsOf(word: string): number {
  let parts = PARTS.get(word) ?? 0;
  const adverb = word.length > 4 && word.endsWith('ly') && (parts & PART.base_verb) === 0;
  if (adverb || (word.length <= 2 && /^\d{1,2}$/.test(word))) parts |= PART.opener;
  if (word.endsWith('ed')) parts |= PART.past;
  return parts;
}

function spellingOf(written: string): string {
  let value = written.toLowerCase();
  if (value.includes('://')) value = value.replace(/^[a-z]{2,8}:\/\//, '');
  if (value.startsWith('www.')) value = value.slice(4);
  let end = value.length;
  while (end > 0 && CLOSING.includes(value.charAt(end - 1))) end--;
  if (end < value.length) value = value.slice(0, end);
  if (OPENING.includes(value.charAt(0))) value = value.replace(/^[@'’-]+(?=\d)/, '');
  const first = value.charCodeAt(0);
  if (!(first >= 0x30 && first <= 0x39)) return value;
  // A number without its empty decimals and leading zeros, an ordinal without its ending.
  if (/^\d+(?:\.\d+)?$/.test(value)) return value.replace(/\.0+$/, '').replace(/^0+(?=\d)/, '');
  return value.replace(/^(\d+)(?:st|nd|rd|th)$/, '$1');
}

function weightOfValue(value: string): number {
  if (value === '') return 0;
  if (/^\d{1,4}$/.test(value)) return WEIGHT.number;
  return /[\d@.]/.test(value) ? WEIGHT.value : WEIGHT.word;
}

const CLOSING = "/.:'’-";
const OPENING = "@'’-";

/** The same stem for the forms of a verb and of the noun made from it, and for words of the same meaning. */
export function stemOf(word: string): string {
  const stem = cutEndings(word.replace(/['’]s$/, '').replace(/['’]/g, ''));
  return SAME.get(stem) ?? stem;
}

/** A light stemmer, as far as endings tell. */
function cutEndings(word: string): string {
  let stem = word;
  if (stem.length > 4) stem = stem.replace(/(?:ies|ied)$/, 'y');
  if (stem.length > 4) stem = stem.replace(/(?<=[sxz]|ch|sh)es$/, '');
  if (stem.length > 3) stem = stem.replace(/(?<![su])s$/, '');
  if (stem.length > 6) stem = stem.replace(/(?:ations?|ments?)$/, '');
  if (stem.length > 5) stem = stem.replace(/ions?$/, '');
  if (stem.length > 4) stem = stem.replace(/(?:ing|ed)$/, '');
  if (stem.length > 3) stem = stem.replace(/([b-df-hj-np-tvwxz])\1$/, '$1');
  if (stem.length > 3) stem = stem.replace(/e$/, '');
  return stem.length >= 2 ? stem : word;
}
