/** A store that an earlier version made is read, written and verified after its schema was brought up to date. */
import { describe, expect, it } from 'vitest';
import { migrate, readMigrations } from '../core/store/migrate.ts';
import { readEvent, readTimeline, searchContent } from '../core/store/queries/events.ts';
import { openEmbeddedStore } from '../core/store/store.ts';
import { eraseContent } from '../ingest/erase.ts';
import { openTestLog, temporaryFolder } from './log_kit.ts';

const folder = temporaryFolder('old-store');
/** From here on content is stored another way. */
const SMALLER = '006_smaller.sql';

const event = (id: string, content: string) => ({
  event_id: id,
  type: 'prompt',
  time: '2026-01-15T10:00:00Z',
  session_id: 's-1',
  content,
});

describe('a store of the schema before content became smaller', () => {
  it('gives its events, takes new ones beside them, finds words in both, and verifies', async () => {
    const store = await openEmbeddedStore(folder);
    const migrations = readMigrations();
    const before = migrations.filter(({ name }) => name < SMALLER);
    await migrate(store, before);
    const log = await openTestLog(folder, store);
    await log.submit([event('e-old', 'An OLD Needle'), event('e-gone', 'needle to be erased')]);
    await log.submit([
      event('e-tool', 'hay'),
      { ...event('e-new', 'x'), type: 'tool.call', tool: 't', params: { a: 1 } },
    ]);
    await log.checkpointer.publish();

    expect((await migrate(store, migrations))[0]).toBe(SMALLER);
    await log.submit([{ ...event('e-after', ''), type: 'tool.call', tool: 't', params: { deep: ['NEEDLE'] } }]);

    const scope = { tenant: 'default', session_id: 's-1', after: -1, limit: 10 };
    const found = async () => {
      const hits = await searchContent(store, { tenant: 'default', words: ['needle'], before_seq: 100, limit: 10 });
      return hits.map(({ event_id }) => event_id);
    };
    expect((await readTimeline(store, scope, true)).map(({ content }) => content).slice(0, 3)).toEqual([
      'An OLD Needle',
      'needle to be erased',
      'hay',
    ]);
    expect(await found()).toEqual(['e-after', 'e-gone', 'e-old']);
    // The index is built in the background: with it, without it, and after a merge the answers are the same.
    for (let waiting = 1; waiting > 0; ) {
      const [left] = await store.rows<{ n: number }>('SELECT count() AS n FROM system.mutations WHERE NOT is_done');
      waiting = left?.n ?? 0;
    }
    expect(await found()).toEqual(['e-after', 'e-gone', 'e-old']);
    const erasure = { tenant: 'default', session_id: 's-1', reason: 'asked', actor: 'admin', now_ms: log.clock.now_ms };
    expect((await log.verify()).ok).toBe(true);
    expect((await eraseContent(store, log.writer, erasure)).erased).toBe(5);
    for (const table of ['events', 'content']) await store.command(`OPTIMIZE TABLE ${table} FINAL`);
    expect(await found()).toEqual([]);
    expect(await readEvent(store, 'default', 'e-old')).toMatchObject({ seq: 0, content: '', state: 'erased' });
    expect(await log.verify()).toMatchObject({ ok: true, findings: [] });
    await log.writer.close();
    await store.close();
  });
});
