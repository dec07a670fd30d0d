/**
 * A query as a condition in SQL. It is made of columns of the subject's table and of placeholders; whatever was written
 * in the query is a bound value.
 */
import { AppError } from '../errors.ts';
import type { QueryParam, QueryParams } from '../store/bind.ts';
import type { QueryContext } from './evaluate.ts';
import { foldAscii, likeText, matchesPattern, wordsOf } from './pattern.ts';
import { type Field, fieldOf, type Subject, searchedFields } from './subject.ts';
import { stretchOf } from './time_value.ts';
import { leavesOf, type Operator, type Pattern, type QueryNode } from './tree.ts';

/** A condition over a subject's rows, with its values. */
export interface Condition {
  sql: string;
  params: QueryParams;
}

export const ANYTHING: Condition = { sql: '1', params: {} };

/** Stands in a field of words where the list of words is bound. */
export const WORDS = 'WORDS';

/** The condition for a query. Throws `forbidden` when it asks about content and whoever asks may not read that. */
export function compileQuery(node: QueryNode, subject: Subject, context: QueryContext): Condition {
  for (const leaf of leavesOf(node)) {
    if (!('field' in leaf) || context.with_content || fieldOf(subject, leaf.field).content !== true) continue;
    throw new AppError('forbidden', `the field ${leaf.field} can be asked about only with content:read`);
  }
  const binds = new Binds();
  const sql = new Compiler(subject, context, binds).condition(node);
  return { sql, params: binds.params };
}

class Binds {
  readonly params: Record<string, QueryParam> = {};
  private count = 0;

  add(type: 'String' | 'Float64' | 'Int64' | 'UInt8' | 'Array(String)', value: QueryParam): string {
    const name = `q${this.count++}`;
    this.params[name] = value;
    return `{${name}:${type}}`;
  }
}

class Compiler {
  private readonly subject: Subject;
  private readonly context: QueryContext;
  private readonly binds: Binds;

  constructor(subject: Subject, context: QueryContext, binds: Binds) {
    this.subject = subject;
    this.context = context;
    this.binds = binds;
  }

  condition(node: QueryNode): string {
    switch (node.kind) {
      case 'all':
        return '1';
      case 'and':
      case 'or':
        return `(${node.parts.map((part) => this.condition(part)).join(node.kind === 'and' ? ' AND ' : ' OR ')})`;
      case 'not':
        return `(NOT ${this.condition(node.part)})`;
      case 'word':
        return this.word(node.text);
      case 'exists':
        return exists(fieldOf(this.subject, node.field));
      case 'is':
        return this.is(fieldOf(this.subject, node.field), node.text);
      case 'compare':
        return this.compare(fieldOf(this.subject, node.field), node.op, node.value);
    }
  }

  private word(text: Pattern): string {
    const like = this.binds.add('String', likeText(['', ...(text.map(foldAscii) as string[]), '']));
    const fields = searchedFields(this.subject, this.context.with_content);
    const each = fields.map(([, { type, column }]) =>
      type === 'list' ? `arrayExists(x -> lower(x) LIKE ${like}, ${column})` : `lower(${column}) LIKE ${like}`,
    );
    return `(${each.join(' OR ')})`;
  }

  private is(field: Field, text: Pattern): string {
    const { column } = field;
    if (field.type === 'choice') return this.oneOf(field, (value) => matchesPattern(value, text));
    // The list of words is the only thing that a field of words leaves open.
    if (field.type === 'words') return column.replace(WORDS, this.binds.add('Array(String)', wordsOf(text[0])));
    if (text.length === 1) {
      const value = this.binds.add('String', text[0]);
      return field.type === 'list' ? `has(${column}, ${value})` : `${column} = ${value}`;
    }
    const like = this.binds.add('String', likeText(text));
    return field.type === 'list' ? `arrayExists(x -> x LIKE ${like}, ${column})` : `${column} LIKE ${like}`;
  }

  private oneOf(field: Field & { type: 'choice' }, wanted: (value: string, rank: number) => boolean): string {
    return `has(${this.binds.add('Array(String)', field.values.filter(wanted))}, toString(${field.column}))`;
  }

  private compare(field: Field, op: Operator, value: string | number | boolean): string {
    const { column } = field;
    if (field.type === 'flag') return `${column} = ${this.binds.add('UInt8', value === true ? 1 : 0)}`;
    if (field.type === 'number') return `${column} ${op} ${this.binds.add('Float64', Number(value))}`;
    if (field.type === 'choice') {
      const asked = field.values.indexOf(String(value));
      return this.oneOf(field, (_, rank) => COMPARE[op](rank, asked));
    }
    const stretch = stretchOf(String(value), this.context.now_ms);
    if (stretch === undefined) return '0';
    const from = () => this.binds.add('Int64', stretch.from_ms);
    const to = () => this.binds.add('Int64', stretch.to_ms);
    if (op === '=') return `(${column} >= ${from()} AND ${column} < ${to()})`;
    if (op === '>') return `${column} >= ${to()}`;
    if (op === '>=') return `${column} >= ${from()}`;
    return op === '<' ? `${column} < ${from()}` : `${column} < ${to()}`;
  }
}

const COMPARE: Record<Operator, (a: number, b: number) => boolean> = {
  '=': (a, b) => a === b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
};

function exists({ type, column }: Field): string {
  if (type === 'number' || type === 'flag') return '1';
  if (type === 'time') return `${column} > 0`;
  return `notEmpty(${column})`;
}
