/** The first page: alerts over time, who is at risk, what is not seen, and how the log stands. */
import { apiAddress } from '../api.ts';
import type { LogState, Overview } from '../api_types.ts';
import { AlertBars } from '../parts/alert_bars.tsx';
import { Empty, Shown } from '../parts/state.tsx';
import { RangePicker, useRange } from '../parts/time_range.tsx';
import { Count, Entity, type EntityKind, Time } from '../parts/words.tsx';
import { inTenant } from '../url_state.ts';
import { useData } from '../use_data.ts';

export function OverviewPage() {
  const { from, to, picked } = useRange('all');
  const overview = useData<Overview>(apiAddress('/v1/overview', { from, to }));
  const log = useData<LogState>(apiAddress('/v1/log'));
  return (
    <>
      <div class="title">
        <h1>Overview</h1>
        <RangePicker picked={picked} />
      </div>
      <Shown of={overview}>
        {(data) => (
          <>
            <section aria-label="Alerts over time">
              <AlertBars overview={data} />
            </section>
            <Indicators overview={data} />
            <div class="columns">
              <Riskiest title="Users at risk" kind="user" rows={data.users} />
              <Riskiest title="Agents at risk" kind="agent" rows={data.agents} />
              <Riskiest title="Servers in risky sessions" kind="server" rows={data.servers} />
            </div>
            <Coverage overview={data} />
          </>
        )}
      </Shown>
      <section>
        <h2>The log</h2>
        <Shown of={log}>{(data) => <LogCards log={data} />}</Shown>
      </section>
    </>
  );
}

function Indicators({ overview: { indicators } }: { overview: Overview }) {
  const secrets = indicators.secrets_moved.reduce((sum, { secrets }) => sum + secrets, 0);
  return (
    <section>
      <h2>Risk indicators</h2>
      <dl class="cards">
        <div>
          <dt>Injection attempts</dt>
          <dd>
            <Count value={indicators.injection_attempts} />
            <small>alerts tagged LLM01</small>
          </dd>
        </div>
        <div>
          <dt>Tool misuse</dt>
          <dd>
            <Count value={indicators.tool_misuse} />
            <small>alerts tagged ASI02</small>
          </dd>
        </div>
        <div>
          <dt>Denied by policy</dt>
          <dd>
            <Count value={indicators.denied_by_policy} />
            <small>decisions of policy points</small>
          </dd>
        </div>
        <div>
          <dt>Secrets that moved into calls</dt>
          <dd>
            <Count value={secrets} />
            {indicators.secrets_moved.map(({ server, secrets }) => (
              <small key={server}>
                {secrets} from <Entity kind="server" name={server} />
              </small>
            ))}
          </dd>
        </div>
      </dl>
    </section>
  );
}

function Riskiest({ title, kind, rows }: { title: string; kind: EntityKind; rows: Overview['users'] }) {
  return (
    <section>
      <h2>{title}</h2>
      {rows.length === 0 ? (
        <Empty>Nothing was found in this time.</Empty>
      ) : (
        <table>
          <thead>
            <tr>
              <th>Name</th>
              <th class="n">Risk</th>
              <th class="n">Alerts</th>
              <th class="n">Sessions</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, risk, alerts, sessions }) => (
              <tr key={name}>
                <td>
                  <Entity kind={kind} name={name} />
                </td>
                <td class="n">
                  <Count value={risk} />
                </td>
                <td class="n">{alerts}</td>
                <td class="n">{sessions}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** What is not seen counts as much as what is. */
function Coverage({ overview: { coverage } }: { overview: Overview }) {
  const { sessions } = coverage;
  const share = (part: number) => (sessions === 0 ? '0 %' : `${Math.round((100 * part) / sessions)} %`);
  const rows = [
    ['name no user', coverage.without_user],
    ['show no prompt of the user', coverage.without_prompt],
    ['have an id derived from pauses only', coverage.derived_session],
    ['show no call', coverage.without_calls],
  ] as const;
  return (
    <section>
      <h2>What is not captured</h2>
      <dl class="cards">
        <div>
          <dt>Sessions in this time</dt>
          <dd>
            <a href={inTenant('/sessions')}>{sessions.toLocaleString('en')}</a>
          </dd>
        </div>
        {rows.map(([says, count]) => (
          <div key={says}>
            <dt>of them {says}</dt>
            <dd>
              {share(count)} <small>{count} sessions</small>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function LogCards({ log }: { log: LogState }) {
  const detected = Number(log.detection.detected_through ?? 0);
  const refused = Object.values(log.refused).reduce((sum, count) => sum + count, 0);
  return (
    <dl class="cards">
      <div>
        <dt>Records</dt>
        <dd>
          {log.size.toLocaleString('en')} <small>{log.waiting_records} waiting</small>
        </dd>
      </div>
      <div>
        <dt>Newest checkpoint</dt>
        <dd>
          {log.checkpoint_signed_at === null ? (
            'none yet'
          ) : (
            <>
              {log.checkpoint_size} records{' '}
              <small>
                signed <Time iso={log.checkpoint_signed_at} />
              </small>
            </>
          )}
        </dd>
      </div>
      <div>
        <dt>Detection has seen</dt>
        <dd>
          {detected} records <small>{detected < log.size ? `${log.size - detected} to go` : 'all of them'}</small>
        </dd>
      </div>
      <div>
        <dt>Refused records</dt>
        <dd>
          <Count value={refused} />
        </dd>
      </div>
      <div>
        <dt>Proof</dt>
        <dd>
          <a href={inTenant('/integrity')}>Check it in this browser</a>
        </dd>
      </div>
    </dl>
  );
}
