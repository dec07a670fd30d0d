/** A query asked of one row in memory. The SQL that `compileQuery` makes says the same; a test holds both together. */
import { foldAscii, holdsPattern, matchesPattern, wordsOf } from './pattern.ts';
import { type Field, fieldOf, type QueryRow, type Subject, searchedFields } from './subject.ts';
import { stretchOf } from './time_value.ts';
import type { Operator, Pattern, QueryNode } from './tree.ts';

export interface QueryContext {
  now_ms: number;
  /** Whether whoever asks may read content. */
  with_content: boolean;
}

/** Whether a row is what a query asks for. */
export function matchesQuery(node: QueryNode, subject: Subject, row: QueryRow, context: QueryContext): boolean {
  const inner = (part: QueryNode) => matchesQuery(part, subject, row, context);
  switch (node.kind) {
    case 'all':
      return true;
    case 'and':
      return node.parts.every(inner);
    case 'or':
      return node.parts.some(inner);
    case 'not':
      return !inner(node.part);
    case 'word': {
      const folded = node.text.map(foldAscii) as [string, ...string[]];
      const searched = searchedFields(subject, context.with_content);
      return searched.some(([name]) => textsOf(row, name).some((text) => holdsPattern(foldAscii(text), folded)));
    }
    case 'exists':
      return isThere(fieldOf(subject, node.field), row[node.field]);
    case 'is':
      return isText(fieldOf(subject, node.field), row, node.field, node.text);
    case 'compare':
      return compare(fieldOf(subject, node.field), row[node.field], node.op, node.value, context.now_ms);
  }
}

const textsOf = (row: QueryRow, name: string): readonly string[] => {
  const value = row[name];
  return typeof value === 'string' ? [value] : Array.isArray(value) ? value : [];
};

function isThere(field: Field, value: QueryRow[string] | undefined): boolean {
  if (field.type === 'number' || field.type === 'flag') return true;
  if (field.type === 'time') return Number(value) > 0;
  return (value as string | readonly string[]).length > 0;
}

function isText(field: Field, row: QueryRow, name: string, text: Pattern): boolean {
  if (field.type !== 'words') return textsOf(row, name).some((each) => matchesPattern(each, text));
  const there = new Set(wordsOf(textsOf(row, name).join(' ')));
  return wordsOf(text[0]).every((word) => there.has(word));
}

function compare(
  field: Field,
  value: QueryRow[string] | undefined,
  op: Operator,
  asked: string | number | boolean,
  now_ms: number,
): boolean {
  if (field.type === 'flag') return value === asked;
  if (field.type === 'choice') {
    const rank = (each: unknown) => field.values.indexOf(String(each));
    return rank(value) >= 0 && holds(rank(value), op, { from: rank(asked), to: rank(asked) + 1 });
  }
  if (field.type !== 'time') return holds(Number(value), op, { from: Number(asked), to: Number(asked) }, op === '=');
  const stretch = stretchOf(String(asked), now_ms);
  return stretch !== undefined && holds(Number(value), op, { from: stretch.from_ms, to: stretch.to_ms });
}

/** A stretch ends before `to`. A number is a point, which a comparison includes or not. */
function holds(value: number, op: Operator, { from, to }: { from: number; to: number }, equal = false): boolean {
  const point = from === to;
  switch (op) {
    case '>':
      return point ? value > from : value >= to;
    case '>=':
      return value >= from;
    case '<':
      return value < from;
    case '<=':
      return point ? value <= from : value < to;
    case '=':
      return equal ? value === from : value >= from && value < to;
  }
}
