/**
 * Which rows of a correlation can be part of a match at all, counted in SQL. Time is cut into stretches as long as the
 * rule's timespan, so a window lies within two neighbouring ones. Only stretches come back in which a key has as many
 * rows, values or sources as a match needs; whether they really lie in one window is decided by the code of the stream.
 * Rows that are left out belong to windows that cannot match, and to no others. That holds for absence after the last
 * step too: its deadline lies in the stretch after that of the first event, or before.
 */
import type { Bound, CorrelationRule } from '../ir.ts';
import type { Binds } from './binds.ts';
import { allOf, TRUE } from './bounds.ts';
import type { FieldPlace } from './field_place.ts';

export interface Thinning {
  /** Expressions over `e` that rows of one key have in common. */
  keys: readonly string[];
  timespan_ms: number;
  /** Condition over the rows of a key in two neighbouring stretches. */
  having: string;
}

/** Undefined when a match may need no more than one row, or when SQL cannot count what it needs. `sources`: conditions. */
export function thinningOf(
  rule: CorrelationRule,
  sources: readonly string[],
  placeOf: (field: string) => FieldPlace,
  binds: Binds,
): Thinning | undefined {
  const having = havingOf(rule, sources, placeOf, binds);
  if (having === TRUE) return undefined;
  const keys = rule.group_by.flatMap(({ fields }) => {
    const [field] = fields;
    const place = field !== undefined && fields.every((each) => each === field) ? placeOf(field) : undefined;
    // Fewer parts of the key only join more rows.
    return place?.kind === 'text' ? [place.sql] : [];
  });
  return { keys: [...new Set(keys)], timespan_ms: rule.timespan_ms, having };
}

function havingOf(
  rule: CorrelationRule,
  sources: readonly string[],
  placeOf: (field: string) => FieldPlace,
  binds: Binds,
): string {
  if (rule.sequence !== null) {
    const needed = new Map<number, number>();
    for (const { absent, source, min_count } of rule.sequence.steps) {
      if (!absent) needed.set(source, (needed.get(source) ?? 0) + min_count);
    }
    return allOf([...needed].map(([source, count]) => `countIf(${sources[source]}) >= ${binds.whole(count)}`));
  }
  const least = leastOf(rule.threshold?.bounds ?? []);
  if (least <= 1) return TRUE;
  switch (rule.type) {
    case 'event_count':
      return `count() >= ${binds.whole(least)}`;
    case 'value_count': {
      const places = (rule.threshold?.fields ?? []).map(placeOf);
      const columns = places.flatMap((place) => (place.kind === 'text' ? [place.sql] : []));
      return columns.length === places.length ? `uniqExact(${columns.join(', ')}) >= ${binds.whole(least)}` : TRUE;
    }
    case 'temporal': {
      const there = sources.slice(0, rule.counted).map((source) => `(countIf(${source}) > 0)`);
      return `${there.join(' + ')} >= ${binds.whole(least)}`;
    }
    default:
      return TRUE;
  }
}

/** The least whole number that the bounds allow, as far as they say. */
function leastOf(bounds: readonly Bound[]): number {
  const each = bounds.map(({ operator, value }) => {
    if (operator === 'gte' || operator === 'eq') return Math.ceil(value);
    return operator === 'gt' ? Math.floor(value) + 1 : 0;
  });
  return Math.min(Math.max(0, ...each), Number.MAX_SAFE_INTEGER);
}
