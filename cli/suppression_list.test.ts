import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../core/store/store.ts';
import { ORIGIN, openTestLog, openTestStore, type TestLog, temporaryFolder } from '../test/log_kit.ts';
import { findingOf } from '../test/support/raise_alerts.ts';
import { SuppressionList } from './suppression_list.ts';

const folder = temporaryFolder('suppressions');
let store: Store;
let log: TestLog;
let acted = 0;

beforeAll(async () => {
  store = await openTestStore(folder);
  log = await openTestLog(folder, store);
});

afterAll(async () => {
  await log.writer.close();
  await store.close();
});

async function record(type: string, alert_id: string, more: object = {}, tenant = 'default'): Promise<string> {
  const event_id = `action-${acted++}`;
  const detail = { alert_id, actor_name: 'soc', request_id: event_id, ...more };
  const place = { event_id, tenant, session_id: '', user_id: '', actor: 'key-1', time_ms: log.clock.now_ms };
  log.clock.now_ms += 1_000;
  await log.writer.submitInternal([log.writer.stamp({ kind: 'action', type, ...place, detail })]);
  await log.writer.settled();
  return event_id;
}

const suppress = (alert_id: string, rule_id: string, lasts_ms = 60_000, tenant = 'default') => {
  const expires_at_ms = log.clock.now_ms + lasts_ms;
  return record('alert.suppressed', alert_id, { scope: { rule_id }, reason: 'known', expires_at_ms }, tenant);
};
const opened = () => SuppressionList.open(store, ORIGIN, log.writer.head.size, log.clock.now_ms);
const held = (list: SuppressionList, rule_id: string, tenant = 'default') =>
  list.heldBack(findingOf({ rule_id, tenant }), log.clock.now_ms)?.detail.suppression_id;

describe('the list of suppressions', () => {
  it('that follows the records decides like one that is read from the store', async () => {
    const live = await opened();
    const compare = async () => {
      live.observe(log.observed);
      const read = await opened();
      const answers = ['a', 'b', 'c'].map((rule_id) => held(live, rule_id));
      expect(answers).toEqual(['a', 'b', 'c'].map((rule_id) => held(read, rule_id)));
      expect(held(live, 'a', 'acme')).toBe(held(read, 'a', 'acme'));
      return answers;
    };
    expect(await compare()).toEqual([undefined, undefined, undefined]);
    const a = await suppress('alert-a', 'a');
    const b = await suppress('alert-b', 'b', 5_000);
    expect(await compare()).toEqual([a, b, undefined]);
    log.clock.now_ms += 5_000;
    expect(await compare()).toEqual([a, undefined, undefined]);
    await record('alert.closed', 'alert-a', { verdict: 'benign' });
    await record('alert.reopened', 'alert-other');
    await record('alert.reopened', 'alert-a', {}, 'acme');
    expect(await compare()).toEqual([a, undefined, undefined]);
    await record('alert.reopened', 'alert-a');
    expect(await compare()).toEqual([undefined, undefined, undefined]);
    const again = await suppress('alert-a', 'a');
    const other = await suppress('alert-a', 'a', 60_000, 'acme');
    expect(await compare()).toEqual([again, undefined, undefined]);
    expect(held(live, 'a', 'acme')).toBe(other);
  });

  it('makes of a finding that is held back a record with the finding’s own id and none of its words', async () => {
    const suppression_id = await suppress('alert-d', 'd');
    const finding = findingOf({ rule_id: 'd' });
    const record = (await opened()).heldBack(finding, log.clock.now_ms);
    expect(record).toMatchObject({
      kind: 'action',
      type: 'finding.suppressed',
      event_id: finding.finding_id,
      tenant: 'default',
      detail: { suppression_id, rule_id: 'd', severity: 'high', session_id: finding.session_id },
    });
    expect(JSON.stringify(record)).not.toContain('a value of a secret');
  });

  it('goes on from what it was read with: records that it knows change nothing', async () => {
    const suppression_id = await suppress('alert-e', 'e');
    await record('alert.reopened', 'alert-e');
    const list = await opened();
    list.observe(log.observed);
    expect(held(list, 'e')).toBeUndefined();
    const earlier = await SuppressionList.open(store, ORIGIN, log.writer.head.size, 0);
    const from_ms = log.observed.find(({ event_id }) => event_id === suppression_id)?.received_at_ms ?? 0;
    expect(earlier.heldBack(findingOf({ rule_id: 'e' }), from_ms)?.detail.suppression_id).toBe(suppression_id);
  });
});
