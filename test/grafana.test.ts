// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Grafana's variables look like templates
/** The boards for Grafana: every query runs on a store that was filled by the program, and every metric is one it has. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../core/config.ts';
import { splitStatements } from '../core/store/migrate.ts';
import { exampleRecords } from '../detectors/example_events.ts';
import { loadDetectors } from '../detectors/load.ts';
import { suppressedFinding } from '../ingest/suppressed_finding.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';
import { rawEvent } from './support/raw_event.ts';
import { type Receiver, startReceiver } from './support/receiver.ts';

const FOLDER = new URL('../dashboards/grafana/', import.meta.url).pathname;
const CLICKHOUSE = { type: 'grafana-clickhouse-datasource', uid: 'tracewarden-clickhouse' };
const PROMETHEUS = { type: 'prometheus', uid: 'tracewarden-prometheus' };

interface Source {
  type: string;
  uid: string;
}
interface Panel {
  id: number;
  type: string;
  title: string;
  datasource?: Source;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; datasource: Source; rawSql?: string; queryType?: string; expr?: string }[];
}
interface Board {
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string; query: string; datasource: Source }[] };
}

const textOf = (file: string) => readFileSync(join(FOLDER, file), 'utf8');
const files = readdirSync(join(FOLDER, 'boards')).sort();
const boards = files.map((file) => JSON.parse(textOf(`boards/${file}`)) as Board);
const queries = boards.flatMap((board) =>
  board.panels.flatMap((panel) =>
    (panel.targets ?? []).map((target) => ({ name: `${board.title}, ${panel.title}, ${target.refId}`, panel, target })),
  ),
);
const inSql = queries.flatMap(({ name, panel, target: { rawSql: sql } }) =>
  sql === undefined ? [] : [{ name, panel, sql }],
);
const inPromql = queries.flatMap(({ name, target: { expr } }) => (expr === undefined ? [] : [{ name, expr }]));

/** What the data source's macros and Grafana's variables become, over many years in steps of a minute. */
function expanded(sql: string, tenants: readonly string[]): string {
  const to_s = Math.floor(Date.now() / 1_000) + 60;
  const from_s = Date.UTC(2020) / 1_000;
  const listed = tenants.map((tenant) => `'${tenant}'`).join(',');
  const out = sql
    .replace(
      /\$__timeFilter\(([^()]*)\)/g,
      (_, column) => `${column} >= toDateTime(${from_s}) AND ${column} <= toDateTime(${to_s})`,
    )
    .replace(/\$__timeInterval\(([^()]*)\)/g, 'toStartOfInterval(toDateTime($1), INTERVAL 60 second)')
    .replaceAll('${tenant:singlequote}', listed);
  expect(out, 'no macro is left that this test does not know').not.toMatch(/\$/);
  return out;
}

describe('boards for Grafana', () => {
  let test: TestService;
  const data = mkdtempSync(join(tmpdir(), 'tracewarden-grafana-'));
  let receiver: Receiver;

  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const all = { 'content-type': 'application/json', ...headers };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const { status, text } = await test.ask(method, path, { key: test.service.admin_key, headers: all, ...sent });
    if (status >= 300) throw new Error(`${path}: ${status} ${text}`);
    return text === '' ? {} : JSON.parse(text);
  };

  beforeAll(async () => {
    receiver = await startReceiver();
    const settings = {
      data,
      webhook_hosts: [receiver.host],
      webhook_retry_seconds: [0.05],
      enforcement_timeout_seconds: 0.5,
    };
    test = await startTestService({ config: loadConfig(settings, {}) });
    receiver.answer = (response, { path }) => response.writeHead(path === '/gone' ? 410 : 204).end();
    await ask('POST', '/v1/subscriptions', { name: 'soc', url: `${receiver.url}/in` });
    await ask('POST', '/v1/subscriptions', { name: 'gone', url: `${receiver.url}/gone` });
    await ask('POST', '/v1/subscriptions', { name: 'gateway', kind: 'enforcement' });
    // Everything that detectors are shown to fire on.
    const examples = (await loadDetectors()).flatMap(({ examples }) => examples.filter(({ fires }) => fires));
    for (const [i, { events }] of examples.entries()) await test.send(exampleRecords(`s-${i}`, events));
    await test.send([rawEvent(), { event_id: 'no event' }]);
    await test.ask('POST', '/v1/events', { key: test.service.admin_key, body: 'no json' });
    await test.service.settled();
    await test.service.checkpoint();
    await ask('POST', '/v1/enforcement', {
      action: 'suspend',
      target: { kind: 'session', id: 's-0' },
      reason: 'a test',
    });
    const { alerts } = (await ask('GET', '/v1/alerts')) as { alerts: { alert_id: string; version: string }[] };
    const [first, second] = alerts;
    const act = (alert: { alert_id: string } | undefined, body: unknown) =>
      ask('POST', `/v1/alerts/${alert?.alert_id}/status`, body);
    await act(first, { action: 'close', verdict: 'false_positive' });
    const again = findingOf({ session_id: 's-0', time_ms: Date.now() });
    const [raised] = await raiseAlerts(test.service.writer, [again]);
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    const scope = { rule_id: again.rule_id };
    const suppress = { action: 'suppress', scope, reason: 'a test', expires_at };
    const made = (await act({ alert_id: raised ?? '' }, suppress)) as { action: { action_id: string } };
    const held = suppressedFinding(findingOf({ time_ms: Date.now() }), made.action.action_id);
    await test.service.writer.submitInternal([test.service.writer.stamp(held)]);
    await act(second, { action: 'acknowledge' });
    await receiver.count(4);
  }, 180_000);

  afterAll(async () => {
    await test?.close();
    await receiver?.close();
    rmSync(data, { recursive: true, force: true });
  });

  it('are three, with ids of their own and panels that do not lie over each other', () => {
    expect(files).toEqual(['alerts.json', 'log_health.json', 'response.json']);
    expect(new Set(boards.map(({ uid }) => uid)).size).toBe(3);
    for (const { title, panels } of boards) {
      expect(new Set(panels.map(({ id }) => id)).size, title).toBe(panels.length);
      const taken = new Set<string>();
      for (const { title: panel, gridPos } of panels) {
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            expect(taken.has(`${x},${y}`), `${title}: ${panel}`).toBe(false);
            taken.add(`${x},${y}`);
          }
        }
        expect(gridPos.x + gridPos.w, `${title}: ${panel}`).toBeLessThanOrEqual(24);
      }
    }
  });

  it('ask the data sources that are provisioned beside them', () => {
    const { datasources } = parse(textOf('provisioning/datasources/tracewarden.yaml')) as { datasources: Source[] };
    const known = datasources.map(({ type, uid }) => ({ type, uid }));
    expect(known).toEqual([CLICKHOUSE, PROMETHEUS]);
    for (const { name, panel, target } of queries) {
      expect(target.datasource, name).toEqual(target.rawSql === undefined ? PROMETHEUS : CLICKHOUSE);
      expect(panel.datasource, name).toEqual(target.datasource);
    }
    for (const { templating } of boards)
      for (const { datasource } of templating.list) expect(datasource).toEqual(CLICKHOUSE);
  });

  it('are found where the provisioning of boards looks for them, and hold no secret', () => {
    const { providers } = parse(textOf('provisioning/dashboards/tracewarden.yaml')) as {
      providers: { options: { path: string } }[];
    };
    expect(providers.map(({ options }) => options.path)).toEqual(['/var/lib/grafana/boards/tracewarden']);
    expect(textOf('provisioning/datasources/tracewarden.yaml')).toMatch(/password: \$__file\{/);
  });

  it('offer the tenants that are there', async () => {
    for (const { templating } of boards) {
      const [variable] = templating.list;
      const rows = await test.service.store.rows<{ tenant: string }>(variable?.query ?? '');
      expect(rows.map(({ tenant }) => tenant)).toContain('default');
    }
  });

  it.each(inSql)('$name: gives rows of a store with real events', async ({ panel, sql }) => {
    const rows = await test.service.store.rows<Record<string, unknown>>(expanded(sql, ['default', '*']));
    expect(rows.length).toBeGreaterThan(0);
    if (panel.type === 'timeseries') expect(Object.keys(rows[0] ?? {})[0]).toBe('time');
  });

  it('show nothing of a tenant that was not chosen', async () => {
    for (const { name, sql } of inSql) {
      const rows = await test.service.store.rows<Record<string, unknown>>(expanded(sql, ['somebody-else']));
      expect(JSON.stringify(rows), name).not.toMatch(/"default"|s-0|example\.com/);
    }
  });

  it('read committed rows, and neither content nor keys', () => {
    const allowed =
      /^(v_(events|alerts|alert_actions|signals|edges|suppressed_findings)|(sessions|heads|cursors|deliveries) FINAL|checkpoints)$/;
    for (const { name, sql } of inSql) {
      const read = [...sql.matchAll(/\b(?:FROM|JOIN) (\w+)( FINAL)?/g)].map(
        ([, table = '', final = '']) => table + final,
      );
      expect(read.length, name).toBeGreaterThan(0);
      for (const each of read) expect(each, name).toMatch(allowed);
    }
  });

  it('come with grants for what they read and for nothing else, in statements that the engine reads', async () => {
    const statements = splitStatements(textOf('clickhouse_user.sql'));
    for (const statement of statements) {
      const formatted = await test.service.store.rows('SELECT formatQuery({statement:String}) AS text', { statement });
      expect(formatted).toHaveLength(1);
    }
    const granted = statements.flatMap((each) => /^GRANT SELECT ON tracewarden\.(\w+) TO/.exec(each)?.[1] ?? []);
    const read = new Set(
      inSql.flatMap(({ sql }) => [...sql.matchAll(/\b(?:FROM|JOIN) (\w+)/g)].map(([, table = '']) => table)),
    );
    for (const view of [...read].filter((each) => each.startsWith('v_'))) read.add(view.slice(2));
    expect(granted.sort()).toEqual([...read].sort());
  });

  it('ask for metrics that the service has, by labels that they have', async () => {
    const key = await test.key('monitor', '*');
    const { text } = await test.ask('GET', '/metrics', { key });
    const labels = new Map<string, Set<string>>();
    for (const [, name = '', inside = ''] of text.matchAll(/^([a-z0-9_]+)(?:\{(.*)\})? \S+$/gm)) {
      const known = labels.get(name) ?? new Set(['instance']);
      for (const [, label = ''] of inside.matchAll(/(\w+)="/g)) known.add(label);
      labels.set(name, known);
    }
    for (const [, name = ''] of text.matchAll(/^# TYPE ([a-z0-9_]+) /gm))
      if (!labels.has(name)) labels.set(name, new Set());
    expect(inPromql.length).toBeGreaterThan(15);
    for (const { name, expr } of inPromql) {
      const asked = [...expr.matchAll(/\b((?:tracewarden|process|nodejs)_[a-z0-9_]+)(?:\{([^}]*)\})?/g)];
      expect(asked.length, name).toBeGreaterThan(0);
      const by = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '));
      for (const [, metric = '', chosen = ''] of asked) {
        expect([...labels.keys()], name).toContain(metric);
        const used = [...by, ...[...chosen.matchAll(/(\w+)[=!]/g)].map(([, label = '']) => label)];
        for (const label of used) expect([...(labels.get(metric) ?? [])], `${name}: ${metric}`).toContain(label);
      }
    }
  });
});
