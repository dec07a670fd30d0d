/** Five targets, three kills: whoever answers gets everything under one id, and what the dead one was owed is kept. */
import { expect, it } from 'vitest';
import { runDeliveries } from '../bench/deliveries.ts';
import { inTemporaryFolder } from '../bench/process.ts';

it('tells every target that answers of every alert under one id, over three kills, and keeps dead letters of a dead one', {
  timeout: 240_000,
}, async () => {
  const alerts = 300;
  // So many attempts that a flapping target is met while it is up; a dead one is given up after half a minute.
  const result = await inTemporaryFolder((folder) => runDeliveries(folder, alerts, Array(20).fill(0.4)));
  expect(result).toMatchObject({ alerts, kills: 3, missing: 0, ids_changed: 0, dead_letters: alerts });
});
