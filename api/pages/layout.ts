/** What all pages share: the frame, times, severities, and links that stay in their tenant. */
import { html } from 'hono/html';
import type { Principal } from '../auth/access.ts';
import { type Html, inert } from './inert.ts';

/** Who looks at a page, and at whose sessions. */
export interface Viewer {
  principal: Principal;
  tenant: string;
}

/** A whole page. Without a viewer, nobody is logged in. */
export function page(title: string, body: Html, viewer?: Viewer): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Tracewarden</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/style.css">
</head>
<body>
<header>
<a class="brand" href="${viewer === undefined ? '/' : here('/plain', viewer)}">Tracewarden</a>
${viewer === undefined ? '' : whoIs(viewer)}
</header>
<main>
${body}
</main>
</body>
</html>
`;
}

function whoIs({ principal, tenant }: Viewer): Html {
  return html`<p class="who">tenant <strong>${inert(tenant)}</strong>, you are ${inert(principal.name)} (${principal.role})</p>
<form method="post" action="/logout"><button type="submit">Log out</button></form>`;
}

/** An address for this viewer; one who may see all tenants stays in the one at hand. */
export function here(path: string, { principal, tenant }: Viewer, params: Record<string, string> = {}): string {
  const query = new URLSearchParams(params);
  if (principal.tenant !== tenant && tenant !== 'default') query.set('tenant', tenant);
  return query.size === 0 ? path : `${path}?${query}`;
}

export function sessionPath(session_id: string): string {
  return `/plain/sessions/${encodeURIComponent(session_id)}`;
}

export function time(iso: string): Html {
  return html`<time datetime="${iso}">${shownTime(iso)} UTC</time>`;
}

/** Without its zone, under a heading that names it. */
export function timeInColumn(iso: string): Html {
  return html`<time datetime="${iso}">${shownTime(iso)}</time>`;
}

/** To the second and in UTC, also where a producer wrote another offset. */
function shownTime(iso: string): string {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? iso : new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

export function badge(severity: string): Html {
  return html`<span class="badge ${severity}">${severity}</span>`;
}

/** A page that says one thing, such as why something cannot be shown. */
export function notice(title: string, body: Html, viewer?: Viewer): Html {
  return page(title, html`<section class="notice"><h1>${title}</h1>${body}</section>`, viewer);
}

/** How people get in; `sso` where an identity provider logs them in. */
export function howToGetIn(sso: boolean): Html {
  return html`<p>These pages are for people with a login of this service.</p>
${sso ? SSO : ''}
<ol>
<li>The service prints a one-time address when it starts: <code>tracewarden up</code>, or <code>npm run demo</code> to try it out.</li>
<li>Open that address within ten minutes. It works once, and the login lasts eight hours.</li>
<li>No address left? Start the service again: it prints a new one, and ends every login.</li>
</ol>
<p>If a link on another site brought you here although you are logged in, <a href="/">open the overview from here</a>.</p>`;
}

const SSO = html`<p><a class="button" href="/login/oidc">Log in with single sign-on</a></p>
<p>Or, for who runs the service:</p>`;
