/** One alert beside the list: why it was raised, its evidence, what was done with it, and what can be done. */
import { apiAddress } from '../api.ts';
import type { Alert, AlertAction } from '../api_types.ts';
import { inTenant } from '../url_state.ts';
import { useData } from '../use_data.ts';
import { AlertWork } from './alert_work.tsx';
import { ContainButton } from './contain_button.tsx';
import { Inert } from './inert.tsx';
import { Shown } from './state.tsx';
import { Badge, Entity, SessionLink, Time } from './words.tsx';

export function AlertPanel({ alert_id, close, changed }: { alert_id: string; close: () => void; changed: () => void }) {
  const path = `/v1/alerts/${encodeURIComponent(alert_id)}`;
  const alert = useData<Alert>(apiAddress(path));
  const history = useData<{ history: AlertAction[] }>(apiAddress(`${path}/history`, { limit: 100 }));
  const reload = () => {
    alert.reload();
    history.reload();
    changed();
  };
  return (
    <aside class="panel" aria-label="Alert">
      <button type="button" class="close" onClick={close} aria-label="Close the alert">
        ✕
      </button>
      <Shown of={alert}>
        {(data) => (
          <>
            <Why alert={data} />
            <AlertWork alert={data} done={reload} />
            <ContainButton session_id={data.session_id} alert_id={data.alert_id} done={reload} />
          </>
        )}
      </Shown>
      <h3>What was done</h3>
      <Shown of={history}>{(data) => <History actions={data.history} />}</Shown>
      <Similar of={alert.data} />
    </aside>
  );
}

function Why({ alert }: { alert: Alert }) {
  return (
    <>
      <h2>
        <Badge severity={alert.severity} /> <Inert text={alert.title} />
      </h2>
      <p>
        <Inert text={alert.reason} />
      </p>
      <ol>
        {alert.evidence.map(({ seq, role }) => (
          <li key={seq}>
            <Inert text={role} />: <SessionLink session_id={alert.session_id} seq={seq} /> record {seq}
          </li>
        ))}
      </ol>
      <dl class="facts">
        <dt>User</dt>
        <dd>
          <Entity kind="user" name={alert.user_id} />
        </dd>
        <dt>Agent</dt>
        <dd>
          <Entity kind="agent" name={alert.agent} />
        </dd>
        <dt>Rule</dt>
        <dd>{alert.rule_id}</dd>
        <dt>Incident</dt>
        <dd>
          <a href={inTenant(`/incidents/${encodeURIComponent(alert.alert_id)}`)}>what belongs together with it</a>
        </dd>
        <dt>Raised</dt>
        <dd>
          <Time iso={alert.raised_at} />
        </dd>
        <dt>Tags</dt>
        <dd>{[...alert.tags, ...alert.added_tags].join(' ')}</dd>
        <dt>Status</dt>
        <dd>
          {alert.status}
          {alert.verdict !== null && `, ${alert.verdict}`}
        </dd>
        <dt>Owner</dt>
        <dd>{alert.owner === null ? 'nobody' : <Inert text={alert.owner.name} />}</dd>
      </dl>
    </>
  );
}

function History({ actions }: { actions: readonly AlertAction[] }) {
  if (actions.length === 0) return <p class="quiet">Nothing yet.</p>;
  return (
    <ol class="history">
      {actions.map((action) => (
        <li key={action.action_id}>
          <Time iso={action.at} /> <strong>{action.type.replace('alert.', '')}</strong> by{' '}
          <Inert text={action.actor.name} />
          {action.verdict !== null && `: ${action.verdict.replace('_', ' ')}`}
          {action.duplicate_of !== null && (
            <>
              {' of '}
              <Inert text={action.duplicate_of} />
            </>
          )}
          {action.owner !== null && (
            <>
              {': '}
              <Inert text={action.owner.name} />
            </>
          )}
          {action.tags_added.map((tag) => ` +${tag}`)}
          {action.tags_removed.map((tag) => ` −${tag}`)}
          {(action.note ?? action.reason) !== null && (
            <p>
              <Inert text={action.note ?? action.reason ?? ''} />
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}

/** Other alerts of the same rule: what was decided there helps here. */
function Similar({ of }: { of: Alert | undefined }) {
  const address = of && apiAddress('/v1/alerts', { rule: of.rule_id, limit: 6 });
  const others = useData<{ alerts: Alert[] }>(address);
  if (of === undefined) return null;
  return (
    <>
      <h3>Of the same rule</h3>
      <Shown of={others}>
        {({ alerts }) => (
          <ul>
            {alerts
              .filter(({ alert_id }) => alert_id !== of.alert_id)
              .slice(0, 5)
              .map((alert) => (
                <li key={alert.alert_id}>
                  <Badge severity={alert.severity} /> <Inert text={alert.title} />{' '}
                  <small>
                    {alert.status}
                    {alert.verdict !== null && `, ${alert.verdict.replace('_', ' ')}`}, user{' '}
                    <Entity kind="user" name={alert.user_id} />
                  </small>
                </li>
              ))}
          </ul>
        )}
      </Shown>
    </>
  );
}
