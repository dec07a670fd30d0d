import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Horizon, horizonId } from './horizon.ts';

/** The horizon by definition: the last place of each id, if it lies within the last `length` numbers. */
class Model {
  private readonly places = new Map<string, number>();
  private readonly length: number;

  constructor(length: number) {
    this.length = length;
  }

  find(id: string, seq: number): number | undefined {
    const first = this.places.get(id);
    return first !== undefined && first >= seq - this.length ? first : undefined;
  }

  add(id: string, seq: number): void {
    this.places.set(id, seq);
  }
}

it('knows exactly the ids of the last N numbers, while it grows and forgets', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.array(fc.nat(80), { maxLength: 400 }), (length, ids) => {
      const horizon = new Horizon(length, 8);
      const model = new Model(length);
      for (const [seq, number] of ids.entries()) {
        const id = horizonId('event', 'default', `e-${number}`);
        const first = horizon.find(id, seq);
        expect(first).toBe(model.find(`e-${number}`, seq));
        if (first !== undefined) continue;
        horizon.add(id, seq);
        model.add(`e-${number}`, seq);
      }
    }),
  );
});

it('stays exact over many thousand ids, most of which have left it', () => {
  const horizon = new Horizon(5_000, 16);
  for (let seq = 0; seq < 60_000; seq++) horizon.add(horizonId('event', 't', String(seq)), seq);
  const found = (number: number) => horizon.find(horizonId('event', 't', String(number)), 60_000);
  expect([found(59_999), found(55_000), found(54_999), found(0)]).toEqual([59_999, 55_000, undefined, undefined]);
});

it('sees an id at the very edge and not one number later', () => {
  const horizon = new Horizon(10);
  const id = horizonId('event', 'default', 'e');
  horizon.add(id, 5);
  expect(horizon.find(id, 15)).toBe(5);
  expect(horizon.find(id, 16)).toBeUndefined();
});

it('keeps tenants, and producers and the program, apart', () => {
  const ids = [
    horizonId('event', 'a', 'x'),
    horizonId('event', 'b', 'x'),
    horizonId('internal', 'a', 'x'),
    horizonId('event', 'a', 'y'),
  ];
  expect(new Set(ids.map((id) => Buffer.from(id).toString('hex'))).size).toBe(4);
});
