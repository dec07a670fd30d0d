/** One session as a story: its alerts on top, then its events in order, with what was sent and what came back. */
import { html } from 'hono/html';
import type { EventView } from '../event_view.ts';
import { type Html, inert, inertBlock } from './inert.ts';
import { badge, here, page, sessionPath, time, type Viewer } from './layout.ts';
import type { AlertJson, SessionLine } from './overview.ts';

export interface SessionStory {
  session: SessionLine;
  alerts: AlertJson[] | undefined;
  events: EventView[];
  /** Where the next page of events begins. */
  next_after: number | undefined;
}

/** Longer texts are cut on the page; the API has them whole. */
const SHOWN_CHARS_MAX = 20_000;

export function sessionPage({ session, alerts = [], events, next_after }: SessionStory, viewer: Viewer): Html {
  const { session_id, user_id, agent, servers, calls, errors, risk } = session;
  const proof = new Set(alerts.flatMap(({ evidence }) => evidence.map(({ seq }) => seq)));
  const next = next_after === undefined ? '' : nextLink(session_id, next_after, viewer);
  const body = html`<p class="meta"><a href="${here('/plain', viewer)}">Overview</a></p>
<h1>Session ${inert(session_id)}</h1>
<dl class="cards">
<div><dt>User</dt><dd>${inert(user_id || 'not named')}</dd></div>
<div><dt>Agent</dt><dd>${inert(agent || 'not named')}</dd></div>
<div><dt>Servers</dt><dd>${inert(servers.join(', ') || 'none')}</dd></div>
<div><dt>Events</dt><dd>${session.events} <small>${calls} calls, ${errors} errors</small></dd></div>
<div><dt>Risk</dt><dd>${risk} <small>of 100</small></dd></div>
</dl>
<section><h2>Alerts</h2>
${alerts.length === 0 ? html`<p class="empty">Nothing was found in this session.</p>` : alerts.map(alertWithProof)}
</section>
<section><h2>What happened</h2>
${events.length === 0 ? html`<p class="empty">No events from here on.</p>` : ''}
<ol class="story">${events.map((event) => eventItem(event, proof.has(event.seq)))}</ol>
${next}
</section>`;
  return page(`Session ${session_id.slice(0, 60)}`, body, viewer);
}

function nextLink(session_id: string, after: number, viewer: Viewer): Html {
  return html`<p><a href="${here(sessionPath(session_id), viewer, { after: String(after) })}">Next events</a></p>`;
}

function alertWithProof({ severity, title, reason, evidence, time: at, rule_id, alert_id }: AlertJson): Html {
  const steps = evidence.map(({ seq, role }) => html`<li>${inert(role)}: <a href="#r${seq}">record ${seq}</a></li>`);
  return html`<article class="alert ${severity}">
<h3>${badge(severity)} ${inert(title)}</h3>
<p>${inert(reason)}</p>
<ol>${steps}</ol>
<p class="meta">${time(at)} · rule ${inert(rule_id)} · ${inert(alert_id)}</p>
</article>`;
}

const text = (value: unknown) => (typeof value === 'string' ? value : '');

function eventItem(event: EventView, proves: boolean): Html {
  const { seq, type, server, tool, is_error, content_state } = event;
  const place = [text(server), text(tool)].filter(Boolean).join('.');
  const tags = [
    is_error === true ? html`<span class="tag error">error</span>` : '',
    proves ? html`<span class="tag proof">evidence</span>` : '',
  ];
  return html`<li id="r${seq}" class="${proves ? 'event proves' : 'event'}">
<p class="line"><a class="seq" href="#r${seq}">${seq}</a> <span class="type">${type}</span>
${place === '' ? '' : html`<strong>${inert(place)}</strong>`} ${tags} ${joinNote(event)} <span class="when">${time(String(event.time))}</span></p>
${content_state === 'kept' ? bodyOf(event) : goneNote(String(content_state))}
</li>`;
}

/** The other half of a call. Where no id joins them, it says so: an inferred join is no fact. */
function joinNote({ result_seq, call_seq, joined_by, took_ms }: EventView): Html | string {
  const other = result_seq ?? call_seq;
  if (typeof other !== 'number') return '';
  const what = result_seq === undefined ? 'answers' : 'answered by';
  const took = typeof took_ms === 'number' ? ` after ${took_ms} ms` : '';
  const doubt = joined_by === 'call_id' ? '' : ' (by order)';
  return html`<span class="meta">${what} <a href="#r${other}">${other}</a>${took}${doubt}</span>`;
}

function goneNote(state: string): Html {
  if (state === 'withheld')
    return html`<p class="gone">Content is withheld: your role does not include content:read.</p>`;
  return html`<p class="gone">Content was ${state === 'expired' ? 'removed when its time was over' : 'erased'}; the log still vouches for the record.</p>`;
}

function bodyOf({ params, content, content_json, tools, data_sources, reason }: EventView): Html {
  const parts: (Html | string)[] = [];
  if (Array.isArray(tools)) parts.push(toolList(tools));
  if (params !== undefined) parts.push(block('parameters', JSON.stringify(params, null, 2)));
  if (typeof content === 'string') parts.push(block('', content_json === true ? readable(content) : content));
  if (data_sources !== undefined) parts.push(block('data sources', JSON.stringify(data_sources, null, 2)));
  if (typeof reason === 'string') parts.push(block('reason', reason));
  return html`${parts}`;
}

function block(label: string, shown: string): Html {
  const cut = shown.length > SHOWN_CHARS_MAX;
  return html`${label === '' ? '' : html`<p class="label">${label}</p>`}${inertBlock(shown.slice(0, SHOWN_CHARS_MAX))}
${cut ? html`<p class="gone">Cut after ${SHOWN_CHARS_MAX} of ${shown.length} characters; the API has it whole.</p>` : ''}`;
}

function toolList(tools: readonly unknown[]): Html {
  const definitions = tools.slice(0, 100).map((tool) => {
    const { name, description } = Object(tool) as { name?: unknown; description?: unknown };
    return html`<li><strong>${inert(text(name))}</strong> ${inert(text(description).slice(0, 1_000))}</li>`;
  });
  return html`<details><summary>${tools.length} ${tools.length === 1 ? 'tool' : 'tools'}</summary><ul>${definitions}</ul></details>`;
}

/** MCP content blocks of text as their text, any other JSON with line breaks. */
function readable(content: string): string {
  try {
    const value: unknown = JSON.parse(content);
    const texts = Array.isArray(value) ? value.map((part) => (Object(part) as { text?: unknown }).text) : [undefined];
    return texts.every((part) => typeof part === 'string') ? texts.join('\n') : JSON.stringify(value, null, 2);
  } catch {
    return content; // cut at the limit of a field
  }
}
