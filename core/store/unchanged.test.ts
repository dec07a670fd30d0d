import { describe, expect, it } from 'vitest';
import type { Store } from './store.ts';
import { whileUnchanged } from './unchanged.ts';

/** A store whose tables change when the test says so. */
function storeWith(changesOf?: Store['changesOf']): Store {
  return { ...(changesOf && { changesOf }) } as Store;
}

/** Counts how often it was asked. */
function counter() {
  let asked = 0;
  return async () => ++asked;
}

describe('an answer that is kept while its table does not change', () => {
  it('is read once for each change, and once for each question', async () => {
    let changes = 0;
    const store = storeWith(() => changes);
    const [one, other] = [counter(), counter()];
    expect(await whileUnchanged(store, 'heads', 'one', one)).toBe(1);
    expect(await whileUnchanged(store, 'heads', 'one', one)).toBe(1);
    expect(await whileUnchanged(store, 'heads', 'other', other)).toBe(1);
    changes++;
    expect(await whileUnchanged(store, 'heads', 'one', one)).toBe(2);
    expect(await whileUnchanged(store, 'heads', 'one', one)).toBe(2);
  });

  it('is of one store alone', async () => {
    const ask = counter();
    expect(
      await whileUnchanged(
        storeWith(() => 0),
        'heads',
        'one',
        ask,
      ),
    ).toBe(1);
    expect(
      await whileUnchanged(
        storeWith(() => 0),
        'heads',
        'one',
        ask,
      ),
    ).toBe(2);
  });

  it('is not kept beyond a change that ended while it was read', async () => {
    let changes = 0;
    const store = storeWith(() => changes);
    const before = await whileUnchanged(store, 'heads', 'one', async () => {
      changes++; // a write ends: the rows that are being read may be those before it
      return 'before';
    });
    expect(before).toBe('before');
    expect(await whileUnchanged(store, 'heads', 'one', async () => 'after')).toBe('after');
  });

  it('is not kept when reading fails', async () => {
    const store = storeWith(() => 0);
    const failing = () => Promise.reject(new Error('the store is gone'));
    await expect(whileUnchanged(store, 'heads', 'one', failing)).rejects.toThrow('gone');
    expect(await whileUnchanged(store, 'heads', 'one', async () => 'well')).toBe('well');
  });

  it('is read each time where other processes may write', async () => {
    for (const store of [storeWith(), storeWith(() => undefined)]) {
      const ask = counter();
      for (const times of [1, 2, 3]) expect(await whileUnchanged(store, 'heads', 'one', ask)).toBe(times);
    }
  });
});
