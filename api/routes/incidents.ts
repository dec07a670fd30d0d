/** Incidents: the list, and one with its alerts and why each is in it. They are read from the alerts; nothing is stored. */
import { createRoute, z } from '@hono/zod-openapi';
import { SEVERITIES, type Severity, severityRank } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { groupIncidents, type Incident } from '../../core/incident.ts';
import { LIMITS } from '../../core/limits.ts';
import { readAlerts } from '../../core/store/queries/alerts.ts';
import { type IncidentAlert, readIncidentAlerts } from '../../core/store/queries/incidents.ts';
import { AlertView, alertView, unquoted } from '../alert_view.ts';
import { mayDo } from '../auth/roles.ts';
import type { ApiContext } from '../context.ts';
import { Limit, NextCursor, PAST_ALL, PageCursor, readCursor, writeCursor } from '../paging.ts';
import { type Api, responses, secured } from '../route.ts';

const NAMES_SHOWN = 20;

const names = (of: string) => z.array(z.string()).openapi({ description: `${of}, up to ${NAMES_SHOWN}` });

const IncidentView = z
  .object({
    incident_id: z.string().openapi({ description: 'alert_id of its first alert' }),
    state: z.enum(['open', 'closed']).openapi({ description: 'closed when all of its alerts are' }),
    severity: z.enum(SEVERITIES).openapi({ description: 'of its gravest alert' }),
    risk: z.int().openapi({ description: '0 to 100: its alerts, taken as independent evidence' }),
    title: z.string().openapi({ description: 'of its gravest alert' }),
    alerts: z.int(),
    open_alerts: z.int(),
    sessions: names('sessions'),
    users: names('users'),
    agents: names('agents'),
    rules: names('rules'),
    first_time: z.string(),
    last_time: z.string(),
    last_seq: z.int().openapi({ description: 'record number of its newest alert' }),
  })
  .openapi('Incident');

const JointView = z
  .object({
    by: z.enum(['session', 'evidence', 'duplicate']).openapi({
      description: 'one session; one event that proves both; or a person closed one as a duplicate of the other',
    }),
    alert_id: z.string().openapi({ description: 'the other alert' }),
    common: z.string().openapi({ description: 'the session_id or event_id in common; empty for a duplicate' }),
  })
  .openapi('IncidentJoint');

const tenant = z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' });
const name = z.string().max(LIMITS.name_chars_max).optional();

const listRoute = createRoute({
  method: 'get',
  path: '/v1/incidents',
  summary: 'Alerts that belong together, as incidents, the one with the newest alert first',
  request: {
    query: z.object({
      tenant,
      state: z.enum(['open', 'closed', 'all']).default('open'),
      severity: z.enum(SEVERITIES).default('info').openapi({ description: 'this severity and above' }),
      user: name.openapi({ description: 'with an alert of this user' }),
      session: name.openapi({ description: 'with an alert of this session' }),
      limit: Limit,
      cursor: PageCursor,
    }),
  },
  responses: {
    200: {
      description: 'one page',
      content: {
        'application/json': { schema: z.object({ incidents: z.array(IncidentView), next_cursor: NextCursor }) },
      },
    },
    ...responses(400, 503),
  },
});

const showRoute = createRoute({
  method: 'get',
  path: '/v1/incidents/{incident_id}',
  summary: 'One incident with its alerts; any of them names it',
  request: {
    params: z.object({ incident_id: z.string().min(1).max(LIMITS.id_chars_max) }),
    query: z.object({ tenant, limit: Limit, cursor: PageCursor }),
  },
  responses: {
    200: {
      description: 'the incident, and one page of its alerts in the order of the log',
      content: {
        'application/json': {
          schema: z.object({
            incident: IncidentView,
            members: z.array(z.object({ alert: AlertView, joined: z.array(JointView) })),
            next_cursor: NextCursor,
          }),
        },
      },
    },
    ...responses(400, 404, 503),
  },
});

type Found = Incident<IncidentAlert>;

export function incidentRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const incidentsOf = async (tenant: string) =>
    groupIncidents(await readIncidentAlerts(store, tenant, LIMITS.incident_alerts_max));
  secured(api, context, 'alerts:read', listRoute, async (c) => {
    const { state, severity, user, session, limit, cursor } = c.req.valid('query');
    const before = cursor ? readCursor(cursor, ['number', 'string'] as const) : ([PAST_ALL, ''] as const);
    const with_content = mayDo(c.var.principal.role, 'content:read');
    const matching = (await incidentsOf(c.var.tenant))
      .filter(({ members }) => user === undefined || members.some(({ alert }) => alert.user_id === user))
      .filter(({ members }) => session === undefined || members.some(({ alert }) => alert.session_id === session))
      .map((incident) => viewOf(incident, with_content))
      .filter((each) => state === 'all' || each.state === state)
      .filter((each) => severityRank(each.severity) >= severityRank(severity))
      .filter((each) => comes([each.last_seq, each.incident_id], before) < 0)
      .sort((a, b) => comes([b.last_seq, b.incident_id], [a.last_seq, a.incident_id]));
    const incidents = matching.slice(0, limit);
    const last = incidents.at(-1);
    const next_cursor =
      matching.length > limit && last !== undefined ? writeCursor([last.last_seq, last.incident_id]) : null;
    return c.json({ incidents, next_cursor }, 200);
  });
  secured(api, context, 'alerts:read', showRoute, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const after = cursor ? readCursor(cursor, ['number', 'string'] as const) : ([-1, ''] as const);
    const { incident_id } = c.req.valid('param');
    const incident = (await incidentsOf(c.var.tenant)).find(({ members }) =>
      members.some(({ alert }) => alert.alert_id === incident_id),
    );
    if (incident === undefined) throw notFound();
    const left = incident.members.filter(({ alert }) => comes([alert.seq, alert.alert_id], after) > 0);
    const page = left.slice(0, limit);
    const ids = page.map(({ alert }) => alert.alert_id);
    const joints = new Map(page.map((each) => [each.alert.alert_id, each.joints]));
    const with_content = mayDo(c.var.principal.role, 'content:read');
    const members = (await readAlerts(store, c.var.tenant, ids)).map((alert) => ({
      alert: alertView(alert, with_content),
      joined: joints.get(alert.alert_id) ?? [],
    }));
    const last = page.at(-1);
    const next_cursor =
      left.length > limit && last !== undefined ? writeCursor([last.alert.seq, last.alert.alert_id]) : null;
    return c.json({ incident: viewOf(incident, with_content), members, next_cursor }, 200);
  });
}

type Place = readonly [number, string];

/** The order of the log; between logs, whose numbers begin anew, that of the ids. */
const comes = (a: Place, b: Place) => a[0] - b[0] || (a[1] < b[1] ? -1 : Number(a[1] > b[1]));

function notFound(): AppError {
  const newest = `the newest ${LIMITS.incident_alerts_max} alerts`;
  return new AppError('not_found', `there is no such incident or alert among ${newest} of this tenant`);
}

function viewOf({ incident_id, members }: Found, with_content: boolean): z.infer<typeof IncidentView> {
  const alerts = members.map(({ alert }) => alert);
  const distinct = (of: (alert: IncidentAlert) => string) =>
    [...new Set(alerts.map(of))].filter((each) => each !== '').slice(0, NAMES_SHOWN);
  const times = alerts.map(({ time_ms }) => time_ms);
  const rank = ({ severity }: IncidentAlert) => severityRank(severity as Severity);
  const gravest = alerts.reduce((worst, each) => (rank(each) > rank(worst) ? each : worst));
  const open = alerts.filter(({ status }) => status !== 'closed').length;
  const innocence = alerts.reduce((product, { risk }) => product * (1 - risk / 100), 1);
  return {
    incident_id,
    state: open > 0 ? 'open' : 'closed',
    severity: gravest.severity as Severity,
    risk: Math.round(100 * (1 - innocence)),
    title: unquoted(gravest.title, with_content),
    alerts: alerts.length,
    open_alerts: open,
    sessions: distinct(({ session_id }) => session_id),
    users: distinct(({ user_id }) => user_id),
    agents: distinct(({ agent }) => agent),
    rules: distinct(({ rule_id }) => rule_id),
    first_time: new Date(times.reduce((a, b) => Math.min(a, b))).toISOString(),
    last_time: new Date(times.reduce((a, b) => Math.max(a, b))).toISOString(),
    last_seq: alerts.at(-1)?.seq ?? 0,
  };
}
