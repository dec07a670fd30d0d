/** The provenance graph as a table: what the picture shows, for those who read better than they see. */
import type { Edge } from '../api_types.ts';
import { Inert } from './inert.tsx';

const ROWS_SHOWN = 200;

export function EdgeTable({ edges, here }: { edges: readonly Edge[]; here: number }) {
  const rows = here < 0 ? edges : edges.filter(({ from, to }) => from.seq === here || to.seq === here);
  return (
    <details open={here >= 0}>
      <summary>
        {rows.length} {rows.length === 1 ? 'value' : 'values'} {here < 0 ? 'in this session' : `of record ${here}`}
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="scroll" tabIndex={0} aria-label="Values">
        <table>
          <thead>
            <tr>
              <th>From</th>
              <th>Into</th>
              <th>Parameter</th>
              <th>Kind</th>
              <th>Value</th>
              <th class="n">How sure</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, ROWS_SHOWN).map((edge, at) => (
              <tr key={at}>
                <td>
                  <a href={`#r${edge.from.seq}`}>{edge.from.seq}</a>{' '}
                  <Inert text={[edge.from.server, edge.from.tool].filter(Boolean).join('.')} />
                  {edge.untrusted && <small>written by others</small>}
                </td>
                <td>
                  <a href={`#r${edge.to.seq}`}>{edge.to.seq}</a>{' '}
                  <Inert text={[edge.to.server, edge.to.tool].filter(Boolean).join('.')} />
                </td>
                <td>
                  <Inert text={edge.path} />
                  {edge.destination && <small>destination</small>}
                </td>
                <td>{edge.kind}</td>
                <td>{edge.preview === null ? <span class="quiet">withheld</span> : <Inert text={edge.preview} />}</td>
                <td class="n">{Math.round(edge.strength * 100)} %</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {rows.length > ROWS_SHOWN && (
        <p class="gone">
          The first {ROWS_SHOWN} of {rows.length}.
        </p>
      )}
    </details>
  );
}
