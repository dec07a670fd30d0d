/** `tracewarden rules backtest` over a log. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openService } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { buildCommandLine, type CommandLine, type Run } from './support/command_line.ts';

let tw: CommandLine;
let rules: string;
const data = () => join(tw.folder, 'log');
const backtest = (...args: string[]) => tw.run(['rules', 'backtest', '--data', data(), '--rules', rules, ...args]);

const RULES = `
title: Files deleted
id: files_deleted
level: high
logsource: { product: tracewarden, category: tool.call }
detection: { call: { tool: delete_file }, condition: call }
---
title: Three reads
id: three_reads
correlation: { type: event_count, rules: [read], group-by: [user_id], timespan: 1h, condition: { gte: 3 } }
---
title: Read
name: read
logsource: { product: tracewarden, category: tool.call }
detection: { call: { tool: read_file, 'params.path|startswith': /etc/ }, condition: call }
`;

function call(time: string, session_id: string, tool: string, path: string, at: number): Record<string, unknown> {
  const place = { event_id: `e-${at}`, time: `2026-03-0${time}`, session_id, user_id: 'ana@example.com' };
  return { ...place, type: 'tool.call', server: 'files', tool, params: { path } };
}

const EVENTS = [
  ['1T10:00:00Z', 'one', 'delete_file', '/tmp/a'],
  ['1T10:10:00Z', 'one', 'read_file', '/etc/hosts'],
  ['1T10:20:00Z', 'two', 'read_file', '/etc/passwd'],
  ['1T10:30:00Z', 'two', 'read_file', '/tmp/b'],
  ['1T10:40:00Z', 'three', 'read_file', '/etc/group'],
  ['2T08:00:00Z', 'four', 'delete_file', '/tmp/c'],
  ['2T09:00:00Z', 'four', 'delete_file', '/tmp/d'],
] as const;

beforeAll(async () => {
  tw = buildCommandLine();
  rules = join(tw.folder, 'own');
  mkdirSync(rules);
  writeFileSync(join(rules, 'own.yaml'), RULES);
  const config = { ...loadConfig({ data: data(), log_level: 'silent' }, {}), rules_folder: rules };
  const service = await openService({ config });
  const send = (path: string, body: string, type: string) =>
    service.api.app.request(`http://localhost${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${service.admin_key}`, 'content-type': type },
      body,
    });
  const events = EVENTS.map(([time, session, tool, path], at) => JSON.stringify(call(time, session, tool, path, at)));
  expect((await send('/v1/events', `${events.join('\n')}\n`, 'application/x-ndjson')).status).toBe(200);
  await service.settled();
  const listed = await service.api.app.request('http://localhost/v1/alerts?rule=files_deleted&session=one', {
    headers: { authorization: `Bearer ${service.admin_key}` },
  });
  const { alerts } = (await listed.json()) as { alerts: { alert_id: string }[] };
  const verdict = JSON.stringify({ action: 'close', verdict: 'false_positive' });
  const [alert] = alerts;
  expect((await send(`/v1/alerts/${alert?.alert_id}/status`, verdict, 'application/json')).status).toBe(200);
  await service.close();
}, 120_000);

afterAll(() => tw.close());

/** The lines of rules of our own. */
function own({ stdout }: Run): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ rule_id }) => ['files_deleted', 'three_reads'].includes(String(rule_id)));
}

describe('tracewarden rules backtest --data', { timeout: 60_000 }, () => {
  it('tells findings by day, the first sessions, and how alerts of theirs were judged', async () => {
    const run = await backtest('--json');
    expect([run.code, run.stderr]).toEqual([0, '']);
    const session = (session_id: string) => ({ tenant: 'default', session_id });
    expect(own(run)).toEqual([
      {
        schema_version: 1,
        rule_id: 'files_deleted',
        severity: 'high',
        findings: 3,
        sessions: 2,
        days: { '2026-03-01': 1, '2026-03-02': 2 },
        first_sessions: [session('one'), session('four')],
        alerts: 3,
        false_positives: 1,
        judged: 1,
        events: 3,
        filters: true,
        limits: {},
      },
      {
        schema_version: 1,
        rule_id: 'three_reads',
        severity: 'medium',
        findings: 1,
        sessions: 1,
        days: { '2026-03-01': 1 },
        first_sessions: [session('three')],
        alerts: 1,
        false_positives: 0,
        judged: 0,
        events: 3,
        filters: true,
        limits: {},
      },
    ]);
  });

  it('looks at a stretch of time, of which windows reach back before its beginning', async () => {
    const counts = async (...args: string[]) => own(await backtest('--json', ...args)).map(({ findings }) => findings);
    expect(await counts('--since', '2026-03-01T10:30:00Z')).toEqual([2, 1]);
    expect(await counts('--until', '2026-03-01T10:40:00Z')).toEqual([1, 0]);
    expect(await counts('--since', '2026-03-02T08:00:00Z', '--until', '2026-03-02T09:00:00Z')).toEqual([1, 0]);
    expect(await counts('--tenant', 'other')).toEqual([0, 0]);
  });

  it('tells a person the same in lines', async () => {
    const { code, stdout } = await backtest('--rule', 'files_deleted');
    expect([code, stdout]).toEqual([
      0,
      `       3 findings in 2 sessions  files_deleted
          2026-03-01  1
          2026-03-02  2
          first sessions: one, four
          3 are alerts: 1 judged, 1 as false positives
`,
    ]);
  });

  it('refuses what is no time, no rule and no log', async () => {
    const codes = [
      await backtest('--since', 'yesterday'),
      await backtest('--rule', 'none_such'),
      await tw.run(['rules', 'backtest', '--data', join(tw.folder, 'nothing')]),
      await backtest('--events', '-'),
    ].map(({ code, stderr }) => [code, /query_invalid|not_found|no_log|conflict|cannot be used/.exec(stderr)?.[0]]);
    expect(codes).toEqual([
      [2, 'query_invalid'],
      [2, 'not_found'],
      [3, 'no_log'],
      [2, 'cannot be used'],
    ]);
  });
});
