/** Every detector's examples, from raw events over the API through log, store and engine to stored alerts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openService, type Service } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { exampleRecords } from '../detectors/example_events.ts';
import { loadDetectors } from '../detectors/load.ts';

const detectors = await loadDetectors();
const examples = detectors.flatMap((detector) =>
  detector.examples.map((example, i) => ({
    rule_id: detector.metadata.id,
    session_id: `${detector.metadata.id}-${i}`,
    ...example,
  })),
);
const folder = mkdtempSync(join(tmpdir(), 'tracewarden-'));
let service: Service;
const raised = new Map<string, { rule_id: string; severity: string; evidence: { seq: number }[] }[]>();

beforeAll(async () => {
  service = await openService({ config: loadConfig({ data: folder }, {}) });
  const headers = { authorization: `Bearer ${service.admin_key}`, 'content-type': 'application/json' };
  for (const example of examples) {
    const body = JSON.stringify(exampleRecords(example.session_id, example.events));
    const response = await service.api.app.request('http://localhost/v1/events', { method: 'POST', headers, body });
    expect(response.status, await response.clone().text()).toBe(200);
  }
  await service.settled();
  const response = await service.api.app.request('http://localhost/v1/alerts?limit=1000', { headers });
  const { alerts } = (await response.json()) as {
    alerts: { session_id: string; rule_id: string; severity: string; evidence: { seq: number }[] }[];
  };
  for (const alert of alerts) raised.set(alert.session_id, [...(raised.get(alert.session_id) ?? []), alert]);
});

afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(examples)('$rule_id: $name', ({ rule_id, session_id, fires }) => {
  it(fires ? 'raises an alert with evidence in the log' : 'raises no alert of this rule', () => {
    const own = (raised.get(session_id) ?? []).filter((alert) => alert.rule_id === rule_id);
    expect(own.length > 0).toBe(fires);
    for (const alert of own) expect(alert.evidence.length).toBeGreaterThan(1);
  });
});
