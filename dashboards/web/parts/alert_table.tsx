/** The rows of the triage queue. */
import { useEffect, useRef } from 'preact/hooks';
import type { Alert } from '../api_types.ts';
import { Inert } from './inert.tsx';
import { Badge, Entity, SessionLink, Time } from './words.tsx';

interface Props {
  alerts: readonly Alert[];
  open_id: string;
  chosen: ReadonlySet<string>;
  choose(ids: ReadonlySet<string>): void;
  open(alert_id: string): void;
}

export function AlertTable({ alerts, open_id, chosen, choose, open }: Props) {
  const all = alerts.length > 0 && alerts.every(({ alert_id }) => chosen.has(alert_id));
  const toggle = (alert_id: string) => {
    const next = new Set(chosen);
    if (!next.delete(alert_id)) next.add(alert_id);
    choose(next);
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label="Alerts">
      <table>
        <thead>
          <tr>
            <th>
              <input
                type="checkbox"
                aria-label="Select all on this page"
                checked={all}
                onChange={() => choose(all ? new Set() : new Set(alerts.map(({ alert_id }) => alert_id)))}
              />
            </th>
            <th>Severity</th>
            <th>Alert</th>
            <th>Status</th>
            <th>User</th>
            <th>Session</th>
            <th>Time</th>
          </tr>
        </thead>
        <tbody>
          {alerts.map((alert) => (
            <Row
              key={alert.alert_id}
              alert={alert}
              here={alert.alert_id === open_id}
              chosen={chosen.has(alert.alert_id)}
              toggle={toggle}
              open={open}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface RowProps {
  alert: Alert;
  here: boolean;
  chosen: boolean;
  toggle(alert_id: string): void;
  open(alert_id: string): void;
}

function Row({ alert, here, chosen, toggle, open }: RowProps) {
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (here) row.current?.scrollIntoView({ block: 'nearest' });
  }, [here]);
  const last = alert.evidence.at(-1);
  return (
    <tr ref={row} class={here ? 'here' : ''} aria-current={here ? 'true' : undefined}>
      <td>
        <input
          type="checkbox"
          aria-label={`Select ${alert.title.slice(0, 80)}`}
          checked={chosen}
          onChange={() => toggle(alert.alert_id)}
        />
      </td>
      <td>
        <Badge severity={alert.severity} />
      </td>
      <td>
        <button type="button" class="plain" onClick={() => open(alert.alert_id)}>
          <Inert text={alert.title} />
        </button>
        <small>
          {alert.rule_id} {alert.added_tags.join(' ')}
        </small>
      </td>
      <td>
        {alert.status}
        {alert.owner !== null && (
          <small>
            <Inert text={alert.owner.name} />
          </small>
        )}
        {alert.containment !== undefined && (
          <small>
            {alert.containment.action} {alert.containment.confirmed ? 'confirmed' : 'unconfirmed'}
          </small>
        )}
      </td>
      <td>
        <Entity kind="user" name={alert.user_id} />
      </td>
      <td>
        <SessionLink session_id={alert.session_id} seq={last?.seq} />
      </td>
      <td>
        <Time iso={alert.time} />
      </td>
    </tr>
  );
}
