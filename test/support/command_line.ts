/** The command as users run it: compiled, in a process of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  child: ChildProcess;
  match: RegExpExecArray;
  ended: Promise<Run>;
}

export interface CommandLine {
  /** A folder that is gone in the end. */
  folder: string;
  /** What stands before the arguments in a shell. */
  command: string;
  /** Runs the command to its end. */
  run(args: string[], options?: { input?: string; env?: Record<string, string> }): Promise<Run>;
  /** Starts the command. */
  begin(args: string[]): { child: ChildProcess; ended: Promise<Run> };
  /** Runs a line of shell in which `$TW` is the command. */
  shell(line: string): Promise<Run>;
  /** Starts the command and waits until its standard error matches. */
  start(args: string[], until: RegExp): Promise<Started>;
  /** The same for lines of shell, with all that they start in a process group of its own. */
  startShell(lines: string, until: RegExp): Promise<Started>;
  close(): void;
}

/** Compiles the program into a folder of its own, so that no older build is tested. */
export function buildCommandLine(): CommandLine {
  const folder = mkdtempSync(join(tmpdir(), 'tracewarden-cli-'));
  const dist = join(folder, 'dist');
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  execFileSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', dist], { cwd: ROOT, stdio: 'inherit' });
  for (const asset of [
    'core/store/schema',
    'core/query',
    'dashboards/web',
    'detectors/catalog/servers',
    'detectors/rules',
  ]) {
    const filter = (path: string) => !path.endsWith('.ts');
    cpSync(join(ROOT, asset), join(dist, asset), { recursive: true, filter });
  }
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const main = join(dist, 'cli', 'main.js');
  const env = (more: Record<string, string> = {}) => {
    const { TRACEWARDEN_URL: _, TRACEWARDEN_KEY: __, TRACEWARDEN_DATA: ___, ...rest } = process.env;
    return { ...rest, NO_COLOR: '1', ...more };
  };
  const started: ChildProcess[] = [];
  const spawned = (file: string, args: string[], more?: Record<string, string>) => {
    const child = spawn(file, args, { cwd: folder, env: env(more) });
    started.push(child);
    return child;
  };
  return {
    folder,
    command: `${process.execPath} ${main}`,
    run(args, { input = '', env: more } = {}) {
      const child = spawned(process.execPath, [main, ...args], more);
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
      return ended(child);
    },
    begin(args) {
      const child = spawned(process.execPath, [main, ...args]);
      return { child, ended: ended(child) };
    },
    shell: (line) => ended(spawned('bash', ['-c', line], { TW: `${process.execPath} ${main}` })),
    start: (args, until) => startedWhen(spawned(process.execPath, [main, ...args]), until),
    startShell(lines, until) {
      const more = { ...env({ TW: `${process.execPath} ${main}` }) };
      const child = spawn('bash', ['-c', lines], { cwd: folder, env: more, detached: true });
      started.push(child);
      return startedWhen(child, until);
    },
    close() {
      for (const child of started) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startedWhen(child: ChildProcess, until: RegExp): Promise<Started> {
  const end = ended(child);
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = until.exec(text);
      if (found !== null) resolve(found);
    });
    child.on('close', (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
  return { child, match, ended: end };
}

function ended(child: ChildProcess): Promise<Run> {
  const run: Run = { code: null, stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    run.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    run.stderr += text;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...run, code })));
}
