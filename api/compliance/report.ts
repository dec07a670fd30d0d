/** The assessment as a page to read and to print. It runs no script, and nothing of what agents said is in it. */
import { html } from 'hono/html';
import { inert } from '../pages/inert.ts';
import type { AssessedControl, Assessment } from './assessment.ts';

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f27}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}th,td{border:1px solid #d5d9e0;padding:.3rem .5rem;text-align:left;vertical-align:top}
td.n{text-align:right}.none{color:#8c0d2e}small{color:#5a6372}section{break-inside:avoid}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
@media print{body{margin:0;max-width:none}}`;

const number = (value: number | null) => (value === null ? 'none' : value.toLocaleString('en'));

/** The page as text. The style stands in it, so that the file needs no other. */
export async function reportPage(of: Assessment): Promise<string> {
  const { framework, tenant, log, from, to, gaps, indicators, controls, inventory } = of;
  const page = await html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Evidence for ${framework.title}</title><style>${STYLE}</style></head><body>
<h1>Evidence for ${framework.title}</h1>
<p>Tenant ${inert(tenant)}, log ${inert(log)}, records that arrived from ${from} up to ${to}.</p>
<p>${framework.note}</p>
<p><strong>This report observes.</strong> It does not say that a control is satisfied: that is for an auditor to judge. Its figures are counted from what is
stored, which <code>tracewarden verify</code> compares with the signed log.</p>
<h2>What limits this picture</h2>
<table><tr><th>Gap</th><th>Count</th></tr>
${gaps.map((gap) => html`<tr><td>${gap.about}</td><td class="n">${number(gap.value)}</td></tr>`)}
</table>
<p><small>What was never sent leaves no trace here.</small></p>
<h2>Indicators</h2>
<table><tr><th>Indicator</th><th>Value</th><th>Period before</th><th>Look from</th><th>Definition</th></tr>
${indicators.map(
  (each) =>
    html`<tr><td>${each.title}</td><td class="n">${number(each.value)} <small>${each.unit}</small></td><td class="n">${number(each.before)}</td>
<td class="n">${each.threshold}${each.above_threshold ? ', reached' : ''}</td><td>${each.definition}</td></tr>`,
)}
</table>
<h2>Controls</h2>
${controls.map(controlPart)}
<h2>Inventory</h2>
<table><tr><th>Kind</th><th>Name</th><th>Events</th><th>Sessions</th><th>First</th><th>Last</th></tr>
${inventory.map(
  (row) =>
    html`<tr><td>${row.kind}</td><td>${inert(row.name)}</td><td class="n">${row.events}</td><td class="n">${row.sessions}</td><td>${row.first}</td><td>${row.last}</td></tr>`,
)}
</table></body></html>`;
  return `${String(page)}\n`;
}

function controlPart({ id, title, evidence, speaks, cannot_show, observations }: AssessedControl) {
  const rows = observations.map(
    ({ about, value }) => html`<tr><td>${about}</td><td class="n">${number(value)}</td></tr>`,
  );
  return html`<section><h3>${id} ${title}</h3>
${evidence === 'none' ? html`<p class="none">There is no evidence for this control in this period.</p>` : html`<p>${speaks}</p>`}
<table>${rows}</table><p><small>It cannot show: ${cannot_show}</small></p></section>`;
}
