/**
 * Finds the events of a sequence that ends in a given row. It walks back from there and prefers the latest row for
 * each place, which is what `docs/rules.md` defines: the last place but one is as late as it can be, then the one
 * before it, and so on.
 */
import type { Carry, Sequence } from './ir.ts';
import type { EventPoint } from './record.ts';
import type { Row } from './rows.ts';

/** A value that went from one event into another. */
export interface CarriedValue {
  /** `secret`, `text`, or any other kind of value. */
  kind: string;
  /** Characters of the value; unknown when absent. */
  chars?: number;
}

/** The values that went from the one event, or from its result when it is a call, into the other. */
export type EdgesBetween = (from: EventPoint, to: EventPoint) => readonly CarriedValue[];

/** A sequence as the search needs it. */
export interface ChainPlan {
  /** One for each event of a match, in order. */
  places: readonly Place[];
  /** Sources that may not lie in the window before the first event. */
  leading: number;
  /** Sources that may not lie after the last event until the deadline; with `until` when there are any. */
  trailing: number;
  until: number;
  max_gap_ms: number;
  max_gap_events: number;
  /** Numbers of fields in `Row.fields`. */
  distinct: readonly number[];
  same: readonly number[];
  /** Whether it depends on more than its neighbour if a row fits. */
  entangled: boolean;
  /** Whether an earlier row for a place never lets more come true than a later one. */
  greedy: boolean;
}

interface Place {
  source: number;
  step: number;
  name: string;
  /** Sources that may not lie between this event and the next. */
  absent_after: number;
  /** Values that must have gone from here to a later place. */
  carries: readonly { to: number; carry: Carry }[];
}

/** The plan of a sequence. `fieldNumber` gives a field's number in `Row.fields`. */
export function planChain(sequence: Sequence, fieldNumber: (field: string) => number): ChainPlan {
  const { steps, until, carry, distinct, same } = sequence;
  const places = steps.flatMap((step, at) =>
    step.absent
      ? []
      : new Array<number>(step.min_count)
          .fill(at)
          .map((number) => ({ source: 1 << step.source, step: number, name: step.name })),
  );
  const silentBetween = (after: number, before: number): number =>
    steps.reduce((mask, step, at) => (step.absent && at > after && at < before ? mask | (1 << step.source) : mask), 0);
  const placeOfStep = (step: number): number => places.findIndex((place) => place.step === step);
  const first = places[0]?.step ?? 0;
  const last = places.at(-1)?.step ?? 0;
  const until_mask = until === null ? 0 : 1 << until;
  const trailing = silentBetween(last, steps.length);
  const entangled = distinct.length + same.length + carry.length > 0;
  const bound = sequence.max_gap_ms !== null || sequence.max_gap_events !== null;
  return {
    places: places.map((place, at) => ({
      ...place,
      absent_after: silentBetween(place.step, places[at + 1]?.step ?? place.step),
      carries: carry
        .filter(({ from }) => from === place.step)
        .map((each) => ({ to: placeOfStep(each.to), carry: each })),
    })),
    leading: silentBetween(-1, first),
    trailing: trailing === 0 ? 0 : trailing | until_mask,
    until: until_mask,
    max_gap_ms: sequence.max_gap_ms ?? Number.POSITIVE_INFINITY,
    max_gap_events: sequence.max_gap_events ?? Number.POSITIVE_INFINITY,
    distinct: distinct.map(fieldNumber),
    same: same.map(fieldNumber),
    entangled,
    greedy: !entangled && !bound && silentBetween(-1, last) === 0,
  };
}

export interface ChainSearch {
  rows: readonly Row[];
  /** Place of the anchor in `rows`. */
  anchor: number;
  /** Place of the first row of its window. */
  start: number;
  plan: ChainPlan;
  edgesBetween: EdgesBetween;
  /** Rows that may still be looked at; goes below zero when the search was cut. */
  budget: { rows: number };
}

/** The rows of the match that ends in the anchor, in order, or undefined. */
export function findChain(search: ChainSearch): Row[] | undefined {
  const { rows, anchor, start, plan } = search;
  const row = rows[anchor] as Row;
  const last = plan.places.length - 1;
  if ((row.mask & (plan.places[last] as Place).source) === 0) return undefined;
  const chosen = new Array<Row>(last + 1);
  if (!fits(search, chosen, last, row)) return undefined;
  chosen[last] = row;
  const from = plan.until === 0 ? start : Math.max(start, lastWith(rows, plan.until, start, anchor));
  return new Walk(search, chosen, from).place(last - 1, anchor) ? chosen : undefined;
}

class Walk {
  private readonly search: ChainSearch;
  private readonly chosen: Row[];
  /** No event may lie before this place of `rows`. */
  private readonly from: number;
  /** Places and rows from which there is no way back; only kept when nothing else decides that. */
  private readonly dead: Set<number> | undefined;

  constructor(search: ChainSearch, chosen: Row[], from: number) {
    this.search = search;
    this.chosen = chosen;
    this.from = from;
    this.dead = search.plan.entangled ? undefined : new Set();
  }

  /** Fills a place and all before it with rows before `next`, a place of `rows`. */
  place(number: number, next: number): boolean {
    const { rows, plan, budget, start } = this.search;
    if (number < 0) return plan.leading === 0 || lastWith(rows, plan.leading, start, next) < 0;
    const state = number * (rows.length + 1) + next;
    if (this.dead?.has(state)) return false;
    const { source, absent_after } = plan.places[number] as Place;
    const after = rows[next] as Row;
    for (let at = next - 1; at >= this.from; at--) {
      if (--budget.rows < 0) return false;
      const row = rows[at] as Row;
      if (after.point.time_ms - row.point.time_ms > plan.max_gap_ms) break;
      if (row.mask & source && isNear(row, after, plan) && fits(this.search, this.chosen, number, row)) {
        this.chosen[number] = row;
        if (this.place(number - 1, at)) return true;
        if (plan.greedy) return false;
      }
      if (row.mask & absent_after) break;
    }
    this.dead?.add(state);
    return false;
  }
}

/** Whether a row goes with those that were chosen for later places. */
function fits(search: ChainSearch, chosen: readonly Row[], number: number, row: Row): boolean {
  const { plan, edgesBetween } = search;
  const { step, carries } = plan.places[number] as Place;
  if (plan.distinct.some((field) => row.fields[field]?.length === 0)) return false;
  for (let at = number + 1; at < plan.places.length; at++) {
    const other = chosen[at] as Row;
    if (plan.same.some((field) => !share(row, other, field))) return false;
    const other_step = (plan.places[at] as Place).step;
    if (other_step !== step && plan.distinct.some((field) => share(row, other, field))) return false;
  }
  return carries.every(({ to, carry }) =>
    edgesBetween(row.point, (chosen[to] as Row).point).some((edge) => counts(edge, carry)),
  );
}

function counts({ kind, chars }: CarriedValue, { match, min_chars }: Carry): boolean {
  if (min_chars > 0 && (chars ?? 0) < min_chars) return false;
  if (match === 'any') return true;
  return match === 'value' ? kind !== 'secret' && kind !== 'text' : kind === match;
}

function share(a: Row, b: Row, field: number): boolean {
  const others = b.fields[field] ?? [];
  return a.fields[field]?.some((value) => others.includes(value)) ?? false;
}

function isNear(row: Row, after: Row, { max_gap_events }: ChainPlan): boolean {
  if (max_gap_events === Number.POSITIVE_INFINITY) return true;
  const [a, b] = [row.point, after.point];
  return a.session_id === b.session_id && Math.abs(b.session_seq - a.session_seq) - 1 <= max_gap_events;
}

/** The last place from `start` up to and without `end` that holds a row of one of the sources, or -1. */
function lastWith(rows: readonly Row[], mask: number, start: number, end: number): number {
  for (let at = end - 1; at >= start; at--) if ((rows[at] as Row).mask & mask) return at;
  return -1;
}
