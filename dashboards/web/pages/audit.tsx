/** What people and programs did with the service: read, searched, exported, judged, suspended, changed. */
import { apiAddress } from '../api.ts';
import type { Action } from '../api_types.ts';
import { CopyAs } from '../parts/copy_as.tsx';
import { Inert } from '../parts/inert.tsx';
import { Pager } from '../parts/pager.tsx';
import { QueryBar } from '../parts/query_bar.tsx';
import { Empty, Shown } from '../parts/state.tsx';
import { RangePicker, useRange } from '../parts/time_range.tsx';
import { SessionLink, Time } from '../parts/words.tsx';
import { ACTION_FIELDS } from '../query_fields.ts';
import { useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';

const PAGE_ROWS = 100;

export function AuditPage() {
  const { get } = useUrlState();
  const { from, to, picked } = useRange('all');
  const query = { q: get('q'), from, to, cursor: get('cursor'), limit: PAGE_ROWS };
  const trail = useData<{ actions: Action[]; next_cursor: string | null }>(apiAddress('/v1/actions', query));
  return (
    <>
      <div class="title">
        <h1>Audit trail</h1>
        <RangePicker picked={picked} />
        <CopyAs path="/v1/actions" query={query} command="actions" />
      </div>
      <p class="meta">
        What people and programs did here. Each line is a record of the log. Who reads the same thing again within an
        hour leaves no second one.
      </p>
      <QueryBar fields={ACTION_FIELDS} example="type:session.read and session_id:s-17" fault={trail.fault} />
      <Shown of={trail}>
        {({ actions, next_cursor }) => (
          <>
            {actions.length === 0 ? <Empty>Nobody did anything that matches.</Empty> : <ActionTable rows={actions} />}
            <Pager next={next_cursor} />
          </>
        )}
      </Shown>
    </>
  );
}

function ActionTable({ rows }: { rows: readonly Action[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label="Actions">
      <table>
        <thead>
          <tr>
            <th>Time</th>
            <th>Who</th>
            <th>Did</th>
            <th>Session</th>
            <th>What it says</th>
            <th class="n">Record</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.seq}>
              <td>
                <Time iso={row.time} />
              </td>
              <td title={row.actor}>
                <Inert text={row.actor_name || row.actor} />
              </td>
              <td>{row.type}</td>
              <td>{row.session_id !== undefined && <SessionLink session_id={row.session_id} />}</td>
              <td class="said">
                <Inert text={saidOf(row)} />
              </td>
              <td class="n">{row.seq}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Members of a detail as one line; what is nested is shown as JSON. */
function saidOf({ detail }: Action): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== '' && value !== null)
    .map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(', ');
}
