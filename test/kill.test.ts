/** kill -9 under load, again and again: nothing acknowledged is lost, nothing is stored twice, alerts, signals and edges are the same. */
import { expect, it } from 'vitest';
import { runKills } from '../bench/kill.ts';
import { inTemporaryFolder } from '../bench/process.ts';

it('survives kill -9 at random moments under load', { timeout: 400_000 }, async () => {
  const kills = 5;
  const result = await inTemporaryFolder((folder) => runKills(folder, kills, 7));
  expect(result).toMatchObject({ missing: 0, twice: 0, alerts_missing: 0, alerts_extra: 0 });
  expect(result).toMatchObject({ derived_missing: 0, derived_extra: 0, verified: kills + 1 });
  expect(result.alerts).toBeGreaterThan(10);
  expect(result.derived).toBeGreaterThan(10);
});
