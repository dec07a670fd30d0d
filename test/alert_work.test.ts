/** Working on alerts with others: whose they are, their tags, who was faster, and many at once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../core/config.ts';
import { LIMITS } from '../core/limits.ts';
import { verifyLog } from '../ingest/verify/verify.ts';
import { temporaryFolder } from './log_kit.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';

interface AlertJson {
  alert_id: string;
  status: string;
  verdict: string | null;
  owner: { key_id: string; name: string } | null;
  tags: string[];
  added_tags: string[];
  version: number;
  changed_by: { name: string } | null;
}

interface Answer {
  http: number;
  code?: string;
  detail?: string;
  alert?: AlertJson;
  repeated?: boolean;
  present_version?: number;
  changed_by?: string;
  changed_at?: string;
  done?: number;
  refused?: number;
  outcomes?: { alert_id: string; outcome: string; code?: string; detail?: string; alert?: AlertJson }[];
}

const folder = temporaryFolder('alert-work');
let test: TestService;
let ana = '';
let ben = '';

beforeAll(async () => {
  test = await startTestService({ config: loadConfig({ data: folder }, {}) });
  ana = await test.key('analyst');
  ben = await test.key('responder');
});
afterAll(() => test.close());

const raise = async (more = {}) => (await raiseAlerts(test.service.writer, [findingOf(more)]))[0] ?? '';
const raiseMany = (count: number, more = {}) =>
  raiseAlerts(
    test.service.writer,
    Array.from({ length: count }, () => findingOf(more)),
  );

async function post(path: string, body: unknown, key = ana): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const { status, text } = await test.ask('POST', path, { key, headers, body: JSON.stringify(body) });
  return { http: status, ...(JSON.parse(text) as object) };
}
const act = (alert_id: string, body: unknown, key = ana) => post(`/v1/alerts/${alert_id}/status`, body, key);
const bulk = (body: unknown, key = ana) => post('/v1/alerts/bulk', body, key);
const shown = (alert_id: string) => test.read<AlertJson>(`/v1/alerts/${alert_id}`, ana);
const listed = async (q: string) =>
  (await test.read<{ alerts: AlertJson[] }>(`/v1/alerts?limit=1000&q=${encodeURIComponent(q)}`)).alerts.map(
    ({ alert_id }) => alert_id,
  );
const keyId = (key: string) => key.slice(3, 15);

describe('whose an alert is', () => {
  it('is said by assigning it: to oneself, by the id of a key, or by its name', async () => {
    const id = await raise();
    expect((await act(id, { action: 'assign' })).alert?.owner).toEqual({ key_id: keyId(ana), name: 'a analyst' });
    const to_ben = await act(id, { action: 'assign', owner: keyId(ben) });
    expect(to_ben.alert).toMatchObject({ status: 'new', owner: { key_id: keyId(ben), name: 'a responder' } });
    expect((await act(id, { action: 'assign', owner: 'a analyst' })).alert?.owner?.key_id).toBe(keyId(ana));
    expect((await act(id, { action: 'unassign' })).alert?.owner).toBeNull();
    expect(await listed('owner:"a analyst"')).not.toContain(id);
  });

  it('stays so when somebody else acts on it, until it is reopened', async () => {
    const id = await raise();
    await act(id, { action: 'assign', owner: keyId(ben) });
    expect((await act(id, { action: 'close', verdict: 'test' })).alert?.owner?.key_id).toBe(keyId(ben));
    expect(await listed(`owner_id:${keyId(ben)}`)).toContain(id);
    expect((await act(id, { action: 'reopen' })).alert?.owner).toBeNull();
  });

  it('cannot be a key that is unknown, revoked, of another tenant, or that may not act', async () => {
    const id = await raise();
    const foreign = keyId(await test.key('analyst', 'bravo'));
    const viewer = keyId(await test.key('viewer'));
    const gone = keyId(await test.key('analyst', 'default'));
    await test.service.context.access.revoke(gone, 'test');
    const details = [];
    for (const owner of ['nobody', foreign, viewer, gone, "x' OR 1=1"]) {
      const answer = await act(id, { action: 'assign', owner });
      expect(answer).toMatchObject({ http: 400, code: 'query_invalid' });
      details.push(answer.detail);
    }
    expect(new Set(details).size).toBe(1);
  });

  it('needs an id where two keys have one name', async () => {
    const id = await raise({ tenant: 'twins' });
    const one = await test.key('analyst', 'twins');
    await test.key('analyst', 'twins');
    expect(await act(id, { action: 'assign', owner: 'a analyst' }, one)).toMatchObject({
      http: 400,
      detail: 'owner: 2 keys have this name; give a key_id',
    });
    expect((await act(id, { action: 'assign', owner: keyId(one) }, one)).http).toBe(200);
  });
});

describe('tags of people', () => {
  it('are given and taken away, stand beside those of the rule, and are found by a query', async () => {
    const id = await raise();
    expect((await act(id, { action: 'tag', add: ['case:17', 'Übung', 'case:17'] })).alert).toMatchObject({
      tags: ['LLM01'],
      added_tags: ['case:17', 'Übung'],
    });
    const after = await act(id, { action: 'tag', add: ['vip'], remove: ['case:17', 'never-there'] });
    expect(after.alert?.added_tags).toEqual(['vip', 'Übung']);
    expect(await listed('tag:vip and added_tag:Übung and tag:LLM01')).toEqual([id]);
    expect(await listed('tag:case\\:17')).toEqual([]);
    const { history } = await test.read<{ history: { tags_added: string[]; tags_removed: string[] }[] }>(
      `/v1/alerts/${id}/history`,
      ana,
    );
    expect(history.map(({ tags_added, tags_removed }) => [tags_added, tags_removed])).toEqual([
      [['case:17', 'Übung'], []],
      [['vip'], ['case:17', 'never-there']],
    ]);
  });

  it('of two who tag at once all stay', async () => {
    const id = await raise();
    await Promise.all(['a', 'b', 'c', 'd'].map((tag) => act(id, { action: 'tag', add: [tag] })));
    expect((await shown(id)).added_tags).toEqual(['a', 'b', 'c', 'd']);
  });

  it.each([
    ['markup', { add: ['<img/src=x>'] }],
    ['a space', { add: ['a b'] }],
    ['an escape', { add: ['a\u001b[2J'] }],
    ['a turned direction', { add: ['a\u202eb'] }],
    ['nothing visible', { add: [''] }],
    ['a leading mark', { add: ['-rf'] }],
    ['another spelling of the same letters', { add: ['u\u0308bung'] }],
    ['too many characters', { add: ['x'.repeat(LIMITS.tag_chars_max + 1)] }],
    ['no tags', { add: [] }],
    ['neither', {}],
    ['the same given and taken', { add: ['a'], remove: ['a'] }],
    ['too many', { add: Array.from({ length: LIMITS.tags_per_alert_max + 1 }, (_, i) => `t${i}`) }],
  ])('with %s are refused', async (_, tags) => {
    const id = await raise();
    expect(await act(id, { action: 'tag', ...tags })).toMatchObject({ http: 400, code: 'query_invalid' });
    expect((await shown(id)).version).toBe(0);
  });

  it('are limited over all requests, and at the limit one can still be changed for another', async () => {
    const id = await raise();
    const add = Array.from({ length: LIMITS.tags_per_alert_max }, (_, i) => `t${i}`);
    expect((await act(id, { action: 'tag', add })).http).toBe(200);
    expect(await act(id, { action: 'tag', add: ['more'] })).toMatchObject({ http: 422, code: 'too_many_tags' });
    expect((await act(id, { action: 'tag', add: ['more'], remove: ['t0'] })).http).toBe(200);
  });
});

describe('a version', () => {
  it('that is no longer the present one is answered with 409, who changed it and when, and nothing is recorded', async () => {
    const id = await raise();
    const seen = (await shown(id)).version;
    expect(seen).toBe(0);
    await act(id, { action: 'tag', add: ['mine'] }, ben);
    const size = test.service.writer.head.size;
    const late = await act(id, { action: 'close', verdict: 'benign', expected_version: seen });
    const present = await shown(id);
    expect(late).toMatchObject({
      http: 409,
      code: 'version_conflict',
      present_status: 'new',
      present_version: present.version,
      changed_by: 'a responder',
    });
    expect(Date.parse(late.changed_at ?? '')).toBeGreaterThan(0);
    expect(test.service.writer.head.size).toBe(size);
    const again = await act(id, { action: 'close', verdict: 'benign', expected_version: present.version });
    expect(again.http).toBe(200);
    expect(again.alert?.version).toBeGreaterThan(present.version);
  });

  it('lets one of several through who saw the same', async () => {
    const id = await raise();
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) => act(id, { action: 'note', note: `note ${n}`, expected_version: 0 })),
    );
    expect(answers.map(({ http }) => http).sort()).toEqual([200, 409, 409, 409]);
  });

  it('does not stand in the way of a request that comes again', async () => {
    const id = await raise();
    const body = { action: 'acknowledge', request_id: 'v-1', expected_version: 0 };
    expect(await act(id, body)).toMatchObject({ http: 200, repeated: false });
    expect(await act(id, body)).toMatchObject({ http: 200, repeated: true });
  });
});

describe('one action on many alerts', () => {
  it('is answered for each one: done, done before, or why not', async () => {
    const ids = await raiseMany(4);
    const [a = '', b = '', c = '', d = ''] = ids;
    await act(b, { action: 'close', verdict: 'test' });
    const foreign = await raise({ tenant: 'bravo' });
    const body = {
      alert_ids: [a, b, foreign, 'unknown', c, d],
      action: { action: 'close', verdict: 'benign', note: 'the nightly job', request_id: 'sweep-1' },
      expected_versions: { [c]: 0, [d]: 7 },
    };
    const answer = await bulk(body);
    expect(answer).toMatchObject({ http: 200, done: 2, repeated: 0, refused: 4 });
    expect(answer.outcomes?.map(({ alert_id, outcome, code }) => [alert_id, outcome, code])).toEqual([
      [a, 'done', undefined],
      [b, 'refused', 'status_conflict'],
      [foreign, 'refused', 'not_found'],
      ['unknown', 'refused', 'not_found'],
      [c, 'done', undefined],
      [d, 'refused', 'version_conflict'],
    ]);
    const [, , hidden, missing] = answer.outcomes ?? [];
    expect(hidden?.detail).toBe(missing?.detail);
    expect(answer.outcomes?.[0]?.alert).toMatchObject({ status: 'closed', verdict: 'benign' });
    expect(await bulk({ ...body, alert_ids: [a, c], expected_versions: undefined })).toMatchObject({
      done: 0,
      repeated: 2,
    });
  });

  it('takes as many as the limit says in one request', { timeout: 60_000 }, async () => {
    const alert_ids = await raiseMany(LIMITS.bulk_alerts_max);
    const answer = await bulk({ alert_ids, action: { action: 'tag', add: ['swept'] } });
    expect(answer).toMatchObject({ http: 200, done: LIMITS.bulk_alerts_max, refused: 0 });
    expect((await listed('added_tag:swept')).sort()).toEqual([...alert_ids].sort());
  });

  it.each([
    ['10,000 ids', { alert_ids: Array.from({ length: 10_000 }, (_, i) => `a${i}`), action: { action: 'acknowledge' } }],
    ['no id', { alert_ids: [], action: { action: 'acknowledge' } }],
    ['one id twice', { alert_ids: ['a', 'a'], action: { action: 'acknowledge' } }],
    ['an id that is no text', { alert_ids: [1], action: { action: 'acknowledge' } }],
    ['an id without an end', { alert_ids: ['x'.repeat(201)], action: { action: 'acknowledge' } }],
    ['no action', { alert_ids: ['a'] }],
    ['an action that is for one', { alert_ids: ['a'], action: { action: 'suppress', scope: { rule_id: 'r' } } }],
    ['a version for all', { alert_ids: ['a'], action: { action: 'acknowledge', expected_version: 0 } }],
    ['a version of another', { alert_ids: ['a'], action: { action: 'acknowledge' }, expected_versions: { b: 0 } }],
  ])('with %s is refused as a whole', async (_, body) => {
    expect(await bulk(body)).toMatchObject({ http: 400, code: 'query_invalid' });
  });

  it('is for who may act', async () => {
    expect((await bulk({ alert_ids: ['a'], action: { action: 'acknowledge' } }, await test.key('viewer'))).http).toBe(
      403,
    );
  });
});

it('the log of all of this verifies', async () => {
  const { store, keyring } = test.service;
  const report = await verifyLog({ store, vkey: keyring.vkey, pseudonyms: keyring.pseudonyms });
  expect([report.findings, report.ok]).toEqual([[], true]);
});
