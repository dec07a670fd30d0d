/** Starts the server and carries bytes both ways, unchanged and with back pressure; signals and its end pass on. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

export interface Ending {
  exit_code: number | null;
  signal: NodeJS.Signals | null;
}

export type ServerProcess = ChildProcessByStdio<Writable, Readable, null>;

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;
/** A server that has ended may have left a child that holds its output; so long is waited for what it says. */
const AFTER_EXIT_MS = 500;

/** Starts a server whose errors go straight to ours. */
export function startServer([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): ServerProcess {
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'], windowsHide: true });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  // The one side has gone; the end of the process says the rest.
  child.stdin.on('error', () => undefined);
  return child;
}

/** Resolves when the server and its output have ended. Rejects when it could not be started. */
export function endOf(child: ServerProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exit_code, signal) => {
      const over = setTimeout(() => resolve({ exit_code, signal }), AFTER_EXIT_MS);
      child.once('close', () => {
        clearTimeout(over);
        resolve({ exit_code, signal });
      });
    });
  });
}

/** Writes on, and lets the source wait while the sink is full. */
export function passOn(source: Readable, sink: Writable, chunk: Buffer): void {
  if (chunk.length === 0 || sink.destroyed || sink.writableEnded) return;
  if (sink.write(chunk)) return;
  source.pause();
  sink.once('drain', () => source.resume());
}

/** Ends this process as the server's ended. */
export function endAs({ exit_code, signal }: Ending): void {
  if (signal === null) {
    process.exit(exit_code ?? 1);
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
