/** Incidents: what belongs together, the one with the newest alert first. */
import { apiAddress } from '../api.ts';
import type { Incident } from '../api_types.ts';
import { Inert } from '../parts/inert.tsx';
import { Pager } from '../parts/pager.tsx';
import { Empty, Shown } from '../parts/state.tsx';
import { Badge, Count, Entity, Time } from '../parts/words.tsx';
import { inTenant, useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';

export function IncidentsPage() {
  const { get, set } = useUrlState();
  const all = get('all') === '1';
  const list = useData<{ incidents: Incident[]; next_cursor: string | null }>(
    apiAddress('/v1/incidents', { state: all ? 'all' : 'open', cursor: get('cursor'), limit: 100 }),
  );
  return (
    <>
      <div class="title">
        <h1>Incidents</h1>
        <label>
          <input
            type="checkbox"
            checked={all}
            onChange={({ currentTarget }) => set({ all: currentTarget.checked ? '1' : '', cursor: '' }, true)}
          />{' '}
          also closed ones
        </label>
      </div>
      <Shown of={list}>
        {({ incidents, next_cursor }) => (
          <>
            {incidents.length === 0 ? (
              <Empty>No incident is open.</Empty>
            ) : (
              <ul class="lines">
                {incidents.map((incident) => (
                  <Line key={incident.incident_id} incident={incident} />
                ))}
              </ul>
            )}
            <Pager next={next_cursor} />
          </>
        )}
      </Shown>
    </>
  );
}

function Line({ incident }: { incident: Incident }) {
  return (
    <li>
      <Badge severity={incident.severity} />{' '}
      <a href={inTenant(`/incidents/${encodeURIComponent(incident.incident_id)}`)}>
        <Inert text={incident.title} />
      </a>{' '}
      risk {incident.risk}, <Count value={incident.alerts} /> alerts, <Count value={incident.open_alerts} /> of them
      open
      <p class="meta">
        {incident.users.map((name) => (
          <>
            <Entity kind="user" name={name} />{' '}
          </>
        ))}
        in <Count value={incident.sessions.length} /> sessions, <Time iso={incident.first_time} /> to{' '}
        <Time iso={incident.last_time} />
      </p>
    </li>
  );
}
