/** `tracewarden alerts` and `tracewarden alerts show ID`; what acts on an alert is in alert_actions.ts. */
import { type Command, Option } from 'commander';
import pc from 'picocolors';
import { SEVERITIES } from '../../core/alert.ts';
import { ALERT_STATUSES, VERDICTS } from '../../core/alert_action.ts';
import { queryOf } from '../backend.ts';
import { type CommonFlags, failWith, useLog, withBackend } from '../command.ts';
import { coloured, inert, print, printJson, say } from '../output.ts';
import { queryText, withCaret } from '../query_text.ts';
import { alertActionCommands } from './alert_actions.ts';
import { alertIncidentsCommand } from './alert_incidents.ts';

interface AlertFlags extends CommonFlags {
  tenant?: string;
  severity?: string;
  status?: string;
  verdict?: string;
  rule?: string;
  session?: string;
  user?: string;
  from?: string;
  to?: string;
  limit?: string;
  all?: boolean;
  failOn?: string;
}

interface AlertJson {
  alert_id: string;
  severity: string;
  status: string;
  verdict: string | null;
  owner: { name: string } | null;
  last_note: string | null;
  title: string;
  reason: string;
  rule_id: string;
  session_id: string;
  user_id: string;
  time: string;
  tags: string[];
  added_tags: string[];
  version: number;
  evidence: { seq: number; event_id: string; role: string }[];
}

export function alertsCommand(program: Command): void {
  const alerts = program.command('alerts').description('list alerts, show one, or act on one');
  withBackend(
    alerts
      .command('list', { isDefault: true })
      .argument('[query...]', "such as 'severity >= high and not status:closed'")
      .description('list alerts, newest first'),
  )
    .option('--tenant <tenant>')
    .addOption(new Option('--severity <severity>', 'this and above').choices(SEVERITIES))
    .addOption(new Option('--status <status>', 'in this status').choices(ALERT_STATUSES))
    .addOption(new Option('--verdict <verdict>', 'closed with this verdict').choices(VERDICTS))
    .option('--rule <rule_id>')
    .option('--session <session_id>')
    .option('--user <user_id>')
    .option('--from <time>', 'RFC 3339')
    .option('--to <time>', 'RFC 3339')
    .option('--limit <n>', 'rows', '50')
    .option('--all', 'every page')
    .addOption(new Option('--fail-on <severity>', 'end with 1 when one is listed').choices(SEVERITIES))
    .action(list);
  withBackend(alerts.command('show').argument('<alert_id>').description('one alert with its evidence'))
    .option('--tenant <tenant>')
    .action(show);
  alertActionCommands(alerts);
  alertIncidentsCommand(alerts);
}

async function list(words: string[], flags: AlertFlags): Promise<void> {
  const q = queryText(words);
  await withCaret(q, () => listMatching(q, flags));
}

async function listMatching(q: string | undefined, flags: AlertFlags): Promise<void> {
  const { tenant, severity, status, verdict, rule, session, user, from, to, limit } = flags;
  await useLog(flags, async (backend) => {
    let cursor: string | undefined;
    let shown = 0;
    do {
      const filter = { tenant, q, severity, status, verdict, rule, session, user, from, to, limit, cursor };
      const path = `/v1/alerts${queryOf(filter)}`;
      const page = await backend.json<{ alerts: AlertJson[]; next_cursor: string | null }>('GET', path);
      for (const alert of page.alerts) {
        if (flags.json) printJson({ ...alert });
        else printLine(alert);
        if (flags.failOn !== undefined && rank(alert.severity) >= rank(flags.failOn)) failWith(1);
      }
      shown += page.alerts.length;
      cursor = page.next_cursor ?? undefined;
    } while (flags.all && cursor !== undefined);
    if (shown === 0 && !flags.json) say('no alert matches');
    if (cursor !== undefined) say('more alerts follow; --all lists them');
  });
}

const rank = (severity: string) => (SEVERITIES as readonly string[]).indexOf(severity);

function stateOf({ status, verdict }: AlertJson): string {
  return verdict === null ? status : `${status}, ${verdict}`;
}

function printLine(alert: AlertJson): void {
  const state = alert.status === 'new' ? '' : `  ${stateOf(alert)}`;
  const place = pc.dim(
    `${alert.time.slice(0, 19).replace('T', ' ')}  ${inert(alert.session_id)}  ${inert(alert.alert_id)}${state}`,
  );
  print(`${coloured(alert.severity)} ${pc.bold(inert(alert.title))}  ${place}\n         ${inert(alert.reason)}`);
}

async function show(alert_id: string, flags: AlertFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const path = `/v1/alerts/${encodeURIComponent(alert_id)}${queryOf({ tenant: flags.tenant })}`;
    const alert = await backend.json<AlertJson>('GET', path);
    if (flags.json) return printJson({ ...alert });
    printLine(alert);
    print(
      `         rule ${inert(alert.rule_id)}, user ${inert(alert.user_id)}, ${inert([...alert.tags, ...alert.added_tags].join(' '))}`,
    );
    const by = alert.owner === null ? '' : `, owner ${inert(alert.owner.name)}`;
    const note = alert.last_note === null ? '' : `: ${inert(alert.last_note)}`;
    print(`         ${stateOf(alert)}, version ${alert.version}${by}${note}`);
    for (const { seq, role, event_id } of alert.evidence) {
      print(`${String(seq).padStart(7)} ${inert(role)}  ${pc.dim(`tracewarden proof ${inert(event_id)}`)}`);
    }
  });
}
