/** The flags of `tracewarden wrap`: one list for the light command and for the help of the whole one. */
import { parseArgs } from 'node:util';
import { AppError } from '../../core/errors.ts';

export const WRAP_FLAGS = [
  ['--name <name>', 'the name of the server in events (default: its package or program)'],
  ['--url <url>', 'the service (TRACEWARDEN_URL; default: http://127.0.0.1:7733)'],
  ['--key-file <file>', 'file with the key, readable by its owner alone (else TRACEWARDEN_KEY, or the configuration)'],
  ['--session <id>', 'the session, when the caller knows it'],
  ['--user <id>', 'who acts, when it is not the user of this computer'],
  ['--spool <dir>', 'folder for what is not delivered yet'],
  ['--fail <how>', 'open: calls pass also when nothing can be recorded; closed: they are refused (default: open)'],
  ['--config <file>', 'JSON file with settings (default: wrap.json in the configuration folder)'],
] as const;

export interface WrapFlags {
  name?: string;
  url?: string;
  'key-file'?: string;
  session?: string;
  user?: string;
  spool?: string;
  fail?: string;
  config?: string;
  command: string[];
}

/** Reads what stands after `wrap`. Throws `wrap_usage`. */
export function readWrapFlags(args: readonly string[]): WrapFlags {
  const at = args.indexOf('--');
  const command = at < 0 ? [] : args.slice(at + 1);
  if (command.length === 0) {
    throw new AppError('wrap_usage', 'the server is missing: tracewarden wrap [flags] -- COMMAND ARGS');
  }
  const options = Object.fromEntries(
    WRAP_FLAGS.map(([flag]) => [flag.slice(2).split(' ')[0] ?? '', { type: 'string' as const }]),
  );
  try {
    const { values } = parseArgs({ args: args.slice(0, at), options, strict: true, allowPositionals: false });
    return { ...(values as Omit<WrapFlags, 'command'>), command };
  } catch (cause) {
    throw new AppError('wrap_usage', (cause as Error).message, { cause });
  }
}

/** The help of the light command. */
export function wrapUsage(): string {
  const lines = WRAP_FLAGS.map(([flag, text]) => `  ${flag.padEnd(20)} ${text}`);
  return ['Usage: tracewarden wrap [flags] -- COMMAND ARGS', '', ...lines, ''].join('\n');
}
