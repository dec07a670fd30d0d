/** Those who write to the topic: events, repetitions, contradictions, what cannot be read, and records of other partitions. */
import { Buffer } from 'node:buffer';
import { OTHER_USERS, OWN_USERS } from './sequencing.ts';
import type { World } from './world.ts';

const START_MS = Date.UTC(2026, 0, 15, 10);

/**
 * Appends one record, perhaps with offsets around it that no reader is given. Broker clocks run backwards at times. A
 * `fresh` record is like none before.
 */
export function produce(world: World, n: number, fresh = false): void {
  const { random, events } = world;
  const timestamp = START_MS + world.tick * 10 + random.below(400);
  if (random.chance(0.1)) events.append('given up by its sender', timestamp, 'aborted');
  if (random.chance(0.1)) events.append('', timestamp, 'marker');
  const earlier = events.entries.filter(({ state }) => state === 'committed');
  if (!fresh && earlier.length > 0 && random.chance(0.15)) events.append(random.of(earlier).value, timestamp);
  else events.append(random.chance(0.08) ? Buffer.from(`{"event_id": ${n}`) : eventOf(world, n, fresh), timestamp);
}

function eventOf({ random }: World, n: number, fresh: boolean): string {
  const elsewhere = random.chance(0.15);
  const user_id = random.of(elsewhere ? OTHER_USERS : OWN_USERS);
  // An id may come again with other content.
  const event_id = `e-${!fresh && n > 2 && random.chance(0.1) ? random.below(n) : n}`;
  const session_id = `s-${user_id}-${random.below(2)}`;
  const event = { event_id, time: new Date(START_MS + n).toISOString(), type: 'prompt', user_id, session_id };
  return JSON.stringify({ ...event, tenant: 'default', content: `record ${n}` });
}
