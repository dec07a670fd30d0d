/** One session as a story: what happened, when, and which value went where, over one selected event. */
import { useEffect, useState } from 'preact/hooks';
import { useRoute } from 'preact-iso/router';
import { apiAddress } from '../api.ts';
import type { Alert, Edge, Session, Story } from '../api_types.ts';
import { ContainButton } from '../parts/contain_button.tsx';
import { CopyAs } from '../parts/copy_as.tsx';
import { EdgeTable } from '../parts/edge_table.tsx';
import { EventStory } from '../parts/event_story.tsx';
import { Inert } from '../parts/inert.tsx';
import { ProvenanceGraph } from '../parts/provenance_graph.tsx';
import { Empty, Shown } from '../parts/state.tsx';
import { Waterfall } from '../parts/waterfall.tsx';
import { Badge, Count, Entity, Time } from '../parts/words.tsx';
import { useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';
import { useKeys } from '../use_keys.ts';

const EVENTS_SHOWN = 500;
const EDGES_SHOWN = 1_000;
const VIEWS = [
  ['story', 'Story'],
  ['waterfall', 'Waterfall'],
  ['graph', 'Provenance graph'],
] as const;

export function SessionPage() {
  const session_id = useRoute().params.session_id ?? '';
  const { get, set } = useUrlState();
  const path = `/v1/sessions/${encodeURIComponent(session_id)}`;
  const story = useData<Story>(apiAddress(path, { after: get('after'), limit: EVENTS_SHOWN }));
  const view = get('view') || 'story';
  return (
    <Shown of={story}>
      {(data) => (
        <>
          <div class="title">
            <h1>
              Session <Inert text={session_id} />
            </h1>
            <a href={apiAddress(`${path}/evidence`)} download="evidence.zip">
              Evidence
            </a>
            <CopyAs path={path} query={{}} command={`sessions ${session_id}`} />
          </div>
          <Facts session={data.session} />
          <ContainButton session_id={session_id} />
          <AlertList alerts={data.alerts} />
          <div class="tabs" role="tablist" aria-label="Views of the session">
            {VIEWS.map(([name, says]) => (
              <button
                key={name}
                type="button"
                role="tab"
                id={`tab-${name}`}
                aria-selected={view === name}
                aria-controls="view"
                onClick={() => set({ view: name === 'story' ? '' : name }, true)}
              >
                {says}
              </button>
            ))}
          </div>
          <div id="view" role="tabpanel" aria-labelledby={`tab-${view}`}>
            <View view={view} story={data} path={path} />
          </div>
          {data.next_after !== null && (
            <p class="pager">
              <button type="button" onClick={() => set({ after: String(data.next_after) })}>
                Next events
              </button>
            </p>
          )}
        </>
      )}
    </Shown>
  );
}

function View({ view, story, path }: { view: string; story: Story; path: string }) {
  const { events, alerts } = story;
  const [here, setHere] = useSelected();
  const evidence = new Set(alerts.flatMap((alert) => alert.evidence.map(({ seq }) => seq)));
  const at = events.findIndex(({ seq }) => seq === here);
  const go = (to: number) => {
    const event = events[Math.max(0, Math.min(events.length - 1, to))];
    if (event !== undefined) setHere(event.seq);
  };
  useKeys({ j: () => go(at + 1), k: () => go(at <= 0 ? 0 : at - 1) });
  if (events.length === 0) return <Empty>No events from here on.</Empty>;
  if (view === 'waterfall') return <Waterfall events={events} evidence={evidence} here={here} select={setHere} />;
  if (view === 'graph') return <Graph story={story} path={path} evidence={evidence} here={here} select={setHere} />;
  return <EventStory events={events} evidence={evidence} here={here} />;
}

interface GraphProps {
  story: Story;
  path: string;
  evidence: ReadonlySet<number>;
  here: number;
  select(seq: number): void;
}

function Graph({ story, path, evidence, here, select }: GraphProps) {
  const edges = useData<{ edges: Edge[]; next_cursor: string | null }>(
    apiAddress(`${path}/edges`, { limit: EDGES_SHOWN }),
  );
  return (
    <Shown of={edges}>
      {(data) => (
        <>
          {data.edges.length === 0 ? (
            <Empty>No value of a result was seen in a later call of this session.</Empty>
          ) : (
            <>
              <ProvenanceGraph edges={data.edges} evidence={evidence} here={here} select={select} />
              {data.next_cursor !== null && <p class="gone">The first {EDGES_SHOWN} edges; the API has the others.</p>}
              <EdgeTable edges={data.edges} here={here} />
            </>
          )}
          <EventStory events={story.events.filter(({ seq }) => seq === here)} evidence={evidence} here={here} />
        </>
      )}
    </Shown>
  );
}

/** The selected event is the fragment of the address: `#r12`. */
function useSelected(): [number, (seq: number) => void] {
  const read = () => Number(/^#r(\d+)$/.exec(location.hash)?.[1] ?? -1);
  const [seq, setSeq] = useState(read);
  useEffect(() => {
    const onHash = () => setSeq(read());
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  });
  const select = (next: number) => {
    history.replaceState(null, '', `${location.pathname}${location.search}#r${next}`);
    setSeq(next);
  };
  return [seq, select];
}

function Facts({ session }: { session: Session }) {
  return (
    <dl class="cards">
      <div>
        <dt>User</dt>
        <dd>
          <Entity kind="user" name={session.user_id} /> <small>{session.user_role}</small>
        </dd>
      </div>
      <div>
        <dt>Agent</dt>
        <dd>
          <Entity kind="agent" name={session.agent} />{' '}
          <small>
            <Inert text={session.client} />
          </small>
        </dd>
      </div>
      <div>
        <dt>Servers</dt>
        <dd>
          {session.servers.length === 0 && 'none'}
          {session.servers.map((name) => (
            <span key={name}>
              <Entity kind="server" name={name} />{' '}
            </span>
          ))}
        </dd>
      </div>
      <div>
        <dt>Events</dt>
        <dd>
          {session.events}{' '}
          <small>
            {session.calls} calls, {session.errors} errors, {session.prompts} prompts
          </small>
        </dd>
      </div>
      <div>
        <dt>Risk</dt>
        <dd>
          <Count value={session.risk} /> <small>of 100</small>
        </dd>
      </div>
      <div>
        <dt>From, to</dt>
        <dd>
          <Time iso={session.first_time} />
          <small>
            <Time iso={session.last_time} />
          </small>
        </dd>
      </div>
      <div>
        <dt>How the session is known</dt>
        <dd>{session.session_source}</dd>
      </div>
    </dl>
  );
}

function AlertList({ alerts }: { alerts: readonly Alert[] }) {
  return (
    <section>
      <h2>Alerts</h2>
      {alerts.length === 0 && <Empty>Nothing was found in this session.</Empty>}
      {alerts.map((alert) => (
        <article key={alert.alert_id} class={`alert ${alert.severity}`}>
          <h3>
            <Badge severity={alert.severity} /> <Inert text={alert.title} />
          </h3>
          <p>
            <Inert text={alert.reason} />
          </p>
          <ol>
            {alert.evidence.map(({ seq, role }) => (
              <li key={seq}>
                <Inert text={role} />: <a href={`#r${seq}`}>record {seq}</a>
              </li>
            ))}
          </ol>
          <p class="meta">
            <Time iso={alert.time} /> · rule {alert.rule_id} · {alert.status}
            {alert.verdict !== null && `, ${alert.verdict.replace('_', ' ')}`}
          </p>
        </article>
      ))}
    </section>
  );
}
