/** One comparison of one field of an event in SQL. */
import type { BaseRule, Compare, Test } from '../ir.ts';
import type { Binds } from './binds.ts';
import { allOf, anyOf, type Bounds, exactly, FALSE, joinBounds, negateBounds, TRUE } from './bounds.ts';
import type { FieldPlace } from './field_place.ts';
import { jsonExists, jsonHolds } from './json_bounds.ts';
import { numberTest, textBounds, type ValueCompare } from './text_test.ts';
import { type ToolVariants, toolBounds } from './tool_bounds.ts';

/** What a comparison may ask of the statement that it becomes part of. */
export interface Surroundings {
  binds: Binds;
  /** Makes a condition over content, under the name `k`, one over events. */
  ofContent(sql: string): string;
  /** The tools of the store; undefined when the caller did not look. */
  tools: readonly ToolVariants[] | undefined;
  /** Ids of the detectors whose findings are signals for rules. */
  detectors: readonly string[];
  placeOf(field: string): FieldPlace;
}

type Comparison = ValueCompare | (Compare & { kind: 'field' });

/** A comparison, or several of one field that differ in their texts alone. */
export type FieldTest = Omit<Test, 'compare'> & { compare: Comparison | (Compare & { kind: 'exists' }) };

/** Bounds of a comparison with its quantifier. */
export function testBounds(test: FieldTest, around: Surroundings): Bounds {
  const place = around.placeOf(test.field);
  if (place.kind === 'tool') return toolBounds(asRule(test as Test), around.tools ?? [], around.binds);
  const exists = existsBounds(place, around);
  if (test.compare.kind === 'exists') return test.compare.exists ? exists : negateBounds(exists);
  const holds = joinBounds('and', [exists, holdsBounds(place, test, test.compare, around)]);
  return test.quantifier === 'any' ? holds : joinBounds('and', [exists, negateBounds(holds)]);
}

function asRule(test: Test): Pick<BaseRule, 'types' | 'selections' | 'condition'> {
  return { types: null, selections: { test }, condition: { op: 'selection', name: 'test' } };
}

/** Whether the field has a value. */
function existsBounds(place: FieldPlace, around: Surroundings): Bounds {
  switch (place.kind) {
    case 'text':
      return exactly(`${place.sql} != ''`);
    case 'number':
    case 'time':
      return exactly(TRUE);
    case 'flag':
      return exactly(`${place.sql} = 1`);
    case 'content':
      return exactly(around.ofContent(`k.content != ''`));
    case 'json':
      return placed(jsonExists(place.doc, place.path, around.binds), place, around);
    case 'edge':
    case 'signal':
      return exactly(among(place, TRUE, around));
    case 'nothing':
    case 'tool':
      return exactly(FALSE);
  }
}

/** Whether a value of the field, if there is one, satisfies the comparison. */
function holdsBounds(place: FieldPlace, test: FieldTest, compare: Comparison, around: Surroundings): Bounds {
  const { binds } = around;
  if (compare.kind === 'field') return { may: existsBounds(around.placeOf(compare.field), around).may, must: FALSE };
  if (test.part !== null) return timePartBounds(place, test.part, compare, binds);
  switch (place.kind) {
    case 'text':
      return textBounds(place.sql, compare, binds);
    case 'number':
      return compare.kind === 'number'
        ? exactly(numberTest(place.sql, compare, binds))
        : textBounds(`toString(${place.sql})`, compare, binds);
    case 'flag':
      return textBounds(`'true'`, compare, binds);
    case 'time':
      return { may: TRUE, must: FALSE };
    case 'content':
      return overContent(textBounds('k.content', compare, binds), around);
    case 'json':
      return placed(jsonHolds(place.doc, place.path, compare, binds), place, around);
    case 'edge':
    case 'signal': {
      const { may, must } = textBounds(place.sql, compare, binds);
      return { may: among(place, may, around), must: among(place, must, around) };
    }
    case 'nothing':
    case 'tool':
      return exactly(FALSE);
  }
}

const TIME_PARTS = {
  minute: 'toMinute',
  hour: 'toHour',
  day: 'toDayOfMonth',
  week: 'toISOWeek',
  month: 'toMonth',
  year: 'toYear',
} as const;

function timePartBounds(place: FieldPlace, part: keyof typeof TIME_PARTS, compare: Comparison, binds: Binds): Bounds {
  if (place.kind !== 'time' || compare.kind !== 'number') return { may: TRUE, must: FALSE };
  return exactly(numberTest(`${TIME_PARTS[part]}(${place.sql})`, compare, binds));
}

function placed(bounds: Bounds, place: FieldPlace, around: Surroundings): Bounds {
  return place.kind === 'json' && place.in_content ? overContent(bounds, around) : bounds;
}

function overContent({ may, must }: Bounds, { ofContent }: Surroundings): Bounds {
  // A row without content has no values: nothing holds of it, however the condition looks.
  const there = (sql: string) => (sql === FALSE ? FALSE : ofContent(sql));
  return { may: there(may), must: there(must) };
}

/** Whether the event has a row of another table for which a condition over `x` holds. */
function among(place: FieldPlace & { kind: 'edge' | 'signal' }, sql: string, around: Surroundings): string {
  const condition = allOf([`${place.sql} != ''`, sql]);
  if (condition === FALSE) return FALSE;
  return place.kind === 'edge' ? hasDestination(condition) : hasSignal(condition, around);
}

const EVENT_KEY = '(e.tenant, e.session_id, e.log, e.seq)';

function hasDestination(condition: string): string {
  return `${EVENT_KEY} IN (SELECT x.tenant, x.session_id, x.log, x.to_seq FROM v_edges AS x WHERE x.destination = 1 AND ${condition})`;
}

/** The event of a signal is the last of its evidence. */
function hasSignal(condition: string, { binds, detectors }: Surroundings): string {
  const known = binds.texts(detectors);
  const of_view = (view: 'v_signals' | 'v_alerts') =>
    `SELECT x.tenant, x.session_id, JSONExtractString(x.evidence, -1, 'log'), JSONExtractUInt(x.evidence, -1, 'seq') FROM ${view} AS x WHERE x.rule_id IN ${known} AND ${condition}`;
  return anyOf([`${EVENT_KEY} IN (${of_view('v_signals')})`, `${EVENT_KEY} IN (${of_view('v_alerts')})`]);
}

/** Events on which a signal was emitted. */
export function signalBounds(id: string, around: Surroundings): Bounds {
  return exactly(hasSignal(`x.rule_id = ${around.binds.text(id)}`, around));
}
