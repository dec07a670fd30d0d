/** Starts measurements in processes of their own and reads what they answer. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url));
const LOADER = CHILD.endsWith('.ts') ? ['--import', 'tsx'] : [];

export interface Child {
  process: ChildProcess;
  /** The next JSON line it prints. */
  next(): Promise<Record<string, unknown>>;
  ended: Promise<number | null>;
}

export function startChild(mode: string, folder: string, count: number): Child {
  return startNode([...LOADER, CHILD, mode, folder, String(count)]);
}

export function startNode(args: readonly string[], env: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return {
    process: child,
    ended,
    async next() {
      const line = await lines.next();
      if (line.done) throw new Error(`the process ended with ${await ended} before it answered`);
      return JSON.parse(line.value) as Record<string, unknown>;
    },
  };
}

/** Runs a mode to its end and returns its one answer. */
export async function runChild(mode: string, folder: string, count: number): Promise<Record<string, unknown>> {
  const child = startChild(mode, folder, count);
  const answer = await child.next();
  const code = await child.ended;
  if (code !== 0) throw new Error(`${mode} ended with ${code}`);
  return answer;
}

/** A folder that is gone afterwards. */
export async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tracewarden-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
