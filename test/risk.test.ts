/** Risk over HTTP: what adds up, what fades, what counts once, and what counts nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Severity } from '../core/alert.ts';
import { encodeSignal } from '../core/store/queries/signals.ts';
import { RowWriter } from '../core/store/row_binary.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';
import { rawEvent } from './support/raw_event.ts';

interface RiskJson {
  id: string;
  risk: number;
  alerts: number;
  open_alerts: number;
  signals: number;
  rules: number;
  sessions: number;
}
interface Shown {
  risk: RiskJson;
  contributions: { source: string; id: string; points: number; decay: number; reason: string; title: string }[];
}

const tenant = 'acme';
const AT = '2026-01-15T00:00:00.000Z';
const AT_MS = Date.parse(AT);
const DAY_MS = 86_400_000;
const LOG = 'test.example.com/log';
let test: TestService;
let analyst = '';
let ids: string[] = [];

const list = async (kind: string, query = '', key = analyst) =>
  (await test.read<{ risks: RiskJson[] }>(`/v1/risk/${kind}?at=${AT}${query}`, key)).risks;
const show = (kind: string, id: string, query = '', key = analyst) =>
  test.read<Shown>(`/v1/risk/${kind}/${encodeURIComponent(id)}?at=${AT}${query}`, key);
async function act(alert_id: string | undefined, body: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const asked = { key: analyst, headers, body: JSON.stringify(body) };
  expect((await test.ask('POST', `/v1/alerts/${alert_id}/status`, asked)).status).toBe(200);
}
const riskOf = async (kind: string, id: string) => (await show(kind, id)).risk.risk;

async function storeSignals(signals: { id: string; session_id: string; rule_id: string; days: number }[]) {
  const rows = new RowWriter();
  for (const { id, session_id, rule_id, days } of signals) {
    encodeSignal(rows, {
      tenant,
      session_id,
      finding_id: id,
      log: test.service.context.log,
      rule_id,
      rule_version: 1,
      severity: 'low',
      risk: 20,
      title: 'Something “quoted” was noticed',
      reason: '',
      user_id: 'ben@example.com',
      agent: 'helper',
      time_ms: AT_MS - days * DAY_MS,
      tags: [],
      evidence: [{ log: LOG, seq: 0, event_id: 'e-0', role: 'was read' }],
      late: false,
    });
  }
  await test.service.store.insert('signals', rows);
}

beforeAll(async () => {
  test = await startTestService();
  analyst = await test.key('analyst', tenant);
  const call = (id: string, server: string) =>
    rawEvent({
      event_id: id,
      tenant,
      type: 'tool.call',
      server,
      tool: 'look',
      session_id: 'of-servers',
      content: null,
    });
  const { answer } = await test.send([call('c1', 'crm'), call('c2', 'mail')]);
  const places = answer.records.map(({ seq, event_id }) => ({
    log: test.service.context.log,
    seq,
    event_id,
    role: 'was called',
  }));
  const of = (days: number, session_id: string, severity: Severity, more = {}) =>
    findingOf({ tenant, session_id, severity, time_ms: AT_MS - days * DAY_MS, user_id: 'ana@example.com', ...more });
  ids = await raiseAlerts(test.service.writer, [
    of(0, 'a1', 'high'),
    of(0, 'a1', 'medium'),
    of(7, 'a2', 'high'),
    of(0, 'a3', 'medium', { rule_id: 'secret_exposed' }),
    of(1_000, 'old', 'critical', { user_id: 'old@example.com' }),
    of(-1, 'later', 'critical', { user_id: 'later@example.com' }),
    of(0, 'v1', 'high', { user_id: 'cy@example.com' }),
    of(0, 's', 'high', { user_id: 'dan@example.com', evidence: places }),
    findingOf({ tenant: 'bravo', session_id: 'a1', time_ms: AT_MS, user_id: 'ana@example.com' }),
  ]);
  await test.service.settled();
  await storeSignals([
    ...[0, 1, 2, 3].map((at) => ({ id: `n${at}`, session_id: `b${at}`, rule_id: 'noisy', days: 0 })),
    { id: 'q', session_id: 'b0', rule_id: 'quiet', days: 14 },
  ]);
});

afterAll(() => test.close());

describe('the risk of one', () => {
  it('adds up rules as independent evidence, halves in a week, and counts further sessions of a rule less', async () => {
    const { risk, contributions } = await show('user', 'ana@example.com');
    // 75 now; the same rule found 45 in the same session: nothing; 75 a week ago, as the second session: 37.5 / 2^1.5.
    const second = 37.5 / 2 ** 1.5;
    expect(contributions.map(({ id, points }) => [ids.indexOf(id), points])).toEqual([
      [0, 75],
      [3, 45],
      [2, Math.round(second * 100) / 100],
      [1, 0],
    ]);
    expect(risk).toMatchObject({ alerts: 4, open_alerts: 4, signals: 0, rules: 2, sessions: 3 });
    expect(risk.risk).toBe(Math.round(1000 * (1 - 0.25 * 0.55 * (1 - second / 100))) / 10);
    expect(contributions[2]?.reason).toBe('75 of 7.0 days ago counts 37.5, divided by 2.8 as session 2 of this rule');
    expect(contributions[3]?.reason).toMatch(/^counts nothing: the same rule/);
  });

  it('takes in signals, and a rule that is often noticed does not reach what one alert does', async () => {
    const { risk, contributions } = await show('user', 'ben@example.com');
    const noisy = [1, 2, 3, 4].reduce((product, nth) => product * (1 - 0.2 / nth ** 1.5), 1);
    expect(risk).toMatchObject({ alerts: 0, signals: 5, rules: 2, sessions: 4 });
    expect(risk.risk).toBe(Math.round(1000 * (1 - noisy * 0.95)) / 10);
    expect(contributions.find(({ id }) => id === 'q')).toMatchObject({ decay: 0.25, points: 5 });
    expect(risk.risk).toBeLessThan(45);
    expect(await riskOf('session', 'b0')).toBe(24);
    expect(await riskOf('agent', 'helper')).toBe(risk.risk);
  });

  it('is of the servers whose events prove a finding, and of no other', async () => {
    expect(await list('server')).toEqual([
      expect.objectContaining({ id: 'crm', risk: 75, alerts: 1 }),
      expect.objectContaining({ id: 'mail', risk: 75, alerts: 1 }),
    ]);
    expect((await show('server', 'mail')).contributions.map(({ id }) => ids.indexOf(id))).toEqual([7]);
  });

  it('counts nothing of what was closed as harmless or as a duplicate, and all of it again when it is reopened', async () => {
    for (const verdict of ['false_positive', 'benign', 'test']) {
      await act(ids[6], { action: 'close', verdict, note: 'looked at' });
      const { risk, contributions } = await show('user', 'cy@example.com');
      expect(risk).toMatchObject({ risk: 0, alerts: 1, open_alerts: 0 });
      expect(contributions[0]?.reason).toBe(`counts nothing: closed as ${verdict}`);
      await act(ids[6], { action: 'reopen', note: 'again' });
      expect(await riskOf('user', 'cy@example.com')).toBe(75);
    }
    await act(ids[6], { action: 'close', verdict: 'true_positive', note: 'seen' });
    expect(await riskOf('user', 'cy@example.com')).toBe(75);
  });

  it('does not know the past beyond eight half-lives, nor what comes later, nor another tenant', async () => {
    for (const id of ['old@example.com', 'later@example.com', 'nobody']) {
      expect((await test.ask('GET', `/v1/risk/user/${id}?at=${AT}`, { key: analyst })).status).toBe(404);
    }
    const bravo = await list('user', '', await test.key('viewer', 'bravo'));
    expect(bravo).toEqual([expect.objectContaining({ id: 'ana@example.com', alerts: 1, risk: 75 })]);
  });

  it('shows what was quoted to those who may read content alone', async () => {
    const [first] = (await show('user', 'ben@example.com')).contributions;
    expect(first?.title).toContain('quoted');
    const viewer = await test.key('viewer', tenant);
    const [withheld] = (await show('user', 'ben@example.com', '', viewer)).contributions;
    expect(withheld?.title).not.toContain('quoted');
  });
});

describe('the risk of a session', () => {
  const session = async () => {
    const { sessions } = await test.read<{ sessions: { session_id: string; risk: number; alerts: number }[] }>(
      '/v1/sessions?limit=100',
      analyst,
    );
    const listed = sessions.find(({ session_id }) => session_id === 'of-servers');
    const shown = await test.read<{ session: { risk: number } }>('/v1/sessions/of-servers', analyst);
    return { listed: listed?.risk, alerts: listed?.alerts, shown: shown.session.risk };
  };

  it('counts no alert that was closed as harmless, in the list and by itself, and counts a confirmed one', async () => {
    const later = { tenant, session_id: 'of-servers', time_ms: AT_MS + DAY_MS };
    await raiseAlerts(test.service.writer, [findingOf(later), findingOf({ ...later, severity: 'medium' })]);
    const before = await session();
    expect(before).toEqual({ listed: 86, shown: 86, alerts: 2 });
    const { alerts } = await test.read<{ alerts: { alert_id: string }[] }>('/v1/alerts?session=of-servers', analyst);
    expect(alerts).toHaveLength(2);
    for (const { alert_id } of alerts) await act(alert_id, { action: 'close', verdict: 'true_positive', note: 'seen' });
    expect(await session()).toEqual(before);
    for (const { alert_id } of alerts) await act(alert_id, { action: 'reopen', note: 'again' });
    for (const { alert_id } of alerts) await act(alert_id, { action: 'close', verdict: 'benign', note: 'seen' });
    expect(await session()).toEqual({ listed: 0, shown: 0, alerts: 2 });
  });
});

describe('the list', () => {
  it('begins with the greatest risk, and gives no more than was asked for', async () => {
    const users = await list('user');
    expect(users.map(({ id }) => id.split('@')[0])).toEqual(['ana', 'cy', 'dan', 'ben']);
    expect((await list('user', '&limit=1')).length).toBe(1);
    expect((await list('session')).slice(0, 1)).toEqual([expect.objectContaining({ risk: 75 })]);
    expect((await test.ask('GET', '/v1/risk/planet', { key: analyst })).status).toBe(400);
  });
});
