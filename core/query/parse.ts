/**
 * A query's text to its tree. The grammar gives the syntax; here fields are looked up and values get the types of their
 * fields. The limits come first: no text makes the parser deep or slow.
 */
import { readFileSync } from 'node:fs';
import peggy from 'peggy';
import { LIMITS } from '../limits.ts';
import { matchesPattern, wordsOf } from './pattern.ts';
import { type QueryPlace, queryFault, quoted } from './query_fault.ts';
import { type Field, fieldNames, findField, type Subject } from './subject.ts';
import { closest } from './suggest.ts';
import { stretchOf } from './time_value.ts';
import { depthOf, joinNodes, leavesOf, type Operator, type Pattern, type QueryNode } from './tree.ts';

/** What the grammar gives. A part that is null is a wildcard. */
type Syntax =
  | { kind: 'all' }
  | { kind: 'and' | 'or'; parts: Syntax[] }
  | { kind: 'not'; part: Syntax }
  | ({ kind: 'word'; parts: (string | null)[]; quoted: boolean } & QueryPlace)
  | { kind: 'test'; field: { name: string } & QueryPlace; value: SyntaxValue };
type SyntaxValue = { kind: 'and' | 'or'; parts: SyntaxValue[] } | { kind: 'not'; part: SyntaxValue } | LeafValue;
type LeafValue = { kind: 'value'; parts: (string | null)[]; quoted: boolean; op?: Operator } & QueryPlace;

let parser: peggy.Parser | undefined;

/** The parser is made from the grammar when the first query comes: most commands have none. */
function syntaxOf(text: string): Syntax {
  parser ??= peggy.generate(readFileSync(new URL('grammar.peggy', import.meta.url), 'utf8'));
  try {
    return parser.parse(text) as Syntax;
  } catch (error) {
    if (error instanceof parser.SyntaxError) throw syntaxFault(text, error.location.start.offset);
    throw error;
  }
}

/**
 * The tree of a query about a subject. Throws `query_invalid` with the place of the fault and, where something similar
 * is known, what may have been meant.
 */
export function parseQuery(text: string, subject: Subject): QueryNode {
  checkSize(text);
  const tree = new Resolver(subject).node(syntaxOf(text));
  const whole = { at: 0, chars: text.length };
  if (depthOf(tree) > LIMITS.query_depth_max) throw tooDeep(whole);
  const leaves = leavesOf(tree);
  if (leaves.length > LIMITS.query_terms_max) {
    throw queryFault(`a query has at most ${LIMITS.query_terms_max} terms, and this one has ${leaves.length}`, whole);
  }
  const wildcards = leaves.reduce((sum, leaf) => sum + ('text' in leaf ? leaf.text.length - 1 : 0), 0);
  if (wildcards > LIMITS.query_wildcards_max) {
    throw queryFault(
      `a query has at most ${LIMITS.query_wildcards_max} wildcards, and this one has ${wildcards}`,
      whole,
    );
  }
  return tree;
}

const tooDeep = (place: QueryPlace) =>
  queryFault(`a query is at most ${LIMITS.query_depth_max} brackets and negations deep`, place);

/** Before the grammar sees it: it goes down one call for each bracket. */
function checkSize(text: string): void {
  if (text.length > LIMITS.query_chars_max) {
    const place = { at: LIMITS.query_chars_max, chars: 1 };
    throw queryFault(`a query has at most ${LIMITS.query_chars_max} characters`, place);
  }
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/\\.|"(?:[^"\\]|\\.)*"|[()]/gs)) {
    if (token === '(') depth++;
    if (token === ')') depth--;
    if (depth > LIMITS.query_depth_max) throw tooDeep({ at: index, chars: 1 });
  }
}

/** The grammar's own message lists everything that could follow; people need the most likely reason. */
function syntaxFault(text: string, at: number) {
  const rest = text.slice(at);
  const word = /^[^\s()]+/.exec(rest)?.[0] ?? rest.slice(0, 1);
  const place = { at, chars: Math.max(1, word.length) };
  const before = text.slice(0, at).trimEnd();
  if (rest.trim() === '') {
    const open = /\b(and|or|not)$|[:(<>=]$/i.test(before);
    return queryFault(open ? 'something has to follow' : 'a closing bracket is missing', { at, chars: 1 });
  }
  if (rest.startsWith('"')) return queryFault('a quotation mark is not closed', { at, chars: 1 });
  if (rest.startsWith(')')) {
    const empty = /[(:]$|\b(and|or|not)$/i.test(before);
    return queryFault(empty ? 'something has to stand before this bracket' : 'no bracket is open here', {
      at,
      chars: 1,
    });
  }
  if (/^[:<>]/.test(rest)) return queryFault('a name of a field has to stand before this', { at, chars: 1 });
  if (/^(and|or)\b/i.test(word)) {
    return queryFault(`something has to stand before ${quoted(word)}; to search for the word, quote it`, place);
  }
  if (before !== '' && !/[(:<>=]$/.test(before)) {
    const suggestion = `and ${word}`;
    return queryFault(`and or or has to stand before ${quoted(word)}; a value of several words is quoted`, {
      ...place,
      suggestion,
    });
  }
  return queryFault(`${quoted(word)} does not fit here`, place);
}

/** Runs of characters become texts; wildcards that follow each other are one. */
function patternOf(parts: readonly (string | null)[]): Pattern {
  const pattern: [string, ...string[]] = [''];
  let after_wildcard = false;
  for (const part of parts) {
    if (part !== null) pattern[pattern.length - 1] += part;
    else if (!after_wildcard) pattern.push('');
    after_wildcard = part === null;
  }
  return pattern;
}

const isWildcard = (pattern: Pattern) => pattern.length === 2 && pattern.every((part) => part === '');

class Resolver {
  private readonly subject: Subject;

  constructor(subject: Subject) {
    this.subject = subject;
  }

  node(syntax: Syntax): QueryNode {
    switch (syntax.kind) {
      case 'all':
        return { kind: 'all' };
      case 'and':
      case 'or':
        return joinNodes(
          syntax.kind,
          syntax.parts.map((part) => this.node(part)),
        );
      case 'not':
        return { kind: 'not', part: this.node(syntax.part) };
      case 'word': {
        const text = patternOf(syntax.parts);
        return isWildcard(text) ? { kind: 'all' } : { kind: 'word', text };
      }
      case 'test': {
        const { name, at, chars } = syntax.field;
        const found = findField(this.subject, name);
        if (found === undefined) {
          const suggestion = closest(name, fieldNames(this.subject));
          throw queryFault(`${this.subject.name} have no field ${quoted(name)}`, { at, chars, suggestion });
        }
        return this.values(found[0], found[1], syntax.value);
      }
    }
  }

  private values(name: string, field: Field, value: SyntaxValue): QueryNode {
    if (value.kind === 'value') return leafOf(name, field, value);
    if (value.kind === 'not') return { kind: 'not', part: this.values(name, field, value.part) };
    return joinNodes(
      value.kind,
      value.parts.map((part) => this.values(name, field, part)),
    );
  }
}

/** A number as JSON writes it (RFC 8259, section 6), leading zeros allowed: every number's own text is read again. */
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** The node of one value. Its type is that of the field. */
function leafOf(name: string, field: Field, value: LeafValue): QueryNode {
  const { at, chars, op = '=' } = value;
  const text = patternOf(value.parts);
  const fault = (message: string, suggestion?: string) => queryFault(message, { at, chars, suggestion });
  const comparable = ['number', 'time'].includes(field.type) || (field.type === 'choice' && field.ordered === true);
  if (op !== '=' && !comparable) throw fault(`${name} cannot be compared with ${op}; write ${name}:value`);
  if (op === '=' && isWildcard(text)) {
    if (field.type === 'words') throw fault(`${name} is looked for by words, not by a wildcard alone`);
    return { kind: 'exists', field: name };
  }
  if (field.type === 'text' || field.type === 'list') return { kind: 'is', field: name, text };
  if (field.type === 'choice' && text.length > 1 && op === '=') {
    if (field.values.some((each) => matchesPattern(each, text))) return { kind: 'is', field: name, text };
    throw fault(`no value of ${name} is like this; they are ${field.values.join(', ')}`);
  }
  if (text.length > 1) throw fault(`a value of ${name} takes no wildcard`);
  const [written] = text;
  switch (field.type) {
    case 'words': {
      const count = wordsOf(written).length;
      if (count >= 1 && count <= LIMITS.query_words_max) return { kind: 'is', field: name, text };
      throw fault(`${name} takes 1 to ${LIMITS.query_words_max} words of letters and digits`);
    }
    case 'choice':
      if (!field.values.includes(written)) {
        const suggestion = closest(written, field.values);
        throw fault(`${quoted(written)} is no value of ${name}; they are ${field.values.join(', ')}`, suggestion);
      }
      return op === '=' ? { kind: 'is', field: name, text } : { kind: 'compare', field: name, op, value: written };
    case 'flag':
      if (written === 'true' || written === 'false') {
        return { kind: 'compare', field: name, op, value: written === 'true' };
      }
      throw fault(`${name} is true or false`);
    case 'time':
      if (stretchOf(written, 0) !== undefined) return { kind: 'compare', field: name, op, value: written };
      throw fault(
        `${quoted(written)} is no time; write 2026-01-31, 2026-01-31T10:00:00Z or now-24h`,
        /^now-?\d+/.test(written) ? 'now-24h' : undefined,
      );
    case 'number': {
      const number = NUMBER.test(written) ? Number(written) + 0 : Number.NaN;
      if (Math.abs(number) <= Number.MAX_SAFE_INTEGER) return { kind: 'compare', field: name, op, value: number };
      if (!Number.isNaN(number)) throw fault(`${quoted(written)} is beyond 2^53 - 1, where numbers stop being exact`);
      throw fault(`${quoted(written)} is no number, and ${name} is one`);
    }
  }
}
