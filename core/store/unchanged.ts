/** Answers that are kept in memory for as long as the table that they were read from does not change. */
import type { Store } from './store.ts';
import type { TableName } from './tables.ts';

const kept = new WeakMap<Store, Map<string, { changes: number; answer: unknown }>>();

/**
 * The answer of `read`, or the one it gave last time if the table has not changed since. `key` names the question; there
 * must be few of them. Where other processes may write too, it is asked each time.
 */
export async function whileUnchanged<T>(
  store: Store,
  table: TableName,
  key: string,
  read: () => Promise<T>,
): Promise<T> {
  const changes = store.changesOf?.(table);
  if (changes === undefined) return read();
  const answers = kept.get(store) ?? new Map<string, { changes: number; answer: unknown }>();
  const last = answers.get(key);
  if (last?.changes === changes) return last.answer as T;
  // What is written while it is read counts as a change after this number, so the answer is not kept beyond that.
  const answer = await read();
  kept.set(store, answers.set(key, { changes, answer }));
  return answer;
}
