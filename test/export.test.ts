/** The compliance export: every record of a tenant and a period, proven; figures; and nothing of what was said. */
import fc from 'fast-check';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check as checked } from './support/bundle.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';
import { rawEvent } from './support/raw_event.ts';

let test: TestService;
let auditor = '';
let zip: Uint8Array;
let vkey = '';
let files: Record<string, Uint8Array>;

async function download(query: string, key = auditor) {
  const answer = await fetch(`${test.url}/v1/export?${query}`, { headers: { authorization: `Bearer ${key}` } });
  return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) };
}
const check = (bytes: Uint8Array, key: string | undefined = vkey) => checked(bytes, key);
const text = (name: string) => Buffer.from(files[name] ?? []).toString('utf8');

beforeAll(async () => {
  test = await startTestService();
  auditor = await test.key('auditor', 'acme');
  const of = (n: number, more = {}) =>
    rawEvent({ event_id: `e${n}`, session_id: `s${n % 3}`, tenant: 'acme', content: `said ${n}`, ...more });
  await test.send([...Array.from({ length: 300 }, (_, n) => of(n)), of(300, { user_id: '=cmd|calc' })]);
  await test.send([rawEvent({ event_id: 'foreign', session_id: 'x', tenant: 'bravo', content: 'of bravo' })]);
  await raiseAlerts(test.service.writer, [findingOf({ tenant: 'acme', session_id: 's1' })]);
  vkey = (await test.read<{ vkey: string }>('/v1/log')).vkey;
  const { status, bytes } = await download('framework=iso_27001');
  expect(status).toBe(200);
  zip = bytes;
  files = unzipSync(zip);
});

afterAll(() => test.close());

describe('an export', () => {
  it('verifies without the store, with every record of the tenant: events, the alert, and who did what', async () => {
    const report = await check(zip);
    expect(report).toMatchObject({ ok: true, kind: 'export', tenant: 'acme', framework: 'iso_27001', key_given: true });
    expect(report.records).toBe(302);
    expect(await checked(zip)).toMatchObject({ ok: true, key_given: false });
  });

  it('holds nothing of another tenant, and nothing of what was said', () => {
    for (const name of Object.keys(files)) {
      expect(text(name), name).not.toContain('bravo');
      expect(text(name), name).not.toContain('said 7');
    }
    expect(text('records.ndjson')).not.toContain('"content":');
  });

  it('says what was counted, with the queries that counted it, and never that a control is satisfied', () => {
    const controls = JSON.parse(text('controls.json')) as { controls: { id: string; evidence: string }[] };
    expect(controls.controls.find(({ id }) => id === '8.15')?.evidence).toBe('observed');
    const manifest = JSON.parse(text('manifest.json')) as { queries: Record<string, string>; period: { from: string } };
    expect(Object.values(manifest.queries).every((digest) => /^[0-9a-f]{64}$/.test(digest))).toBe(true);
    expect(Date.parse(manifest.period.from)).toBeGreaterThan(0);
    expect(text('report.html')).toContain('This report observes.');
    expect(text('controls.json')).not.toMatch(/satisf/i);
  });

  it('has the records as a table that a spreadsheet takes for no formula', () => {
    const rows = text('records.csv').trimEnd().split('\r\n');
    expect(rows.length).toBe(303);
    expect(rows.some((row) => row.includes(",'=cmd|calc,"))).toBe(true);
  });

  it('is a record of the log itself', async () => {
    const { actions } = await test.read<{ actions: { actor: string; detail: { subject: string } }[] }>(
      '/v1/actions?q=type:evidence.exported',
      auditor,
    );
    expect(actions[0]?.detail.subject).toMatch(/^iso_27001 20/);
  });

  it('in which any byte was changed is found out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(zip.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = zip.slice();
        changed[at] = (changed[at] as number) ^ by;
        const ok = await check(changed).then(
          (report) => report.ok,
          () => false,
        );
        expect(ok, `byte ${at}`).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  it('of a tenant without records is not made, nor of a framework that is not there, nor for who may not', async () => {
    const other = await test.key('auditor', 'charlie');
    expect((await download('framework=iso_27001', other)).status).toBe(404);
    expect((await download('framework=none')).status).toBe(404);
    expect((await download('framework=iso_27001&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z')).status).toBe(404);
    expect((await download('framework=iso_27001', await test.key('analyst', 'acme'))).status).toBe(403);
  });

  it('after an erasure says so, and still verifies', async () => {
    const admin = await test.key('admin', 'acme');
    const body = JSON.stringify({ session_id: 's2', reason: 'asked for' });
    const headers = { 'content-type': 'application/json' };
    expect((await test.ask('POST', '/v1/erasures', { key: admin, headers, body })).status).toBeLessThan(300);
    const { bytes } = await download('framework=eu_ai_act');
    const report = await check(bytes);
    expect(report).toMatchObject({ ok: true });
    expect(report.erased).toBe(100);
  });
});
