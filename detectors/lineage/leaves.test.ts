import fc from 'fast-check';
import { expect, it } from 'vitest';
import { json } from '../../test/arbitrary_event.ts';
import { leavesOf } from './leaves.ts';

const text = fc.oneof(
  json,
  json.map((value) => JSON.stringify(value) ?? ''),
  fc.string({ maxLength: 40 }),
);

it('answers for other limits as if it had not been asked before', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ maxLength: 5 }), text), fc.array(fc.nat({ max: 120 })), (params, limits) => {
      for (const limit of limits) expect(leavesOf(params, limit)).toEqual(leavesOf({ ...params }, limit));
    }),
  );
});
