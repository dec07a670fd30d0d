/** Calls on a line of time: when each began and how long its answer took. */
import type { EventView } from '../api_types.ts';
import { Inert } from './inert.tsx';

interface Props {
  events: readonly EventView[];
  evidence: ReadonlySet<number>;
  here: number;
  select(seq: number): void;
}

export function Waterfall({ events, evidence, here, select }: Props) {
  const rows = events.filter(({ call_seq }) => call_seq === undefined);
  const starts = rows.map(({ time }) => Date.parse(time));
  const first = Math.min(...starts);
  const last = Math.max(first + 1, ...rows.map((event, at) => (starts[at] as number) + (event.took_ms ?? 0)));
  const share = (ms: number) => `${((100 * ms) / (last - first)).toFixed(3)}%`;
  return (
    <ol class="waterfall">
      {rows.map((event, at) => (
        <li key={event.seq} class={event.seq === here ? 'here' : ''}>
          <button type="button" class="plain" aria-pressed={event.seq === here} onClick={() => select(event.seq)}>
            <span class="seq">{event.seq}</span> {event.type === 'tool.call' ? '' : `${event.type} `}
            <Inert text={[event.server, event.tool].filter(Boolean).join('.')} />
          </button>
          <svg aria-hidden="true" width="100%" height="14">
            <rect
              class={evidence.has(event.seq) ? 'span proves' : 'span'}
              x={share((starts[at] as number) - first)}
              y={2}
              height={10}
              rx={2}
              width={share(Math.max(event.took_ms ?? 0, (last - first) / 300))}
            />
          </svg>
          <span class="n">{event.took_ms === undefined ? '' : `${event.took_ms} ms`}</span>
        </li>
      ))}
    </ol>
  );
}
