/** `tracewarden hold`: sessions and users whose content must stay: added, released, listed. */
import type { Command } from 'commander';
import { queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { print, printJson, say, table } from '../output.ts';

interface HoldFlags extends CommonFlags {
  user?: string;
  session?: string;
  reason?: string;
  expires?: string;
  tenant?: string;
}

interface HoldJson {
  hold_id: string;
  user_id?: string;
  session_id?: string;
  reason: string;
  expires_at: string;
  released_at: string | null;
  in_force: boolean;
}

const CELL_CHARS = 80;

/** Adds `hold`. */
export function holdCommand(program: Command): void {
  const hold = program.command('hold').description('sessions and users whose content must stay');
  withBackend(hold.command('list', { isDefault: true }).description('all holds, those that have ended among them'))
    .option('--tenant <tenant>')
    .action(list);
  withBackend(hold.command('add').description('nothing of it is erased or expires until the hold ends'))
    .option('--user <user_id>', 'in all sessions')
    .option('--session <session_id>', 'one session')
    .requiredOption('--reason <text>', 'stands in the log for good')
    .requiredOption('--expires <time>', 'RFC 3339')
    .option('--tenant <tenant>')
    .action(add);
  withBackend(hold.command('release').description('end a hold before its time').argument('<hold_id>'))
    .requiredOption('--reason <text>', 'stands in the log for good')
    .option('--tenant <tenant>')
    .action(release);
}

async function list(flags: HoldFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const path = `/v1/holds${queryOf({ tenant: flags.tenant })}`;
    const { holds } = await backend.json<{ holds: HoldJson[] }>('GET', path);
    if (flags.json) for (const each of holds) printJson({ ...each });
    else if (holds.length === 0) say('there are no holds');
    else print(table(['hold', 'of', 'until', 'state', 'reason'], holds.map(cellsOf), CELL_CHARS));
  });
}

function cellsOf({ hold_id, user_id, session_id, expires_at, released_at, in_force, reason }: HoldJson): string[] {
  const of = user_id === undefined ? `session ${session_id}` : `user ${user_id}`;
  const ended = released_at === null ? 'expired' : `released ${released_at}`;
  return [hold_id, of, expires_at, in_force ? 'in force' : ended, reason];
}

async function add(flags: HoldFlags): Promise<void> {
  const { user: user_id, session: session_id, reason, expires: expires_at, tenant } = flags;
  await ask(`/v1/holds${queryOf({ tenant })}`, { user_id, session_id, reason, expires_at }, flags);
}

async function release(hold_id: string, flags: HoldFlags): Promise<void> {
  const path = `/v1/holds/${encodeURIComponent(hold_id)}/release${queryOf({ tenant: flags.tenant })}`;
  await ask(path, { reason: flags.reason }, flags);
}

async function ask(path: string, body: Record<string, unknown>, flags: HoldFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const hold = await backend.json<HoldJson>('POST', path, body);
    if (flags.json) printJson({ ...hold });
    else {
      print(hold.hold_id);
      say(hold.in_force ? `in force until ${hold.expires_at}` : 'released');
    }
  });
}
