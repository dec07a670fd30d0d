/** A user, role, agent, server or tool: its sessions and its alerts. */
import { useRoute } from 'preact-iso/router';
import { apiAddress } from '../api.ts';
import type { Alert, Session } from '../api_types.ts';
import { Inert } from '../parts/inert.tsx';
import { Empty, Shown } from '../parts/state.tsx';
import { Badge, Count, SessionLink, Time } from '../parts/words.tsx';
import { useData } from '../use_data.ts';
import { NotFoundPage } from './not_found.tsx';
import { SessionTable } from './sessions.tsx';

const KINDS = new Set(['user', 'role', 'agent', 'server', 'tool']);
const SESSIONS_SHOWN = 100;

export function EntityPage() {
  const { kind = '', name = '' } = useRoute().params;
  if (!KINDS.has(kind)) return <NotFoundPage />;
  return <KnownEntity kind={kind} name={name} />;
}

function KnownEntity({ kind, name }: { kind: string; name: string }) {
  const query = { [kind]: name, limit: SESSIONS_SHOWN };
  const sessions = useData<{ sessions: Session[]; next_cursor: string | null }>(apiAddress('/v1/sessions', query));
  // The API filters alerts by user; those of other entities stand in their sessions.
  const alerts = useData<{ alerts: Alert[] }>(
    kind === 'user' ? apiAddress('/v1/alerts', { user: name, limit: 50 }) : undefined,
  );
  return (
    <>
      <h1>
        {kind} <Inert text={name} />
      </h1>
      {kind === 'user' && (
        <section>
          <h2>Alerts</h2>
          <Shown of={alerts}>{(data) => <AlertLines alerts={data.alerts} />}</Shown>
        </section>
      )}
      <section>
        <h2>Sessions</h2>
        <Shown of={sessions}>
          {(data) => (
            <>
              <Totals rows={data.sessions} more={data.next_cursor !== null} />
              {data.sessions.length === 0 ? <Empty>No session names it.</Empty> : <SessionTable rows={data.sessions} />}
            </>
          )}
        </Shown>
      </section>
    </>
  );
}

function Totals({ rows, more }: { rows: readonly Session[]; more: boolean }) {
  const sum = (of: (row: Session) => number) => rows.reduce((total, row) => total + of(row), 0);
  const times = rows.map((row) => row.first_time).sort();
  const last = rows
    .map((row) => row.last_time)
    .sort()
    .at(-1);
  return (
    <dl class="cards">
      <div>
        <dt>{more ? `Newest ${rows.length} sessions` : 'Sessions'}</dt>
        <dd>{rows.length}</dd>
      </div>
      <div>
        <dt>Calls</dt>
        <dd>{sum((row) => row.calls)}</dd>
      </div>
      <div>
        <dt>Alerts</dt>
        <dd>
          <Count value={sum((row) => row.alerts)} />
        </dd>
      </div>
      <div>
        <dt>Highest risk</dt>
        <dd>
          <Count value={Math.max(0, ...rows.map((row) => row.risk))} />
        </dd>
      </div>
      <div>
        <dt>{more ? 'First of these' : 'First seen'}</dt>
        <dd>{times[0] === undefined ? '' : <Time iso={times[0]} />}</dd>
      </div>
      <div>
        <dt>Last seen</dt>
        <dd>{last === undefined ? '' : <Time iso={last} />}</dd>
      </div>
    </dl>
  );
}

function AlertLines({ alerts }: { alerts: readonly Alert[] }) {
  if (alerts.length === 0) return <Empty>Nothing was found.</Empty>;
  return (
    <ul class="lines">
      {alerts.map((alert) => (
        <li key={alert.alert_id}>
          <Badge severity={alert.severity} /> <Inert text={alert.title} />{' '}
          <small>
            {alert.status}, <Time iso={alert.time} />, session{' '}
            <SessionLink session_id={alert.session_id} seq={alert.evidence.at(-1)?.seq} />
          </small>
        </li>
      ))}
    </ul>
  );
}
