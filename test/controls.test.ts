/** Controls of frameworks: every measure that they name exists, figures are counted from the log, nothing is judged. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Assessment } from '../api/compliance/assessment.ts';
import { loadFrameworks } from '../api/compliance/framework.ts';
import { MEASURE_NAMES } from '../api/compliance/measure_names.ts';
import { readMeasures } from '../core/store/queries/measures.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';
import { rawEvent } from './support/raw_event.ts';

let test: TestService;
let auditor = '';
const HOSTILE = '<script>alert(1)</script>';

const controls = (query: string, key = auditor) => test.read<Assessment>(`/v1/controls?${query}`, key);
const figureOf = (of: Assessment, control: string, measure: string) =>
  of.controls.find(({ id }) => id === control)?.observations.find((each) => each.measure === measure)?.value;

beforeAll(async () => {
  test = await startTestService();
  auditor = await test.key('auditor', 'acme');
  const responder = await test.key('responder', 'acme');
  const call = (n: number, more = {}) =>
    rawEvent({
      event_id: `c${n}`,
      session_id: `s${n % 2}`,
      tenant: 'acme',
      type: 'tool.call',
      server: HOSTILE,
      tool: 'send',
      call_id: `c${n}`,
      params: {},
      data_sources: [`file:///data/${n % 2}`],
      ...more,
    });
  const denied = rawEvent({
    event_id: 'd',
    session_id: 's1',
    tenant: 'acme',
    type: 'policy.decision',
    decision: { action: 'deny' },
  });
  const late = rawEvent({
    event_id: 'late',
    session_id: 's1',
    tenant: 'acme',
    time: '2026-01-01T00:00:00Z',
    user_id: null,
  });
  await test.send([call(1), call(2), call(3), denied, late]);
  await test.send([{ event_id: 'broken' }], { key: await test.key('ingest', 'acme') });
  await test.send([rawEvent({ event_id: 'other', session_id: 'x', tenant: 'bravo' })]);
  const [alert_id] = await raiseAlerts(test.service.writer, [
    findingOf({ tenant: 'acme', session_id: 's1', rule_id: 'secret_to_other_tool' }),
  ]);
  const post = (path: string, body: unknown) =>
    test.ask('POST', path, {
      key: responder,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await post(`/v1/alerts/${alert_id}/status`, { action: 'close', verdict: 'true_positive', note: 'seen' });
  await post('/v1/enforcement', { action: 'suspend', target: { kind: 'session', id: 's1' }, reason: 'seen' });
});

afterAll(() => test.close());

describe('the maps', () => {
  it('name only measures that are counted and explained', async () => {
    const period = { tenant: 'acme', log: test.service.context.log, from_ms: 0, to_ms: Date.now() + 1_000 };
    const counted = new Set(Object.keys(await readMeasures(test.service.context.store, period)));
    counted.add('suspensions.median_seconds'); // absent while no suspension is confirmed
    expect([...counted].filter((name) => MEASURE_NAMES[name] === undefined)).toEqual([]);
    expect(Object.keys(MEASURE_NAMES).filter((name) => !counted.has(name))).toEqual([]);
    for (const { id, controls: all } of (await loadFrameworks()).values()) {
      const unknown = all.flatMap(({ evidence }) => evidence).filter((name) => !counted.has(name));
      expect(unknown, id).toEqual([]);
      expect(new Set(all.map((control) => control.id)).size, id).toBe(all.length);
    }
  });

  it('have the controls that provenance, access, isolation, policy and governance are asked for by', async () => {
    const frameworks = await loadFrameworks();
    const ids = (id: string) => frameworks.get(id)?.controls.map((control) => control.id) ?? [];
    expect(ids('iso_27001')).toEqual(
      expect.arrayContaining(
        '5.1 5.15 5.16 5.17 5.18 5.19 5.20 5.24 5.28 5.34 8.11 8.12 8.15 8.16 8.20 8.22'.split(' '),
      ),
    );
    expect(ids('iso_42001')).toEqual(
      expect.arrayContaining(
        'A.2.2 A.4.2 A.4.3 A.4.5 A.6.2.8 A.7.2 A.7.3 A.7.4 A.7.5 A.8.3 A.8.4 A.8.5 A.9.3 A.10.2'.split(' '),
      ),
    );
    expect(ids('eu_ai_act')).toEqual(['Article 12', 'Article 19', 'Article 26']);
    for (const name of ['GOVERN', 'MAP', 'MEASURE', 'MANAGE']) {
      expect(
        ids('nist_ai_rmf').some((id) => id.startsWith(name)),
        name,
      ).toBe(true);
    }
  });
});

describe('an assessment', () => {
  it('counts what the log of the tenant holds', async () => {
    const of = await controls('framework=iso_27001');
    expect(figureOf(of, '8.15', 'events.total')).toBe(5);
    expect(figureOf(of, '8.15', 'records.rejected')).toBe(1);
    expect(figureOf(of, '5.15', 'policy.denied')).toBe(1);
    expect(figureOf(of, '5.25', 'alerts.judged')).toBe(1);
    expect(figureOf(of, '5.26', 'suspensions.requested')).toBe(1);
    expect(figureOf(of, '5.26', 'suspensions.median_seconds')).toBeNull();
    expect(figureOf(of, '8.12', 'alerts.exfiltration')).toBe(1);
    const data = await controls('framework=iso_42001');
    expect(figureOf(data, 'A.4.3', 'inventory.data_sources')).toBe(2);
  });

  it('says first what limits the picture', async () => {
    const { gaps } = await controls('framework=eu_ai_act');
    const of = (id: string) => gaps.find((gap) => gap.id === id)?.value;
    expect([of('records.rejected'), of('events.late'), of('events.without_user')]).toEqual([1, 1, 1]);
  });

  it('of a period without records has no evidence, and says so for each control', async () => {
    const { controls: all, gaps } = await controls(
      'framework=iso_42001&from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z',
    );
    expect(all.filter(({ evidence }) => evidence !== 'none')).toEqual([]);
    expect(gaps.every(({ value }) => value === 0)).toBe(true);
  });

  it('has indicators with their definition, the period before, and a mark where somebody should look', async () => {
    const { indicators } = await controls('framework=nist_ai_rmf');
    const of = (id: string) => indicators.find((each) => each.id === id);
    expect(of('violations_blocked')).toMatchObject({ value: 100, before: null, above_threshold: true });
    expect(of('time_to_contain')).toMatchObject({ value: null, above_threshold: false });
    expect(indicators.every(({ definition }) => definition.length > 10)).toBe(true);
  });

  it('never says that a control is satisfied', async () => {
    for (const id of (await loadFrameworks()).keys()) {
      expect(JSON.stringify(await controls(`framework=${id}`))).not.toMatch(/satisf|complian|conform/i);
    }
  });

  it.each([
    ['a framework that is not there', 'framework=none', 404],
    ['no framework', '', 400],
    ['times the wrong way round', 'framework=iso_27001&from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z', 400],
    ['a time that is none', 'framework=iso_27001&from=yesterday', 400],
  ])('is refused for %s', async (_, query, status) => {
    expect((await test.ask('GET', `/v1/controls?${query}`, { key: auditor })).status).toBe(status);
    expect((await test.ask('GET', `/v1/controls/report?${query}`, { key: auditor })).status).toBe(status);
  });

  it('is for auditors and administrators', async () => {
    const analyst = await test.key('analyst', 'acme');
    expect((await test.ask('GET', '/v1/controls?framework=iso_27001', { key: analyst })).status).toBe(403);
  });
});

describe('the report', () => {
  it('is a file without scripts in which names of others are text', async () => {
    const { text, headers } = await test.ask('GET', '/v1/controls/report?framework=iso_27001', { key: auditor });
    expect(headers.get('content-disposition')).toBe('attachment; filename="iso_27001.html"');
    expect(text).not.toContain('<script');
    expect(text).toContain('&lt;script&gt;');
    expect(text).toContain('There is no evidence for this control in this period.');
    expect(text).toContain('default-src &#39;none&#39;'.replaceAll('&#39;', "'"));
  });
});
