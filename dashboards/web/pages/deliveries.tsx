/** What was asked of gateways and told to subscribers, and how far it came. */
import { apiAddress } from '../api.ts';
import type { Command, Delivery } from '../api_types.ts';
import { Inert } from '../parts/inert.tsx';
import { Pager } from '../parts/pager.tsx';
import { Empty, Shown } from '../parts/state.tsx';
import { SessionLink, Time } from '../parts/words.tsx';
import { useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';

const STATES = ['waiting', 'sent', 'dead'];

export function DeliveriesPage() {
  const { get, set } = useUrlState();
  const commands = useData<{ commands: Command[] }>(apiAddress('/v1/enforcement/commands'));
  const deliveries = useData<{ deliveries: Delivery[]; next_cursor: string | null }>(
    apiAddress('/v1/deliveries', { state: get('state'), cursor: get('cursor'), limit: 100 }),
  );
  return (
    <>
      <h1>Response</h1>
      <h2>Suspensions and releases</h2>
      <Shown of={commands}>{(data) => <Commands rows={data.commands} />}</Shown>
      <div class="title">
        <h2>Deliveries</h2>
        <label>
          state{' '}
          <select
            value={get('state')}
            onChange={({ currentTarget }) => set({ state: currentTarget.value, cursor: '' })}
          >
            <option value="">any</option>
            {STATES.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </div>
      <Shown of={deliveries}>
        {(data) => (
          <>
            <DeliveryTable rows={data.deliveries} />
            <Pager next={data.next_cursor} />
          </>
        )}
      </Shown>
    </>
  );
}

function Commands({ rows }: { rows: readonly Command[] }) {
  if (rows.length === 0) return <Empty>No gateway was asked to suspend or release anything.</Empty>;
  return (
    <ul class="lines">
      {rows.map(({ command_id, action, target, state, confirmed, requested_at, state_since }) => (
        <li key={command_id}>
          <strong>{action}</strong> {target.kind}{' '}
          {target.kind === 'session' ? <SessionLink session_id={target.id} /> : <Inert text={target.id} />}
          {': '}
          {confirmed ? 'applied' : `${state}, unconfirmed`}
          <p class="meta">
            asked <Time iso={requested_at} />, so since <Time iso={state_since} />
          </p>
        </li>
      ))}
    </ul>
  );
}

function DeliveryTable({ rows }: { rows: readonly Delivery[] }) {
  if (rows.length === 0) return <Empty>Nothing was delivered. Subscriptions are made with the API.</Empty>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label="Deliveries">
      <table>
        <thead>
          <tr>
            <th>Message</th>
            <th>Type</th>
            <th>State</th>
            <th class="n">Attempts</th>
            <th class="n">Answer</th>
            <th>Error</th>
            <th>Created</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.message_id}\u0000${row.subscription_id}`}>
              <td>
                <Inert text={row.message_id} />
              </td>
              <td>{row.type}</td>
              <td>{row.state}</td>
              <td class="n">{row.attempts}</td>
              <td class="n">{row.status === 0 ? '' : row.status}</td>
              <td>
                <Inert text={row.error} />
              </td>
              <td>
                <Time iso={row.created_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
