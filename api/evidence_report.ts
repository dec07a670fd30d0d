/** What a person reads of the evidence of a session: its story in a table, the alerts, and what is not proven. */
import { html } from 'hono/html';
import { parseCore } from '../core/core_record.ts';
import { groupFields } from '../core/groups.ts';
import type { AlertRow } from '../core/store/queries/alerts.ts';
import type { StoredEdge } from '../core/store/queries/edges.ts';
import type { SessionRecord } from '../core/store/queries/session_records.ts';
import { HOW_TO_CHECK, reportPage, table } from './compliance/report_page.ts';
import { inert, inertBlock } from './pages/inert.ts';

const TEXT_CHARS_MAX = 2_000;

export interface EvidenceStory {
  tenant: string;
  session_id: string;
  log: string;
  size: number;
  made_at: string;
  records: readonly SessionRecord[];
  alerts: readonly Pick<AlertRow, 'alert_id' | 'severity' | 'title' | 'reason'>[];
  edges: readonly StoredEdge[];
}

/** The report of a session, as one page. */
export function evidenceReport({
  tenant,
  session_id,
  log,
  size,
  made_at,
  records,
  alerts,
  edges,
}: EvidenceStory): string {
  const body = html`<h1>Evidence of the session ${inert(session_id)}</h1>
<p>Tenant ${inert(tenant)}; ${records.length} records of the log ${inert(log)}, under a signed checkpoint of ${size} records; made ${made_at}.</p>
<p class="note">Not proven: that the session has no later records, that who sent these told the truth, and what was derived from them: alerts’ texts and edges.</p>
<h2>Alerts</h2>
${
  alerts.length === 0
    ? html`<p class="none">There is no alert on this session.</p>`
    : table(
        ['severity', 'title', 'reason', 'id'],
        alerts.map((each) => [each.severity, each.title, each.reason, each.alert_id]),
      )
}
<h2>What went from where to where</h2>
${
  edges.length === 0
    ? html`<p class="none">No value of a result was seen in a call.</p>`
    : table(
        ['from', 'to', 'parameter', 'kind', 'value, secrets masked'],
        edges.map((edge) => [
          `${edge.from_seq} ${edge.from_server} ${edge.from_tool}`,
          `${edge.to_seq} ${edge.to_server} ${edge.to_tool}`,
          edge.path,
          edge.kind,
          edge.preview,
        ]),
      )
}
<h2>Records</h2>
${table(['number', 'received', 'what', 'who or where', 'text'], records.map(rowOf))}
${HOW_TO_CHECK}`;
  return reportPage(`Evidence of ${session_id}`, body);
}

function rowOf(record: SessionRecord) {
  const core = parseCore(record.core);
  const who = groupFields(record.who);
  const what = groupFields(record.what);
  const place = [who.user_id, who.agent, what.server, what.tool].filter(
    (each) => typeof each === 'string' && each !== '',
  );
  const gone = record.state === 'erased' || record.state === 'expired';
  const text = gone ? `[${record.state}]` : [record.params, record.content].filter(Boolean).join('\n');
  const cut =
    text.length > TEXT_CHARS_MAX
      ? `${text.slice(0, TEXT_CHARS_MAX)}\n[… ${text.length - TEXT_CHARS_MAX} more characters in records.ndjson]`
      : text;
  return [
    record.seq,
    core.received_at,
    `${core.type}${core.kind === 'event' ? '' : ` (${core.kind})`}`,
    place.join(' · '),
    inertBlock(cut),
  ];
}
