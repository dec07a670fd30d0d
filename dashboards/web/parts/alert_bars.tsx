/** Alerts over time as bars, by severity. A bar is a button that narrows the page to its time. */
// biome-ignore-all lint/a11y/useSemanticElements: parts of a picture cannot be elements of a form
import type { Overview, Severity } from '../api_types.ts';
import { useUrlState } from '../url_state.ts';

const ORDER: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];
const HEIGHT = 120;
const GAP = 1;
const WIDTH = 1_000;

interface Bar {
  from_ms: number;
  counts: Map<Severity, number>;
  total: number;
}

function barsOf({ from, to, bucket_ms, buckets }: Overview): Bar[] {
  const first_ms = Date.parse(from);
  const count = Math.ceil((Date.parse(to) - first_ms) / bucket_ms);
  const bars = Array.from({ length: count }, (_, at) => ({
    from_ms: first_ms + at * bucket_ms,
    counts: new Map<Severity, number>(),
    total: 0,
  }));
  for (const { from: at, severity, alerts } of buckets) {
    const bar = bars[Math.round((Date.parse(at) - first_ms) / bucket_ms)];
    if (bar === undefined) continue;
    bar.counts.set(severity, alerts);
    bar.total += alerts;
  }
  return bars;
}

const minute = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

export function AlertBars({ overview }: { overview: Overview }) {
  const { set } = useUrlState();
  const bars = barsOf(overview);
  const highest = Math.max(1, ...bars.map((bar) => bar.total));
  const width = WIDTH / Math.max(1, bars.length);
  const narrow = ({ from_ms }: Bar) =>
    set({
      from: new Date(from_ms).toISOString(),
      to: new Date(from_ms + overview.bucket_ms).toISOString(),
      range: '',
    });
  return (
    <figure class="bars">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="group" aria-label="Alerts over time">
        {bars.map((bar, at) => (
          <g
            key={bar.from_ms}
            class="bar"
            role="button"
            tabindex={bar.total === 0 ? -1 : 0}
            aria-label={`${minute(bar.from_ms)} UTC: ${bar.total} alerts`}
            onClick={() => narrow(bar)}
            onKeyDown={({ key }) => key === 'Enter' && narrow(bar)}
          >
            <rect x={at * width} y={0} width={width} height={HEIGHT} class="hit" />
            <Stack bar={bar} x={at * width} width={width - GAP} highest={highest} />
            <title>{`${minute(bar.from_ms)} UTC: ${[...bar.counts].map(([name, n]) => `${n} ${name}`).join(', ') || 'none'}`}</title>
          </g>
        ))}
      </svg>
      <figcaption>
        <span>{minute(Date.parse(overview.from))}</span>
        <span>{minute(Date.parse(overview.to))} UTC</span>
      </figcaption>
    </figure>
  );
}

function Stack({ bar, x, width, highest }: { bar: Bar; x: number; width: number; highest: number }) {
  let y = HEIGHT;
  return (
    <>
      {ORDER.map((severity) => {
        const height = ((bar.counts.get(severity) ?? 0) / highest) * HEIGHT;
        y -= height;
        return height === 0 ? null : <rect key={severity} class={severity} x={x} y={y} width={width} height={height} />;
      })}
    </>
  );
}
