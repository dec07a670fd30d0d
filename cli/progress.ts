/** A progress bar on standard error, on a terminal only; elsewhere a line now and then. */
import { SingleBar } from 'cli-progress';
import { say } from './output.ts';

export interface Progress {
  update(done: number, total: number, words?: string): void;
  stop(): void;
}

const QUIET_MS = 5_000;

export function startProgress(label: string, unit: string): Progress {
  return process.stderr.isTTY ? bar(label, unit) : lines(label, unit);
}

function bar(label: string, unit: string): Progress {
  const shown = new SingleBar({
    format: `${label} {bar} {percentage}% {value}/{total} ${unit} {words}`,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: false,
    etaBuffer: 50,
  });
  let started = false;
  return {
    update(done, total, words = '') {
      if (!started) shown.start(total, done, { words });
      started = true;
      shown.setTotal(total);
      shown.update(done, { words });
    },
    stop: () => shown.stop(),
  };
}

function lines(label: string, unit: string): Progress {
  let told_ms = performance.now();
  return {
    update(done, total, words = '') {
      if (performance.now() - told_ms < QUIET_MS) return;
      told_ms = performance.now();
      say(`${label}: ${done}/${total} ${unit} ${words}`.trimEnd());
    },
    stop: () => undefined,
  };
}
