/** Every detector's examples, from raw events over the API through log, store and engine to stored alerts and signals. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openService, type Service } from '../cli/service.ts';
import { ALERT_SEVERITY_MIN, type Severity, severityRank } from '../core/alert.ts';
import { loadConfig } from '../core/config.ts';
import { exampleRecords } from '../detectors/example_events.ts';
import { loadDetectors } from '../detectors/load.ts';

const detectors = await loadDetectors();
/** Each has a tenant of its own, since correlators join what happened in one. */
const examples = detectors.flatMap((detector) =>
  detector.examples.map((example, i) => ({
    rule_id: detector.metadata.id,
    tenant: `${detector.metadata.id}-${i}`,
    ...example,
  })),
);
const BODY_RECORDS = 500;

interface Found {
  tenant: string;
  session_id: string;
  rule_id: string;
  severity: Severity;
  evidence: string;
}

const folder = mkdtempSync(join(tmpdir(), 'tracewarden-'));
let service: Service;
const found = { alerts: new Map<string, Found[]>(), signals: new Map<string, Found[]>() };

beforeAll(async () => {
  service = await openService({ config: loadConfig({ data: folder }, {}) });
  const headers = { authorization: `Bearer ${service.admin_key}`, 'content-type': 'application/json' };
  const records = examples.flatMap(({ tenant, events }) =>
    exampleRecords(tenant, events).map((record) => ({ ...record, tenant })),
  );
  for (let from = 0; from < records.length; from += BODY_RECORDS) {
    const body = JSON.stringify(records.slice(from, from + BODY_RECORDS));
    const response = await service.api.app.request('http://localhost/v1/events', { method: 'POST', headers, body });
    expect(response.status, await response.clone().text()).toBe(200);
  }
  await service.settled();
  for (const kind of ['alerts', 'signals'] as const) {
    const rows = await service.store.rows<Found>(
      `SELECT toString(tenant) AS tenant, session_id, toString(rule_id) AS rule_id, toString(severity) AS severity, evidence
       FROM v_${kind}`,
    );
    for (const row of rows) found[kind].set(row.tenant, [...(found[kind].get(row.tenant) ?? []), row]);
  }
}, 180_000);

afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(examples)('$rule_id: $name', ({ rule_id, tenant, fires, severity, at_most }) => {
  const own = (rows: Map<string, Found[]>) => (rows.get(tenant) ?? []).filter((row) => row.rule_id === rule_id);

  it(fires ? 'is found, with evidence in the log' : 'finds nothing', () => {
    const all = [...own(found.alerts), ...own(found.signals)];
    const ceiling = at_most === undefined ? -1 : severityRank(at_most);
    expect((fires ? all : all.filter((each) => severityRank(each.severity) > ceiling)).length > 0).toBe(fires);
    if (severity !== undefined) expect(all.map((each) => each.severity)).toContain(severity);
    for (const { evidence, session_id } of all) {
      expect((JSON.parse(evidence) as unknown[]).length).toBeGreaterThan(0);
      expect(session_id.startsWith(tenant)).toBe(true);
    }
  });

  it('is an alert from the least severity of alerts on, and a signal below', () => {
    const isAlert = (row: Found) => severityRank(row.severity) >= severityRank(ALERT_SEVERITY_MIN);
    expect(own(found.alerts).filter((row) => !isAlert(row))).toEqual([]);
    expect(own(found.signals).filter(isAlert)).toEqual([]);
  });
});
