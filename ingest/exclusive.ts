/** Work that removes or protects content takes turns over a store: a hold counts for every erasure that begins after it. */
import type { Store } from '../core/store/store.ts';

const working = new WeakMap<Store, Promise<unknown>>();

/** Runs when all that was asked for before has ended, whatever became of it. */
export function exclusively<T>(store: Store, work: () => Promise<T>): Promise<T> {
  const turn = (working.get(store) ?? Promise.resolve()).catch(() => undefined).then(work);
  working.set(store, turn);
  return turn;
}
