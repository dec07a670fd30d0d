/** `tracewarden demo`: attacks on scripted agents with real MCP servers, found and explained in under a minute. */
import type { Command } from 'commander';
import { AppError, codeOf } from '../../core/errors.ts';
import { failWith } from '../command.ts';

export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description('play attacks on agents against a throw-away service and explain what is found')
    .option('--once', 'end when it is done, also on a terminal')
    .option('--stay', 'keep serving when it is done, also without a terminal')
    .action(demo);
}

const INTERRUPTED = 130;

async function demo(flags: { once?: boolean; stay?: boolean }): Promise<void> {
  const on_terminal = process.stdout.isTTY === true && !process.env.CI;
  const stay = flags.stay === true || (flags.once !== true && on_terminal);
  const code = await play(stay);
  // What was still being opened when a signal came must not keep the process.
  if (code === INTERRUPTED) process.exit(code);
  if (code !== 0) failWith(code);
}

/** Loads what only the demo needs, and runs it. Throws `packages_missing`. */
async function play(stay: boolean): Promise<number> {
  try {
    const { runDemo } = await import('../demo/run.ts');
    return await runDemo({ stay, stop: onSignals() });
  } catch (cause) {
    if (codeOf(cause) !== 'ERR_MODULE_NOT_FOUND') throw cause;
    const message =
      'the demo plays real MCP servers, which are development dependencies: run `npm ci` (without --omit=dev) in a ' +
      'checkout of the project';
    throw new AppError('packages_missing', message, { cause });
  }
}

/** Aborts at the first signal; a second one ends the process at once. */
function onSignals(): AbortSignal {
  const stop = new AbortController();
  process.removeAllListeners('SIGINT');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(INTERRUPTED);
      stop.abort();
    });
  }
  return stop.signal;
}
