/** A rule in YAML, tried on stored events before somebody switches it on. */
import { useState } from 'preact/hooks';
import { ApiFault, apiAddress, postJson } from '../api.ts';
import type { RuleFault, TriedRule } from '../api_types.ts';
import { RuleFaults } from './rule_faults.tsx';
import { Fault } from './state.tsx';
import { SessionLink } from './words.tsx';

interface Answer {
  tried: TriedRule[];
  errors: RuleFault[];
}

const DAY_MS = 86_400_000;
const EXAMPLE = `title: A customer list is read
id: customer_list_read
logsource: { product: tracewarden, category: tool.call }
detection:
  selection: { tool|contains: customer }
  condition: selection
level: medium
`;

export function RuleTrial() {
  const [yaml, setYaml] = useState(EXAMPLE);
  const [days, setDays] = useState('7');
  const [running, setRunning] = useState(false);
  const [answer, setAnswer] = useState<Answer>();
  const [fault, setFault] = useState<ApiFault>();
  const run = async () => {
    setRunning(true);
    setFault(undefined);
    try {
      const since = new Date(Date.now() - Number(days) * DAY_MS).toISOString();
      setAnswer(await postJson<Answer>(apiAddress('/v1/rules/try'), { yaml, since }));
    } catch (error) {
      setFault(error instanceof ApiFault ? error : new ApiFault(0, '', String(error)));
    }
    setRunning(false);
  };
  return (
    <form
      class="trial"
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <label>
        Rule
        <textarea
          rows={10}
          spellcheck={false}
          value={yaml}
          onInput={({ currentTarget }) => setYaml(currentTarget.value)}
        />
      </label>
      <p>
        <label>
          last{' '}
          <input
            type="number"
            min={1}
            max={3660}
            value={days}
            onInput={({ currentTarget }) => setDays(currentTarget.value)}
          />{' '}
          days
        </label>{' '}
        <button type="submit" disabled={running || yaml.trim() === '' || !(Number(days) > 0)}>
          {running ? 'Running…' : 'Try it'}
        </button>
      </p>
      <div role="status">
        {fault !== undefined && <Fault fault={fault} />}
        {fault === undefined && answer !== undefined && <Outcome {...answer} />}
      </div>
    </form>
  );
}

function Outcome({ tried, errors }: Answer) {
  if (errors.length > 0) {
    return (
      <div class="fault">
        <p>
          <strong>The rule cannot be read:</strong>
        </p>
        <RuleFaults faults={errors} />
      </div>
    );
  }
  if (tried.length === 0) return <p>No rule in this text is told: each is only referred to by others.</p>;
  return (
    <ul class="lines">
      {tried.map((rule) => (
        <li key={rule.rule_id}>
          <TriedLine rule={rule} />
        </li>
      ))}
    </ul>
  );
}

function TriedLine({ rule }: { rule: TriedRule }) {
  if (rule.refused !== undefined) {
    return (
      <>
        <strong>{rule.rule_id}</strong> cannot be run over stored events:{' '}
        {rule.refused.map(({ construct, problem }) => `${construct} ${problem}`).join(', ')}
      </>
    );
  }
  const { findings = 0, sessions = 0, events = 0, days = {}, first_sessions = [], limits = {} } = rule;
  return (
    <>
      <strong>{rule.rule_id}</strong> would have found {findings} times in {sessions} sessions; {events} events were
      looked at.
      {Object.entries(limits).map(([name, count]) => (
        <p key={name} class="fault">
          A limit was reached, so more may be there: {name} {count}
        </p>
      ))}
      <p class="meta">
        {Object.entries(days)
          .map(([day, count]) => `${day}: ${count}`)
          .join(', ')}
      </p>
      {first_sessions.length > 0 && (
        <p>
          First sessions:{' '}
          {first_sessions.map(({ session_id }) => (
            <span key={session_id}>
              <SessionLink session_id={session_id} />{' '}
            </span>
          ))}
        </p>
      )}
      {(rule.alerts ?? 0) > 0 && (
        <p>
          {rule.alerts} of these are alerts already: {rule.judged} judged, {rule.false_positives} as false positives.
        </p>
      )}
    </>
  );
}
