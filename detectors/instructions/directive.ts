/**
 * How far a sentence tells somebody to do something, by its syntax alone: the place of a verb, the words that oblige,
 * the passive of duty.
 */
import { PART } from './lexicon.ts';
import type { Term } from './terms.ts';

/** What any sentence may be; 1 is an order. */
export const PLAIN = 0.25;
const OPENERS_MAX = 6;

const is = (term: Term | undefined, part: number): boolean => term !== undefined && (term.lex.parts & part) !== 0;

/** The place of the first word that is not an opening such as "please" or "then". */
export function openingEnd(terms: readonly Term[]): number {
  let first = 0;
  while (first < terms.length && first < OPENERS_MAX && is(terms[first], PART.opener)) first++;
  return first;
}

/** How much a sentence directs, from `PLAIN` to 1. */
export function directiveOf(terms: readonly Term[]): number {
  if (terms.length < 2) return PLAIN;
  if (isOrder(terms, openingEnd(terms))) return 1;
  let strength = PLAIN;
  for (let at = 0; at < terms.length - 1; at++) {
    const here = directiveAt(terms, at);
    if (here > strength) strength = here;
    if (strength >= 0.95) break;
  }
  return strength;
}

/** A verb in its base form with what it acts on. */
function isOrder(terms: readonly Term[], at: number): boolean {
  const after = terms[at + 1];
  if (after === undefined) return false;
  if (is(terms[at], PART.base_verb)) return !is(after, PART.after_noun);
  const word = terms[at]?.lex.word;
  if (word === 'do' || word === "don't" || word === 'don’t') {
    return after.lex.word === 'not' || is(after, PART.base_verb | PART.determiner);
  }
  return word === 'be' && after.lex.word === 'sure';
}

/** What a place inside the sentence says: a request, a duty, a joined order, a rule. */
function directiveAt(terms: readonly Term[], at: number): number {
  const term = terms[at] as Term;
  const after = terms[at + 1] as Term;
  const third = terms[at + 2];
  const { word, parts } = term.lex;
  const verb_follows = is(after, PART.base_verb);
  if ((word === 'please' || word === 'kindly') && (verb_follows || is(third, PART.base_verb))) return 1;
  if (word === 'make' && (after.lex.word === 'sure' || third?.lex.word === 'sure')) return 0.95;
  if ((parts & PART.asking) !== 0 && after.lex.word === 'you') return 0.95;
  if ((parts & PART.wish) !== 0 && is(after, PART.subject_you) && third?.lex.word === 'to') return 0.95;
  if ((parts & PART.duty) !== 0) return dutyAt(terms, at);
  if ((word === 'has' || word === 'have') && after.lex.word === 'to' && is(third, PART.base_verb)) return 0.8;
  if (word === 'to' && after.lex.word === 'be' && is(third, PART.past)) return 0.7;
  if (word !== 'to' && verb_follows && (word === 'and' || word === 'then' || after.start - term.end >= 2)) {
    return is(third, PART.pronoun_object) ? 0.8 : 0.5;
  }
  return (parts & PART.declares) !== 0 ? 0.4 : PLAIN;
}

function dutyAt(terms: readonly Term[], at: number): number {
  const next = terms[at + 1];
  const third = terms[at + 2];
  if (is(terms[at - 1], PART.subject_you)) return 0.95;
  if (next?.lex.word === 'be' || (next?.lex.word === 'to' && third?.lex.word === 'be')) return 0.85;
  return is(next, PART.base_verb) || is(third, PART.base_verb) ? 0.7 : 0.4;
}
