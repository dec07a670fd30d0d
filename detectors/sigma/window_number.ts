/** The number that a sliding window of rows yields, kept up as rows come in at its end and leave at its start. */
import type { Bound, CorrelationRule } from './ir.ts';
import type { Row } from './rows.ts';

export interface WindowNumber {
  add(row: Row): void;
  remove(row: Row): void;
  /** The number over `rows[start]` to `rows[end - 1]`, which are the rows that were added and not removed. */
  value(rows: readonly Row[], start: number, end: number): number;
}

/** The number of a correlation's type; `temporal_ordered` has none. */
export function createWindowNumber(rule: CorrelationRule): WindowNumber {
  switch (rule.type) {
    case 'value_count':
      return countValues();
    case 'value_sum':
      return sumNumbers(false);
    case 'value_avg':
      return sumNumbers(true);
    case 'value_percentile':
      return rankNumbers(rule.threshold?.percentile ?? 100);
    case 'temporal':
      return countSources(rule.counted);
    default:
      return { add() {}, remove() {}, value: (_rows, start, end) => end - start };
  }
}

function countValues(): WindowNumber {
  const times = new Map<string, number>();
  return {
    add(row) {
      for (const value of row.counted) times.set(value, (times.get(value) ?? 0) + 1);
    },
    remove(row) {
      for (const value of row.counted) {
        const left = (times.get(value) ?? 0) - 1;
        if (left > 0) times.set(value, left);
        else times.delete(value);
      }
    },
    value: () => times.size,
  };
}

function sumNumbers(mean: boolean): WindowNumber {
  // Whole numbers add up exactly, whichever come and go; others are added anew, in order.
  let sum = 0;
  let inexact = 0;
  const weigh = ({ number }: Row): number => (Number.isInteger(number) && Math.abs(number) < 2 ** 40 ? 0 : 1);
  return {
    add(row) {
      inexact += weigh(row);
      if (weigh(row) === 0) sum += row.number;
    },
    remove(row) {
      inexact -= weigh(row);
      if (weigh(row) === 0) sum -= row.number;
    },
    value(rows, start, end) {
      let total = sum;
      if (inexact > 0) {
        total = 0;
        for (let at = start; at < end; at++) total += (rows[at] as Row).number;
      }
      return mean ? total / (end - start) : total;
    },
  };
}

function rankNumbers(percentile: number): WindowNumber {
  const sorted: number[] = [];
  const placeFor = (number: number): number => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] as number) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    add: ({ number }) => void sorted.splice(placeFor(number), 0, number),
    remove: ({ number }) => void sorted.splice(placeFor(number), 1),
    value: () => sorted[Math.max(1, Math.ceil((percentile / 100) * sorted.length)) - 1] ?? Number.NaN,
  };
}

function countSources(counted: number): WindowNumber {
  const times = new Array<number>(counted).fill(0);
  const each = (row: Row, by: number): void => {
    for (let source = 0; source < counted; source++) {
      if (row.mask & (1 << source)) times[source] = (times[source] ?? 0) + by;
    }
  };
  return {
    add: (row) => each(row, 1),
    remove: (row) => each(row, -1),
    value: () => times.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0),
  };
}

/** Whether a number keeps all bounds. */
export function satisfies(value: number, bounds: readonly Bound[]): boolean {
  return bounds.every((bound) => holds(bound, value));
}

function holds({ operator, value: limit }: Bound, value: number): boolean {
  switch (operator) {
    case 'gt':
      return value > limit;
    case 'gte':
      return value >= limit;
    case 'lt':
      return value < limit;
    case 'lte':
      return value <= limit;
    case 'eq':
      return value === limit;
    case 'neq':
      return value !== limit;
  }
}
