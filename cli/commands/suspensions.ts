/** `tracewarden suspensions`: what was asked of gateways, and the policy that asks without a person: checked and tried out. */
import type { Command } from 'commander';
import { loadSuspensionPolicy } from '../../api/response/suspension_policy.ts';
import { type TriedAlert, tryPolicy } from '../../api/response/suspension_trial.ts';
import { LIMITS } from '../../core/limits.ts';
import { type Backend, queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { inert, print, printJson, say, table } from '../output.ts';

interface Flags extends CommonFlags {
  tenant?: string;
  from?: string;
  to?: string;
}

interface CommandJson {
  command_id: string;
  action: string;
  target: { kind: string; id: string; user_id: string };
  state: string;
  alert_id: string | null;
  policy: string | null;
  requested_at: string;
}

interface AlertJson {
  alert_id: string;
  rule_id: string;
  risk: number;
  severity: string;
  session_id: string;
  user_id: string;
  agent: string;
  time: string;
  raised_at: string;
}

const ID_CHARS = 64;
const PAGE = 1_000;

/** Adds `suspensions` with `list`, `check` and `try`. */
export function suspensionsCommand(program: Command): void {
  const suspensions = program
    .command('suspensions')
    .description('what was asked of gateways, and the policy that asks without a person');
  withBackend(suspensions.command('list', { isDefault: true }).description('what was asked, newest first'))
    .option('--tenant <tenant>')
    .action(list);
  suspensions
    .command('check')
    .argument('<file>')
    .description('read a policy and say what is wrong with it, with line and reason')
    .action(check);
  withBackend(
    suspensions.command('try').argument('<file>').description('what a policy would have done on stored alerts'),
  )
    .option('--from <time>', 'RFC 3339: only alerts from here on')
    .option('--to <time>')
    .option('--tenant <tenant>')
    .action(tryOut);
}

const targetText = ({ kind, id, user_id }: CommandJson['target']) =>
  `${kind}:${id}${user_id === '' ? '' : ` of ${user_id}`}`;
const shortTime = (time: string) => time.slice(0, 19).replace('T', ' ');

async function list(flags: Flags): Promise<void> {
  await useLog(flags, async (backend) => {
    const path = `/v1/enforcement/commands${queryOf({ tenant: flags.tenant })}`;
    const { commands } = await backend.json<{ commands: CommandJson[] }>('GET', path);
    if (flags.json) for (const command of commands) printJson({ ...command });
    else if (commands.length === 0) say('nothing was asked of gateways');
    else {
      const cells = commands.map((command) => [
        shortTime(command.requested_at),
        command.action,
        targetText(command.target),
        command.state,
        command.policy ?? '',
        command.command_id,
      ]);
      print(table(['asked', 'action', 'target', 'state', 'policy', 'command'], cells, ID_CHARS));
    }
  });
}

async function check(file: string): Promise<void> {
  const { suspend, allow, limit, dry_run } = (await loadSuspensionPolicy(file)).policy;
  const most = `at most ${limit.per_tenant} in a tenant and ${limit.overall} overall within ${limit.seconds} seconds`;
  print(
    `${suspend.length} entries that suspend, ${allow.length} that are allowed, ${most}${dry_run ? '; a dry run' : ''}`,
  );
}

async function tryOut(file: string, flags: Flags): Promise<void> {
  const { policy } = await loadSuspensionPolicy(file);
  await useLog(flags, async (backend) => {
    const alerts = await storedAlerts(backend, flags);
    const tried = tryPolicy(policy, alerts);
    const counts = new Map<string, number>();
    for (const { outcome } of tried) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    if (flags.tenant === undefined && policy.suspend.some(({ tenants }) => tenants.length > 0))
      say('the alerts count as those of the tenant default; --tenant names another');
    if (flags.json) for (const each of tried) printJson({ ...each });
    else if (tried.length > 0) {
      const cells = tried.map(({ raised_at, outcome, entry, target, alert_id }) => [
        shortTime(raised_at),
        outcome,
        entry,
        targetText(target),
        alert_id,
      ]);
      print(table(['raised', 'outcome', 'entry', 'target', 'alert'], cells, ID_CHARS));
    }
    const said = [...counts].map(([outcome, count]) => `${outcome} ${count}`).join(', ');
    say(
      `${alerts.length} alerts looked at${said === '' ? ': none would suspend anything' : `: ${said}`}; nothing was done`,
    );
  });
}

/** The newest within the flags' times, oldest first. */
async function storedAlerts(backend: Backend, { from, to, tenant }: Flags): Promise<TriedAlert[]> {
  const alerts: AlertJson[] = [];
  let cursor: string | undefined;
  do {
    const path = `/v1/alerts${queryOf({ from, to, tenant, limit: PAGE, cursor })}`;
    const page = await backend.json<{ alerts: AlertJson[]; next_cursor: string | null }>('GET', path);
    alerts.push(...page.alerts);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && alerts.length < LIMITS.suspensions_tried_max);
  if (cursor !== undefined)
    say(inert(`only the newest ${LIMITS.suspensions_tried_max} alerts are looked at; narrow --from and --to`));
  return alerts
    .slice(0, LIMITS.suspensions_tried_max)
    .reverse()
    .map(({ time, raised_at, ...alert }) => ({
      ...alert,
      tenant: tenant ?? 'default',
      time_ms: Date.parse(time),
      raised_at_ms: Date.parse(raised_at),
    }));
}
