import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCommandLine, type CommandLine, type Run } from './support/command_line.ts';
import { rawEvent } from './support/raw_event.ts';

let tw: CommandLine;

beforeAll(() => {
  tw = buildCommandLine();
});

afterAll(() => tw.close());

const inFolder = (name: string) => join(tw.folder, name);
const jsonl = (records: readonly unknown[]) => `${records.map((record) => JSON.stringify(record)).join('\n')}\n`;
/** Standard output as JSON lines; each names the version of its form. */
function linesOf<T = Record<string, unknown>>({ stdout }: Run): (T & { schema_version: number })[] {
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T & { schema_version: number });
  for (const { schema_version } of lines) expect(schema_version).toBe(1);
  return lines;
}

const HOSTILE = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp.exe\u2066\u200b\r\n\u2028';
const ACTIVE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u2028\u202a-\u202e\u2066-\u2069]/;

describe('usage', () => {
  it('that is wrong ends with 2, and is told on standard error alone', async () => {
    const wrong = [
      ['nothing'],
      ['sessions', '--nothing'],
      ['proof'],
      [],
      ['alerts', '--severity', 'loud'],
      ['sessions', '--data', 'x', '--url', 'http://127.0.0.1:1'],
      ['sessions', '--url', 'nonsense'],
    ];
    const runs = await Promise.all(wrong.map((args) => tw.run(args)));
    for (const [i, { code, stdout, stderr }] of runs.entries()) {
      expect([wrong[i], code, stdout, stderr === '']).toEqual([wrong[i], 2, '', false]);
    }
  });

  it('ends with 0 for --help and --version', async () => {
    expect(await tw.run(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n', stderr: '' });
    const help = await tw.run(['ingest', '--help']);
    expect([help.code, help.stdout.startsWith('Usage: tracewarden ingest')]).toEqual([0, true]);
  });

  it('ends with 3 where there is no log, and makes none', async () => {
    const commands = [['verify'], ['sessions'], ['checkpoint'], ['keys', 'list']];
    const runs = await Promise.all(commands.map((args) => tw.run([...args, '--data', inFolder('no-log')])));
    for (const { code, stdout, stderr } of runs) {
      expect([code, stdout, stderr.includes('no_log')]).toEqual([3, '', true]);
    }
    expect(existsSync(inFolder('no-log'))).toBe(false);
  });

  it('ends with 4 where nobody answers, and with 3 for a key that cannot be one, which it does not show', async () => {
    const [gone, user] = await Promise.all([
      tw.run(['sessions', '--url', 'http://127.0.0.1:1', '--key', 'tw_hidden']),
      tw.run(['sessions', '--url', 'http://user:hidden@127.0.0.1:1']),
    ]);
    expect([gone.code, gone.stdout, user.code, user.stdout]).toEqual([4, '', 2, '']);
    expect(gone.stderr).toMatch(/backend_unreachable.*127\.0\.0\.1:1/);
    expect(`${gone.stderr}${user.stderr}`).not.toContain('hidden');
    const key = await tw.run(['sessions', '--url', 'http://127.0.0.1:1'], {
      env: { TRACEWARDEN_KEY: 'tw_hidden\nword' },
    });
    expect([key.code, key.stderr.includes('hidden')]).toEqual([3, false]);
  });
});

describe('the configuration', () => {
  it('ends with 3 and the name of the setting that is wrong, and makes no folder', async () => {
    writeFileSync(inFolder('port.yaml'), 'port: 70000');
    const runs = await Promise.all(
      [
        ['--config', inFolder('port.yaml')],
        ['--host', '0.0.0.0', '--insecure-loopback'],
        ['--host', '0.0.0.0'],
      ].map((flags) => tw.run(['up', '--data', inFolder('never'), ...flags])),
    );
    expect(runs.map(({ code, stdout }) => [code, stdout])).toEqual([
      [3, ''],
      [3, ''],
      [3, ''],
    ]);
    const [port, insecure, hosts] = runs.map(({ stderr }) => stderr);
    expect([port, insecure, hosts]).toEqual([
      expect.stringMatching(/^tracewarden: config_invalid: port: /),
      expect.stringMatching(/insecure_loopback works on loopback only/),
      expect.stringMatching(/needs "hosts"/),
    ]);
    expect(existsSync(inFolder('never'))).toBe(false);
  });
});

describe('ingest', () => {
  const data = () => inFolder('files');
  const counted = async (...args: string[]) => linesOf(await tw.run(['ingest', '--data', data(), '--json', ...args]));

  it('takes JSON lines, packed ones and standard input, and goes on after what it took before', async () => {
    const events = Array.from({ length: 30 }, (_, i) => rawEvent({ session_id: `s${i % 3}` }));
    writeFileSync(inFolder('a.jsonl'), jsonl(events.slice(0, 10)));
    writeFileSync(inFolder('b.jsonl.gz'), gzipSync(jsonl(events.slice(10, 20))));
    const [a, b] = await counted(inFolder('a.jsonl'), inFolder('b.jsonl.gz'));
    expect([a, b]).toMatchObject([
      { records: 10, accepted: 10 },
      { records: 10, accepted: 10 },
    ]);
    const input = `${jsonl(events.slice(20))}not json\n`;
    const piped = await tw.run(['ingest', '--data', data(), '-'], { input });
    expect([piped.code, piped.stdout]).toEqual([
      0,
      expect.stringMatching(/^-: 11 records .*10 accepted, 1 rejected\n$/),
    ]);
    expect(piped.stderr).toMatch(/^record \d+ rejected: json_malformed: [^\n]+\n$/);
    const [again] = await counted(inFolder('a.jsonl'));
    expect(again).toMatchObject({ records: 0, skipped: 10 });
    const [forced] = await counted('--again', inFolder('a.jsonl'));
    expect(forced).toMatchObject({ records: 10, duplicate: 10 });
    const rejected = await tw.run(['rejected', '--data', data(), '--json']);
    expect(linesOf(rejected)).toMatchObject([{ kind: 'rejected', reason: 'json_malformed' }]);
  });

  it('ends with 3 for a file that is not there, a folder, or gzip that is cut, and names it', async () => {
    const random = Array.from({ length: 200_000 }, () => Math.random().toString(36)).join('');
    const whole = gzipSync(jsonl([rawEvent({ session_id: 'before-the-cut' }), rawEvent({ content: random })]));
    writeFileSync(inFolder('cut.jsonl.gz'), whole.subarray(0, whole.length - 20));
    for (const file of ['missing.jsonl', 'dist', 'cut.jsonl.gz']) {
      const { code, stdout, stderr } = await tw.run(['ingest', '--data', data(), inFolder(file)]);
      expect([file, code, stdout]).toEqual([file, 3, '']);
      expect(stderr).toContain(file === 'dist' ? 'EISDIR' : file);
    }
    const before = await tw.run(['sessions', 'show', 'before-the-cut', '--data', data(), '--json']);
    expect([before.code, linesOf(before).length]).toEqual([0, 2]);
  });

  it('draws no bar where standard error is no terminal, and one where it is', async () => {
    const { stderr } = await tw.run(['ingest', '--data', data(), '--again', inFolder('a.jsonl')]);
    expect(stderr).toBe('');
    if (!existsSync('/usr/bin/script')) return;
    const line = `$TW ingest --data ${data()} --again ${inFolder('a.jsonl')}`;
    const { stdout } = await tw.shell(`script -qec '${line.replace('$TW', tw.command)}' /dev/null`);
    expect(stdout).toMatch(/100%/);
  });

  it('stores nothing twice and loses nothing when it is killed in the middle and started again', async () => {
    const events = Array.from({ length: 20_000 }, (_, i) => rawEvent({ session_id: `k${i % 50}` }));
    writeFileSync(inFolder('large.jsonl'), jsonl(events));
    const folder = inFolder('killed');
    const args = ['ingest', '--data', folder, inFolder('large.jsonl'), '--json'];
    const { child, ended } = tw.begin(args);
    const place = () => {
      const [file] = existsSync(join(folder, 'ingest')) ? readdirSync(join(folder, 'ingest')) : [];
      return file?.endsWith('.json') ? (JSON.parse(readFileSync(join(folder, 'ingest', file), 'utf8')) as object) : {};
    };
    await expect.poll(place, { interval: 5, timeout: 30_000 }).toHaveProperty('lines');
    child.kill('SIGKILL');
    expect((await ended).code).toBeNull();
    expect(place()).toMatchObject({ done: false });
    const second = await tw.run(args);
    const [report] = linesOf<{ skipped: number; accepted: number; duplicate: number }>(second);
    expect(second.code).toBe(0);
    expect(report?.skipped).toBeGreaterThan(0);
    expect(Number(report?.accepted) + Number(report?.duplicate) + Number(report?.skipped)).toBe(events.length);
    const verified = await tw.run(['verify', '--data', folder, '--json']);
    expect([verified.code, linesOf(verified)[0]]).toMatchObject([0, { ok: true, sessions: 50 }]);
    const listed = linesOf<{ events: number }>(
      await tw.run(['sessions', '--data', folder, '--json', '--limit', '20', '--all']),
    );
    expect([listed.length, listed.reduce((sum, { events: n }) => sum + n, 0)]).toEqual([50, events.length]);
  });
});

describe('a service', () => {
  let url = '';
  let stop: () => Promise<Run>;
  const data = () => inFolder('service');
  const onFolder = (...args: string[]) => tw.run([...args, '--data', data()]);

  beforeAll(async () => {
    const { child, match, ended } = await tw.start(['up', '--data', data(), '--port', '0'], /listens on (http:\S+)/);
    url = match[1] ?? '';
    stop = () => {
      child.kill('SIGTERM');
      return ended;
    };
  });

  it('holds its folder: a second one is refused with 3 and the address of the first', async () => {
    const { code, stdout, stderr } = await onFolder('up', '--port', '0');
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain('folder_in_use');
    expect(stderr).toContain(url);
    const port = await tw.run(['up', '--data', inFolder('elsewhere'), '--port', new URL(url).port]);
    expect([port.code, port.stderr.includes('is in use')]).toEqual([3, true]);
  });

  it('answers the commands that name its folder, and prints hostile content so that it is inert', async () => {
    const session_id = 'hostile';
    writeFileSync(
      inFolder('hostile.jsonl'),
      jsonl([
        rawEvent({ session_id, event_id: 'hostile-1', content: HOSTILE, user_id: 'ana\u202e\u200b' }),
        rawEvent({ session_id, type: 'tool.call', tool: 'rm\u2066', params: { [HOSTILE]: HOSTILE } }),
        rawEvent({ session_id, user_id: HOSTILE }),
      ]),
    );
    const taken = await onFolder('ingest', inFolder('hostile.jsonl'));
    expect([taken.code, taken.stdout]).toEqual([0, expect.stringContaining('2 accepted, 1 rejected')]);
    const commands = [
      ['sessions'],
      ['sessions', 'show', session_id],
      ['search', 'owned'],
      ['rejected'],
      ['keys', 'list'],
    ];
    const both = [...commands, ['sessions', 'show', session_id, '--json'], ['search', 'owned', '--json']];
    const runs = await Promise.all(both.map((args) => onFolder(...args)));
    for (const [i, run] of runs.entries()) {
      expect([both[i], run.code]).toEqual([both[i], 0]);
      expect(`${run.stdout}${run.stderr}`).not.toMatch(ACTIVE);
      if (both[i]?.includes('--json')) linesOf(run);
    }
    const shown = linesOf<{ event?: { content?: string } }>(await onFolder('sessions', 'show', session_id, '--json'));
    expect(shown[1]?.event?.content).toBe(HOSTILE);
    expect(taken.stderr).not.toMatch(ACTIVE);
  });

  it('proves and verifies for them', async () => {
    const proof = await onFolder('proof', 'hostile-1');
    expect(proof.stdout).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex \d+\n/);
    const checkpoint = await onFolder('checkpoint');
    writeFileSync(inFolder('kept.checkpoint'), checkpoint.stdout);
    const args = ['verify', '--json', '--session', 'hostile', '--against', inFolder('kept.checkpoint')];
    const verified = await onFolder(...args);
    expect([verified.code, linesOf(verified)[0]]).toMatchObject([0, { ok: true, session: { events: 2 } }]);
    writeFileSync(inFolder('other.checkpoint'), checkpoint.stdout.replace(/\n\d+\n/, '\n1\n'));
    const failed = await onFolder('verify', '--against', inFolder('other.checkpoint'));
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining('NOT VERIFIED')]);
    expect((await onFolder('verify', '--against', inFolder('missing.checkpoint'))).code).toBe(3);
  });

  it('is reached by URL with a key, and refuses one that is wrong with 3 and what is not there with 2', async () => {
    const [made] = linesOf<{ key: string; key_id: string }>(
      await onFolder('keys', 'create', 'by url', '--role', 'viewer', '--json'),
    );
    const byUrl = (args: string[], key: string) => tw.run([...args, '--url', url], { env: { TRACEWARDEN_KEY: key } });
    const key = made?.key ?? '';
    expect((await byUrl(['sessions', '--json'], key)).code).toBe(0);
    expect(await byUrl(['search', 'owned'], key)).toMatchObject({ code: 3, stdout: '' });
    expect(await byUrl(['sessions', 'show', 'nobody'], key)).toMatchObject({ code: 2, stdout: '' });
    expect(await byUrl(['sessions', '--limit', 'many'], key)).toMatchObject({ code: 2, stdout: '' });
    const wrong = await byUrl(['sessions'], `${key.slice(0, -2)}AA`);
    expect([wrong.code, wrong.stderr.includes('unauthenticated'), wrong.stderr.includes(key.slice(20, 40))]).toEqual([
      3,
      true,
      false,
    ]);
    expect((await onFolder('keys', 'revoke', made?.key_id ?? '')).code).toBe(0);
    expect((await byUrl(['sessions'], key)).code).toBe(3);
  });

  it('does not make a command fail whose reader goes away', async () => {
    const { code, stdout, stderr } = await tw.shell(
      `set -o pipefail; $TW sessions show hostile --json --data ${data()} | head -1`,
    );
    expect([code, stdout.split('\n').length, stderr]).toEqual([0, 2, '']);
  });

  it('writes what it has, ends with 0 at SIGTERM, and leaves the folder to the next', async () => {
    const { code, stdout } = await stop();
    expect([code, stdout]).toEqual([0, '']);
    expect(existsSync(join(data(), 'service.json'))).toBe(false);
    // What a service that was killed leaves behind, when another process has its number by now.
    writeFileSync(join(data(), 'service.json'), JSON.stringify({ url: 'http://127.0.0.1:1', pid: process.pid }));
    const listed = await onFolder('sessions', '--json');
    expect([listed.code, linesOf(listed)[0]]).toMatchObject([0, { session_id: 'hostile', events: 2 }]);
    const { child, ended } = await tw.start(['up', '--data', data(), '--port', '0'], /listens on/);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, stdout: '' });
  });
});
