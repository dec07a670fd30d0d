/** Where the store keeps the fields that rules ask for. The list is closed: no field's name becomes part of SQL. */
import { DETAIL_FIELDS, WHAT_FIELDS, WHO_FIELDS } from '../../../core/groups.ts';

/** Columns of events, under the name `e`, and of content, under the name `k`. */
export type Group = 'who' | 'what' | 'detail';

export type FieldPlace =
  /** A column of text, in which nothing stands for missing. */
  | { kind: 'text'; sql: string }
  /** A column of numbers, which is never missing. */
  | { kind: 'number'; sql: string }
  /** A column that is 1 where the field is true, and 0 where it is missing. */
  | { kind: 'flag'; sql: string }
  /** A time that is never missing, stored without the text that the producer wrote. */
  | { kind: 'time'; sql: string }
  /** Inside of a JSON document; the path goes from its root. */
  | { kind: 'json'; doc: string; path: readonly string[]; in_content: boolean }
  | { kind: 'content' }
  /** What the catalog says of the called tool. */
  | { kind: 'tool' }
  /** A column of another table, `x`, of which an event may have several rows. */
  | { kind: 'edge' | 'signal'; sql: string }
  /** A path into something that has no inside. */
  | { kind: 'nothing' };

const TEXT_COLUMNS: ReadonlyMap<string, string> = new Map([
  ['tenant', 'e.tenant'],
  ['session_id', 'e.session_id'],
  ['log', 'e.log'],
  ['type', 'e.type'],
  ['event_id', 'e.event_id'],
  ['user_id', 'e.user_id'],
  ['user_role', 'e.user_role'],
  ['agent', 'e.agent'],
  ['server', 'e.server'],
  ['tool', 'e.tool'],
  ['call_id', 'e.call_id'],
]);

const OTHER: ReadonlyMap<string, FieldPlace> = new Map<string, FieldPlace>([
  ['seq', { kind: 'number', sql: 'e.seq' }],
  ['session_seq', { kind: 'number', sql: 'e.session_seq' }],
  ['is_error', { kind: 'flag', sql: 'e.is_error' }],
  ['time', { kind: 'time', sql: 'e.time' }],
  ['received_at', { kind: 'time', sql: 'e.received_at' }],
  ['content', { kind: 'content' }],
  ['capability', { kind: 'tool' }],
  ['egress', { kind: 'tool' }],
  ['destination', { kind: 'edge', sql: 'x.preview' }],
  ['signal', { kind: 'signal', sql: 'x.rule_id' }],
  ['severity', { kind: 'signal', sql: 'x.severity' }],
]);

const GROUPS: readonly [Group, ReadonlySet<string>][] = [
  ['who', new Set<string>(WHO_FIELDS)],
  ['what', new Set<string>(WHAT_FIELDS)],
  ['detail', new Set<string>(DETAIL_FIELDS)],
];

/** Where a field stands, or undefined when the store does not keep it. */
export function placeOfField(field: string): FieldPlace | undefined {
  const [first = '', ...rest] = field.split('.');
  const column = TEXT_COLUMNS.get(first);
  const other = OTHER.get(first);
  if (column !== undefined || other !== undefined) {
    // What the catalog says is judged by its values, whatever the path.
    if (rest.length > 0 && other?.kind !== 'tool') return { kind: 'nothing' };
    return other ?? { kind: 'text', sql: column as string };
  }
  if (first === 'params') return { kind: 'json', doc: 'k.params', path: rest, in_content: true };
  const group = groupOfField(field);
  return group && { kind: 'json', doc: `e.${group}`, path: [first, ...rest], in_content: false };
}

/** The column that holds a field as JSON, or undefined. */
export function groupOfField(field: string): Group | undefined {
  const [first = ''] = field.split('.');
  return GROUPS.find(([, names]) => names.has(first))?.[0];
}
