/** A log that shares its store gathers records for a while; one that has its own store keeps nobody waiting. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPseudonymizer } from '../core/pseudonym.ts';
import type { Store } from '../core/store/store.ts';
import { openTestStore } from '../test/log_kit.ts';
import { FaultyStore } from '../test/support/faulty_store.ts';
import { rawEvent } from '../test/support/raw_event.ts';
import { LogWriter } from './log_writer.ts';

let store: Store;
const folder = mkdtempSync(join(tmpdir(), 'tracewarden-gather-'));
beforeAll(async () => {
  store = await openTestStore(folder);
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

let logs = 0;

async function open(gather_ms: number | undefined, over: Store = store) {
  const batches: number[] = [];
  let broken = '';
  const fenced = {
    head: undefined,
    gather_ms: gather_ms ?? 0,
    commit: async (_: unknown, records: readonly unknown[]) => void batches.push(records.length),
    onBroken: (error: Error) => {
      broken = error.message;
    },
  };
  const writer = await LogWriter.open({
    store: over,
    log: `test.example.com/gather/${logs++}`,
    pseudonyms: createPseudonymizer(Buffer.alloc(32, 1)),
    lastSigned: () => undefined,
    now: Date.now,
    onCommitted: async () => undefined,
    onStored: (records) => void (gather_ms === undefined && batches.push(records.length)),
    ...(gather_ms === undefined ? {} : { fenced }),
  });
  const submit = () => writer.submit([writer.accept(Buffer.from(JSON.stringify(rawEvent())), '*', 'test')]);
  return { writer, batches, submit, fenced, broken: () => broken };
}

async function dripped(submit: () => Promise<unknown>, records: number, every_ms: number) {
  const answered: Promise<unknown>[] = [];
  for (let i = 0; i < records; i++) {
    answered.push(submit());
    await sleep(every_ms);
  }
  await Promise.all(answered);
}

it('gathers what drips in within the wait into one batch', async () => {
  const { writer, batches, submit } = await open(1_500);
  await dripped(submit, 5, 20);
  expect(batches).toEqual([5]);
  await dripped(submit, 3, 20);
  expect(batches).toEqual([5, 3]);
  await writer.close();
});

it('waits for nothing where a producer waits for its answer', async () => {
  const { writer, batches, submit } = await open(undefined);
  for (let i = 0; i < 3; i++) await submit();
  expect(batches).toEqual([1, 1, 1]);
  await writer.close();
});

it('ends the wait when the log is closed, and stores what it has', async () => {
  const { writer, batches, submit } = await open(600_000);
  const answered = submit();
  await sleep(50);
  await writer.close();
  await answered;
  expect(batches).toEqual([1]);
});

it('ends the wait when the batch before it could not be stored', async () => {
  const faulty = new FaultyStore(store);
  const { submit, broken, fenced } = await open(0, faulty);
  faulty.fault = { table: 'events', persisted: false, times: 1 };
  let go = () => {};
  faulty.gate = new Promise((resolve) => {
    go = resolve;
  });
  const message = (answer: Promise<unknown>) => answer.catch((error: Error) => error.message);
  const first = message(submit());
  await sleep(100);
  // The first is being stored; the second is gathered meanwhile, for longer than any test runs.
  fenced.gather_ms = 600_000;
  const second = message(submit());
  await sleep(100);
  go();
  expect(await first).toContain('injected');
  expect(await second).toContain('injected');
  expect(broken()).toContain('injected');
});
