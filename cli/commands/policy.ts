/** `tracewarden policy`: the least policy that covers what a role did, and what a policy would have blocked. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import pc from 'picocolors';
import { type ToolPolicy, ToolPolicySchema } from '../../api/policies/tool_policy.ts';
import type { Trial } from '../../api/policies/try_policy.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import { checkedYaml } from '../../detectors/supply/checked_yaml.ts';
import { queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { inert, print, printJson, say, table } from '../output.ts';
import { policyText } from '../policy_text.ts';

interface PeriodFlags extends CommonFlags {
  tenant?: string;
  from?: string;
  to?: string;
}

interface SuggestFlags extends PeriodFlags {
  role?: string;
  user?: string;
  out?: string;
}

const FILE_BYTES_MAX = 4_194_304;
const EVENTS_PRINTED = 20;

/** Adds `policy`. */
export function policyCommand(program: Command): void {
  const policy = program
    .command('policy')
    .description('what a role needs, as a policy to review, and what one would block');
  const period = (command: Command) =>
    withBackend(command)
      .option('--from <time>', 'RFC 3339 (default: 30 days before)')
      .option('--to <time>', 'RFC 3339 (default: now)')
      .option('--tenant <tenant>');
  period(policy.command('suggest').description('the least set of tools and destinations that covers what was done'))
    .option('--role <name>', 'what everybody of this role did')
    .option('--user <user_id>', 'what this user did')
    .option('--out <file>', 'write it there; never over a file that is there')
    .action(suggest);
  period(policy.command('try <file>').description('the calls of a period that a policy would have blocked')).action(
    tryFile,
  );
}

async function suggest(flags: SuggestFlags): Promise<void> {
  const { role, user, from, to, tenant, out } = flags;
  await useLog(flags, async (backend) => {
    const path = `/v1/policies/suggestion${queryOf({ role, user, from, to, tenant })}`;
    const policy = await backend.json<ToolPolicy>('GET', path);
    if (out !== undefined) write(out, policyText(policy));
    else if (flags.json) printJson({ ...policy });
    else print(policyText(policy).trimEnd());
    const tools = policy.allow.reduce((sum, server) => sum + server.tools.length, 0);
    say(`${tools} tools of ${policy.allow.length} servers; ${policy.not_suggested?.length ?? 0} lines were left out`);
    if (tools === 0) say('nothing was seen often enough to be suggested; a longer period may show more');
  });
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw new AppError('file_unwritable', `${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function tryFile(file: string, flags: PeriodFlags): Promise<void> {
  const { from, to, tenant } = flags;
  const policy = withoutEvidence(checkedYaml(ToolPolicySchema, readPolicy(file), file));
  await useLog(flags, async (backend) => {
    const path = `/v1/policies/try${queryOf({ from, to, tenant })}`;
    const trial = await backend.json<Trial & { from: string; to: string }>('POST', path, policy);
    if (flags.json) printJson({ ...trial });
    else show(trial);
  });
}

function readPolicy(file: string): string {
  try {
    const { size } = statSync(file);
    if (size <= FILE_BYTES_MAX) return readFileSync(file, 'utf8');
    throw new AppError('policy_invalid', `${file} has ${size} bytes; a policy has at most ${FILE_BYTES_MAX}`);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('policy_unreadable', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** What decides, without what it rests on: a long file is then a short request. */
function withoutEvidence({ schema_version, role, user, allow }: ToolPolicy): ToolPolicy {
  const servers = allow.map(({ server, tools }) => ({
    server,
    tools: tools.map(({ tool, destinations }) => ({
      tool,
      ...(destinations && { destinations: destinations.map(({ to }) => ({ to })) }),
    })),
  }));
  return { schema_version, role, user, allow: servers };
}

function show(trial: Trial & { from: string; to: string }): void {
  const { calls, blocked, blocked_alerted, by_tool, by_user, events } = trial;
  print(`${blocked} of ${calls} calls would have been blocked, ${blocked_alerted} of them in sessions with alerts`);
  if (trial.calls_without_parameters > 0) {
    say(`of ${trial.calls_without_parameters} calls the destinations are not known: their parameters were not kept`);
  }
  if (blocked === 0) return;
  const lines = by_tool.map((line) => [
    line.by,
    `${line.server}/${line.tool}`,
    line.to || '-',
    ...[line.calls, line.alerted_calls, line.users].map(String),
    line.examples[0] ?? '',
  ]);
  print(`\n${table(['not named', 'server/tool', 'to', 'calls', 'beside alerts', 'users', 'event'], lines)}`);
  const users = by_user.map((each) => [each.user_id || '-', String(each.blocked), String(each.calls)]);
  print(`\n${table(['user', 'blocked', 'of calls'], users)}\n`);
  for (const each of events.slice(0, EVENTS_PRINTED)) {
    const mark = each.alerted ? pc.red('beside an alert') : '';
    const what = inert(`${each.user_id} ${each.server}/${each.tool} ${each.to}`.trimEnd());
    print(
      `${pc.dim(each.time.slice(0, 19).replace('T', ' '))}  ${what}  ${pc.dim(inert(each.event_id))}  ${mark}`.trimEnd(),
    );
  }
  if (blocked > EVENTS_PRINTED)
    say(`the newest ${Math.min(EVENTS_PRINTED, events.length)} calls are shown; --json has more`);
}
