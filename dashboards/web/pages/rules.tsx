/** Detectors and rules: what is on, what each caught, how that was judged, and a rule tried on the last days. */
import { apiAddress } from '../api.ts';
import type { Rule, RuleFault } from '../api_types.ts';
import { Inert } from '../parts/inert.tsx';
import { RuleDetail } from '../parts/rule_detail.tsx';
import { RuleFaults } from '../parts/rule_faults.tsx';
import { RuleTrial } from '../parts/rule_trial.tsx';
import { Empty, Shown } from '../parts/state.tsx';
import { Badge, Count, Time } from '../parts/words.tsx';
import { inTenant, useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';

interface RuleList {
  days: number;
  rules: Rule[];
  refused: RuleFault[];
}

const DAYS = ['7', '30', '90', '365'];
const DAYS_SHOWN = '30';

export function RulesPage() {
  const { get, set } = useUrlState();
  const days = get('days') || DAYS_SHOWN;
  const list = useData<RuleList>(apiAddress('/v1/rules', { days }));
  const only_caught = get('caught') === '1';
  return (
    <>
      <div class="title">
        <h1>Rules</h1>
        <label>
          alerts of{' '}
          <select value={days} onChange={({ currentTarget }) => set({ days: currentTarget.value }, true)}>
            {DAYS.map((count) => (
              <option key={count} value={count}>
                {count} days
              </option>
            ))}
          </select>
        </label>
        <label>
          <input
            type="checkbox"
            checked={only_caught}
            onChange={({ currentTarget }) => set({ caught: currentTarget.checked ? '1' : '' }, true)}
          />{' '}
          only those with alerts
        </label>
      </div>
      <Shown of={list}>
        {({ rules, refused }) => {
          const shown = rules
            .filter(({ caught }) => !only_caught || caught.alerts > 0)
            .sort((a, b) => b.caught.alerts - a.caught.alerts);
          const picked = rules.find(({ rule_id }) => rule_id === get('rule'));
          return (
            <>
              <Refused faults={refused} />
              {picked !== undefined && (
                <RuleDetail key={picked.rule_id} rule={picked} close={() => set({ rule: '' })} />
              )}
              {shown.length === 0 ? <Empty>No rule raised an alert in this time.</Empty> : <RuleTable rows={shown} />}
            </>
          );
        }}
      </Shown>
      <h2>Try a rule</h2>
      <p class="meta">
        A rule in YAML, as <code>rules_folder</code> takes it, run over the events of the last days. Nothing is raised
        and nothing is switched on.
      </p>
      <RuleTrial />
    </>
  );
}

function Refused({ faults }: { faults: readonly RuleFault[] }) {
  if (faults.length === 0) return null;
  return (
    <div class="fault" role="alert">
      <p>
        <strong>Not in operation:</strong> rules of your folder with a fault.
      </p>
      <RuleFaults faults={faults} />
    </div>
  );
}

function RuleTable({ rows }: { rows: readonly Rule[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label="Rules">
      <table>
        <thead>
          <tr>
            <th>Severity</th>
            <th>Rule</th>
            <th>From</th>
            <th class="n">Alerts</th>
            <th class="n">Sessions</th>
            <th class="n">Judged</th>
            <th class="n">False positives</th>
            <th>Last alert</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ rule_id, severity, title, kind, on, origin, caught }) => (
            <tr key={rule_id}>
              <td>
                <Badge severity={severity} />
              </td>
              <td>
                <a href={inTenant(`/rules?rule=${encodeURIComponent(rule_id)}`)}>
                  <Inert text={title} />
                </a>
                <p class="meta">
                  <Inert text={rule_id} />
                </p>
              </td>
              <td>
                {kind === 'detector' ? 'detector' : `${origin} rule`}
                {!on && ', off'}
              </td>
              <td class="n">
                <Count value={caught.alerts} />
              </td>
              <td class="n">
                <Count value={caught.sessions} />
              </td>
              <td class="n">
                <Count value={caught.true_positives + caught.benign + caught.false_positives} />
              </td>
              <td class="n">
                {caught.false_positive_rate === null ? (
                  <span class="quiet">none judged</span>
                ) : (
                  `${Math.round(caught.false_positive_rate * 100)} %`
                )}
              </td>
              <td>{caught.last_raised !== null && <Time iso={caught.last_raised} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
