/** What speaks against a call of one agent, given what other agents of its chain read and what its user asked for. */
import { type Severity, severityRank } from '../../core/alert.ts';
import type { EventRef } from '../lineage/edge.ts';
import { sharesDigests } from '../lineage/memory_digests.ts';
import type { Occurrence } from '../lineage/sentences.ts';
import type { ParameterDigest } from './chain_digests.ts';
import type { Sink, Source } from './chain_observations.ts';

/** A source with who read it. */
export interface HeldSource extends Source {
  id: string;
  ids: string[];
  session_id: string;
  agent: string;
  event: EventRef;
}

export type Leg = 'destination' | 'secret' | 'both' | 'data' | 'value' | 'task';

export interface FoundLeg {
  leg: Leg;
  severity: Severity;
  source: HeldSource;
  value?: ParameterDigest;
  /** The sensitive data that went to the destination. */
  data?: HeldSource;
}

const SEND: Record<Occurrence, Severity> = { field: 'low', text: 'medium', instruction: 'high' };
/** Following a link is ordinary, unless an order tells to. */
const FETCH: Record<Occurrence, Severity> = { field: 'info', text: 'low', instruction: 'medium' };

/** The worst of what can be said, or undefined. `tasked`: the source whose order stands in the sender's task. */
export function worstLeg(
  sink: Sink,
  sources: readonly HeldSource[],
  asked: ReadonlySet<string>,
  tasked: HeldSource | undefined,
): FoundLeg | undefined {
  const unasked = sink.values.filter(({ digest }) => !asked.has(digest));
  const found = [...secrets(sink, unasked, sources), ...destinations(sink, unasked, sources)];
  found.push(...values(sink, unasked, sources));
  const data = sink.egress ? sources.find((source) => source.sensitive && carries(sink, unasked, source)) : undefined;
  if (data !== undefined) found.push({ leg: 'data', severity: 'low', source: data });
  if (tasked !== undefined && (sink.acts || (sink.egress && !sink.fetch))) {
    found.push({ leg: 'task', severity: 'medium', source: tasked });
  }
  let worst: FoundLeg | undefined;
  for (const leg of found) {
    const both =
      leg.leg === 'destination' && data !== undefined && severityRank(leg.severity) >= severityRank('medium');
    const each: FoundLeg = both ? { ...leg, leg: 'both', severity: 'critical', data } : leg;
    if (worst === undefined || severityRank(each.severity) > severityRank(worst.severity)) worst = each;
  }
  return worst;
}

function secrets(sink: Sink, unasked: readonly ParameterDigest[], sources: readonly HeldSource[]): FoundLeg[] {
  return unasked.flatMap((value): FoundLeg[] => {
    const source = sources.find((each) => each.secrets.includes(value.digest));
    return source === undefined ? [] : [{ leg: 'secret', severity: sink.egress ? 'critical' : 'high', source, value }];
  });
}

function destinations(sink: Sink, unasked: readonly ParameterDigest[], sources: readonly HeldSource[]): FoundLeg[] {
  if (!sink.egress) return [];
  return unasked.flatMap((value): FoundLeg[] => {
    const held = value.destination ? heldBy(sources, value.digest) : undefined;
    if (held === undefined) return [];
    const severity = (sink.fetch ? FETCH : SEND)[held.occurrence];
    return [{ leg: 'destination', severity, source: held.source, value }];
  });
}

/** An object that only an order named, of a call that changes something. */
function values(sink: Sink, unasked: readonly ParameterDigest[], sources: readonly HeldSource[]): FoundLeg[] {
  if (!sink.acts) return [];
  return unasked.flatMap((value): FoundLeg[] => {
    const held = heldBy(sources, value.digest);
    if (held?.occurrence !== 'instruction') return [];
    return [{ leg: 'value', severity: 'medium', source: held.source, value }];
  });
}

/** The source of strangers' text that holds a value in its most ordinary place. */
function heldBy(
  sources: readonly HeldSource[],
  digest: string,
): { source: HeldSource; occurrence: Occurrence } | undefined {
  let found: { source: HeldSource; occurrence: Occurrence } | undefined;
  for (const source of sources) {
    const placed = source.untrusted ? source.values.find((value) => value.digest === digest) : undefined;
    if (placed === undefined) continue;
    if (found === undefined || severityRank(SEND[placed.occurrence]) < severityRank(SEND[found.occurrence])) {
      found = { source, occurrence: placed.occurrence };
    }
  }
  return found;
}

function carries({ passages }: Sink, unasked: readonly ParameterDigest[], source: HeldSource): boolean {
  const own = { values: source.values.map(({ digest }) => digest), passages: source.passages };
  const sent = unasked.filter(({ destination }) => !destination).map(({ digest }) => digest);
  return sharesDigests(own, { values: sent, passages });
}
