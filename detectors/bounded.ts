/** Lists inside a detector's state: plain, so that a state can be stored, and never longer than they may be. */

/** Adds to the end; what is beyond the maximum goes from the beginning. */
export function keep<T>(list: T[], entry: T, entries_max: number): void {
  list.push(entry);
  if (list.length > entries_max) list.splice(0, list.length - entries_max);
}

/** Whether this was not told before; it is told now. The oldest is forgotten first, and would be told again. */
export function isNews(told: string[], key: string, told_max: number): boolean {
  if (told.includes(key)) return false;
  keep(told, key, told_max);
  return true;
}

/** Moves the entry that fits to the end, as the latest used, and gives it. */
export function useEntry<T>(list: T[], fits: (entry: T) => boolean): T | undefined {
  const at = list.findIndex(fits);
  if (at < 0) return undefined;
  const [entry] = list.splice(at, 1);
  if (entry !== undefined) list.push(entry);
  return entry;
}
