/** `tracewarden alerts` as a person and a script use it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openService } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { buildCommandLine, type CommandLine, type Run } from './support/command_line.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';

let tw: CommandLine;
let ids: string[] = [];
const data = () => `${tw.folder}/alerts`;
const alerts = (...args: string[]) => tw.run(['alerts', ...args, '--data', data()]);

beforeAll(async () => {
  tw = buildCommandLine();
  const service = await openService({ config: loadConfig({ data: data(), log_level: 'silent' }, {}) });
  ids = await raiseAlerts(
    service.writer,
    ['a', 'b', 'c', 'd'].map((agent) => findingOf({ agent })),
  );
  await service.close();
  // Commands that name a folder talk to the service that holds it, and need not open it each time.
  await tw.start(['up', '--data', data(), '--port', '0'], /listens on/);
});

afterAll(() => tw.close());

function linesOf({ stdout }: Run): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('tracewarden alerts', () => {
  it('takes an alert from new to closed and back, and shows what was done', async () => {
    const [id = ''] = ids;
    const runs = [
      await alerts('ack', id),
      await alerts('close', id, '--verdict', 'benign', '--note', 'Asked for by Ana.\u{1f469}'),
      await alerts('reopen', id),
    ];
    expect(runs.map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, `${id} is acknowledged\n`],
      [0, `${id} is closed as benign\n`],
      [0, `${id} is new\n`],
    ]);
    const { stdout } = await alerts('history', id);
    const lines = stdout.split('\n').map((line) => line.replace(/^[\d: -]{21}/, ''));
    expect(lines).toEqual([
      'alert.raised',
      'alert.acknowledged  by first administrator',
      'alert.closed  benign  by first administrator',
      'Asked for by Ana.\u{1f469}',
      'alert.reopened  by first administrator',
      '',
    ]);
    const history = linesOf(await alerts('history', id, '--json'));
    expect(history.map(({ type, schema_version }) => [type, schema_version])).toEqual([
      ['alert.acknowledged', 1],
      ['alert.closed', 1],
      ['alert.reopened', 1],
    ]);
  });

  it('tells a conflict with the status that it found, and ends with 1; what is not there ends with 2', async () => {
    const [, id = ''] = ids;
    await alerts('close', id, '--verdict', 'test');
    const conflict = await alerts('ack', id);
    expect([conflict.code, conflict.stdout]).toEqual([1, '']);
    expect(conflict.stderr).toMatch(/^tracewarden: status_conflict: the alert is closed, which allows: reopen, note, /);
    expect(conflict.stderr).toContain('; last alert.closed by first administrator at 2');
    const unknown = await alerts('ack', 'f'.repeat(64));
    expect([unknown.code, unknown.stderr.includes('not_found')]).toEqual([2, true]);
    for (const args of [
      ['close', id],
      ['close', id, '--verdict', 'fine'],
      ['close', id, '--verdict', 'duplicate'],
      ['note', id],
      ['note', id, '--note', '\u001b[2J'],
      ['suppress', id, '--reason', 'x'],
    ]) {
      expect([args, (await alerts(...args)).code]).toEqual([args, 2]);
    }
  });

  it('acts once for one request id, and says so', async () => {
    const [, , id = ''] = ids;
    const close = ['close', id, '--verdict', 'duplicate', '--duplicate-of', ids[3] ?? '', '--request-id', 'case-1'];
    const first = linesOf(await alerts(...close, '--json'));
    expect(first).toMatchObject([{ repeated: false, alert: { status: 'closed', verdict: 'duplicate' } }]);
    const second = await alerts(...close);
    expect([second.code, second.stdout]).toEqual([
      0,
      `${id} is closed as duplicate; this request was carried out before\n`,
    ]);
  });

  it('lists by status and verdict, with the state of what is no longer new', async () => {
    const listed = async (...args: string[]) =>
      linesOf(await alerts('list', '--json', ...args)).map(({ alert_id }) => alert_id);
    expect(await listed('--status', 'new')).toEqual([ids[3], ids[0]]);
    expect(await listed('--status', 'closed')).toEqual([ids[2], ids[1]]);
    expect(await listed('--verdict', 'test')).toEqual([ids[1]]);
    expect((await alerts('--status', 'closed')).stdout).toContain('closed, duplicate');
    expect((await alerts('--status', 'open')).code).toBe(2);
  });

  it('assigns and tags, and shows it', async () => {
    const [id = ''] = ids;
    expect(await alerts('assign', id)).toMatchObject({ code: 0, stdout: `${id} is new\n` });
    expect((await alerts('tag', id, '--add', 'case:17', 'vip')).code).toBe(0);
    expect((await alerts('tag', id, '--remove', 'vip')).code).toBe(0);
    const { stdout } = await alerts('show', id);
    expect(stdout).toMatch(/LLM01 case:17\n.*owner first administrator/);
    expect((await alerts('history', id)).stdout).toMatch(/alert\.tagged {2}\+case:17 \+vip {2}by/);
    expect((await alerts('note', id, '--note', 'late', '--expect', '1')).stderr).toContain('version_conflict');
    expect((await alerts('unassign', id)).code).toBe(0);
  });

  it('acts on what a query finds, all or none, after a dry run', async () => {
    const query = 'rule:secret_to_other_tool and status:new and agent:(a or d)';
    const tag = (...more: string[]) => alerts('tag', '--add', 'swept', ...more);
    const dry = await tag('--query', query, '--dry-run');
    expect([dry.code, dry.stdout.split('\n').length - 1, dry.stderr]).toEqual([
      0,
      2,
      '2 alerts; nothing was done, since this is a dry run\n',
    ]);
    expect(linesOf(await alerts('list', '--json', 'added_tag:swept'))).toEqual([]);
    const many = await tag('--query', query, '--max', '1');
    expect([many.code, many.stderr.includes('too_many_alerts: the query finds more than 1 alerts')]).toEqual([2, true]);
    expect(await tag('--query', query)).toMatchObject({ code: 0, stderr: '2 of 2 alerts\n' });
    expect(linesOf(await alerts('list', '--json', 'added_tag:swept'))).toHaveLength(2);
    const [a = '', b = '', , d = ''] = ids;
    const some = await alerts('ack', a, b, d);
    expect([some.code, some.stderr]).toEqual([1, '2 of 3 alerts\n']);
    expect(some.stdout).toContain(`${b} refused: status_conflict`);
    await alerts('reopen', a).then(() => alerts('close', a, d, '--verdict', 'test'));
    await alerts('reopen', a, d);
    for (const args of [
      ['close', '--verdict', 'test'],
      ['ack', a, '--query', '*'],
      ['ack', '--query', 'usr:x'],
    ]) {
      expect([args, (await alerts(...args)).code]).toEqual([args, 2]);
    }
  });

  it('suppresses within what is named, lists it, and ends it with the alert', async () => {
    const [, , , id = ''] = ids;
    expect((await alerts('suppressions')).stderr).toBe('nothing is suppressed\n');
    const expires = new Date(Date.now() + 86_400_000).toISOString();
    const reason = 'backup \u200bjob';
    const wrong = await alerts('suppress', id, '--reason', reason, '--expires', expires);
    expect([wrong.code, wrong.stdout]).toEqual([2, '']);
    const args = ['suppress', id, '--reason', 'backup job', '--expires', expires, '--agent', 'd', '--tool', 'send'];
    expect(await alerts(...args)).toMatchObject({ code: 0, stdout: `${id} is suppressed\n` });
    const [row] = linesOf(await alerts('suppressions', '--json'));
    const scope = { rule_id: 'secret_to_other_tool', agent: 'd', tool: 'send' };
    expect(row).toMatchObject({ alert_id: id, scope, hits: 0, in_force: true, reason: 'backup job' });
    const shown = await alerts('suppressions');
    expect(shown.stdout).toContain('agent=d rule_id=secret_to_other_tool severity_max=high tool=send');
    expect(shown.stdout).toContain(id);
    await alerts('reopen', id);
    expect(linesOf(await alerts('suppressions', '--json'))).toEqual([]);
    expect((await alerts('suppressions', '--all')).stdout).toContain('0, ended');
  });

  it('shows what belongs together', async () => {
    const [id = ''] = ids;
    // One event proves all four.
    const listed = linesOf(await alerts('incidents', '--json'));
    expect(listed).toMatchObject([{ incident_id: id, alerts: 4, risk: 100, state: 'open' }]);
    const { stdout } = await alerts('incidents', ids[3] ?? '');
    expect(stdout).toContain(`by evidence e-0 with ${id}`);
    expect(stdout).toContain(`by duplicate  with ${ids[3]}`);
    expect((await alerts('incidents')).stdout).toContain('open, risk 100, 4 alerts');
    expect((await alerts('incidents', 'none')).code).toBe(2);
  });

  it('leaves a log that verifies', async () => {
    const { code, stdout } = await tw.run(['verify', '--data', data(), '--json']);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { ok: true, alerts: 4 }]);
  });
});
