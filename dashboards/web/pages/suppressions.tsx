/** Suppressions: what is held back, by whom, until when, and how often it was. */
import { apiAddress } from '../api.ts';
import type { Suppression } from '../api_types.ts';
import { Inert } from '../parts/inert.tsx';
import { Pager } from '../parts/pager.tsx';
import { Empty, Shown } from '../parts/state.tsx';
import { Count, Time } from '../parts/words.tsx';
import { inTenant, useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';

export function SuppressionsPage() {
  const { get, set } = useUrlState();
  const all = get('all') === '1';
  const list = useData<{ suppressions: Suppression[]; next_cursor: string | null }>(
    apiAddress('/v1/suppressions', { state: all ? 'all' : 'in_force', cursor: get('cursor'), limit: 100 }),
  );
  return (
    <>
      <div class="title">
        <h1>Suppressions</h1>
        <label>
          <input
            type="checkbox"
            checked={all}
            onChange={({ currentTarget }) => set({ all: currentTarget.checked ? '1' : '' }, true)}
          />{' '}
          also those that ended
        </label>
      </div>
      <Shown of={list}>
        {({ suppressions, next_cursor }) => (
          <>
            {suppressions.length === 0 ? (
              <Empty>Nothing is held back.</Empty>
            ) : (
              <ul class="lines">
                {suppressions.map((row) => (
                  <Line key={row.suppression_id} row={row} />
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

function Line({ row }: { row: Suppression }) {
  const scope = Object.entries(row.scope).map(([name, value]) => `${name}: ${value}`);
  return (
    <li>
      <strong>
        <Inert text={scope.join(', ')} />
      </strong>{' '}
      <Count value={row.hits} /> held back
      <p>
        <Inert text={row.reason} />
      </p>
      <p class="meta">
        by <Inert text={row.owner.name} /> since <Time iso={row.from} />,{' '}
        {row.in_force ? (
          <>
            until <Time iso={row.expires_at} />
          </>
        ) : (
          'not in force'
        )}
        , from <a href={inTenant(`/alerts?alert=${encodeURIComponent(row.alert_id)}`)}>its alert</a>
      </p>
    </li>
  );
}
