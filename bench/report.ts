/** One measure a line: for people, or as JSON objects `{name, value, unit, ratio, ratio_to, goal}`. */

export interface Measure {
  name: string;
  value: number;
  unit: string;
  /** value divided by the value of `ratio_to` in the same run. */
  ratio?: number;
  ratio_to?: string;
  goal?: string;
}

export type Report = (measure: Measure) => void;

export function reportTo(json: boolean): Report {
  return (measure) => {
    const value = Number(measure.value.toPrecision(5));
    const rounded = measure.ratio === undefined ? {} : { ratio: Number(measure.ratio.toPrecision(3)) };
    if (json) process.stdout.write(`${JSON.stringify({ ...measure, value, ...rounded })}\n`);
    else {
      const ratio = measure.ratio === undefined ? '' : `  ${rounded.ratio} of ${measure.ratio_to}`;
      const goal = measure.goal === undefined ? '' : `  (goal ${measure.goal})`;
      process.stdout.write(`${measure.name.padEnd(44)} ${String(value).padStart(10)} ${measure.unit}${ratio}${goal}\n`);
    }
  };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
