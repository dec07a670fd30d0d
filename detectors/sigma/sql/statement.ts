/** Puts the conditions of a rule together as a statement. Every part is made of constants and placeholders. */
import type { Binds } from './binds.ts';
import { allOf, anyOf, FALSE, TRUE } from './bounds.ts';
import type { Group } from './field_place.ts';
import type { Thinning } from './thinning.ts';

/** Columns that are only read when the rule asks for something in them; else they come back empty. */
export interface EventColumns {
  groups: ReadonlySet<Group>;
  /** Holds the time as the producer wrote it. */
  core: boolean;
  /** Definitions of tools, which stand in `detail`. */
  definitions: boolean;
}

/** Events that say what a call can do: definitions of tools; or all calls too, since results have what their calls have. */
export type Support = 'nothing' | 'definitions' | 'calls';

interface StatementParts {
  /** Condition over `e` and `c`. */
  wanted: string;
  support: Support;
  /** Conditions over content under the name `k`; their results are `c.f0`, `c.f1` ... */
  content: readonly string[];
  thinning: Thinning | undefined;
  columns: EventColumns;
  /** Placeholders. */
  tenant: string;
  from_ms: string;
  to_ms: string;
  binds: Binds;
}

/** The columns of the answer, in order. */
export const EVENT_COLUMNS = [
  'tenant',
  'session_id',
  'log',
  'seq',
  'session_seq',
  'type',
  'event_id',
  'time',
  'received_at',
  'user_id',
  'user_role',
  'agent',
  'server',
  'tool',
  'call_id',
  'is_error',
  'core',
  'who',
  'what',
  'detail',
] as const;

const HAS_DEFINITIONS = `position(e.detail, '"tools":') > 0`;

/** The statement: events in the order of rules, by time, log and number. */
export function eventsStatement(parts: StatementParts): string {
  const from = fromOf(parts.content);
  const { tenant, from_ms, to_ms } = parts;
  const scope = allOf([
    `e.kind = 'event'`,
    `(${tenant} = '' OR e.tenant = ${tenant})`,
    `e.time >= fromUnixTimestamp64Milli(${from_ms}, 'UTC')`,
    `e.time < fromUnixTimestamp64Milli(${to_ms}, 'UTC')`,
  ]);
  const rows = allOf([parts.wanted, thinned(parts, from, scope)]);
  const where = allOf([scope, anyOf([rows, supporting(parts.support)])]);
  const columns = EVENT_COLUMNS.map((name) => columnOf(name, parts.columns)).join(', ');
  return `SELECT ${columns}
FROM ${from}
WHERE ${where}
ORDER BY e.time, e.log, e.seq
SETTINGS join_use_nulls = 0, transform_null_in = 0`;
}

function columnOf(name: (typeof EVENT_COLUMNS)[number], { groups, core, definitions }: EventColumns): string {
  switch (name) {
    case 'core':
      return core ? 'e.core' : `''`;
    case 'detail':
      if (groups.has('detail')) return 'e.detail';
      return definitions ? `if(${HAS_DEFINITIONS}, e.detail, '')` : `''`;
    case 'who':
    case 'what':
      return groups.has(name) ? `e.${name}` : `''`;
    case 'seq':
    case 'session_seq':
    case 'time':
    case 'received_at':
    case 'is_error':
      return `e.${name}`;
    default:
      return `toString(e.${name})`;
  }
}

function supporting(support: StatementParts['support']): string {
  switch (support) {
    case 'nothing':
      return FALSE;
    case 'definitions':
      return HAS_DEFINITIONS;
    case 'calls':
      return anyOf([HAS_DEFINITIONS, `e.type = 'tool.call'`]);
  }
}

/** Events, joined to what their content satisfies: of content itself only the rows of which something holds. */
function fromOf(content: readonly string[]): string {
  if (content.length === 0) return 'v_events AS e';
  const flags = content.map((sql, at) => `toUInt8(${sql}) AS f${at}`).join(', ');
  const any = content.map((_sql, at) => `f${at}`).join(' OR ');
  return `v_events AS e
LEFT JOIN (SELECT k.tenant AS tenant, k.session_id AS session_id, k.log AS log, k.seq AS seq, ${flags} FROM v_content AS k WHERE ${any}) AS c
  ON e.tenant = c.tenant AND e.session_id = c.session_id AND e.log = c.log AND e.seq = c.seq`;
}

/** Condition over `e` that a row lies where its key has what a match needs. */
function thinned({ thinning, wanted, binds }: StatementParts, from: string, scope: string): string {
  if (thinning === undefined) return TRUE;
  const stretch = `intDiv(toUnixTimestamp64Milli(e.time), ${binds.whole(thinning.timespan_ms)})`;
  const keys = ['e.tenant', ...thinning.keys].map((key) => `toString(${key})`);
  const named = keys.map((key, at) => `${key} AS k${at}`).join(', ');
  const names = keys.map((_key, at) => `k${at}`).join(', ');
  const where = allOf([scope, wanted]);
  return `(${[...keys, stretch].join(', ')}) IN (SELECT ${names}, arrayJoin([g - 1, g])
  FROM (SELECT ${named}, arrayJoin([${stretch}, ${stretch} + 1]) AS g
    FROM ${from}
    WHERE ${where}
    GROUP BY ${names}, g
    HAVING ${thinning.having}))`;
}
