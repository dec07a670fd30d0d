/** `tracewarden suspend` and `release`: asking gateways; `deliveries`: what subscribers were told. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { TARGET_KINDS } from '../../core/enforcement.ts';
import { DELIVERY_STATES } from '../../core/store/queries/deliveries.ts';
import { queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { inert, print, printJson, say, table } from '../output.ts';

interface Flags extends CommonFlags {
  tenant?: string;
  reason?: string;
  alert?: string;
  user?: string;
  expiresIn?: string;
  requestId?: string;
  state?: string;
  subscription?: string;
  limit?: string;
}

interface Target {
  kind: string;
  id: string;
}

/** Adds `suspend`, `release` and `deliveries`. */
export function enforcementCommands(program: Command): void {
  for (const action of ['suspend', 'release'] as const) {
    withBackend(program.command(action).argument('<target>', 'session:ID, agent:NAME or token:REF', targetOf))
      .description(`ask gateways to ${action} a session, an agent or a token`)
      .requiredOption('--reason <text>')
      .option('--alert <alert_id>', 'the alert that led to it')
      .option('--user <user_id>', 'of an agent: only as it acts for this user')
      .option('--expires-in <seconds>', 'how long it lasts', '3600')
      .option('--request-id <id>', 'who asks again with the same one asks once')
      .option('--tenant <tenant>')
      .action((target: Target, flags: Flags) => ask(action, target, flags));
  }
  withBackend(program.command('deliveries').description('what subscribers were told, newest first'))
    .addOption(new Option('--state <state>').choices(DELIVERY_STATES))
    .option('--subscription <id>')
    .option('--limit <n>', 'rows', '50')
    .option('--tenant <tenant>')
    .action(deliveries);
}

function targetOf(text: string): Target {
  const [kind = '', ...rest] = text.split(':');
  const id = rest.join(':');
  if ((TARGET_KINDS as readonly string[]).includes(kind) && id !== '') return { kind, id };
  throw new InvalidArgumentError('must be session:ID, agent:NAME or token:REF');
}

async function ask(action: string, target: Target, flags: Flags): Promise<void> {
  await useLog(flags, async (backend) => {
    const body = {
      action,
      target: { ...target, user_id: flags.user },
      reason: flags.reason,
      alert_id: flags.alert,
      expires_in_seconds: Number(flags.expiresIn),
      request_id: flags.requestId,
    };
    const path = `/v1/enforcement${queryOf({ tenant: flags.tenant })}`;
    const command = await backend.json<{ command_id: string; state: string; confirmed: boolean }>('POST', path, body);
    if (flags.json) printJson({ ...command });
    else print(`${command.command_id}  ${command.state}${command.confirmed ? '' : ', not confirmed'}`);
  });
}

interface DeliveryJson {
  message_id: string;
  subscription_id: string;
  type: string;
  state: string;
  attempts: number;
  error: string;
  updated_at: string;
}

async function deliveries(flags: Flags): Promise<void> {
  await useLog(flags, async (backend) => {
    const { tenant, state, subscription, limit } = flags;
    const path = `/v1/deliveries${queryOf({ tenant, state, subscription, limit })}`;
    const page = await backend.json<{ deliveries: DeliveryJson[]; next_cursor: string | null }>('GET', path);
    if (flags.json) for (const row of page.deliveries) printJson({ ...row });
    else {
      const cells = page.deliveries.map((row) =>
        [
          row.updated_at.slice(0, 19),
          row.state,
          String(row.attempts),
          row.type,
          row.subscription_id,
          row.message_id,
          row.error,
        ].map(inert),
      );
      print(table(['updated', 'state', 'attempts', 'type', 'subscription', 'message', 'error'], cells));
    }
    if (page.next_cursor !== null) say('more follow; raise --limit');
  });
}
