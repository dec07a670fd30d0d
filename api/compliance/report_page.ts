/** The frame of a report in a bundle: one file without scripts, that prints well and loads nothing. */
import { hash } from 'node:crypto';
import { html, raw } from 'hono/html';
import { type Html, inert } from '../pages/inert.ts';

const STYLE = `
:root { color-scheme: light; }
body { font: 10.5pt/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 60rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; break-after: avoid; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; break-after: avoid; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; } th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border: 1px solid #bbb; overflow-wrap: anywhere; }
th { background: #f0f0f0; } thead { display: table-header-group; } tr { break-inside: avoid; }
section { break-inside: auto; } .control { border-top: 2px solid #888; padding-top: .3rem; }
.note { border-left: 4px solid #555; padding-left: .8rem; } .none { font-weight: 600; }
.hidden { font: 8pt monospace; border: 1px solid #999; padding: 0 .15rem; } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: 9pt/1.4 monospace; }
@page { margin: 18mm 15mm; } @media print { body { margin: 0; padding: 0; max-width: none; } a { color: inherit; text-decoration: none; } }
`;
const POLICY = `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'; base-uri 'none'; form-action 'none'`;

/** A whole report. Text from outside must have come through `inert`. */
export function reportPage(title: string, body: Html): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${raw(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
${body}
</body>
</html>
`;
  return String(page);
}

export type Cell = string | number | Html;

/** A table. Texts are made inert. */
export function table(heads: readonly string[], rows: readonly (readonly Cell[])[]): Html {
  const cell = (value: Cell) =>
    typeof value === 'string' ? inert(value) : typeof value === 'number' ? String(value) : value;
  return html`<table><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((value) => html`<td>${cell(value)}</td>`)}</tr>`)}</tbody></table>`;
}

/** How the bundle is checked, at the end of every report. */
export const HOW_TO_CHECK: Html = html`<h2>How to check this</h2>
<p>This page is for reading and proves nothing by itself. Its digest stands in <code>manifest.json</code>, which is signed with the log’s key.
The records with their proofs are in <code>records.ndjson</code> and <code>proofs.ndjson</code>.</p>
<p><code>tracewarden verify BUNDLE --vkey KEY</code> checks all of it without the service, and <code>verify.html</code> does the same in a browser.
Take both, and the key, from somebody you trust, not from this bundle.</p>`;
