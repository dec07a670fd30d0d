/**
 * What is known of a word by itself: its stem, how much it says, the kind of action it names, the field of life it
 * belongs to, and the parts it can play in an order. Looked up once for each word and kept.
 */
import { type VerbClass, verbsOf } from '../catalog/words.ts';
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
  /** How much meeting this word says: 0 for words that any sentence holds. */
  weight: number;
  /** The kind of action it names, if it is a verb. */
  verb: VerbClass | undefined;
  /** Fields of life as bits. */
  fields: number;
  /** Parts it can play, as bits of `PART`. */
  parts: number;
}

const WEIGHT = { stop: 0, common: 0.5, word: 1, number: 0.7, value: 2 };
const KEPT_MAX = 50_000;
const kept = new Map<string, Lexeme>();

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

/** The entry of a word as it is written. */
export function lexemeOf(written: string): Lexeme {
  const known = kept.get(written);
  if (known !== undefined) return known;
  if (kept.size >= KEPT_MAX) kept.clear();
  const lexeme = wordLexeme(written.toLowerCase());
  kept.set(written, lexeme);
  return lexeme;
}

function wordLexeme(word: string): Lexeme {
  const stem = stemOf(word);
  const weight = lists.STOP.has(word) ? WEIGHT.stop : lists.COMMON.has(word) ? WEIGHT.common : WEIGHT.word;
  return {
    word,
    stem,
    weight,
    verb: verbsOf([word])[0]?.verb_class,
    fields: FIELDS.get(stem) ?? 0,
    parts: partsOf(word),
  };
}

function partsOf(word: string): number {
  let parts = 0;
  for (const [list, part] of PART_LISTS) if (list.has(word)) parts |= part;
  const adverb = word.length > 4 && word.endsWith('ly') && (parts & PART.base_verb) === 0;
  if (adverb || /^\d{1,2}$/.test(word)) parts |= PART.opener;
  if (word.endsWith('ed')) parts |= PART.past;
  return parts;
}

/** The entry of an address, a host, an id or a number: without scheme, `www.` and closing marks. */
export function valueLexeme(written: string): Lexeme {
  const known = kept.get(written);
  if (known !== undefined) return known;
  if (kept.size >= KEPT_MAX) kept.clear();
  const word = spellingOf(written);
  const lexeme = { word, stem: word, weight: weightOfValue(word), verb: undefined, fields: 0, parts: partsOf(word) };
  kept.set(written, lexeme);
  return lexeme;
}

function spellingOf(written: string): string {
  let value = written
    .toLowerCase()
    .replace(/^[a-z]{2,8}:\/\//, '')
    .replace(/^www\./, '')
    .replace(/[/.:'’-]+$/, '');
  value = value.replace(/^[@'’-]+(?=\d)/, '');
  // A number without its empty decimals and leading zeros, an ordinal without its ending.
  if (/^\d+(?:\.\d+)?$/.test(value)) return value.replace(/\.0+$/, '').replace(/^0+(?=\d)/, '');
  return value.replace(/^(\d+)(?:st|nd|rd|th)$/, '$1');
}

function weightOfValue(value: string): number {
  if (value === '') return 0;
  if (/^\d{1,4}$/.test(value)) return WEIGHT.number;
  return /[\d@.]/.test(value) ? WEIGHT.value : WEIGHT.word;
}

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
