/** Suspension by policy in a whole service: what it asks, what it holds back, and what a crash does not double. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openService, type Service } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';

const POLICY = `
suspend:
  - name: secrets out
    severity_min: high
    rules: [secret_to_other_tool]
allow:
  - reason: on call
    user_id: oncall@example.com
limit: {per_tenant: 3, overall: 5, seconds: 3600}
`;

let data: string;
let service: Service | undefined;
let notices: string[] = [];

afterEach(async () => {
  await service?.close();
  service = undefined;
  rmSync(data, { recursive: true, force: true });
});

async function start(
  policy: string,
  folder = mkdtempSync(join(tmpdir(), 'tracewarden-suspension-')),
): Promise<Service> {
  data = folder;
  notices = [];
  const suspension_file = join(data, 'suspension.yaml');
  writeFileSync(suspension_file, policy);
  const config = loadConfig({ data, suspension_file, log_level: 'silent' }, {});
  service = await openService({ config, onNotice: (notice) => notices.push(notice) });
  return service;
}

const recent = (more: Parameters<typeof findingOf>[0] = {}) => findingOf({ time_ms: Date.now(), ...more });

async function raise(...findings: ReturnType<typeof findingOf>[]): Promise<string[]> {
  const ids = await raiseAlerts((service as Service).writer, findings);
  await service?.settled();
  return ids;
}

interface Row {
  type: string;
  event_id: string;
  detail: string;
}

async function records(like: string): Promise<Row[]> {
  const { store } = service as Service;
  return store.rows<Row>(
    `SELECT toString(type) AS type, event_id, detail FROM v_events
     WHERE tenant IN ('default', 'bravo', 'delta') AND kind IN ('action', 'alert') AND type LIKE {like:String} AND type NOT LIKE 'key%' ORDER BY seq`,
    { like },
  );
}

const commands = () => [...((service as Service).context.response?.enforcement.all() ?? [])];

describe('an alert that the policy names', () => {
  it('suspends its session: the evidence is held first, and the command names entry and alert', async () => {
    await start(POLICY);
    const [alert_id] = await raise(recent({ session_id: 's-1' }));
    expect(commands()).toMatchObject([
      {
        action: 'suspend',
        target: { kind: 'session', id: 's-1' },
        alert_id,
        policy: 'secrets out',
        state: 'requested',
      },
    ]);
    const types = (await records('%')).map(({ type }) => type);
    expect(types).toEqual(['alert.raised', 'evidence.held', 'enforcement.requested']);
    const headers = { authorization: `Bearer ${service?.admin_key}` };
    const shown = await service?.api.app.request(`http://localhost/v1/alerts/${alert_id}`, { headers });
    expect(await shown?.json()).toMatchObject({ containment: { state: 'requested', confirmed: false } });
    await raise(recent({ session_id: 's-1' }));
    expect(commands()).toHaveLength(1);
  });

  it('but only nearly fits it, is on its allow list, or is old, suspends nothing', async () => {
    await start(POLICY);
    await raise(
      recent({ severity: 'medium' }),
      recent({ rule_id: 'other' }),
      recent({ user_id: 'oncall@example.com' }),
      findingOf({ time_ms: Date.now() - 3_600_000 }),
    );
    expect(commands()).toEqual([]);
    expect(await records('enforcement%')).toEqual([]);
    expect(notices).toContain('suspension_too_late');
  });

  it('with a least risk suspends once the alerts of the session add up to it', async () => {
    await start('suspend:\n  - {name: risky, severity_min: medium, risk_min: 90}');
    await raise(recent({ session_id: 's-1' }), recent({ session_id: 's-2' }));
    expect(commands()).toEqual([]);
    await raise(recent({ session_id: 's-1', rule_id: 'another' }));
    expect(commands()).toMatchObject([{ target: { id: 's-1' }, policy: 'risky' }]);
  });
});

describe('a storm of alerts', () => {
  it('suspends as many sessions as the limit says, and raises one alert about the rest, of which each is a record', async () => {
    await start(POLICY);
    const storm = Array.from({ length: 400 }, () => recent());
    await raise(...storm);
    expect(commands()).toHaveLength(3);
    const held = await records('enforcement.held_back');
    expect(held).toHaveLength(397);
    expect(JSON.parse(held[0]?.detail ?? '')).toMatchObject({
      policy: 'secrets out',
      why: 'limit',
      alert_id: storm[3]?.finding_id,
    });
    const told = (await records('alert.raised')).filter(({ detail }) => detail.includes('"suspension_limit"'));
    expect(told).toHaveLength(1);
    expect(told[0]?.detail).toContain('The limit of 3 in this tenant within 3600 seconds is reached');
    // Another tenant has a limit of its own, up to that of all.
    await raise(...Array.from({ length: 9 }, () => recent({ tenant: 'bravo' })));
    expect(
      commands()
        .map(({ tenant }) => tenant)
        .sort(),
    ).toEqual(['bravo', 'bravo', 'default', 'default', 'default']);
    expect((await records('alert.raised')).filter(({ detail }) => detail.includes('5 in all tenants'))).toHaveLength(1);
  });

  it('is counted on after a restart, which asks for nothing twice', async () => {
    await start(POLICY);
    const folder = data;
    await raise(recent(), recent());
    const before = commands().map(({ command_id }) => command_id);
    await service?.store.command(
      "ALTER TABLE cursors DELETE WHERE name = 'delivered_through' SETTINGS mutations_sync = 1",
    );
    await service?.close();
    await start(POLICY, folder);
    await service?.settled();
    expect(commands().map(({ command_id }) => command_id)).toEqual(before);
    await raise(recent(), recent(), recent());
    expect(commands()).toHaveLength(3);
    expect(await records('enforcement.requested')).toHaveLength(3);
  });
});

describe('a dry run', () => {
  it('asks gateways for nothing, and records what it would have asked, within the limit', async () => {
    await start(`dry_run: true\n${POLICY}`);
    await raise(...Array.from({ length: 5 }, () => recent()));
    expect(commands()).toEqual([]);
    const why = (await records('enforcement.held_back')).map(
      ({ detail }) => (JSON.parse(detail) as { why: string }).why,
    );
    expect(why).toEqual(['dry_run', 'dry_run', 'dry_run', 'limit', 'limit']);
    expect(await records('evidence.held')).toEqual([]);
  });
});

describe('a policy file', () => {
  it('that is faulty or missing stops the start, and one that is read stands in the log by its digest', async () => {
    await expect(start('suspend: [{}]')).rejects.toMatchObject({ code: 'policy_invalid' });
    rmSync(data, { recursive: true, force: true });
    const config = loadConfig({ data, suspension_file: join(data, 'none.yaml') }, {});
    await expect(openService({ config })).rejects.toMatchObject({ code: 'policy_unreadable' });
    await start(POLICY);
    const [row] = await (service as Service).store.rows<{ detail: string }>(
      "SELECT detail FROM v_events WHERE tenant = '*' AND kind = 'config' ORDER BY seq DESC LIMIT 1",
    );
    expect(row?.detail).toMatch(/"suspension_sha256":"[0-9a-f]{64}"/);
  });
});
