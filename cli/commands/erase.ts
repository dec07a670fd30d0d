/** `tracewarden erase`: what a user or a session said goes for good; the log says that it went. */
import type { Command } from 'commander';
import { queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { inert, print, printJson, say, table } from '../output.ts';

interface EraseFlags extends CommonFlags {
  user?: string;
  session?: string;
  reason?: string;
  tenant?: string;
  dryRun?: boolean;
  list?: boolean;
}

interface ErasureJson {
  erasure_id: string | null;
  seq: number | null;
  records: number;
  erased: { events: number; conflicts: number; rejected: number; alerts: number; sessions: number };
  holds: string[];
  not_reached: string[];
}

interface ErasureRecordJson {
  seq: number;
  type: string;
  at: string;
  scope: string;
  reason: string;
  actor: string;
  records: number;
}

const REASON_CHARS = 80;

/** Adds `erase` and `erasures`. */
export function eraseCommand(program: Command): void {
  withBackend(program.command('erase').description('erase what a user or a session said, for good'))
    .option('--user <user_id>', 'in all sessions')
    .option('--session <session_id>', 'one session')
    .requiredOption('--reason <text>', 'stands in the log for good: name no person in it')
    .option('--tenant <tenant>')
    .option('--dry-run', 'only say what would go')
    .action(erase);
  withBackend(program.command('erasures').description('what was erased or has expired, newest first'))
    .option('--tenant <tenant>')
    .action(list);
}

async function erase(flags: EraseFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const body = { user_id: flags.user, session_id: flags.session, reason: flags.reason, dry_run: flags.dryRun };
    const path = `/v1/erasures${queryOf({ tenant: flags.tenant })}`;
    const answer = await backend.json<ErasureJson>('POST', path, body);
    if (flags.json) printJson({ ...answer });
    else show(answer, flags.dryRun === true);
  });
}

function show({ erasure_id, seq, erased, holds, not_reached }: ErasureJson, dry_run: boolean): void {
  const { events, conflicts, rejected, alerts, sessions } = erased;
  const what = `${events} events in ${sessions} sessions, ${conflicts} conflicting and ${rejected} rejected records, the text of ${alerts} alerts`;
  if (dry_run) print(`would erase: ${what}`);
  else if (erasure_id === null) print('there was nothing to erase');
  else print(`erased: ${what}\nrecord ${seq} of the log says so: ${erasure_id}`);
  if (holds.length > 0) say(`would be refused: held by ${holds.join(', ')}`);
  say('not reached from here, see to it yourself:');
  for (const each of not_reached) say(`  - ${each}`);
}

async function list(flags: EraseFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const path = `/v1/erasures${queryOf({ tenant: flags.tenant })}`;
    const { erasures } = await backend.json<{ erasures: ErasureRecordJson[] }>('GET', path);
    if (flags.json) for (const each of erasures) printJson({ ...each });
    else if (erasures.length === 0) say('nothing was erased, and nothing has expired');
    else {
      const cells = erasures.map((each) => [
        String(each.seq),
        each.at,
        each.type,
        each.scope,
        String(each.records),
        inert(each.actor),
        inert(each.reason),
      ]);
      print(table(['record', 'at', 'type', 'of', 'records', 'by', 'reason'], cells, REASON_CHARS));
    }
  });
}
