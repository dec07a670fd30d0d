/**
 * What a model reads in a text, next to what a person sees. Undoes invisible and look-alike characters, and finds
 * comments, hidden elements and encoded passages with what they say. Only what `sights` of the scan names is done, so
 * an ordinary text costs nothing here; everything costs time linear in the text.
 */
import { findEncoded } from './encoded_passages.ts';
import { readCharacters } from './hidden_characters.ts';
import { findComments, findHiddenElements } from './hidden_markup.ts';
import { scanWords, type WordScan } from './scan_words.ts';
import { SIGHT } from './sights.ts';

type HiddenWay =
  | 'zero_width'
  | 'bidi'
  | 'tag_characters'
  | 'variation_selectors'
  | 'look_alikes'
  | 'comment'
  | 'hidden_element'
  | 'base64'
  | 'hex'
  | 'url_encoding';

/** A passage that a person does not see as a model reads it. */
export interface Hidden {
  way: HiddenWay;
  /** Its place in the text as it arrived. */
  start: number;
  end: number;
  /** Characters that hide it: invisible ones, replaced letters, or those of the passage. */
  count: number;
  /** What it says; empty when the characters spell nothing. */
  text: string;
}

export interface NormalisedText {
  /** As a model reads it: without invisible characters, with Latin letters for their look-alikes. */
  text: string;
  /** In the order of their kinds, then of the text. */
  hidden: readonly Hidden[];
  /** Where a place of `text` stands in the text as it arrived. */
  origin(at: number): number;
}

const CHARACTERS = SIGHT.invisible | SIGHT.look_alike | SIGHT.escape;
/** What may hide something. */
export const HIDING_SIGHTS = CHARACTERS | SIGHT.comment | SIGHT.markup | SIGHT.encoded | SIGHT.percent;

/** Reads a text through, as far as the scan of it asks for. */
export function normaliseText(text: string, scan: Pick<WordScan, 'sights' | 'runs'> = scanWords(text)): NormalisedText {
  const { sights } = scan;
  const characters = (sights & CHARACTERS) === 0 ? undefined : readCharacters(text);
  const hidden: Hidden[] = characters === undefined ? [] : [...characters.hidden];
  if ((sights & SIGHT.comment) !== 0) hidden.push(...findComments(text));
  if ((sights & SIGHT.markup) !== 0 && MAY_HIDE.test(text)) hidden.push(...findHiddenElements(text));
  if ((sights & (SIGHT.encoded | SIGHT.percent)) !== 0) {
    hidden.push(...findEncoded(text, scan.runs, (sights & SIGHT.percent) !== 0));
  }
  return { text: characters?.text ?? text, hidden, origin: characters?.origin ?? ((at) => at) };
}

/** An element is hidden by its style or by this attribute. */
const MAY_HIDE = /style\s{0,4}=|hidden/i;
