/** Incidents over HTTP: what belongs together, why, and for whom. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';

interface IncidentJson {
  incident_id: string;
  state: string;
  severity: string;
  risk: number;
  title: string;
  alerts: number;
  open_alerts: number;
  sessions: string[];
  users: string[];
  last_seq: number;
}
interface Page {
  incidents: IncidentJson[];
  next_cursor: string | null;
}
interface Shown {
  incident: IncidentJson;
  members: {
    alert: { alert_id: string; reason: string; status: string };
    joined: { by: string; alert_id: string; common: string }[];
  }[];
  next_cursor: string | null;
}

const LOG = 'test.example.com/log';
const tenant = 'incidents';
let test: TestService;
let analyst = '';
let ids: string[] = [];

const evidence = (...seqs: number[]) => seqs.map((seq) => ({ log: LOG, seq, event_id: `e-${seq}`, role: 'was read' }));
const list = (query = '', key = analyst) => test.read<Page>(`/v1/incidents${query}`, key);
const show = (id: string, query = '', key = analyst) => test.read<Shown>(`/v1/incidents/${id}${query}`, key);
async function act(alert_id: string, body: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const path = `/v1/alerts/${alert_id}/status`;
  const { status } = await test.ask('POST', path, { key: analyst, headers, body: JSON.stringify(body) });
  expect(status).toBe(200);
}

beforeAll(async () => {
  test = await startTestService();
  analyst = await test.key('analyst', tenant);
  const of = (session_id: string, user_id: string, more = {}) => findingOf({ tenant, session_id, user_id, ...more });
  ids = await raiseAlerts(test.service.writer, [
    of('s1', 'ana', { severity: 'medium', evidence: evidence(1, 2), title: 'The note “act now” was read' }),
    of('s1', 'ana', { severity: 'critical', evidence: evidence(3), title: 'A secret “xyz” left' }),
    of('s2', 'ana', { severity: 'high', evidence: evidence(30) }),
    // The memory that was written in s1 was read in s3.
    of('s3', 'ben', { severity: 'high', evidence: evidence(2, 40) }),
    // Another tenant's alert of a session with the same name and the same event.
    findingOf({ tenant: 'bravo', session_id: 's1', evidence: evidence(1) }),
  ]);
});
afterAll(() => test.close());

describe('incidents', () => {
  it('are listed with what their alerts amount to, the one with the newest alert first', async () => {
    const { incidents, next_cursor } = await list();
    expect(next_cursor).toBeNull();
    expect(incidents).toMatchObject([
      {
        incident_id: ids[0],
        state: 'open',
        severity: 'critical',
        // 100 (1 - 0.55 * 0.05 * 0.25)
        risk: 99,
        title: 'A secret “xyz” left',
        alerts: 3,
        open_alerts: 3,
        sessions: ['s1', 's3'],
        users: ['ana', 'ben'],
      },
      { incident_id: ids[2], severity: 'high', risk: 75, alerts: 1, sessions: ['s2'] },
    ]);
  });

  it('say why each alert is in them, and are found by any of their alerts', async () => {
    const by_first = await show(ids[0] ?? '');
    expect(by_first.members.map(({ alert, joined }) => [alert.alert_id, joined])).toEqual([
      [ids[0], []],
      [ids[1], [{ by: 'session', alert_id: ids[0], common: 's1' }]],
      [ids[3], [{ by: 'evidence', alert_id: ids[0], common: 'e-2' }]],
    ]);
    expect(await show(ids[3] ?? '')).toEqual(by_first);
  });

  it('are the same however often they are asked for, a page at a time', async () => {
    const pages: string[] = [];
    for (let cursor = ''; ; ) {
      const page = await list(`?limit=1${cursor && `&cursor=${cursor}`}`);
      pages.push(...page.incidents.map((each) => each.incident_id));
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    expect(pages).toEqual([ids[0], ids[2]]);
    const first = await show(ids[1] ?? '', '?limit=2');
    const second = await show(ids[1] ?? '', `?limit=2&cursor=${first.next_cursor}`);
    const members = [...first.members, ...second.members].map((each) => each.alert.alert_id);
    expect([members, second.next_cursor]).toEqual([[ids[0], ids[1], ids[3]], null]);
  });

  it('are filtered by user, session, severity and state', async () => {
    const found = async (query: string) => (await list(query)).incidents.map(({ incident_id }) => incident_id);
    expect(await found('?user=ben')).toEqual([ids[0]]);
    expect(await found('?session=s2')).toEqual([ids[2]]);
    expect(await found('?severity=critical')).toEqual([ids[0]]);
    expect(await found('?user=nobody')).toEqual([]);
    await act(ids[2] ?? '', { action: 'close', verdict: 'benign' });
    expect(await found('')).toEqual([ids[0]]);
    expect(await found('?state=closed')).toEqual([ids[2]]);
    expect(await found('?state=all')).toEqual([ids[0], ids[2]]);
    await act(ids[2] ?? '', { action: 'reopen' });
  });

  it('grow by a duplicate, and shrink again when that is taken back', async () => {
    await act(ids[2] ?? '', { action: 'close', verdict: 'duplicate', duplicate_of: ids[1] });
    const { incidents } = await list('?state=all');
    expect(incidents.map(({ incident_id, alerts, open_alerts }) => [incident_id, alerts, open_alerts])).toEqual([
      [ids[0], 4, 3],
    ]);
    await act(ids[2] ?? '', { action: 'reopen' });
    expect((await list()).incidents).toHaveLength(2);
  });

  it('of another tenant are not there, not by its alerts either', async () => {
    const foreign = await test.key('analyst', 'bravo');
    const theirs = await list('', foreign);
    expect(theirs.incidents.map(({ alerts }) => alerts)).toEqual([1]);
    for (const id of [ids[0], ids[4], 'x'.repeat(200), "'; DROP TABLE alerts"]) {
      const key = id === ids[4] ? analyst : foreign;
      const { status, text } = await test.ask('GET', `/v1/incidents/${encodeURIComponent(id ?? '')}`, { key });
      expect([status, JSON.parse(text).code]).toEqual([404, 'not_found']);
    }
  });

  it('withhold what is quoted from content from those who may not read it', async () => {
    const viewer = await test.key('viewer', tenant);
    const { incidents } = await list('', viewer);
    expect(incidents[0]?.title).toBe('A secret “(withheld)” left');
    expect(JSON.stringify(await show(ids[0] ?? '', '', viewer))).not.toContain('act now');
  });

  it.each(['?state=some', '?severity=fatal', '?limit=0', '?cursor=nothing', '?limit=100000'])(
    'with %s are refused',
    async (query) => {
      expect((await test.ask('GET', `/v1/incidents${query}`, { key: analyst })).status).toBe(400);
    },
  );
});
