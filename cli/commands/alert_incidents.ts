/** `tracewarden alerts incidents`: what belongs together, or one incident with its alerts. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { coloured, inert, print, printJson, say } from '../output.ts';

interface IncidentFlags extends CommonFlags {
  tenant?: string;
  user?: string;
  limit?: string;
  all?: boolean;
}

interface IncidentJson {
  incident_id: string;
  state: string;
  severity: string;
  risk: number;
  title: string;
  alerts: number;
  open_alerts: number;
  sessions: string[];
  users: string[];
  last_time: string;
}

interface ShownJson {
  incident: IncidentJson;
  members: {
    alert: { alert_id: string; severity: string; status: string; title: string; time: string };
    joined: { by: string; alert_id: string; common: string }[];
  }[];
  next_cursor: string | null;
}

const shortTime = (time: string) => time.slice(0, 19).replace('T', ' ');

/** Adds the command to `alerts`. */
export function alertIncidentsCommand(alerts: Command): void {
  withBackend(alerts.command('incidents').argument('[incident_id]', 'or the id of one of its alerts'))
    .description('alerts that belong together; with an id, one incident and why each alert is in it')
    .option('--tenant <tenant>')
    .option('--user <user_id>', 'with an alert of this user')
    .option('--limit <n>', 'rows', '50')
    .option('--all', 'also closed ones')
    .action((incident_id: string | undefined, flags: IncidentFlags) =>
      incident_id === undefined ? list(flags) : show(incident_id, flags),
    );
}

async function list(flags: IncidentFlags): Promise<void> {
  const { tenant, user, limit } = flags;
  await useLog(flags, async (backend) => {
    const path = `/v1/incidents${queryOf({ tenant, user, limit, state: flags.all ? 'all' : undefined })}`;
    const page = await backend.json<{ incidents: IncidentJson[]; next_cursor: string | null }>('GET', path);
    for (const incident of page.incidents) {
      if (flags.json) printJson({ ...incident });
      else printIncident(incident);
    }
    if (page.incidents.length === 0 && !flags.json) say(flags.all ? 'there are no incidents' : 'no incident is open');
    if (page.next_cursor !== null) say('more follow; raise --limit');
  });
}

function printIncident({ severity, title, incident_id, last_time, ...incident }: IncidentJson): void {
  const { state, risk, alerts, open_alerts, sessions, users } = incident;
  print(`${coloured(severity)} ${pc.bold(inert(title))}  ${pc.dim(`${shortTime(last_time)}  ${inert(incident_id)}`)}`);
  const counts = `${alerts} alerts, ${open_alerts} open, in ${sessions.length} sessions`;
  print(`         ${state}, risk ${risk}, ${counts}, users ${users.map(inert).join(', ')}`);
}

async function show(incident_id: string, flags: IncidentFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    let cursor: string | undefined;
    let first = true;
    do {
      const path = `/v1/incidents/${encodeURIComponent(incident_id)}${queryOf({ tenant: flags.tenant, cursor })}`;
      const page = await backend.json<ShownJson>('GET', path);
      if (first && !flags.json) printIncident(page.incident);
      first = false;
      for (const member of page.members) {
        if (flags.json) printJson({ ...member, incident_id: page.incident.incident_id });
        else printMember(member);
      }
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  });
}

function printMember({ alert, joined }: ShownJson['members'][number]): void {
  const { alert_id, severity, status, title, time } = alert;
  print(`${pc.dim(shortTime(time))}  ${coloured(severity)} ${inert(title)}  ${pc.dim(inert(alert_id))}  ${status}`);
  for (const { by, alert_id: other, common } of joined) print(`    by ${by} ${inert(common)} with ${inert(other)}`);
}
