/** What a rule has seen half of when a process ends is completed by the next one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Store } from '../core/store/store.ts';
import { call, exampleRecords, type RawEvent } from '../detectors/example_events.ts';
import { loadDetectors } from '../detectors/load.ts';
import { loadRules } from '../detectors/load_rules.ts';
import { beginProcess, type Clock, derivedOf, emptyLog, standingClock } from './detection_kit.ts';
import { openTestStore, temporaryFolder } from './log_kit.ts';

const TWO_READS = `
title: Two sensitive reads by one user
id: two_reads
level: low
description: Joins the sessions of a user.
correlation:
  type: event_count
  rules: [reads_sensitive]
  group-by: [user_id]
  timespan: 1h
  condition: { gte: 2 }
`;

const folder = temporaryFolder('rules-restart');
const rules_folder = mkdtempSync(join(tmpdir(), 'tracewarden-rules-'));
writeFileSync(join(rules_folder, 'two_reads.yaml'), TWO_READS);
const DETECTORS = await loadDetectors();
const RULES = await loadRules({
  folder: rules_folder,
  signals: new Set(DETECTORS.map(({ metadata }) => metadata.id)),
});
let store: Store;
let clock: Clock;

beforeAll(async () => {
  store = await openTestStore(folder);
});
beforeEach(async () => {
  await emptyLog(folder, store);
  clock = standingClock();
});
afterAll(async () => {
  await store.close();
  rmSync(rules_folder, { recursive: true });
});

/** Plays bodies, each in a process of its own that is killed at the end, and says which rules told what. */
async function toldOver(bodies: readonly (readonly RawEvent[])[], wait_ms: number): Promise<string[]> {
  for (const body of bodies) {
    const process = await beginProcess(folder, store, { clock, detectors: DETECTORS, rules: RULES.set });
    await process.submit(body);
    await process.writer.settled();
    clock.now_ms += wait_ms;
    if (body !== bodies.at(-1)) await process.kill();
    else {
      await process.settled();
      await process.close();
    }
  }
  const { alerts, signals } = await derivedOf(store);
  return [...alerts, ...signals].map((line) => line.split(' ')[0] as string);
}

/** Events of one session, with the times at which they come. */
function timed(session: string, events: readonly RawEvent[], from_ms: number): RawEvent[] {
  return exampleRecords(session, events).map((record, at) => ({
    ...(record as unknown as RawEvent),
    time: new Date(from_ms + at * 1_000).toISOString(),
  }));
}

const secret = call('vault', 'read_secret', { name: 'deploy' });
const mail = call('mailer', 'send_email', { to: 'ops@example.com', body: 'done' });
const payroll = call('hr', 'get_payroll', { month: 3 });

it('holds for the steps of one session', async () => {
  const [first, second] = timed('s', [secret, mail], clock.now_ms) as [RawEvent, RawEvent];
  expect(RULES.errors).toEqual([]);
  expect(await toldOver([[first], [second]], 3_000)).toContain('secret_then_egress');
});

it('does not join what lies too far apart', async () => {
  const [first] = timed('s', [secret], clock.now_ms) as [RawEvent];
  const [, second] = timed('s', [secret, mail], clock.now_ms + 600_000) as [RawEvent, RawEvent];
  expect(await toldOver([[first], [second]], 601_000)).not.toContain('secret_then_egress');
});

it('holds for a rule that joins sessions', async () => {
  const bodies = [timed('a', [payroll], clock.now_ms), timed('b', [payroll], clock.now_ms + 3_000)];
  expect(await toldOver(bodies, 3_000)).toContain('two_reads');
});

it('does not join sessions that lie too far apart', async () => {
  const bodies = [timed('a', [payroll], clock.now_ms), timed('b', [payroll], clock.now_ms + 7_200_000)];
  expect(await toldOver(bodies, 7_200_000)).not.toContain('two_reads');
});
