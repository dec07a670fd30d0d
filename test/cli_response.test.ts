/** Subscriptions, suspensions and policies on the command line, as users run it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openService } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { buildCommandLine, type CommandLine } from './support/command_line.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';
import { type Receiver, startReceiver } from './support/receiver.ts';

let cli: CommandLine;
let receiver: Receiver;
let data: string;
let service: Awaited<ReturnType<CommandLine['start']>> | undefined;

beforeAll(async () => {
  cli = buildCommandLine();
  receiver = await startReceiver();
  data = join(cli.folder, 'data');
  const config = join(cli.folder, 'settings.yaml');
  writeFileSync(config, `webhook_hosts: ["${receiver.host}"]\n`);
  const before = await openService({ config: loadConfig({ data, log_level: 'silent' }, {}) });
  const now_ms = Date.now();
  await raiseAlerts(before.writer, [
    findingOf({ session_id: 's-1', severity: 'critical', time_ms: now_ms }),
    findingOf({ session_id: 's-2', severity: 'critical', time_ms: now_ms }),
    findingOf({ session_id: 's-3', time_ms: now_ms }),
    findingOf({ session_id: 's-4', severity: 'critical' }),
  ]);
  await before.close();
  service = await cli.start(['up', '--data', data, '--port', '0', '--config', config], /open once/);
}, 120_000);

afterAll(async () => {
  service?.child.kill('SIGTERM');
  await service?.ended;
  await receiver.close();
  cli.close();
});

const run = (...args: string[]) => cli.run([...args, '--data', data]);

describe('subscriptions', () => {
  it('are made, listed, tested, rotated, switched off and on, changed and removed', async () => {
    const made = await run(
      'subscriptions',
      'create',
      'soc',
      '--to',
      `${receiver.url}/in`,
      '--severity',
      'high',
      '--rule',
      'a',
      'b',
      '--json',
    );
    expect([made.code, made.stderr]).toEqual([0, '']);
    const { subscription, keys } = JSON.parse(made.stdout);
    expect(subscription).toMatchObject({ kind: 'alerts', severity_min: 'high', rules: ['a', 'b'], format: 'native' });
    expect(keys.secret).toMatch(/^whsec_/);
    const id = subscription.subscription_id as string;
    expect((await run('subscriptions')).stdout).toContain(id);
    const tested = await run('subscriptions', 'test', id);
    expect([tested.code, tested.stdout]).toEqual([0, expect.stringMatching(/^msg_\S+ {2}sent {2}204\n$/)]);
    expect(receiver.got[0]?.path).toBe('/in');
    const rotated = await run('subscriptions', 'rotate', id, '--overlap', '60');
    expect(rotated.stdout).toMatch(/secret {6}whsec_/);
    expect(rotated.stdout).not.toContain(keys.secret);
    expect((await run('subscriptions', 'disable', id, '--reason', 'for a while')).stdout).toContain(
      'disabled: for a while',
    );
    expect((await run('subscriptions', 'enable', id)).stdout).toContain('active');
    const changed = await run('subscriptions', 'update', id, '--format', 'cef', '--json');
    expect(JSON.parse(changed.stdout).subscription).toMatchObject({
      format: 'cef',
      severity_min: 'high',
      rules: ['a', 'b'],
    });
    receiver.answer = (response) => response.writeHead(500).end();
    const failed = await run('subscriptions', 'test', id);
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining('dead  http_500')]);
    expect((await run('subscriptions', 'remove', id)).stderr).toContain('is removed');
    expect((await run('subscriptions')).stderr).toContain('there are no subscriptions');
  }, 120_000);

  it('that may not be are refused with the rule, and end with 2', async () => {
    const inside = await run('subscriptions', 'create', 'x', '--to', 'https://10.0.0.1/');
    expect([inside.code, inside.stderr]).toEqual([
      2,
      expect.stringContaining('url: leads to an address that is not public'),
    ]);
    const mail = await run('subscriptions', 'create', 'x', '--to', 'mailto:ana@example.com');
    expect([mail.code, mail.stderr]).toEqual([2, expect.stringContaining('the settings name no server for mail')]);
    expect((await run('subscriptions', 'remove', 'none')).code).toBe(2);
  }, 60_000);
});

describe('suspensions', () => {
  it('try says what a policy would have done on stored alerts, and does nothing', async () => {
    const policy = join(cli.folder, 'suspension.yaml');
    writeFileSync(policy, 'suspend:\n  - name: grave\nallow:\n  - {reason: a test, session_id: s-2}\n');
    expect((await cli.run(['suspensions', 'check', policy])).stdout).toContain(
      '1 entries that suspend, 1 that are allowed',
    );
    const tried = await run('suspensions', 'try', policy, '--json');
    expect(tried.code).toBe(0);
    const lines = tried.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ target, outcome }) => `${target.id} ${outcome}`)).toEqual([
      's-1 suspend',
      's-2 allowed',
      's-4 old',
    ]);
    expect(tried.stderr).toContain('4 alerts looked at: suspend 1, allowed 1, old 1; nothing was done');
    expect((await run('suspensions')).stderr).toContain('nothing was asked of gateways');
  }, 60_000);

  it('check names the line of a fault, and ends with 3', async () => {
    const policy = join(cli.folder, 'faulty.yaml');
    writeFileSync(policy, 'suspend:\n  - name: grave\n    severity_min: huge\n');
    const { code, stderr } = await cli.run(['suspensions', 'check', policy]);
    expect([code, stderr]).toEqual([3, expect.stringContaining('faulty.yaml:3: suspend[0].severity_min')]);
  });

  it('list what was asked', async () => {
    await run('suspend', 'session:s-9', '--reason', 'a test');
    expect((await run('suspensions', 'list')).stdout).toMatch(/suspend\s+session:s-9\s+requested/);
  }, 60_000);
});
