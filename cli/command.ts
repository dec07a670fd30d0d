/** What all commands share: the flags that say what they talk to, and opening and closing it. */
import type { Command } from 'commander';
import { type Backend, type BackendFlags, openBackend } from './backend.ts';

export interface CommonFlags extends BackendFlags {
  json?: boolean;
}

/** Adds --data, --url, --key, --config and --json. */
export function withBackend(command: Command): Command {
  return command
    .option('--data <dir>', 'folder of the embedded log (default: data)')
    .option('--url <url>', 'a running service instead of a folder (TRACEWARDEN_URL)')
    .option('--key <key>', 'key for the service (TRACEWARDEN_KEY; a flag can be seen by other users)')
    .option('--config <file>', 'YAML file with settings')
    .option('--json', 'JSON lines with a schema_version');
}

/** Runs with an open backend and closes it, whatever happens. */
export async function useBackend<T>(flags: BackendFlags, work: (backend: Backend) => Promise<T>): Promise<T> {
  const backend = await openBackend(flags);
  try {
    return await work(backend);
  } finally {
    await backend.close();
  }
}

/** Ends with 1 without cutting off what is still being written. */
export function failWith(code: number): void {
  process.exitCode = code;
}
