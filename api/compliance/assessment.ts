/**
 * What the log of a period says about the controls of a framework. It observes and never judges: whether a control is
 * satisfied is for a person to say.
 */
import type { InventoryRow, Measures } from '../../core/store/queries/measures.ts';
import type { Framework } from './framework.ts';
import { type Indicator, indicatorsOf } from './indicators.ts';
import { MEASURE_NAMES } from './measure_names.ts';

export interface Observation {
  measure: string;
  about: string;
  /** Null where there was nothing to measure. */
  value: number | null;
}

export interface AssessedControl {
  id: string;
  title: string;
  /** `observed`: at least one measure is above zero. */
  evidence: 'observed' | 'none';
  speaks: string;
  cannot_show: string;
  observations: Observation[];
}

/** What limits the picture, said before anything else. */
export interface Gap {
  id: string;
  about: string;
  value: number;
}

export interface Assessment {
  framework: { id: string; title: string; note: string };
  tenant: string;
  log: string;
  from: string;
  to: string;
  gaps: Gap[];
  controls: AssessedControl[];
  indicators: Indicator[];
  inventory: { kind: string; name: string; events: number; sessions: number; first: string; last: string }[];
}

const GAPS = [
  'records.rejected',
  'records.conflict',
  'events.without_user',
  'events.late',
  'events.ahead',
  'events.redacted',
  'checkpoints.longest_gap_seconds',
];

export interface Assessed {
  framework: Framework;
  tenant: string;
  log: string;
  from_ms: number;
  to_ms: number;
  measures: Measures;
  before: Measures;
  inventory: readonly InventoryRow[];
}

const isoTime = (ms: number) => new Date(ms).toISOString();

export function assess({ framework, tenant, log, from_ms, to_ms, measures, before, inventory }: Assessed): Assessment {
  const { id, title, note, controls } = framework;
  return {
    framework: { id, title, note },
    tenant,
    log,
    from: isoTime(from_ms),
    to: isoTime(to_ms),
    gaps: GAPS.map((name) => ({ id: name, about: MEASURE_NAMES[name] ?? name, value: measures[name] ?? 0 })),
    controls: controls.map(({ evidence, ...control }) => {
      const observations = evidence.map((measure) => ({
        measure,
        about: MEASURE_NAMES[measure] ?? measure,
        value: measures[measure] ?? null,
      }));
      const observed = observations.some(({ value }) => value !== null && value > 0);
      return { ...control, evidence: observed ? 'observed' : 'none', observations };
    }),
    indicators: indicatorsOf(measures, before),
    inventory: inventory.map(({ first_ms, last_ms, ...row }) => ({
      ...row,
      first: isoTime(first_ms),
      last: isoTime(last_ms),
    })),
  };
}
