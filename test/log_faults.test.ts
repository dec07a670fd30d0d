/**
 * Breaks every write of a log in every way, on the real engine: what was acknowledged is there once, what was not can
 * be sent again, and the log verifies. Then what a writer and a signer refuse when they start.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import { readSessionEvents } from '../core/store/queries/takeover.ts';
import type { Store } from '../core/store/store.ts';
import { TABLES } from '../core/store/tables.ts';
import { CompactRange } from '../core/tlog/compact_range.ts';
import { nodeHasher } from '../core/tlog/node_hasher.ts';
import { BATCH_TABLES } from '../ingest/encode.ts';
import type { Receipt } from '../ingest/log_writer.ts';
import { openSigner } from '../ingest/signer.ts';
import { verifyLog } from '../ingest/verify/verify.ts';
import { ORIGIN, openTestLog, openTestStore, START_MS, type TestLog, temporaryFolder } from './log_kit.ts';
import { FaultyStore } from './support/faulty_store.ts';

const folder = temporaryFolder('faults');
let engine: Store;
let faults: FaultyStore;
let log: TestLog;
let count = 0;

/** A promise that resolves when it is opened. */
function gate(): { closed: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { closed, open };
}

const event = (id: string, more: object = {}) => ({
  event_id: id,
  type: 'tool.call',
  tool: 'read',
  server: 'files',
  time: new Date(START_MS).toISOString(),
  session_id: `s-${id.length % 3}`,
  params: { id },
  ...more,
});

/** Ids that no other test uses. */
const fresh = (n: number) => Array.from({ length: n }, () => `e-${count++}-${'x'.repeat(count % 5)}`);

async function reset(): Promise<void> {
  await log?.writer.close();
  for (const table of Object.keys(TABLES)) await engine.command(`TRUNCATE TABLE ${table}`);
  rmSync(join(folder, 'signer'), { recursive: true, force: true });
  faults.fault = undefined;
  log = await openTestLog(folder, engine, faults);
}

/** Hands events in again until the log takes them, as a producer does. */
async function submitUntilTaken(events: readonly unknown[]): Promise<{ receipts: Receipt[]; refused: number }> {
  for (let refused = 0; ; refused++) {
    try {
      return { receipts: await log.submit(events), refused };
    } catch (error) {
      expect(error).toMatchObject({ code: 'store_unavailable' });
      // Twelve seconds: taking over removes rows from each table in turn, which a busy machine does slowly.
      if (refused > 600) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const eventCounts = () =>
  engine.rows<{ event_id: string; n: number }>(
    `SELECT event_id, count() AS n FROM v_events WHERE kind = 'event' GROUP BY event_id ORDER BY event_id`,
  );

async function expectOnceEach(ids: readonly string[]): Promise<void> {
  const counts = await eventCounts();
  expect(counts).toEqual([...ids].sort().map((event_id) => ({ event_id, n: 1 })));
}

async function expectWhole(): Promise<void> {
  const report = await log.verify();
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ ok: true, size: log.writer.head.size });
}

beforeAll(async () => {
  engine = await openTestStore(folder);
  faults = new FaultyStore(engine);
  log = await openTestLog(folder, engine, faults);
});

afterAll(async () => {
  await log.writer.close();
  await engine.close();
});

const key = {
  key_id: 'k',
  name: 'gateway',
  role: 'ingest',
  tenant: 'default',
  sha256: '12'.repeat(32),
  created_at_ms: START_MS,
  expires_at_ms: START_MS,
  revoked: false,
};
const alert = {
  rule_id: 'r',
  rule_version: 1,
  severity: 'low',
  title: 't',
  reason: 'r',
  session_id: '',
  user_id: '',
  agent: '',
  tags: [],
  evidence: [],
};
const place = { tenant: 'default', session_id: '', user_id: '', actor: 'admin', time_ms: START_MS };

function internals(id: string) {
  const { writer } = log;
  return [
    writer.stamp({ ...place, kind: 'alert', type: 'alert', event_id: `alert-${id}`, detail: alert }),
    writer.stamp({
      ...place,
      kind: 'action',
      type: 'key.changed',
      event_id: `key-${id}`,
      detail: { ...key, name: id },
    }),
    writer.stamp({
      ...place,
      kind: 'action',
      type: 'alert.closed',
      event_id: `close-${id}`,
      detail: { alert_id: `alert-${id}`, actor_name: 'soc', request_id: id, verdict: 'benign' },
    }),
    writer.stamp({
      ...place,
      kind: 'action',
      type: 'finding.suppressed',
      event_id: `finding-${id}`,
      detail: { suppression_id: 's', severity: 'high', session_id: '' },
    }),
  ];
}

describe('a write that fails', () => {
  const first = fresh(250);
  const sent: string[] = [];

  beforeAll(async () => {
    await reset();
    sent.push(...first);
    await log.submit(first.map((id) => event(id)));
    await log.writer.submitInternal(internals('0'));
  });

  const cases = [...BATCH_TABLES, 'heads' as const].flatMap((table) =>
    [false, true].map((persisted) => [table, persisted] as const),
  );

  it.each(cases)(
    'of %s (durable: %s) loses nothing and doubles nothing',
    async (table, persisted) => {
      const ids = fresh(table === 'nodes' ? 300 : 4);
      faults.fault = { table, persisted, times: 1 };
      // The program's own records are part of every batch, so that every table has rows.
      const own = internals(ids[0] ?? '');
      const [events, records] = await Promise.allSettled([
        log.submit(ids.map((id) => event(id))),
        log.writer.submitInternal(own),
      ]);
      const failed = [events, records].filter((each) => each.status === 'rejected');
      expect(failed.length).toBeGreaterThan(0);
      for (const each of failed) expect(each.reason).toMatchObject({ code: 'store_unavailable' });
      const { receipts } = await submitUntilTaken(ids.map((id) => event(id)));
      sent.push(...ids);
      expect(receipts.every((each) => each.outcome === 'accepted' || each.outcome === 'duplicate')).toBe(true);
      await log.writer.submitInternal(own);
      await expectOnceEach(sent);
      await expectWhole();
    },
    20_000,
  );

  it('leaves a log that a writer takes over, and all of whose checkpoints are consistent', async () => {
    await log.checkpointer.publish();
    await log.writer.close();
    log = await openTestLog(folder, engine, faults);
    const signed = log.signer.last();
    expect(signed?.size).toBe(log.writer.head.size);
    expect(await log.verify(signed && { signed })).toMatchObject({ ok: true, size: signed?.size });
  });
});

describe('recovery', () => {
  beforeEach(reset);

  it('goes on trying when the store fails again, and again', async () => {
    await log.submit([event('a')]);
    const [id = ''] = fresh(1);
    faults.fault = { table: 'leaves', persisted: false, times: 3 };
    for (let i = 0; i < 3; i++) {
      const { refused } = await submitUntilTaken([event(id)]).catch(() => ({ refused: -1 }));
      expect(refused).toBeGreaterThanOrEqual(0);
      if (faults.fault === undefined) break;
    }
    await expectOnceEach(['a', id]);
    await expectWhole();
    expect(log.notices.filter(({ notice }) => notice === 'log_taken_over').length).toBe(3);
  });

  it('tells observers of records that a failed write had committed after all', async () => {
    await log.submit([event('a')]);
    faults.fault = { table: 'heads', persisted: true, times: 1 };
    await expect(log.submit([event('b'), event('c')])).rejects.toMatchObject({ code: 'store_unavailable' });
    const { receipts } = await submitUntilTaken([event('b'), event('c')]);
    await log.writer.settled();
    expect(receipts.map((each) => [each.outcome, each.first_seq])).toEqual([
      ['duplicate', 1],
      ['duplicate', 2],
    ]);
    expect(log.adopted).toEqual([[1, 3]]);
    expect(log.observed.map((each) => each.seq)).toEqual([0, 3, 4]);
  });

  it('refuses what waits meanwhile, and takes it when the store is back', async () => {
    faults.fault = { table: 'events', persisted: false, times: 1 };
    await expect(log.submit([event('a')])).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(log.writer.waiting.broken).toBe(true);
    await expect(log.submit([event('b')])).rejects.toMatchObject({ code: 'store_unavailable' });
    await submitUntilTaken([event('b')]);
    expect(log.writer.waiting).toEqual({ records: 0, bytes: 0, broken: false });
    await expectOnceEach(['b']);
  });

  it('answers a submission that is closed meanwhile', async () => {
    faults.fault = { table: 'events', persisted: false, times: 1 };
    await expect(log.submit([event('a')])).rejects.toMatchObject({ code: 'store_unavailable' });
    await log.writer.close();
    await expect(log.submit([event('a')])).rejects.toMatchObject({ code: 'log_closed' });
  });

  it('keeps a session whole over a failure in the middle of it', async () => {
    const ids = fresh(12);
    for (const [at, id] of ids.entries()) {
      if (at % 4 === 2) faults.fault = { table: at % 8 === 2 ? 'sessions' : 'leaves', persisted: true, times: 1 };
      await submitUntilTaken([event(id, { session_id: 'one', user_id: at > 5 ? 'ana' : undefined })]);
    }
    const events = await readSessionEvents(engine, ORIGIN, { tenant: 'default', session_id: 'one' }, 1_000, 100);
    expect(events.map((each) => [each.event_id, each.session_seq])).toEqual(ids.map((id, at) => [id, at]));
    await expectWhole();
  });
});

describe('takeover', () => {
  beforeEach(reset);

  it('removes rows at and above the head, in every table', async () => {
    await log.submit([event('a', { session_id: 'one' })]);
    await log.writer.submitInternal(internals('1'));
    const before = await log.verify();
    faults.fault = { table: 'heads', persisted: false, times: 1 };
    const own = internals('2');
    const lost = [event('b', { session_id: 'one' }), event('c', { session_id: 'two' })];
    await Promise.allSettled([log.writer.submitInternal(own), log.submit(lost)]);
    await log.writer.close();
    log = await openTestLog(folder, engine, faults);
    const after = await log.verify();
    expect(after).toMatchObject({ ok: true, size: before.size, root: before.root });
    for (const [table, column] of [
      ['leaves', 'seq'],
      ['events', 'seq'],
      ['content', 'seq'],
      ['alerts', 'seq'],
      ['alert_actions', 'seq'],
      ['suppressed_findings', 'seq'],
      ['sessions', 'last_seq'],
      ['access_keys', 'version'],
    ]) {
      const [row] = await engine.rows<{ n: number }>(
        `SELECT count() AS n FROM ${table} WHERE ${column} >= ${before.size}`,
      );
      expect(row?.n, table).toBe(0);
    }
  });

  it('brings back the committed row of a key that an unfinished batch had changed', async () => {
    await log.writer.submitInternal(internals('1'));
    const size = log.writer.head.size;
    await engine.command(
      `INSERT INTO access_keys SELECT * REPLACE (version + 100 AS version, 'forged' AS name) FROM access_keys`,
    );
    await engine.command('OPTIMIZE TABLE access_keys FINAL');
    await log.writer.close();
    log = await openTestLog(folder, engine, faults);
    expect(await engine.rows('SELECT name, version FROM access_keys FINAL')).toEqual([
      { name: '1', version: size - 3 },
    ]);
    await expectWhole();
  });

  const open = () => openTestLog(folder, engine, faults);

  it('starts an empty log', async () => {
    await log.writer.close();
    log = await open();
    expect(log.writer.head.size).toBe(0);
    expect(await log.verify()).toMatchObject({ ok: true, size: 0 });
  });

  it('refuses a log whose last records were changed', async () => {
    await log.submit([event('a'), event('b')]);
    await engine.command(`CREATE TABLE IF NOT EXISTS kept ENGINE = Memory AS SELECT * FROM events`);
    await engine.command('TRUNCATE TABLE events');
    await engine.command(
      `INSERT INTO events SELECT * REPLACE (replaceAll(core, 'tool.call', 'tool.fake') AS core) FROM kept`,
    );
    await engine.command('DROP TABLE kept');
    await expect(open()).rejects.toMatchObject({ code: 'log_tampered', fatal: true });
  });

  it.each([
    ['the last leaf', 'seq = 299'],
    ['the first leaf', 'seq = 0'],
  ])('refuses a log that has lost %s', async (_, where) => {
    await log.submit(fresh(300).map((id) => event(id)));
    await log.checkpointer.publish();
    await engine.command(`DELETE FROM leaves WHERE ${where}`);
    // Below 256 leaves nodes stand for leaves: without them the hole shows.
    await engine.command('TRUNCATE TABLE nodes');
    await expect(open()).rejects.toMatchObject({ code: 'log_tampered', fatal: true });
  });

  it('takes an identical leaf that has not merged away for the one leaf that it is', async () => {
    await log.submit([event('a'), event('b')]);
    await engine.command('INSERT INTO leaves SELECT * FROM leaves');
    await log.writer.close();
    log = await open();
    expect(log.writer.head.size).toBe(2);
  });

  it.each([
    ['its root', 'reverse(root)', 'root'],
    ['its subtrees', 'reverse(range)', 'range'],
    ['its size', 'size + 1', 'size'],
  ])('refuses a head with another value as %s', async (_, value, column) => {
    await log.submit([event('a'), event('b'), event('c')]);
    const type = column === 'root' ? `CAST(${value} AS FixedString(32))` : value;
    await engine.command(
      `CREATE TABLE kept ENGINE = Memory AS SELECT * REPLACE (${type} AS ${column}) FROM heads FINAL`,
    );
    await engine.command('TRUNCATE TABLE heads');
    await engine.command('INSERT INTO heads SELECT * FROM kept');
    await engine.command('DROP TABLE kept');
    await expect(open()).rejects.toMatchObject({ code: 'head_corrupt', fatal: true });
  });

  it('refuses a head that is right in itself and of another tree', async () => {
    await log.submit([event('a')]);
    const other = new CompactRange(nodeHasher);
    other.append(new Uint8Array(32));
    const root = Buffer.from(other.root()).toString('hex');
    await engine.command('TRUNCATE TABLE heads');
    await engine.command(`INSERT INTO heads SELECT '${ORIGIN}', 1, unhex('${root}'), unhex('${root}'), ${START_MS}`);
    await expect(open()).rejects.toMatchObject({ code: 'log_tampered', fatal: true });
  });

  it('refuses a store that was rolled back behind what was signed', async () => {
    await log.submit([event('a')]);
    await engine.command('CREATE TABLE kept ENGINE = Memory AS SELECT * FROM heads FINAL');
    await log.submit([event('b')]);
    await log.checkpointer.publish();
    await engine.command('TRUNCATE TABLE heads');
    await engine.command('INSERT INTO heads SELECT * FROM kept');
    await engine.command('DROP TABLE kept');
    await expect(open()).rejects.toMatchObject({ code: 'store_rolled_back', fatal: true });
    // Without the signer's memory the published checkpoint still says so.
    rmSync(join(folder, 'signer'), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: 'store_rolled_back', fatal: true });
    const [row] = await engine.rows<{ n: number }>('SELECT count() AS n FROM events');
    expect(row?.n).toBe(2);
  });

  it('refuses a store that lost its head, and removes nothing', async () => {
    await log.submit([event('a'), event('b')]);
    await log.checkpointer.publish();
    await engine.command('TRUNCATE TABLE heads');
    rmSync(join(folder, 'signer'), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: 'store_rolled_back', fatal: true });
    const [row] = await engine.rows<{ n: number }>('SELECT count() AS n FROM events');
    expect(row?.n).toBe(2);
  });

  it('refuses other records than those that were signed', async () => {
    await log.submit([event('a'), event('b')]);
    const head = log.writer.head;
    log.signer.sign({ size: head.size, root: new Uint8Array(32) }, []);
    await expect(open()).rejects.toMatchObject({ code: 'log_tampered', fatal: true });
  });
});

describe('many at once', () => {
  beforeEach(reset);

  it('stores 50 submissions of any size once each, in order, and answers each with its own receipts', async () => {
    const submissions = Array.from({ length: 50 }, (_, at) => fresh((at * 37) % 90));
    const answers = await Promise.all(submissions.map((ids) => log.submit(ids.map((id) => event(id)))));
    for (const [at, receipts] of answers.entries()) {
      expect(receipts.map((each) => each.event_id)).toEqual(submissions[at]);
      const seqs = receipts.map((each) => each.seq);
      expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] ?? 0) + i));
    }
    await log.writer.settled();
    expect(log.observed.map((each) => each.seq)).toEqual(Array.from({ length: log.writer.head.size }, (_, i) => i));
    await expectOnceEach(submissions.flat());
    await expectWhole();
  });

  it('keeps every session linked although most have left the cache', async () => {
    const { session_cache_max } = LIMITS;
    Object.assign(LIMITS, { session_cache_max: 5 });
    try {
      await log.writer.close();
      log = await openTestLog(folder, engine, faults);
      for (let round = 0; round < 6; round++) {
        await Promise.all(
          Array.from({ length: 8 }, (_, part) =>
            log.submit(
              fresh(5).map((id, at) => {
                const number = (part * 5 + at + round * 7) % 17;
                // Some name their session, and a few users have theirs derived, so that it stays open.
                const derived = { session_id: undefined, user_id: `u-${number % 2}` };
                return event(id, number % 5 === 0 ? derived : { session_id: `s-${number}` });
              }),
            ),
          ),
        );
      }
      await expectWhole();
    } finally {
      Object.assign(LIMITS, { session_cache_max });
    }
  });

  it('does not forget a session that the batch in preparation goes on with', async () => {
    const { session_cache_max } = LIMITS;
    Object.assign(LIMITS, { session_cache_max: 5 });
    const inSessions = (prefix: string) => fresh(5).map((id, at) => event(id, { session_id: `${prefix}-${at}` }));
    const [first, ...others] = inSessions('a');
    const storing = gate();
    const looking = gate();
    try {
      await log.submit([first, ...others]);
      faults.gate = storing.closed;
      const second = log.submit(inSessions('b'));
      await new Promise((resolve) => setTimeout(resolve, 50));
      faults.reading = looking.closed;
      // A repetition, for which the record that came first is looked up while the batch before is committed.
      const third = log.submit([event(fresh(1)[0] ?? '', { session_id: 'a-0' }), first]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      storing.open();
      await second;
      looking.open();
      await third;
      await expectWhole();
    } finally {
      storing.open();
      looking.open();
      faults.gate = undefined;
      faults.reading = undefined;
      Object.assign(LIMITS, { session_cache_max });
    }
  });

  it('refuses more than the queue holds, and takes it when there is room again', async () => {
    const { queue_records_max } = LIMITS;
    Object.assign(LIMITS, { queue_records_max: 10 });
    const storing = gate();
    faults.gate = storing.closed;
    try {
      const first = log.submit(fresh(25).map((id) => event(id)));
      // A body larger than the whole queue is taken when the queue is empty.
      const second = log.submit([event(fresh(1)[0] ?? '')]);
      await expect(second).rejects.toMatchObject({ code: 'queue_full' });
      storing.open();
      faults.gate = undefined;
      expect(await first).toHaveLength(25);
      expect(await log.submit([event('after')])).toHaveLength(1);
    } finally {
      storing.open();
      faults.gate = undefined;
      Object.assign(LIMITS, { queue_records_max });
    }
  });

  it('writes what waits before it closes, and takes nothing after', async () => {
    const ids = fresh(40);
    const answers = ids.map((id) => log.submit([event(id)]));
    await log.writer.close();
    expect((await Promise.all(answers)).flat().map((each) => each.outcome)).toEqual(ids.map(() => 'accepted'));
    await expect(log.submit([event('late')])).rejects.toMatchObject({ code: 'log_closed' });
    await expectOnceEach(ids);
  });

  it('verifies while the log is being written', async () => {
    const reports = [];
    for (let round = 0; round < 6; round++) {
      const writing = Array.from({ length: 4 }, () => log.submit(fresh(40).map((id) => event(id))));
      const own = log.writer.submitInternal(internals(String(round)));
      reports.push(await log.verify());
      await Promise.all([...writing, own]);
    }
    expect(reports.flatMap((report) => report.findings)).toEqual([]);
  });
});

describe('the signer', () => {
  beforeEach(reset);

  it('signs what continues what it signed, and remembers it', async () => {
    await log.submit([event('a')]);
    await log.checkpointer.publish();
    await log.submit([event('b')]);
    await log.checkpointer.publish();
    const again = openSigner(folder, ORIGIN, log.keys.seed);
    expect(again.last()?.size).toBe(2);
    expect(await log.verify()).toMatchObject({ ok: true, checkpoints: 2 });
  });

  it('refuses a shorter log, another root, and a proof that does not hold', async () => {
    await log.submit([event('a'), event('b')]);
    await log.checkpointer.publish();
    const { size, root } = log.writer.head;
    const refused = (message: string) =>
      expect.objectContaining({ code: 'checkpoint_refused', fatal: true, message: expect.stringContaining(message) });
    expect(() => log.signer.sign({ size: size - 1, root }, [])).toThrow(refused('the log became shorter'));
    expect(() => log.signer.sign({ size, root: new Uint8Array(32) }, [])).toThrow(refused('another root was signed'));
    expect(() => log.signer.sign({ size: size + 1, root }, [])).toThrow(refused('the proof does not hold'));
    expect(() => log.signer.sign({ size: size + 1, root }, [new Uint8Array(32)])).toThrow(
      refused('the proof does not hold'),
    );
    expect(log.signer.last()?.size).toBe(size);
  });

  it('does not sign a history that the store was made to tell otherwise', async () => {
    await log.submit([event('a'), event('b')]);
    await log.checkpointer.publish();
    await log.submit([event('c')]);
    await engine.command(
      'CREATE TABLE kept ENGINE = Memory AS SELECT * REPLACE (CAST(reverse(leaf_hash) AS FixedString(32)) AS leaf_hash) FROM leaves',
    );
    await engine.command('TRUNCATE TABLE leaves');
    await engine.command('INSERT INTO leaves SELECT * FROM kept');
    await engine.command('DROP TABLE kept');
    await expect(log.checkpointer.publish()).rejects.toMatchObject({ code: 'checkpoint_refused', fatal: true });
  });

  it('heals a crash between signing and storing the checkpoint', async () => {
    await log.submit([event('a'), event('b')]);
    faults.fault = { table: 'checkpoints', persisted: false, times: 1 };
    await expect(log.checkpointer.publish()).rejects.toThrow('injected');
    expect(log.signer.last()?.size).toBe(2);
    expect(await log.verify()).toMatchObject({ checkpoints: 0 });
    await log.checkpointer.start();
    await log.checkpointer.close();
    expect(await log.verify()).toMatchObject({ ok: true, checkpoints: 1 });
  });

  it.each([
    ['text that is no JSON', 'x'],
    ['null', 'null'],
    ['a head of another log', '{"origin":"other","size":1,"root":"AAAA"}'],
    ['a root that is too short', `{"origin":"${ORIGIN}","size":1,"root":"AAAA"}`],
  ])('refuses to go on from a memory that holds %s', async (_, text) => {
    await log.submit([event('a')]);
    await log.checkpointer.publish();
    writeFileSync(join(folder, 'signer', 'last_head.json'), text);
    expect(() => openSigner(folder, ORIGIN, log.keys.seed)).toThrow(
      expect.objectContaining({ code: 'signer_memory_corrupt', fatal: true }),
    );
  });
});

it('verifies with the public key alone', async () => {
  await reset();
  await log.submit([event('a')]);
  await log.checkpointer.publish();
  expect(await verifyLog({ store: engine, vkey: log.keys.vkey })).toMatchObject({ ok: true, size: 1 });
});
