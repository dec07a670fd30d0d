/**
 * The protocol by which logs from Kafka change hands, over thousands of orders of its steps. The decisions are those of the
 * program; Kafka and the store are models. `npm run test:protocol` tries many more orders (PROTOCOL_RUNS).
 */
import { describe, expect, it } from 'vitest';
import { BUGS, type Bug } from './support/protocol/bugs.ts';
import { DAMAGES, type RunResult, simulate } from './support/protocol/simulation.ts';

const RUNS = Number(process.env.PROTOCOL_RUNS ?? 1_000);
/** A mistake that needs more runs than that would slip through. */
const RUNS_TO_FIND_MAX = 1_000;

const told = (seed: number, { violation, trace }: RunResult) => `seed ${seed}: ${violation}\n${trace.join('\n')}`;

describe('the protocol of logs from Kafka', { timeout: 60_000 + RUNS * 50 }, () => {
  it('keeps every record as one leaf of one history, whoever sleeps, dies or comes back between any two steps', () => {
    const sum = { records: 0, takeovers: 0, fenced: 0, late: 0 };
    for (let seed = 0; seed < RUNS; seed++) {
      const result = simulate({ seed });
      expect(result.violation === undefined ? '' : told(seed, result)).toBe('');
      for (const name of ['records', 'takeovers', 'fenced', 'late'] as const) sum[name] += result[name];
    }
    // Were these rare, nothing would have been tried.
    expect(sum.records / RUNS).toBeGreaterThan(8);
    expect(sum.takeovers / RUNS).toBeGreaterThan(8);
    expect(sum.fenced / RUNS).toBeGreaterThan(1);
    expect(sum.late / RUNS).toBeGreaterThan(1);
  });

  it.each(DAMAGES)('stops over damage and adds nothing: %s', (damage) => {
    for (let seed = 0; seed < RUNS / 10; seed++) {
      const result = simulate({ seed, damage });
      expect(result.violation === undefined ? '' : told(seed, result)).toBe('');
    }
  });

  it.each(Object.entries(BUGS))('would be seen to fail if it had this mistake: %s, %s', (bug) => {
    const damages = ['seek_to_zero', 'tail_not_compared', 'place_not_checked'].includes(bug) ? DAMAGES : [undefined];
    for (let seed = 0; seed < RUNS_TO_FIND_MAX; seed++) {
      for (const damage of damages) {
        const options = { seed, bugs: [bug as Bug], ...(damage === undefined ? {} : { damage }) };
        if (simulate(options).violation !== undefined) return;
      }
    }
    expect.fail(`${RUNS_TO_FIND_MAX} runs did not find it`);
  });

  it('runs the same way again from the same seed', () => {
    expect(simulate({ seed: 7 })).toEqual(simulate({ seed: 7 }));
  });
});
