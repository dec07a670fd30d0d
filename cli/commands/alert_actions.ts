/** What `tracewarden alerts` does with alerts: acknowledge, close, reopen, note, assign, tag, suppress; and what was done so far. */
import { type Command, Option } from 'commander';
import pc from 'picocolors';
import { type AlertAction, VERDICTS } from '../../core/alert_action.ts';
import { AppError } from '../../core/errors.ts';
import { type Backend, queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { inert, print, printJson, say, table } from '../output.ts';
import { actOnMany, chosenAlerts, showDry } from './alert_bulk.ts';

interface ActionFlags extends CommonFlags {
  tenant?: string;
  requestId?: string;
  note?: string;
  verdict?: string;
  duplicateOf?: string;
  suppressUntil?: string;
  reason?: string;
  expires?: string;
  user?: string;
  agent?: string;
  server?: string;
  tool?: string;
  sink?: string;
  owner?: string;
  add?: string[];
  remove?: string[];
  query?: string;
  max?: string;
  dryRun?: boolean;
  expect?: string;
  all?: boolean;
  limit?: string;
}

interface ActorJson {
  key_id: string;
  name: string;
}

interface StateJson {
  alert_id: string;
  rule_id: string;
  raised_at: string;
  status: string;
  verdict: string | null;
}

interface ActionJson {
  action_id: string;
  seq: number;
  type: string;
  at: string;
  actor: ActorJson;
  verdict: string | null;
  duplicate_of: string | null;
  note: string | null;
  scope: Record<string, string> | null;
  reason: string | null;
  expires_at: string | null;
  owner: ActorJson | null;
  tags_added: string[];
  tags_removed: string[];
}

interface ActedJson {
  action: ActionJson;
  alert: StateJson;
  repeated: boolean;
}

interface SuppressionJson {
  suppression_id: string;
  alert_id: string;
  scope: Record<string, string>;
  reason: string;
  owner: ActorJson;
  expires_at: string;
  ended_at: string | null;
  in_force: boolean;
  hits: number;
}

/** Adds the commands that act on alerts to `alerts`. */
export function alertActionCommands(alerts: Command): void {
  const acting = (name: string, description: string) =>
    withBackend(alerts.command(name).argument('[alert_ids...]').description(description))
      .option('--tenant <tenant>')
      .option('--query <query>', 'all alerts that this finds')
      .option('--max <n>', 'most alerts that the query may find', '1000')
      .option('--dry-run', 'say which alerts these are, and do nothing')
      .option('--request-id <id>', 'who asks again with the same one acts once')
      .option('--expect <version>', 'only while the alert has this version')
      .option('--note <text>');
  acting('ack', 'say that somebody looks at it').action((ids: string[], flags: ActionFlags) =>
    act(ids, 'acknowledge', flags, {}),
  );
  acting('close', 'say what it turned out to be')
    .addOption(new Option('--verdict <verdict>').choices(VERDICTS).makeOptionMandatory())
    .option('--duplicate-of <alert_id>', 'the other alert, with the verdict duplicate')
    .option('--suppress-until <time>', 'with the verdict benign: hold back the rule for its user and agent, RFC 3339')
    .option('--reason <text>', 'of that')
    .action((ids: string[], flags: ActionFlags) => {
      const { verdict, duplicateOf: duplicate_of, suppressUntil: expires_at, reason } = flags;
      const suppress = expires_at === undefined ? undefined : { expires_at, reason };
      return act(ids, 'close', flags, { verdict, duplicate_of, suppress });
    });
  acting('reopen', 'make a closed or suppressed one new again; ends what it suppresses').action(
    (ids: string[], flags: ActionFlags) => act(ids, 'reopen', flags, {}),
  );
  acting('note', 'add a note, given with --note').action((ids: string[], flags: ActionFlags) =>
    act(ids, 'note', flags, {}),
  );
  acting('assign', 'say whose it is')
    .option('--owner <owner>', 'id or name of a key; without it, yours')
    .action((ids: string[], flags: ActionFlags) => act(ids, 'assign', flags, { owner: flags.owner }));
  acting('unassign', "make it nobody's").action((ids: string[], flags: ActionFlags) => act(ids, 'unassign', flags, {}));
  acting('tag', 'give it tags, or take them away')
    .option('--add <tag...>')
    .option('--remove <tag...>')
    .action((ids: string[], { add, remove, ...flags }: ActionFlags) => act(ids, 'tag', flags, { add, remove }));
  withBackend(alerts.command('suppress').argument('<alert_id>'))
    .description('raise no further alerts of its rule, within what the flags name')
    .option('--tenant <tenant>')
    .option('--request-id <id>', 'who asks again with the same one acts once')
    .option('--expect <version>', 'only while the alert has this version')
    .requiredOption('--reason <text>')
    .requiredOption('--expires <time>', 'RFC 3339, within 90 days')
    .option('--user <user_id>', 'only of this user')
    .option('--agent <agent>', 'only of this agent')
    .option('--server <server>', 'only of calls to this server')
    .option('--tool <tool>', 'only of calls of this tool')
    .option('--sink <sink_digest>', 'only where the same value arrives')
    .action(suppress);
  withBackend(alerts.command('history').argument('<alert_id>').description('everything that was done with an alert'))
    .option('--tenant <tenant>')
    .action(history);
  withBackend(alerts.command('suppressions').description('what is suppressed, until when, and how often it was hit'))
    .option('--tenant <tenant>')
    .option('--limit <n>', 'rows', '1000')
    .option('--all', 'also those that have ended')
    .action(suppressions);
}

/** Acts within an open backend. Members that are undefined are left out of the body. */
async function actOn(
  backend: Backend,
  alert_id: string,
  action: AlertAction,
  flags: ActionFlags,
  members: Record<string, unknown>,
): Promise<void> {
  const path = `/v1/alerts/${encodeURIComponent(alert_id)}/status${queryOf({ tenant: flags.tenant })}`;
  const expected_version = flags.expect === undefined ? undefined : Number(flags.expect);
  const body = { action, request_id: flags.requestId, expected_version, ...members };
  const acted = await backend.json<ActedJson>('POST', path, body);
  if (flags.json) return printJson({ ...acted });
  const { status, verdict } = acted.alert;
  const now = `${inert(acted.alert.alert_id)} is ${status}${verdict === null ? '' : ` as ${verdict}`}`;
  print(`${now}${acted.repeated ? '; this request was carried out before' : ''}`);
}

/** One alert that is named is answered as one; several are acted on together. */
async function act(
  alert_ids: readonly string[],
  action: AlertAction,
  flags: ActionFlags,
  about: Record<string, unknown>,
): Promise<void> {
  const { query, tenant, max, requestId: request_id, note } = flags;
  const members = { ...about, note };
  await useLog(flags, async (backend) => {
    const [only, ...others] = alert_ids;
    if (only !== undefined && others.length === 0 && query === undefined && !flags.dryRun) {
      return actOn(backend, only, action, flags, members);
    }
    if (flags.expect !== undefined) throw new AppError('usage', '--expect is for one alert');
    const chosen = await chosenAlerts(backend, { alert_ids, query, tenant, max });
    if (flags.dryRun) return showDry(chosen, flags.json);
    await actOnMany(backend, chosen, { action, request_id, ...members }, flags);
  });
}

async function suppress(alert_id: string, flags: ActionFlags): Promise<void> {
  const { reason, expires: expires_at, user: user_id, agent, server, tool, sink: sink_digest } = flags;
  await useLog(flags, async (backend) => {
    const path = `/v1/alerts/${encodeURIComponent(alert_id)}${queryOf({ tenant: flags.tenant })}`;
    const { rule_id } = await backend.json<StateJson>('GET', path);
    const scope = { rule_id, user_id, agent, server, tool, sink_digest };
    await actOn(backend, alert_id, 'suppress', flags, { scope, reason, expires_at });
  });
}

/** An alert's id, whole, so that it can be given to another command. */
const ID_CHARS = 64;
const shortTime = (time: string) => time.slice(0, 19).replace('T', ' ');
const scopeText = (scope: Record<string, string>) =>
  Object.entries(scope)
    .map(([member, value]) => `${member}=${value}`)
    .join(' ');

async function history(alert_id: string, flags: ActionFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    let cursor: string | undefined;
    let first = true;
    do {
      const path = `/v1/alerts/${encodeURIComponent(alert_id)}/history${queryOf({ tenant: flags.tenant, cursor })}`;
      const page = await backend.json<{ alert: StateJson; history: ActionJson[]; next_cursor: string | null }>(
        'GET',
        path,
      );
      if (first && !flags.json) print(`${pc.dim(shortTime(page.alert.raised_at))}  alert.raised`);
      first = false;
      for (const action of page.history) {
        if (flags.json) printJson({ ...action });
        else printAction(action);
      }
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  });
}

function printAction(action: ActionJson): void {
  const { at, type, actor, verdict, duplicate_of, note, scope, reason, expires_at, owner } = action;
  const said = [
    verdict ?? '',
    duplicate_of === null ? '' : `of ${duplicate_of}`,
    scope === null ? '' : `${scopeText(scope)} until ${expires_at}`,
    owner === null ? '' : `to ${owner.name}`,
    [...action.tags_added.map((tag) => `+${tag}`), ...action.tags_removed.map((tag) => `-${tag}`)].join(' '),
  ];
  const line = [type, ...said.filter((part) => part !== ''), `by ${actor.name}`].map(inert).join('  ');
  print(`${pc.dim(shortTime(at))}  ${line}`);
  for (const text of [reason, note]) {
    for (const each of text?.split('\n') ?? []) print(`                     ${inert(each)}`);
  }
}

async function suppressions(flags: ActionFlags): Promise<void> {
  const { tenant, limit } = flags;
  await useLog(flags, async (backend) => {
    const path = `/v1/suppressions${queryOf({ tenant, limit, state: flags.all ? 'all' : undefined })}`;
    const page = await backend.json<{ suppressions: SuppressionJson[]; next_cursor: string | null }>('GET', path);
    const rows = page.suppressions;
    if (flags.json) for (const row of rows) printJson({ ...row });
    else if (rows.length === 0) say('nothing is suppressed');
    else {
      const cells = rows.map((row) => [
        row.alert_id,
        scopeText(row.scope),
        shortTime(row.ended_at ?? row.expires_at),
        row.in_force ? String(row.hits) : `${row.hits}, ended`,
        row.owner.name,
        row.reason,
      ]);
      print(table(['alert', 'scope', 'until', 'hits', 'by', 'reason'], cells, ID_CHARS));
    }
    if (page.next_cursor !== null) say('more follow; raise --limit');
  });
}
