/** The first page: what was found, what the sessions are, and how the log stands. */
import { html } from 'hono/html';
import type { z } from 'zod';
import type { AlertView } from '../alert_view.ts';
import { type Html, inert } from './inert.ts';
import { badge, here, page, sessionPath, time, timeInColumn, type Viewer } from './layout.ts';

export type AlertJson = z.infer<typeof AlertView>;

export interface SessionLine {
  session_id: string;
  user_id: string;
  agent: string;
  servers: string[];
  events: number;
  calls: number;
  errors: number;
  risk: number;
  alerts: number;
  last_time: string;
}

/** How the log stands; absent for roles that may not see it. */
export interface LogState {
  log: string;
  size: number;
  root: string;
  checkpoint?: { size: number; signed_at: string };
  detected_through: number;
}

export interface Overview {
  log: LogState | undefined;
  /** Absent for roles that may not see them. */
  alerts: AlertJson[] | undefined;
  sessions: SessionLine[];
  /** Cursors of the next pages. */
  next_alerts: string | undefined;
  next_sessions: string | undefined;
}

export function overviewPage(data: Overview, viewer: Viewer): Html {
  const body = html`<h1>Overview</h1>
${data.log === undefined ? '' : logState(data.log)}
${data.alerts === undefined ? '' : alertSection(data.alerts, data.next_alerts, viewer)}
${sessionSection(data.sessions, data.next_sessions, viewer)}`;
  return page('Overview', body, viewer);
}

function logState({ log, size, root, checkpoint, detected_through }: LogState): Html {
  const behind = size - detected_through;
  const signed =
    checkpoint === undefined
      ? html`<dd>none yet</dd>`
      : html`<dd>${checkpoint.size} records <small>signed ${time(checkpoint.signed_at)}</small></dd>`;
  return html`<section aria-label="Log">
<dl class="cards">
<div><dt>Log</dt><dd>${size} records <small>${inert(log)}</small></dd></div>
<div><dt>Root of the head</dt><dd class="hash">${root}</dd></div>
<div><dt>Newest checkpoint</dt>${signed}</div>
<div><dt>Detection has seen</dt><dd>${detected_through} records <small>${behind > 0 ? `${behind} to go` : 'all of them'}</small></dd></div>
</dl>
</section>`;
}

function alertSection(alerts: readonly AlertJson[], next: string | undefined, viewer: Viewer): Html {
  const list =
    alerts.length === 0
      ? html`<p class="empty">No alerts. When detection finds something, it stands here, the newest first.</p>`
      : html`<ul class="alerts">${alerts.map((alert) => html`<li>${alertCard(alert, viewer)}</li>`)}</ul>`;
  const more =
    next === undefined ? '' : html`<p><a href="${here('/plain', viewer, { alerts: next })}">Older alerts</a></p>`;
  return html`<section><h2>Alerts</h2>${list}${more}</section>`;
}

/** An alert in words, with the way to its session. */
function alertCard(alert: AlertJson, viewer: Viewer): Html {
  const { session_id, severity, title, reason, user_id, rule_id } = alert;
  const last = alert.evidence.at(-1);
  const place = `${here(sessionPath(session_id), viewer)}${last === undefined ? '' : `#r${last.seq}`}`;
  return html`<article class="alert ${severity}">
<h3>${badge(severity)} ${inert(title)}</h3>
<p>${inert(reason)}</p>
<p class="meta">${time(alert.time)} · session <a href="${place}">${inert(session_id)}</a> · user ${inert(user_id)} · rule ${inert(rule_id)}</p>
</article>`;
}

function sessionSection(sessions: readonly SessionLine[], next: string | undefined, viewer: Viewer): Html {
  const more =
    next === undefined ? '' : html`<p><a href="${here('/plain', viewer, { sessions: next })}">Older sessions</a></p>`;
  if (sessions.length === 0) {
    return html`<section><h2>Sessions</h2>
<p class="empty">No sessions. Send events to <code>POST /v1/events</code>, or read a file with <code>tracewarden ingest</code>.</p></section>`;
  }
  return html`<section><h2>Sessions</h2>
<div class="scroll"><table>
<thead><tr><th>Session</th><th>User</th><th>Agent</th><th>Servers</th><th class="n">Events</th><th class="n">Calls</th><th class="n">Errors</th><th class="n">Risk</th><th class="n">Alerts</th><th>Last event (UTC)</th></tr></thead>
<tbody>${sessions.map((session) => sessionRow(session, viewer))}</tbody>
</table></div>${more}</section>`;
}

function sessionRow(session: SessionLine, viewer: Viewer): Html {
  const { session_id, user_id, agent, servers, events, calls, errors, risk, alerts, last_time } = session;
  return html`<tr>
<td><a href="${here(sessionPath(session_id), viewer)}">${inert(session_id)}</a></td>
<td>${inert(user_id)}</td><td>${inert(agent)}</td><td>${inert(servers.join(', '))}</td>
<td class="n">${events}</td><td class="n">${calls}</td><td class="n">${quietZero(errors)}</td>
<td class="n">${quietZero(risk)}</td><td class="n">${quietZero(alerts)}</td><td>${timeInColumn(last_time)}</td>
</tr>`;
}

function quietZero(count: number): Html {
  return count === 0 ? html`<span class="quiet">0</span>` : html`<strong>${count}</strong>`;
}
