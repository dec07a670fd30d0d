/** Which events a match names, in order, and the part that each plays. */
import type { ChainPlan } from './chain.ts';
import type { CorrelationRule } from './ir.ts';
import { comparePoints } from './record.ts';
import type { MatchEvent, Row } from './rows.ts';

/** The events of rows, each once; of a row that is a match of another correlation, that match's events. */
export function eventsOf(
  rule: CorrelationRule,
  rows: readonly Row[],
  plan: ChainPlan | undefined,
  events_max: number,
): MatchEvent[] {
  const events: MatchEvent[] = [];
  let plain = true;
  for (const [at, row] of rows.slice(-events_max).entries()) {
    const place = plan?.places[at];
    let own = place?.source ?? row.mask;
    for (const [source, inner] of row.inner?.entries() ?? []) {
      if (inner === undefined || (own & (1 << source)) === 0) continue;
      events.push(...inner.events());
      own &= ~(1 << source);
      plain = false;
    }
    if (own !== 0) events.push({ point: row.point, role: place?.name ?? roleOf(rule, own) });
  }
  return plain ? events : inOrder(events).slice(-events_max);
}

function roleOf({ sources, counted }: CorrelationRule, mask: number): string {
  const names = sources.slice(0, counted).filter((_source, at) => mask & (1 << at));
  return names.map(({ name }) => name).join(', ');
}

function inOrder(events: readonly MatchEvent[]): MatchEvent[] {
  const sorted = [...events].sort((a, b) => comparePoints(a.point, b.point));
  return sorted.filter(
    (event, at) => at === 0 || comparePoints(event.point, (sorted[at - 1] as MatchEvent).point) !== 0,
  );
}
