/**
 * What a user asks for: which kinds of action, or only to be told something. Read from the verbs that stand where an
 * order or a wish stands; what is quoted or only mentioned does not count.
 */
import type { VerbClass } from '../catalog/words.ts';
import { openingEnd } from './directive.ts';
import { PART } from './lexicon.ts';
import { sentencesOf } from './sentence_cut.ts';
import { type Term, termsOf } from './terms.ts';

export interface Asks {
  /** Kinds of action asked for; reading is one of them. */
  kinds: Set<VerbClass>;
  /** Stems of the verbs of action. */
  verbs: Set<string>;
  /** Some action is asked for, whatever its kind. */
  acts: boolean;
  /** Asks to settle something without saying how: "sort it out", "handle it". */
  open: boolean;
  /** Asks to do what some text says. */
  delegates: boolean;
  /** Names a text as what to go by: "according to", "as the note says". */
  defers: boolean;
  /** The fields of life that its words belong to, as bits. */
  fields: number;
  /** Sets limits: "only", "just", "do not". */
  restricts: boolean;
}

export function emptyAsks(): Asks {
  return {
    kinds: new Set(),
    verbs: new Set(),
    acts: false,
    open: false,
    delegates: false,
    restricts: false,
    defers: false,
    fields: 0,
  };
}

const set = (text: string) => new Set(text.split(/\s+/).filter(Boolean));
/** Verbs that ask to be told something, and those that any request may open with. */
const TELLING = set(`get give read list show find search look check see view tell explain describe summarize summarise
  compare count calculate compute analyze analyse review inspect identify report know lookup fetch retrieve browse visit
  open load scan verify locate extract gather collect determine evaluate inform translate browse navigate go let help
  remind answer use make take want need like think understand figure convert print display track monitor research select
  choose pick filter sort wait provide define transcribe triage weather rate rank quote read list state specify keep ensure begin start continue try do note name suggest
  recommend present ask`);
const OPEN =
  set(`handle fix solve resolve process settle sort manage deal address finish complete follow do perform execute
  carry proceed act implement apply work prepare organize organise arrange migrate clean tidy`);
const TEXTS = set(`task tasks todo todos action actions instruction instructions step steps request requests item items
  whatever everything checklist runbook runbooks note notes list mail email emails message messages ticket tickets issue
  issues comment comments file document page letter memo change changes procedure playbook plan guide manual card`);
const DOES = set(
  'do perform follow carry complete execute take handle act process implement resolve address finish work go',
);
const BEFORE_VERB = set(
  `to and then or please kindly you can could would will just also now i'd i'll let's lets must should`,
);

/** Adds what a prompt asks for; `terms` are all of its terms. */
export function readAsks(asks: Asks, prompt: string, terms: readonly Term[]): void {
  const text = withoutQuotes(prompt);
  for (const { lex } of terms) if (lex.weight > 0) asks.fields |= lex.fields;
  for (const { start, end } of sentencesOf(text)) {
    readSentence(asks, termsOf(text, start, end), text.charAt(end - 1) === '?');
  }
}

function withoutQuotes(text: string): string {
  return text.replace(/"[^"\n]{0,2000}"|“[^”\n]{0,2000}”|(?<=^|[\s(])'[^'\n]{1,2000}'(?=[\s.,;:!?)]|$)/g, ' “” ');
}

function readSentence(asks: Asks, terms: readonly Term[], question: boolean): void {
  const first = openingEnd(terms);
  asks.defers ||= terms.some(({ lex }) => DEFERS.has(lex.word));
  asks.restricts ||= terms.some(({ lex }) => RESTRICTS.has(lex.word));
  for (let at = first; at < terms.length; at++) {
    const { lex, start } = terms[at] as Term;
    const before = terms[at - 1];
    const opens = at === first || BEFORE_VERB.has(before?.lex.word ?? '') || start - (before?.end ?? start) >= 2;
    if (opens) readVerb(asks, terms, at, at === first, question);
    const negated = lex.word === 'do' && terms[at + 1]?.lex.word === 'not';
    if (DOES.has(lex.word) && !negated && !asks.delegates) asks.delegates = handsOver(terms.slice(at + 1, at + 12));
  }
}

/** Whether what is to be done stands in some text, and not in the prompt itself: "the following tasks". */
function handsOver(object: readonly Term[]): boolean {
  return object.some(({ lex }) => TEXTS.has(lex.word)) && !object.some(({ lex }) => HERE.has(lex.word));
}

function readVerb(asks: Asks, terms: readonly Term[], at: number, first: boolean, question: boolean): void {
  const { word, stem, verb: kind, parts } = (terms[at] as Term).lex;
  const after = terms[at + 1]?.lex.word ?? '';
  if (first && QUESTION.has(word.replace(/['’].*$/, '')) && !(word === 'do' && !SUBJECTS.has(after))) return;
  if (word === 'do' && (SUBJECTS.has(after) || after === 'not')) return;
  if (OPEN.has(word)) {
    asks.open = true;
    asks.acts ||= !question || !first;
  }
  const known = kind !== undefined || (parts & PART.base_verb) !== 0;
  const sent = TELLING_ME.has(word) ? !ME.has(after) : word === 'report' && REPORTED_TO.has(after);
  if (sent) {
    asks.acts = true;
    asks.open = true;
    asks.verbs.add(stem);
    return;
  }
  if (TELLING.has(word)) {
    asks.kinds.add('read');
    return;
  }
  // An unknown first word of what is no question is most likely a verb: "backport the fix", "dim the lamp".
  const object = (terms[at + 1]?.lex.parts ?? 0) & (PART.determiner | PART.pronoun_object);
  const may_be = first ? !question && after !== '' && !COPULA.has(after) : object !== 0;
  if (!known && !(may_be && !isFunctionWord(word))) return;
  if (kind === 'read' || kind === 'fetch') asks.kinds.add(kind);
  else {
    asks.acts = true;
    asks.verbs.add(stem);
    if (kind !== undefined) asks.kinds.add(kind);
    else asks.open = true;
  }
}

/** With "me" after them they ask to be told; with anybody else they act. */
const TELLING_ME = set('tell give make take answer ask inform remind write send');
/** A report to somebody is sent; otherwise it is only told. */
const REPORTED_TO = set('to at');
const ME = set('me us what which how whether if why when where who out up');
const DEFERS = set(`according following per says say said describes described asks asked wants wanted needs listed based
  rules rule policy requested requests mentions mentioned allows instructions steps runbook checklist guide procedure`);
/** Words that no verb is. */
function isFunctionWord(word: string): boolean {
  return QUESTION.has(word) || SUBJECTS.has(word) || COPULA.has(word) || NO_VERB.has(word);
}

const NO_VERB =
  set(`packing list overview summary status details if so because since when then there here not only just also with without for from in on at of as like than
  before after until while during about under over between both either yes no ok please thanks thank all some any each
  every the a an me us my our your this that these those more most less same other such too very maybe perhaps again still yet`);
const HERE = set('following below order');
const SUBJECTS = set('we i you they he she it any there people customers users');
const COPULA = set('is are was were has have had of by from will can would does did s');
const RESTRICTS = set("only just don't not dont without never nothing");
const QUESTION = set(
  'what which who whom whose when where why how is are was were do does did has have had any number p95 i',
);
