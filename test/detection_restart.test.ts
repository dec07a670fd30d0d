/** Detection finds the same in one run and in many, however these end. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Store } from '../core/store/store.ts';
import { type DetectorExample, isCorrelator } from '../detectors/detector.ts';
import { exampleRecords, type RawEvent } from '../detectors/example_events.ts';
import { loadDetectors } from '../detectors/load.ts';
import { beginProcess, type Derived, derivedOf, doubledAlerts, emptyLog, standingClock } from './detection_kit.ts';
import { openTestStore, temporaryFolder } from './log_kit.ts';

const folder = temporaryFolder('restart');
let store: Store;
/** Counts calls, which are too many to be stored: after a restart it counts anew. */
const FORGETFUL = new Set(['preference_manipulation']);
const DETECTORS = (await loadDetectors()).filter(({ metadata }) => !FORGETFUL.has(metadata.id));
const EXAMPLES = DETECTORS.flatMap((detector) => [...detector.examples]);
/** Of which the parts are in several sessions, or in several hours. */
const ACROSS = DETECTORS.filter(isCorrelator).flatMap((detector) => [...detector.examples]);
/** In which values flow from results into calls. */
const FLOWS = DETECTORS.filter(({ metadata }) => /_from_result$|_to_other_tool$/.test(metadata.id)).flatMap(
  (detector) => [...detector.examples],
);

beforeAll(async () => {
  store = await openTestStore(folder);
});

afterAll(() => store.close());

const RUNS = 5;

/** What happens after a body: nothing, or the process ends one way or the other. */
type Ending = 'goes on' | 'close' | 'kill' | 'kill at once';

interface Body {
  events: RawEvent[];
  /** Since the one before. */
  wait_ms: number;
  ending: Ending;
}

interface Play {
  bodies: Body[];
}

/** A number from 0 up to `below`, from a seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/**
 * Some examples, their sessions interleaved in bodies. Inside of a body neighbours may change places, and so may events
 * of a session in two bodies, where these come soon one after the other and what waits is not told to hurry between.
 */
function playOf(seed: number, examples: number, body_max: number): Play {
  const pick = seeded(seed);
  const sessions = Array.from({ length: examples }, (_, i) => {
    const among = [FLOWS, ACROSS, EXAMPLES][i % 3] as readonly DetectorExample[];
    const example = among[pick(among.length)] as DetectorExample;
    return exampleRecords(`x${i}`, example.events);
  });
  const bodies: Play['bodies'] = [];
  while (sessions.some((session) => session.length > 0)) {
    const events: RawEvent[] = [];
    const size = 1 + pick(body_max);
    while (events.length < size) {
      const open = sessions.filter((session) => session.length > 0);
      const session = open[pick(open.length)];
      if (session === undefined) break;
      events.push(...session.splice(0, 1 + pick(4)));
    }
    for (let i = 1; i < events.length; i++) {
      if (pick(4) === 0) [events[i - 1], events[i]] = [events[i] as RawEvent, events[i - 1] as RawEvent];
    }
    const endings: Ending[] = ['goes on', 'goes on', 'close', 'kill', 'kill at once'];
    bodies.push({ events, wait_ms: pick(2_500), ending: endings[pick(endings.length)] as Ending });
  }
  for (const i of bodies.keys()) turnAround(bodies[i - 1], bodies[i] as Body, pick);
  return { bodies };
}

function turnAround(before: Body | undefined, body: Body, pick: (below: number) => number): void {
  if (before === undefined || before.ending === 'close' || body.wait_ms >= 1_900 || pick(2) === 0) return;
  const { events } = body;
  const at = pick(events.length);
  const other = before.events.findLastIndex(({ session_id }) => session_id === events[at]?.session_id);
  if (other < 0) return;
  [before.events[other], events[at]] = [events[at] as RawEvent, before.events[other] as RawEvent];
}

async function play({ bodies }: Play, whole: boolean): Promise<{ derived: Derived; doubled: number }> {
  await emptyLog(folder, store);
  const clock = standingClock();
  let process = await beginProcess(folder, store, { clock, detectors: DETECTORS });
  for (const { events, wait_ms, ending } of bodies) {
    clock.now_ms += wait_ms;
    await process.submit(events);
    if (whole || ending === 'goes on') continue;
    if (ending === 'close') await process.close();
    else {
      if (ending === 'kill') await process.writer.settled();
      await process.kill();
    }
    process = await beginProcess(folder, store, { clock, detectors: DETECTORS });
  }
  await process.settled();
  const derived = await derivedOf(store);
  const doubled = await doubledAlerts(store);
  await process.close();
  return { derived, doubled };
}

it('finds the same alerts, signals, edges, observations and facts over closed and killed processes', {
  timeout: 300_000,
}, async () => {
  const seen = { alerts: 0, signals: 0, edges: 0, observations: 0, facts: 0 };
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), async (seed) => {
      const script = playOf(seed, 12, 14);
      const one = await play(script, true);
      const many = await play(script, false);
      expect(many.derived).toEqual(one.derived);
      expect([one.doubled, many.doubled]).toEqual([0, 0]);
      for (const kind of Object.keys(seen) as (keyof Derived)[]) seen[kind] += one.derived[kind].length;
    }),
    { numRuns: RUNS, seed: 7, endOnFailure: true },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(5);
});
