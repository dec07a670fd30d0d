/** What all commands share: the flags that say what they talk to, and opening and closing it. */
import { type Command, Option } from 'commander';
import { type Backend, type BackendFlags, openBackend } from './backend.ts';

export interface CommonFlags extends BackendFlags {
  json?: boolean;
}

/** Adds --data, --url, --key, --config and --json. */
export function withBackend(command: Command): Command {
  return command
    .option('--data <dir>', 'folder of the embedded log (default: data)')
    .addOption(new Option('--url <url>', 'a running service instead of a folder (TRACEWARDEN_URL)').conflicts('data'))
    .option('--key <key>', 'key for the service (TRACEWARDEN_KEY; a flag can be seen by other users)')
    .option('--config <file>', 'YAML file with settings')
    .option('--json', 'JSON lines with a schema_version');
}

/** Runs with an open backend and closes it, whatever happens. A folder that holds no log gets one. */
export async function useBackend<T>(flags: BackendFlags, work: (backend: Backend) => Promise<T>): Promise<T> {
  return useOpen(await openBackend(flags), work);
}

/** The same for commands that only read: they make no log in a folder whose name was mistyped. */
export async function useLog<T>(flags: BackendFlags, work: (backend: Backend) => Promise<T>): Promise<T> {
  return useOpen(await openBackend(flags, false), work);
}

async function useOpen<T>(backend: Backend, work: (backend: Backend) => Promise<T>): Promise<T> {
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
