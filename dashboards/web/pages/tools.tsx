/** The tools that were called, and what they are taken to be able to do. A guess is shown as one. */
import { apiAddress } from '../api.ts';
import type { PublishedTool, Tool } from '../api_types.ts';
import { Inert } from '../parts/inert.tsx';
import { Pager } from '../parts/pager.tsx';
import { Empty, Shown } from '../parts/state.tsx';
import { Entity, Time } from '../parts/words.tsx';
import { inTenant, useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';

const PAGE_ROWS = 500;

export function ToolsPage() {
  const { get, set } = useUrlState();
  const only_gaps = get('gaps') === '1';
  const list = useData<{ tools: Tool[]; next_cursor: string | null }>(
    apiAddress('/v1/tools', { cursor: get('cursor'), limit: PAGE_ROWS }),
  );
  return (
    <>
      <div class="title">
        <h1>Tools</h1>
        <label>
          <input
            type="checkbox"
            checked={only_gaps}
            onChange={({ currentTarget }) => set({ gaps: currentTarget.checked ? '1' : '' }, true)}
          />{' '}
          only gaps of the catalog
        </label>
      </div>
      <Shown of={list}>
        {({ tools, next_cursor }) => {
          const rows = only_gaps ? tools.filter(({ listed }) => !listed) : tools;
          return (
            <>
              {rows.length === 0 ? <Empty>No tool was called yet.</Empty> : <ToolTable rows={rows} />}
              <Pager next={next_cursor} />
            </>
          );
        }}
      </Shown>
      <h2>What servers publish</h2>
      <Published />
    </>
  );
}

const historyOf = ({ server, tool }: PublishedTool) =>
  inTenant(`/tools/definitions?server=${encodeURIComponent(server)}&tool=${encodeURIComponent(tool)}`);

/** The tools of servers, those whose definition changed last first. */
function Published() {
  const list = useData<{ tools: PublishedTool[] }>(apiAddress('/v1/tools/published'));
  return (
    <Shown of={list}>
      {({ tools }) =>
        tools.length === 0 ? (
          <Empty>No event told what a server offers.</Empty>
        ) : (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          <section class="scroll" tabIndex={0} aria-label="Published definitions">
            <table>
              <thead>
                <tr>
                  <th>Server</th>
                  <th>Tool</th>
                  <th class="n">Versions</th>
                  <th>Newest since</th>
                  <th>First seen</th>
                </tr>
              </thead>
              <tbody>
                {tools.map((row) => (
                  <tr key={`${row.server}\u0000${row.tool}`}>
                    <td>
                      <Entity kind="server" name={row.server} />
                    </td>
                    <td>
                      <a href={historyOf(row)}>
                        <Inert text={row.tool} />
                      </a>
                    </td>
                    <td class="n">{row.versions > 1 ? <strong>{row.versions}</strong> : row.versions}</td>
                    <td>
                      <Time iso={row.changed_time} />
                    </td>
                    <td>
                      <Time iso={row.first_time} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        )
      }
    </Shown>
  );
}

function ToolTable({ rows }: { rows: readonly Tool[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label="Tools">
      <table>
        <thead>
          <tr>
            <th>Server</th>
            <th>Tool</th>
            <th>Can</th>
            <th>Known from</th>
            <th class="n">Calls</th>
            <th class="n">Sessions</th>
            <th>First seen</th>
            <th>Last seen</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.server}\u0000${row.tool}`}>
              <td>
                <Entity kind="server" name={row.server} />
              </td>
              <td>
                <Entity kind="tool" name={row.tool} />
              </td>
              <td>
                {row.verb} <small>{row.capabilities.join(', ')}</small>
              </td>
              <td>
                {row.listed ? (
                  <Inert text={row.system ?? row.basis} />
                ) : (
                  <span class="tag proof">guessed from its {row.basis}</span>
                )}
              </td>
              <td class="n">{row.calls}</td>
              <td class="n">{row.sessions}</td>
              <td>
                <Time iso={row.first_time} />
              </td>
              <td>
                <Time iso={row.last_time} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
