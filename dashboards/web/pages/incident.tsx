/** One incident: what it amounts to, its alerts in order, and why each of them is in it. */

import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso/router';
import { apiAddress } from '../api.ts';
import type { Incident, IncidentMember } from '../api_types.ts';
import { BulkActions } from '../parts/bulk_actions.tsx';
import { Inert } from '../parts/inert.tsx';
import { Pager } from '../parts/pager.tsx';
import { Shown } from '../parts/state.tsx';
import { Badge, Entity, SessionLink, Time } from '../parts/words.tsx';
import { inTenant, useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';

const PAGE_ROWS = 200;

interface Answer {
  incident: Incident;
  members: IncidentMember[];
  next_cursor: string | null;
}

export function IncidentPage() {
  const { params } = useRoute();
  const { get } = useUrlState();
  const path = `/v1/incidents/${encodeURIComponent(params.incident_id ?? '')}`;
  const shown = useData<Answer>(apiAddress(path, { limit: PAGE_ROWS, cursor: get('cursor') }));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const done = () => {
    setChosen(new Set());
    shown.reload();
  };
  const toggle = (alert_id: string) => {
    const next = new Set(chosen);
    if (!next.delete(alert_id)) next.add(alert_id);
    setChosen(next);
  };
  return (
    <Shown of={shown}>
      {({ incident, members, next_cursor }) => (
        <>
          <h1>
            <Badge severity={incident.severity} /> <Inert text={incident.title} />
          </h1>
          <Facts incident={incident} />
          <BulkActions
            chosen={members.flatMap(({ alert }) => (chosen.has(alert.alert_id) ? [alert] : []))}
            done={done}
          />
          <button type="button" onClick={() => setChosen(new Set(members.map(({ alert }) => alert.alert_id)))}>
            Select all shown
          </button>
          <ol class="lines">
            {members.map((member) => (
              <Member
                key={member.alert.alert_id}
                member={member}
                chosen={chosen.has(member.alert.alert_id)}
                toggle={toggle}
              />
            ))}
          </ol>
          <Pager next={next_cursor} />
        </>
      )}
    </Shown>
  );
}

function Facts({ incident }: { incident: Incident }) {
  return (
    <dl class="facts">
      <dt>State</dt>
      <dd>
        {incident.state}, {incident.open_alerts} of {incident.alerts} alerts open
      </dd>
      <dt>Risk</dt>
      <dd>{incident.risk}</dd>
      <dt>Users</dt>
      <dd>
        {incident.users.map((name) => (
          <>
            <Entity kind="user" name={name} />{' '}
          </>
        ))}
      </dd>
      <dt>Sessions</dt>
      <dd>
        {incident.sessions.map((session_id) => (
          <>
            <SessionLink session_id={session_id} />{' '}
          </>
        ))}
      </dd>
      <dt>Time</dt>
      <dd>
        <Time iso={incident.first_time} /> to <Time iso={incident.last_time} />
      </dd>
    </dl>
  );
}

const WHY = {
  session: 'same session as',
  evidence: 'one event proves it and',
  duplicate: 'closed as a duplicate of',
} as const;

function Member({
  member: { alert, joined },
  chosen,
  toggle,
}: {
  member: IncidentMember;
  chosen: boolean;
  toggle: (alert_id: string) => void;
}) {
  const link = (alert_id: string) => inTenant(`/alerts?alert=${encodeURIComponent(alert_id)}`);
  return (
    <li>
      <input
        type="checkbox"
        aria-label={`Select ${alert.title.slice(0, 80)}`}
        checked={chosen}
        onChange={() => toggle(alert.alert_id)}
      />{' '}
      <Badge severity={alert.severity} />{' '}
      <a href={link(alert.alert_id)}>
        <Inert text={alert.title} />
      </a>{' '}
      {alert.status}
      {alert.verdict !== null && `, ${alert.verdict.replace('_', ' ')}`}
      <p>
        <Inert text={alert.reason} />
      </p>
      <p class="meta">
        <Time iso={alert.time} /> <SessionLink session_id={alert.session_id} seq={alert.evidence.at(-1)?.seq} />
        {joined.map((joint) => (
          <>
            {'; '}
            {WHY[joint.by]} <a href={link(joint.alert_id)}>{joint.alert_id.slice(0, 12)}</a>
            {joint.by === 'evidence' && (
              <>
                {': '}
                <Inert text={joint.common} />
              </>
            )}
          </>
        ))}
      </p>
    </li>
  );
}
