/** Key risk indicators: each a definition over measures, with its value in a period, in the one before, and a threshold. */
import type { Measures } from '../../core/store/queries/measures.ts';

interface Definition {
  id: string;
  title: string;
  unit: string;
  definition: string;
  /** From here on somebody should look. */
  threshold: number;
  value(of: Measures): number | undefined;
}

const per = (part: number | undefined, whole: number | undefined, times: number) =>
  whole === undefined || whole === 0 ? undefined : (times * (part ?? 0)) / whole;

const DEFINITIONS: readonly Definition[] = [
  {
    id: 'injection_rate',
    title: 'Injection attempts',
    unit: 'per 1,000 sessions',
    definition: 'alerts on injected instructions, per 1,000 sessions',
    threshold: 5,
    value: (of) => per(of['alerts.injection'], of['sessions.total'], 1_000),
  },
  {
    id: 'violations_blocked',
    title: 'Policy violations blocked',
    unit: '% of decisions',
    definition: 'decisions of policy points that denied, of all decisions',
    threshold: 10,
    value: (of) => per(of['policy.denied'], of['policy.decisions'], 100),
  },
  {
    id: 'exfiltration_rate',
    title: 'Secrets and data that left',
    unit: 'per 1,000 sessions',
    definition: 'alerts on data that left, per 1,000 sessions',
    threshold: 1,
    value: (of) => per(of['alerts.exfiltration'], of['sessions.total'], 1_000),
  },
  {
    id: 'sessions_with_alerts',
    title: 'Unusual call patterns',
    unit: '% of sessions',
    definition: 'sessions with an alert, of all sessions',
    threshold: 2,
    value: (of) => per(of['alerts.sessions'], of['sessions.total'], 100),
  },
  {
    id: 'token_misuse',
    title: 'Shared or misused tokens',
    unit: 'alerts',
    definition: 'alerts on tokens that are shared, used after revocation or for another audience',
    threshold: 1,
    value: (of) => of['alerts.tokens'] ?? 0,
  },
  {
    id: 'unvetted_servers',
    title: 'Servers without vetting',
    unit: 'alerts',
    definition: 'alerts on servers, tools and configurations that changed, are not approved or are known to be bad',
    threshold: 1,
    value: (of) => of['alerts.supply_chain'] ?? 0,
  },
  {
    id: 'time_to_contain',
    title: 'Time to contain',
    unit: 's, median',
    definition: 'median seconds from asking for a suspension to its confirmation; absent where none was confirmed',
    threshold: 60,
    value: (of) => of['suspensions.median_seconds'],
  },
  {
    id: 'without_user',
    title: 'Events without a user',
    unit: '% of events',
    definition: 'events that named no user, of all events',
    threshold: 5,
    value: (of) => per(of['events.without_user'], of['events.total'], 100),
  },
];

export interface Indicator {
  id: string;
  title: string;
  unit: string;
  definition: string;
  threshold: number;
  /** Null where there is nothing to measure by. */
  value: number | null;
  /** In the period of the same length before. */
  before: number | null;
  above_threshold: boolean;
}

const rounded = (value: number | undefined) => (value === undefined ? null : Math.round(value * 100) / 100);

/** The indicators of a period, beside those of the period before. */
export function indicatorsOf(now: Measures, before: Measures): Indicator[] {
  return DEFINITIONS.map(({ value, ...definition }) => {
    const present = rounded(value(now));
    const above_threshold = present !== null && present >= definition.threshold;
    return { ...definition, value: present, before: rounded(value(before)), above_threshold };
  });
}
