/** What the log of a period says about controls, its export, and what is held, erased and expired. */
import { apiAddress } from '../api.ts';
import type { Assessment, ErasureRecord, Hold } from '../api_types.ts';
import { Inert } from '../parts/inert.tsx';
import { Empty, Shown } from '../parts/state.tsx';
import { RangePicker, useRange } from '../parts/time_range.tsx';
import { SessionLink, Time } from '../parts/words.tsx';
import { useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';

interface Frameworks {
  frameworks: { id: string; title: string; controls: number }[];
}

export function CompliancePage() {
  const { get, set } = useUrlState();
  const { from, to, picked } = useRange('30d');
  const list = useData<Frameworks>(apiAddress('/v1/frameworks'));
  const framework = get('framework') || (list.data?.frameworks[0]?.id ?? '');
  return (
    <>
      <div class="title">
        <h1>Compliance</h1>
        <RangePicker picked={picked} without={['all']} />
      </div>
      <Shown of={list}>
        {({ frameworks }) => (
          <label>
            Framework{' '}
            <select value={framework} onChange={({ currentTarget }) => set({ framework: currentTarget.value })}>
              {frameworks.map(({ id, title }) => (
                <option key={id} value={id}>
                  {title}
                </option>
              ))}
            </select>
          </label>
        )}
      </Shown>
      {framework !== '' && <Controls query={{ framework, from, to }} />}
      <h2>Holds</h2>
      <Holds />
      <h2>Erased and expired</h2>
      <Erasures />
    </>
  );
}

type Query = Record<string, string | undefined>;

function Controls({ query }: { query: Query }) {
  const assessment = useData<Assessment>(apiAddress('/v1/controls', query));
  return (
    <Shown of={assessment}>
      {({ framework, gaps, indicators, controls }) => (
        <>
          <p class="meta">
            {framework.note} Observed, not judged: whether a control is satisfied is for an auditor to say.
          </p>
          <p>
            <a href={apiAddress('/v1/controls/report', query)}>Report to print</a>
            {' · '}
            <a href={apiAddress('/v1/export', query)}>Export with proofs</a>
          </p>
          <h2>What limits the picture</h2>
          <Rows
            label="Gaps"
            heads={['Gap', 'Count']}
            rows={gaps.map(({ about, value }) => [about, value.toLocaleString('en')])}
          />
          <h2>Indicators</h2>
          <Rows
            label="Indicators"
            heads={['Indicator', 'Now', 'Period before', 'Look from', 'Definition']}
            rows={indicators.map(({ title, unit, value, before, threshold, above_threshold, definition }) => [
              title,
              `${value ?? 'none'} ${unit}${above_threshold ? ', look' : ''}`,
              String(before ?? 'none'),
              String(threshold),
              definition,
            ])}
          />
          <h2>Controls</h2>
          <Rows
            label="Controls"
            heads={['Control', 'Title', 'Observed', 'Cannot show']}
            rows={controls.map(({ id, title, evidence, observations, cannot_show }) => [
              id,
              title,
              evidence === 'none'
                ? 'no evidence in this period'
                : observations.map(({ about, value }) => `${about}: ${value ?? 'none'}`).join('; '),
              cannot_show,
            ])}
          />
        </>
      )}
    </Shown>
  );
}

interface RowsProps {
  label: string;
  heads: readonly string[];
  rows: readonly (readonly string[])[];
}

function Rows({ label, heads, rows }: RowsProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head}>{head}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row[0]}>
              {row.map((cell, at) => (
                <td key={heads[at]} class={at > 1 ? 'said' : undefined}>
                  <Inert text={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Holds() {
  const list = useData<{ holds: Hold[] }>(apiAddress('/v1/holds'));
  return (
    <Shown of={list}>
      {({ holds }) =>
        holds.length === 0 ? (
          <Empty>Nothing is held.</Empty>
        ) : (
          <ul class="lines">
            {holds.map(({ hold_id, session_id, user_id = '', in_force, reason, expires_at }) => (
              <li key={hold_id}>
                {session_id === undefined ? (
                  <>
                    user <Inert text={user_id} />
                  </>
                ) : (
                  <>
                    session <SessionLink session_id={session_id} />
                  </>
                )}
                : {in_force ? 'held' : 'ended'}
                <p>
                  <Inert text={reason} />
                </p>
                <p class="meta">
                  until <Time iso={expires_at} />, <Inert text={hold_id} />
                </p>
              </li>
            ))}
          </ul>
        )
      }
    </Shown>
  );
}

function Erasures() {
  const list = useData<{ erasures: ErasureRecord[] }>(apiAddress('/v1/erasures'));
  return (
    <Shown of={list}>
      {({ erasures }) =>
        erasures.length === 0 ? (
          <Empty>Nothing was erased, and nothing has expired.</Empty>
        ) : (
          <ul class="lines">
            {erasures.map(({ seq, type, reason, records, at, actor }) => (
              <li key={seq}>
                {type}: content of {records} records
                <p>
                  <Inert text={reason} />
                </p>
                <p class="meta">
                  <Time iso={at} /> by <Inert text={actor} />, record {seq}
                </p>
              </li>
            ))}
          </ul>
        )
      }
    </Shown>
  );
}
