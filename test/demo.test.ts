/** The demo as a person runs it: a process of its own, its words, its exit code, and nothing left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = new URL('..', import.meta.url);
/** Many processes, each compiling the sources anew, on a machine that may run other tests as well. */
const TIMEOUT_MS = 180_000;
const SERVERS = ['files', 'memory', 'everything', 'tickets', 'outbox', 'web'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  child: ChildProcess;
  out(): string;
  ended: Promise<number | null>;
}

/** Starts the demo from its sources, with its temp folders inside of ours. */
function startDemo(): Run {
  const env = { ...process.env, TMPDIR: folder, TRACEWARDEN_URL: 'http://127.0.0.1:9', CI: '1', FORCE_COLOR: '' };
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', 'demo', '--once'], { cwd: ROOT, env });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      out += String(chunk);
    });
  }
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  return { child, out: () => out, ended };
}

/** The processes of the MCP servers, as the demo names them. */
function serverPids(out: string): number[] {
  return SERVERS.map((name) => Number(new RegExp(`^ {2}${name} .*process (\\d+)`, 'm').exec(out)?.[1]));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** tsx keeps a cache of its own beside what the demo makes. */
const left = () => readdirSync(folder).filter((name) => name.startsWith('tracewarden-demo-'));

describe('tracewarden demo --once', () => {
  it(
    'finds every attack, accuses no look-alike, verifies the log, notices tampering, and leaves nothing',
    async () => {
      const run = startDemo();
      const code = await run.ended;
      const out = run.out();
      expect(out).toContain('Scripted: the prompts');
      expect(out).toContain('as expected: 3 of 3 attacks found; 6 of 6 look-alikes without a high alert');
      expect(out).toMatch(/HIGH {2}send_email follows an instruction from a result of tickets/);
      expect(out).toMatch(/record \d+ {2}tool\.result tickets\.get_ticket: This result brought up the destination/);
      expect(out.match(/CRITICAL {2}http_post carried a secret/g)).toHaveLength(2);
      expect(out).toContain('hidden as base64');
      expect(out).toMatch(/^ {2}verified: \d+ records, 9 sessions/m);
      expect(out).toMatch(/"backup-desk\.test" became "backup-dusk\.test"/);
      expect(out).toMatch(/NOT VERIFIED: [\s\S]*column_changed content\.content: record \d+/);
      expect(out).not.toContain('ghp_');
      expect(out).not.toContain('\u001b');
      expect(out).not.toContain(folder);
      expect(code).toBe(0);
      const pids = serverPids(out);
      expect(pids.every((pid) => pid > 0)).toBe(true);
      expect(pids.filter(isAlive)).toEqual([]);
      expect(left()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'ends its servers and removes its folder when it is interrupted',
    async () => {
      const run = startDemo();
      await expect.poll(run.out, { timeout: 90_000 }).toContain('ticket-injection');
      run.child.kill('SIGINT');
      expect(await run.ended).toBe(130);
      expect(serverPids(run.out()).filter(isAlive)).toEqual([]);
      expect(left()).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
