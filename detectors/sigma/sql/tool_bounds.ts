/**
 * What the catalog says of a call depends on its tool, on the tool's definition in the session, and on its parameters.
 * Whoever asks for SQL says what each tool of the store can amount to; the rule's comparison is made here, on each.
 */
import { FieldTable, FieldView } from '../field_view.ts';
import type { BaseRule } from '../ir.ts';
import { compileBase } from '../matcher.ts';
import { eventRecord } from '../record.ts';
import type { Binds } from './binds.ts';
import { type Bounds, FALSE, TRUE } from './bounds.ts';

/** A tool of the store, with all that its calls can amount to. */
export interface ToolVariants {
  tenant: string;
  server: string;
  tool: string;
  variants: readonly { capability: readonly string[]; egress: boolean }[];
}

/** Beyond so many tools of one kind SQL does not tell them apart. */
const TOOLS_MAX = 20_000;
/** Ids and names hold no control characters. */
const SEPARATOR = '\u001f';

const BLANK = {
  log: '',
  seq: 0,
  event_id: '',
  type: 'tool.call',
  time: '',
  time_ms: 0,
  received_at_ms: 0,
  tenant: '',
  session_id: '',
  session_seq: 0,
  rest: {},
} as const;

/** Bounds of a condition over `capability` and `egress` alone. A result has what its call has. */
export function toolBounds(
  rule: Pick<BaseRule, 'types' | 'selections' | 'condition'>,
  tools: readonly ToolVariants[],
  binds: Binds,
): Bounds {
  const table = new FieldTable();
  const matches = compileBase(rule as BaseRule, table);
  const view = new FieldView(table);
  const holds = (derived: { capability?: readonly string[]; egress?: boolean }): boolean => {
    view.look(eventRecord(BLANK, derived));
    return matches(view);
  };
  const without = holds({}) ? TRUE : FALSE;
  const may: string[] = [];
  const must: string[] = [];
  for (const { tenant, server, tool, variants } of tools) {
    const held = variants.map(holds);
    const key = [tenant, server, tool].join(SEPARATOR);
    if (held.includes(true)) may.push(key);
    if (!held.includes(false)) must.push(key);
  }
  const among = (keys: readonly string[], otherwise: string): string =>
    keys.length > TOOLS_MAX
      ? otherwise
      : `concat(e.tenant, unhex('1F'), e.server, unhex('1F'), e.tool) IN ${binds.texts(keys)}`;
  const of_type = (call: string, result: string): string =>
    `multiIf(e.type = 'tool.call', ${call}, e.type = 'tool.result', ${result}, ${without})`;
  return {
    may: of_type(may.length === 0 ? FALSE : among(may, TRUE), TRUE),
    must: of_type(must.length === 0 ? FALSE : among(must, FALSE), FALSE),
  };
}
