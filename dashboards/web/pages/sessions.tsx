/** The list of sessions. */
import { apiAddress } from '../api.ts';
import type { Session } from '../api_types.ts';
import { Inert } from '../parts/inert.tsx';
import { Pager } from '../parts/pager.tsx';
import { QueryBar } from '../parts/query_bar.tsx';
import { Empty, Shown } from '../parts/state.tsx';
import { RangePicker, useRange } from '../parts/time_range.tsx';
import { Count, Entity, SessionLink, Time } from '../parts/words.tsx';
import { SESSION_FIELDS } from '../query_fields.ts';
import { useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';

const FILTERS = ['user', 'role', 'agent', 'server', 'tool'] as const;
const PAGE_ROWS = 100;

export function SessionsPage() {
  const { get, set } = useUrlState();
  const { from, to, picked } = useRange('all');
  const filters = Object.fromEntries(FILTERS.map((name) => [name, get(name)]));
  const risk = get('risk');
  const query = { q: get('q'), ...filters, risk, from, to, cursor: get('cursor'), limit: PAGE_ROWS };
  const sessions = useData<{ sessions: Session[]; next_cursor: string | null }>(apiAddress('/v1/sessions', query));
  return (
    <>
      <div class="title">
        <h1>Sessions</h1>
        <RangePicker picked={picked} />
      </div>
      <QueryBar fields={SESSION_FIELDS} example="tool:send_email and risk >= 70" fault={sessions.fault} />
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        {FILTERS.map((name) => (
          <label key={name}>
            {name}{' '}
            <input
              value={get(name)}
              onChange={({ currentTarget }) => set({ [name]: currentTarget.value.trim(), cursor: '' })}
            />
          </label>
        ))}
        <label>
          least risk{' '}
          <input
            type="number"
            min={0}
            max={100}
            value={risk}
            onChange={({ currentTarget }) => set({ risk: currentTarget.value, cursor: '' })}
          />
        </label>
      </form>
      <Shown of={sessions}>
        {(data) => (
          <>
            {data.sessions.length === 0 ? <Empty>No session matches.</Empty> : <SessionTable rows={data.sessions} />}
            <Pager next={data.next_cursor} />
          </>
        )}
      </Shown>
    </>
  );
}

export function SessionTable({ rows }: { rows: readonly Session[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label="Sessions">
      <table>
        <thead>
          <tr>
            <th>Session</th>
            <th>User</th>
            <th>Agent</th>
            <th>Servers</th>
            <th class="n">Events</th>
            <th class="n">Calls</th>
            <th class="n">Errors</th>
            <th class="n">Risk</th>
            <th class="n">Alerts</th>
            <th>Last event</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.session_id}>
              <td>
                <SessionLink session_id={row.session_id} />
              </td>
              <td>
                <Entity kind="user" name={row.user_id} />
              </td>
              <td>
                <Entity kind="agent" name={row.agent} />
              </td>
              <td>
                <Inert text={row.servers.join(', ')} />
              </td>
              <td class="n">{row.events}</td>
              <td class="n">{row.calls}</td>
              <td class="n">
                <Count value={row.errors} />
              </td>
              <td class="n">
                <Count value={row.risk} />
              </td>
              <td class="n">
                <Count value={row.alerts} />
              </td>
              <td>
                <Time iso={row.last_time} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
