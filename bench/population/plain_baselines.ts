/**
 * Three plain baselines to compare with: one threshold for all, each user's mean and standard deviation, and what a user
 * was never seen with. They look at whole days, and say at the end of a day what it was.
 */
import type { ProvenanceEvent } from '../../core/event.ts';
import { quantile } from '../report.ts';
import { dayAt, JUDGED_FROM, type Verdict } from './judge.ts';
import type { Population } from './population.ts';
import { DAY_MS, FIRST_DAY_MS } from './world.ts';

const MEASURES = ['calls', 'sent_bytes', 'read_rows', 'places', 'resources', 'tools', 'night_calls'] as const;
type Measures = Record<(typeof MEASURES)[number], number>;

interface UserDay {
  user_id: string;
  day: number;
  measures: Measures;
  news: number;
}

export type PlainName = 'global_threshold' | 'user_mean_3_sigma' | 'first_seen';

/** What each of the three says of every user's day. */
export function plainVerdicts(population: Population): Record<PlainName, Verdict[]> {
  const days = userDays(population);
  return { global_threshold: byThreshold(days), user_mean_3_sigma: bySigma(days), first_seen: byNews(days) };
}

interface Collecting {
  day: number;
  measures: Measures;
  sets: { places: Set<string>; resources: Set<string>; tools: Set<string> };
  news: number;
}

function userDays(population: Population): UserDay[] {
  const open = new Map<string, Collecting>();
  const known = new Map<string, Set<string>>();
  const days: UserDay[] = [];
  const close = (user_id: string, { day, measures, sets, news }: Collecting) => {
    const counted = { places: sets.places.size, resources: sets.resources.size, tools: sets.tools.size };
    days.push({ user_id, day, news, measures: { ...measures, ...counted } });
  };
  for (const { event } of population.events()) {
    const user_id = event.user_id ?? '';
    const day = dayAt(event.time_ms);
    let now = open.get(user_id);
    if (now !== undefined && now.day !== day) {
      close(user_id, now);
      now = undefined;
    }
    if (now === undefined) {
      const measures = Object.fromEntries(MEASURES.map((name) => [name, 0])) as Measures;
      now = { day, measures, news: 0, sets: { places: new Set(), resources: new Set(), tools: new Set() } };
      open.set(user_id, now);
    }
    const seen = known.get(user_id) ?? new Set();
    known.set(user_id, seen);
    take(now, event, seen);
  }
  for (const [user_id, now] of open) close(user_id, now);
  return days;
}

function take(now: Collecting, event: ProvenanceEvent, known: Set<string>): void {
  const { measures, sets } = now;
  if (event.type === 'tool.result') {
    measures.read_rows += Number(event.rest.row_count ?? 0);
    return;
  }
  const hour = new Date(event.time_ms).getUTCHours();
  measures.calls++;
  if (hour < 6 || hour >= 20) measures.night_calls++;
  const place = event.params?.to ?? event.params?.recipient ?? event.params?.url;
  const capture = event.rest.capture as { params?: { size_bytes?: number } } | undefined;
  if (place !== undefined) {
    measures.sent_bytes += capture?.params?.size_bytes ?? 0;
    sets.places.add(String(place));
  }
  for (const { uri } of event.data_sources ?? []) sets.resources.add(uri);
  sets.tools.add(`${event.server}.${event.tool}`);
  const uris = (event.data_sources ?? []).map(({ uri }) => uri.split('/').slice(0, 3).join('/'));
  for (const name of [`tool ${event.server}.${event.tool}`, `place ${place}`, ...uris]) {
    if (known.has(name)) continue;
    known.add(name);
    now.news++;
  }
}

const endOf = (day: number) => FIRST_DAY_MS + (day + 1) * DAY_MS;

function byThreshold(days: readonly UserDay[]): Verdict[] {
  const early = days.filter(({ day }) => day < JUDGED_FROM);
  const limits = MEASURES.map(
    (name) =>
      quantile(
        early.map(({ measures }) => measures[name]),
        0.99,
      ) || 1,
  );
  return days.map(({ user_id, day, measures }) => {
    const score = Math.max(...MEASURES.map((name, at) => measures[name] / (limits[at] ?? 1)));
    return { user_id, day, score, time_ms: endOf(day) };
  });
}

const DAYS_MIN = 5;

/** The largest distance from the user's own mean, in standard deviations; at least of one unit. */
function bySigma(days: readonly UserDay[]): Verdict[] {
  const history = new Map<string, Measures[]>();
  return days.map(({ user_id, day, measures }) => {
    const before = history.get(user_id) ?? [];
    history.set(user_id, before);
    const distances = MEASURES.map((name) => {
      const values = before.map((each) => each[name]);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      return (measures[name] - mean) / Math.max(1, Math.sqrt(variance));
    });
    const score = before.length < DAYS_MIN ? 0 : Math.max(...distances);
    before.push(measures);
    return { user_id, day, score, time_ms: endOf(day) };
  });
}

function byNews(days: readonly UserDay[]): Verdict[] {
  return days.map(({ user_id, day, news }) => ({ user_id, day, score: news, time_ms: endOf(day) }));
}
