/**
 * Times as a query writes them. Each stands for a stretch of time, as long as it is exact: `2026-01-31` for a day,
 * `2026-01-31T10:00:00Z` for a second, `now-24h` for a millisecond.
 */

const DATE = /^(\d{4}-\d{2}-\d{2})$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;
const RELATIVE = /^now(?:-(\d{1,6})(m|h|d|w))?$/;

const DAY_MS = 86_400_000;
const UNIT_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/** The first millisecond of a time and the first after it, or undefined for what is no time. */
export function stretchOf(text: string, now_ms: number): { from_ms: number; to_ms: number } | undefined {
  const relative = RELATIVE.exec(text);
  if (relative !== null) {
    const [, count = '0', unit = 'm'] = relative;
    const from_ms = now_ms - Number(count) * (UNIT_MS[unit] ?? 0);
    return { from_ms, to_ms: from_ms + 1 };
  }
  if (DATE.test(text)) return stretch(`${text}T00:00:00Z`, DAY_MS, text);
  const moment = MOMENT.exec(text);
  if (moment === null) return undefined;
  const [, seconds, fraction] = moment;
  const whole = seconds === undefined ? text.replace(/(Z|[+-]\d{2}:\d{2})$/, ':00$1') : text;
  return stretch(
    whole,
    seconds === undefined ? 60_000 : fraction === undefined ? 1_000 : 10 ** (4 - fraction.length),
    text,
  );
}

/** A day that no month has, such as the 31st of February, is no time: the parser of dates would take it for another. */
function stretch(text: string, length_ms: number, written: string): { from_ms: number; to_ms: number } | undefined {
  const from_ms = Date.parse(text);
  const day = Date.parse(`${written.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(from_ms) || Number.isNaN(day)) return undefined;
  if (new Date(day).toISOString().slice(0, 10) !== written.slice(0, 10)) return undefined;
  return { from_ms, to_ms: from_ms + length_ms };
}
