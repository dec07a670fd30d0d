/** Rules over HTTP: what is on, what it caught, how that was judged, and a rule tried on what is stored. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchRules } from '../cli/rule_watch.ts';
import { loadConfig } from '../core/config.ts';
import { createEngine } from '../detectors/engine.ts';
import { loadDetectors } from '../detectors/load.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';
import { rawEvent } from './support/raw_event.ts';

interface RuleJson {
  rule_id: string;
  kind: string;
  on: boolean;
  origin: string;
  file: string | null;
  detects: string;
  runbook: string[];
  examples: { name: string; fires: boolean }[];
  caught: { alerts: number; sessions: number; false_positives: number; false_positive_rate: number | null };
}
interface List {
  rules: RuleJson[];
  refused: { file: string; line: number; problem: string }[];
}
interface Tried {
  tried: {
    rule_id: string;
    findings?: number;
    sessions?: number;
    first_sessions?: { tenant: string; session_id: string }[];
    events?: number;
    limits?: Record<string, number>;
    refused?: unknown[];
  }[];
  errors: { file: string; line: number; problem: string }[];
}

const ruleOf = (id: string, tool: string) => `title: ${id}
id: ${id}
logsource: { product: tracewarden, category: tool.call }
detection:
  selection: { tool: ${tool} }
  condition: selection
level: medium
`;

let test: TestService;
let analyst = '';
let folder = '';

async function tryRule(body: unknown, key = analyst) {
  const headers = { 'content-type': 'application/json' };
  const { status, text } = await test.ask('POST', '/v1/rules/try', { key, headers, body: JSON.stringify(body) });
  return { status, text, answer: JSON.parse(text) as Tried };
}
const list = (key = analyst, query = '') => test.read<List>(`/v1/rules${query}`, key);
const alertsOf = async () => (await test.read<{ alerts: unknown[] }>('/v1/alerts', analyst)).alerts.length;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tracewarden-rules-'));
  mkdirSync(join(folder, 'rules'));
  writeFileSync(join(folder, 'rules', 'own.yaml'), ruleOf('own_rule', 'never_called'));
  writeFileSync(join(folder, 'rules', 'broken.yaml'), 'title: broken\ndetection: 5\n');
  const rules_off = ['hidden_text', 'three_systems_joined'];
  const config = { ...loadConfig({ data: join(folder, 'data') }, {}), rules_folder: join(folder, 'rules'), rules_off };
  test = await startTestService({ config });
  analyst = await test.key('analyst', 'acme');
  const call = (session_id: string, tool: string, n: number) =>
    rawEvent({
      event_id: `${session_id}-${n}`,
      session_id,
      tenant: 'acme',
      type: 'tool.call',
      server: 'crm',
      tool,
      call_id: `${session_id}-${n}`,
      params: {},
    });
  await test.send([call('s1', 'lookup', 1), call('s1', 'export_all', 2), call('s2', 'export_all', 1)]);
  await test.service.settled();
  const caught = (session_id: string) => findingOf({ tenant: 'acme', rule_id: 'secret_exposed', session_id });
  const ids = await raiseAlerts(test.service.writer, [caught('s1'), caught('s2'), caught('s2')]);
  await raiseAlerts(test.service.writer, [findingOf({ tenant: 'bravo', rule_id: 'secret_exposed' })]);
  const close = (alert_id: string | undefined, verdict: string) =>
    test.ask('POST', `/v1/alerts/${alert_id}/status`, {
      key: analyst,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'close', verdict, note: 'looked at' }),
    });
  await close(ids[0], 'false_positive');
  await close(ids[1], 'true_positive');
});

afterAll(async () => {
  await test.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the list of rules', () => {
  it('holds detectors, shipped rules and own rules with what they detect and their examples', async () => {
    const { rules } = await list();
    const of = (id: string) => rules.find(({ rule_id }) => rule_id === id);
    expect(of('secret_exposed')).toMatchObject({ kind: 'detector', origin: 'shipped', file: null });
    expect(of('secret_exposed')?.examples.some(({ fires }) => fires)).toBe(true);
    expect(of('secret_exposed')?.runbook.length).toBeGreaterThan(0);
    expect(of('own_rule')).toMatchObject({ kind: 'rule', origin: 'own', file: 'own.yaml:1' });
    expect(rules.filter(({ kind, origin }) => kind === 'rule' && origin === 'shipped').length).toBeGreaterThan(5);
  });

  it('marks what is off, which finds nothing and stands in the log as switched off', async () => {
    const { rules } = await list();
    const off = rules.filter(({ on }) => !on).map(({ rule_id }) => rule_id);
    expect(off.sort()).toEqual(['hidden_text', 'three_systems_joined']);
    const { actions } = await test.read<{ actions: { type: string; detail: { rules_off?: string[] } }[] }>(
      '/v1/actions',
    );
    expect(actions.find(({ type }) => type === 'log.config')?.detail.rules_off).toEqual(off);
    const hidden = rawEvent({
      event_id: 'h',
      session_id: 'h',
      tenant: 'acme',
      type: 'prompt',
      content: `a${'\u{e0041}'.repeat(40)}`,
    });
    await test.send([hidden]);
    await test.service.settled();
    const { alerts } = await test.read<{ alerts: { rule_id: string }[] }>('/v1/alerts?session=h', analyst);
    expect(alerts.filter(({ rule_id }) => rule_id === 'hidden_text')).toEqual([]);
  });

  it('an id that is not there stops the start', async () => {
    const detectors = await loadDetectors();
    const signals = new Set(detectors.map(({ metadata }) => metadata.id));
    const wanted = {
      off: new Set(['hidden_txt']),
      engine: createEngine({ detectors }),
      signals,
      onNotice: () => undefined,
    };
    await expect(watchRules(wanted)).rejects.toThrow('rules_off: there is no detector or rule "hidden_txt"');
  });

  it('counts what each caught in the tenant at hand and how it was judged', async () => {
    const { rules } = await list();
    const caught = rules.find(({ rule_id }) => rule_id === 'secret_exposed')?.caught;
    expect(caught).toMatchObject({ alerts: 3, sessions: 2, false_positives: 1, false_positive_rate: 0.5 });
    expect(rules.find(({ rule_id }) => rule_id === 'own_rule')?.caught).toMatchObject({
      alerts: 0,
      false_positive_rate: null,
    });
  });

  it('names the file, the line and the fault of a rule that is not in operation, and no path of the machine', async () => {
    const { refused } = await list();
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ file: 'broken.yaml' });
    expect(JSON.stringify(await list())).not.toContain(folder);
  });
});

describe('a rule that is tried', () => {
  it('tells what it would have found, and raises nothing', async () => {
    const before = await alertsOf();
    const { answer } = await tryRule({ yaml: ruleOf('exported', 'export_all') });
    expect(answer.errors).toEqual([]);
    expect(answer.tried).toMatchObject([{ rule_id: 'exported', findings: 2, sessions: 2, limits: {} }]);
    expect(answer.tried[0]?.first_sessions).toEqual(['s1', 's2'].map((session_id) => ({ tenant: 'acme', session_id })));
    expect(await alertsOf()).toBe(before);
  });

  it('stands for the one in operation with its id', async () => {
    const { answer } = await tryRule({ yaml: ruleOf('own_rule', 'lookup') });
    expect(answer.tried).toMatchObject([{ rule_id: 'own_rule', findings: 1 }]);
    const in_operation = await tryRule({ rule_id: 'own_rule' });
    expect(in_operation.answer.tried).toMatchObject([{ rule_id: 'own_rule', findings: 0 }]);
  });

  it('sees its own tenant and time alone', async () => {
    const other = await test.key('analyst', 'bravo');
    const yaml = ruleOf('exported', 'export_all');
    expect((await tryRule({ yaml }, other)).answer.tried).toMatchObject([{ findings: 0 }]);
    const until = new Date(Date.now() - 3 * 86_400_000).toISOString();
    const since = new Date(Date.now() - 4 * 86_400_000).toISOString();
    expect((await tryRule({ yaml, since, until })).answer.tried).toMatchObject([{ findings: 0 }]);
  });

  it('is told with its faults when it cannot be read, and not run', async () => {
    const { status, answer } = await tryRule({ yaml: 'title: x\nid: x\ndetection: 7\n' });
    expect(status).toBe(200);
    expect(answer.tried).toEqual([]);
    expect(answer.errors[0]).toMatchObject({ file: 'rule.yaml' });
    // A fault in another file is not its own.
    expect(JSON.stringify(answer.errors)).not.toContain('broken.yaml');
  });

  it.each([
    ['both', { rule_id: 'own_rule', yaml: 'x' }, 400],
    ['neither', {}, 400],
    ['an id that is not there', { rule_id: 'none' }, 404],
    ['a detector', { rule_id: 'secret_exposed' }, 404],
    ['a text that is too long', { yaml: 'x'.repeat(65_537) }, 400],
    [
      'times the wrong way round',
      { rule_id: 'own_rule', since: '2026-02-01T00:00:00Z', until: '2026-01-01T00:00:00Z' },
      400,
    ],
  ])('is refused with %s', async (_, body, status) => {
    expect((await tryRule(body)).status).toBe(status);
  });

  it('with a YAML bomb is refused and harms nothing', async () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[at]}`).join(',')}]`)
      .join('\n')}\n`;
    const { answer } = await tryRule({ yaml: bomb });
    expect(answer.tried).toEqual([]);
    expect(answer.errors.length).toBeGreaterThan(0);
  });

  it('waits its turn: a second one at the same time is told to come back', async () => {
    const yaml = ruleOf('exported', 'export_all');
    const answers = await Promise.all([tryRule({ yaml }), tryRule({ yaml })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 429]);
    expect((await tryRule({ yaml })).status).toBe(200);
  });

  it('is for those who act on alerts', async () => {
    expect((await tryRule({ rule_id: 'own_rule' }, await test.key('viewer', 'acme'))).status).toBe(403);
  });
});
