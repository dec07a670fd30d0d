import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../migrate.ts';
import { RowWriter } from '../row_binary.ts';
import { openEmbeddedStore, type Store } from '../store.ts';
import { listAlertActions, readAlertAction } from './alert_actions.ts';
import { readKnownAlerts } from './alert_ids.ts';
import { readAlert } from './alerts.ts';
import { insertHead, removeAbove } from './head.ts';
import { listSuppressions } from './suppressions.ts';

const folder = mkdtempSync(join(tmpdir(), 'tracewarden-actions-'));
const LOG = 'log';
let store: Store;

beforeAll(async () => {
  store = await openEmbeddedStore(folder);
  await migrate(store);
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

function addAlert(alert_id: string, seq: number): Promise<void> {
  const row = new RowWriter(1024).string('default').string(alert_id).string(LOG).u64(seq).string('rule').u32(1);
  row.string('high').u8(75).string('').string('').string('s').string('').string('').i64(0).i64(0).strings([]);
  return store.insert('alerts', row.string('[]'));
}

function addAction(alert_id: string, seq: number, type: string, status: string, more: { note?: string } = {}) {
  const row = new RowWriter(1024).string('default').string(alert_id).string(LOG).u64(seq).string(`action-${seq}`);
  row
    .string(type)
    .string(status)
    .string(status === 'closed' ? 'benign' : '')
    .string('')
    .string(more.note ?? '');
  row
    .string('key-1')
    .string('soc')
    .i64(1_000 * seq);
  const scope = status === 'suppressed' ? '{"rule_id":"rule"}' : '';
  return store.insert(
    'alert_actions',
    row
      .string(scope)
      .string('')
      .i64(scope === '' ? 0 : 1_000_000)
      .string('')
      .string('')
      .strings([])
      .strings([])
      .strings([]),
  );
}

const addHit = (suppression_id: string, seq: number) =>
  store.insert(
    'suppressed_findings',
    new RowWriter(1024)
      .string('default')
      .string(suppression_id)
      .string(LOG)
      .u64(seq)
      .string(`finding-${seq}`)
      .string('high')
      .string('s')
      .i64(1_000 * seq),
  );

const headAt = (size: number) =>
  insertHead(store, { log: LOG, size, root: Buffer.alloc(32, size), range: [], received_at_ms: 0 });
const of = (alert_id: string) => ({ tenant: 'default', alert_id });
const seqsOf = async (alert_id: string) =>
  (await listAlertActions(store, { ...of(alert_id), after: -1, limit: 9 })).map(({ seq }) => seq);
const stateOf = async (alert_id: string) => {
  const { status, verdict, owner_name, status_since_ms, last_note } =
    (await readAlert(store, 'default', alert_id)) ?? {};
  return { status, verdict, owner_name, status_since_ms, last_note };
};
const UNTOUCHED = { status: 'new', verdict: '', owner_name: '', status_since_ms: 0, last_note: '' };

describe('an action', () => {
  it('does not exist for readers until the head is above it', async () => {
    await addAlert('a', 0);
    await addAction('a', 1, 'alert.acknowledged', 'acknowledged');
    await addHit('action-1', 2);
    await headAt(1);
    expect([await seqsOf('a'), await stateOf('a')]).toEqual([[], UNTOUCHED]);
    expect(await readAlertAction(store, { ...of('a'), action_id: 'action-1' })).toBeUndefined();
    expect(await readKnownAlerts(store, LOG, ['a', 'finding-2'])).toEqual(new Set(['a']));
    await headAt(3);
    expect(await seqsOf('a')).toEqual([1]);
    expect(await stateOf('a')).toMatchObject({ status: 'acknowledged', owner_name: 'soc', status_since_ms: 1_000 });
    expect(await readKnownAlerts(store, LOG, ['a', 'finding-2'])).toEqual(new Set(['a', 'finding-2']));
  });

  it('that was inserted twice counts once', async () => {
    await addAlert('b', 3);
    for (let i = 0; i < 2; i++) {
      await addAction('b', 4, 'alert.suppressed', 'suppressed');
      await addHit('action-4', 5);
    }
    await headAt(6);
    expect(await seqsOf('b')).toEqual([4]);
    const filter = { tenant: 'default', ending_after_ms: 0, before_seq: 100, limit: 9 };
    expect(await listSuppressions(store, filter)).toMatchObject([{ alert_id: 'b', hits: 1, last_hit_ms: 5_000 }]);
  });

  it('above the head is removed by a takeover, and the state is what it was before', async () => {
    await addAlert('c', 6);
    await addAction('c', 7, 'alert.closed', 'closed', { note: 'kept' });
    await headAt(8);
    await addAction('c', 8, 'alert.reopened', 'new', { note: 'lost' });
    await addHit('action-4', 9);
    const before = await stateOf('c');
    expect(await removeAbove(store, LOG, 8)).toEqual({ alert_actions: 1, suppressed_findings: 1 });
    await headAt(10);
    expect(await stateOf('c')).toEqual(before);
    expect(before).toEqual({
      status: 'closed',
      verdict: 'benign',
      owner_name: 'soc',
      status_since_ms: 7_000,
      last_note: 'kept',
    });
  });

  it('with a note alone leaves the state; the last note is shown, however old', async () => {
    await addAlert('d', 10);
    await addAction('d', 11, 'alert.noted', '', { note: 'only a note' });
    await headAt(12);
    expect(await stateOf('d')).toEqual({ ...UNTOUCHED, last_note: 'only a note' });
    await addAction('d', 12, 'alert.closed', 'closed');
    await addAction('d', 13, 'alert.reopened', 'new');
    await headAt(14);
    expect(await stateOf('d')).toEqual({ ...UNTOUCHED, status_since_ms: 13_000, last_note: 'only a note' });
  });
});
