/** The stretch of time that a page is about, kept in its address. */
import { useUrlState } from '../url_state.ts';

const RANGES = [
  ['1h', 3_600_000, 'last hour'],
  ['24h', 86_400_000, 'last 24 hours'],
  ['7d', 7 * 86_400_000, 'last 7 days'],
  ['30d', 30 * 86_400_000, 'last 30 days'],
  ['all', 0, 'all time'],
] as const;
const STEP_MS = 60_000;

export interface Range {
  from: string | undefined;
  to: string | undefined;
}

/** The bounds that the address names. To the minute, so that the same page asks for the same address. */
export function useRange(fallback: string): Range & { picked: string } {
  const { get } = useUrlState();
  const from = get('from');
  const to = get('to');
  if (from !== '') return { from, to: to === '' ? undefined : to, picked: 'custom' };
  const picked = get('range') || fallback;
  const span_ms = RANGES.find(([name]) => name === picked)?.[1] ?? 0;
  if (span_ms === 0) return { from: undefined, to: undefined, picked: 'all' };
  const now_ms = Math.floor(Date.now() / STEP_MS) * STEP_MS;
  return { from: new Date(now_ms - span_ms).toISOString(), to: undefined, picked };
}

export function RangePicker({ picked, without = [] }: { picked: string; without?: readonly string[] }) {
  const { set } = useUrlState();
  return (
    <label class="range">
      Time{' '}
      <select
        value={picked}
        onChange={({ currentTarget }) => set({ range: currentTarget.value, from: '', to: '', cursor: '' })}
      >
        {picked === 'custom' && <option value="custom">as marked</option>}
        {RANGES.filter(([name]) => !without.includes(name)).map(([name, , says]) => (
          <option key={name} value={name}>
            {says}
          </option>
        ))}
      </select>
    </label>
  );
}
