/** `tracewarden subscriptions`: who is told of what, and where: made, listed, tested, changed and removed. */
import { type Command, Option } from 'commander';
import { SEVERITIES } from '../../core/alert.ts';
import { SUBSCRIPTION_KINDS } from '../../core/subscription.ts';
import { queryOf } from '../backend.ts';
import { type CommonFlags, failWith, useLog, withBackend } from '../command.ts';
import { EXIT } from '../exit_codes.ts';
import { inert, print, printJson, say, table } from '../output.ts';

interface Flags extends CommonFlags {
  tenant?: string;
  kind?: string;
  to?: string;
  format?: string;
  template?: string;
  credential?: string;
  severity?: string;
  rule?: string[];
  perSecond?: string;
  name?: string;
  overlap?: string;
  reason?: string;
}

interface SubscriptionJson {
  subscription_id: string;
  name: string;
  kind: string;
  url: string;
  format: string;
  severity_min: string;
  rules: string[];
  state: string;
  reason: string;
  waiting: number;
  resting: boolean;
}

interface OneJson {
  subscription: SubscriptionJson;
  keys?: { secret: string; public_key: string };
  delivery?: { state: string; status: number; error: string; message_id: string };
}

const ID_CHARS = 64;

/** Adds `subscriptions`. */
export function subscriptionsCommand(program: Command): void {
  const subscriptions = program.command('subscriptions').description('who is told of what, and where');
  const sub = (name: string, about: string) =>
    withBackend(subscriptions.command(name).description(about)).option(
      '--tenant <tenant>',
      '* for messages of all tenants',
    );
  const one = (name: string, about: string) => sub(name, about).argument('<subscription_id>');
  withBackend(subscriptions.command('list', { isDefault: true }).description('list subscriptions and how they do'))
    .option('--tenant <tenant>')
    .action(list);
  filtered(sub('create', 'make one; its keys are printed').argument('<name>'))
    .addOption(new Option('--kind <kind>').choices(SUBSCRIPTION_KINDS).default('alerts'))
    .action((name: string, flags: Flags) => create({ name, kind: flags.kind, ...membersOf(flags) }, flags));
  filtered(one('update', 'change what the flags name'))
    .option('--name <name>')
    .action((id: string, flags: Flags) =>
      change(id, { action: 'update', name: flags.name, ...membersOf(flags) }, flags),
    );
  one('test', 'send a message that says that it is a test').action((id: string, flags: Flags) =>
    change(id, { action: 'test' }, flags),
  );
  one('rotate', 'make new keys; they are printed')
    .option('--overlap <seconds>', 'how long the keys before sign too', '86400')
    .action((id: string, flags: Flags) =>
      change(id, { action: 'rotate', overlap_seconds: Number(flags.overlap) }, flags),
    );
  one('disable', 'owe it nothing until it is enabled')
    .option('--reason <text>')
    .action((id: string, flags: Flags) => change(id, { action: 'disable', reason: flags.reason }, flags));
  one('enable', 'tell it from now on').action((id: string, flags: Flags) => change(id, { action: 'enable' }, flags));
  one('remove', 'remove it; what waits for it is not sent').action(remove);
}

function filtered(command: Command): Command {
  return command
    .option('--to <url>', 'https://… or mailto:…')
    .option('--format <format>', 'native, ocsf, thehive, xsoar, splunk_soar, sentinel, cef, syslog or template')
    .option('--template <text>', 'of the format template')
    .option('--credential <name>', 'of webhook_credentials in the settings')
    .addOption(new Option('--severity <severity>', 'this and above').choices(SEVERITIES))
    .option('--rule <rule_id...>', 'only of these rules')
    .option('--per-second <n>', 'messages a second at most');
}

/** Members of the request; those that are undefined are left out. */
function membersOf({ to: url, format, template, credential, severity, rule, perSecond }: Flags) {
  const per_second_max = perSecond === undefined ? undefined : Number(perSecond);
  return { url, format, template, credential, severity_min: severity, rules: rule, per_second_max };
}

const pathOf = (subscription_id: string, { tenant }: Flags) =>
  `/v1/subscriptions/${encodeURIComponent(subscription_id)}${queryOf({ tenant })}`;

async function list(flags: Flags): Promise<void> {
  await useLog(flags, async (backend) => {
    const path = `/v1/subscriptions${queryOf({ tenant: flags.tenant })}`;
    const { subscriptions } = await backend.json<{ subscriptions: SubscriptionJson[] }>('GET', path);
    if (flags.json) for (const each of subscriptions) printJson({ ...each });
    else if (subscriptions.length === 0) say('there are no subscriptions');
    else {
      const cells = subscriptions.map((each) => [
        each.subscription_id,
        each.name,
        each.kind,
        each.severity_min,
        each.format,
        each.resting ? 'resting' : each.state,
        String(each.waiting),
        each.url,
      ]);
      print(table(['subscription', 'name', 'kind', 'from', 'format', 'state', 'waiting', 'url'], cells, ID_CHARS));
    }
  });
}

async function create(body: Record<string, unknown>, flags: Flags): Promise<void> {
  await useLog(flags, async (backend) => {
    show(await backend.json<OneJson>('POST', `/v1/subscriptions${queryOf({ tenant: flags.tenant })}`, body), flags);
  });
}

async function change(subscription_id: string, body: Record<string, unknown>, flags: Flags): Promise<void> {
  await useLog(flags, async (backend) => {
    show(await backend.json<OneJson>('POST', pathOf(subscription_id, flags), body), flags);
  });
}

function show(answer: OneJson, flags: Flags): void {
  const { subscription, keys, delivery } = answer;
  if (delivery !== undefined && delivery.state !== 'sent') failWith(EXIT.failed);
  if (flags.json) {
    printJson({ ...answer });
    return;
  }
  const { subscription_id, state, reason } = subscription;
  if (delivery === undefined) print(`${subscription_id}  ${state}${reason === '' ? '' : `: ${inert(reason)}`}`);
  else print(`${delivery.message_id}  ${delivery.state}  ${inert(delivery.error || String(delivery.status))}`);
  if (keys === undefined) return;
  print(`secret      ${keys.secret}`);
  print(`public key  ${keys.public_key}`);
}

async function remove(subscription_id: string, flags: Flags): Promise<void> {
  await useLog(flags, async (backend) => {
    await backend.call('DELETE', pathOf(subscription_id, flags));
    if (flags.json) printJson({ subscription_id, removed: true });
    else say(`subscription ${inert(subscription_id)} is removed`);
  });
}
