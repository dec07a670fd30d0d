/** One tool's definitions over time: two of them side by side, and what people decided about them. */
import { useState } from 'preact/hooks';
import { ApiFault, apiAddress, postJson } from '../api.ts';
import type { ToolVersion } from '../api_types.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Inert, InertBlock } from '../parts/inert.tsx';
import { Empty, Fault, Shown } from '../parts/state.tsx';
import { TextDiff } from '../parts/text_diff.tsx';
import { SessionLink, Time } from '../parts/words.tsx';
import { useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';

type Word = 'approved' | 'rejected';

export function ToolHistoryPage() {
  const { get } = useUrlState();
  const [server, tool] = [get('server'), get('tool')];
  const list = useData<{ versions: ToolVersion[] }>(
    server === '' || tool === '' ? undefined : apiAddress('/v1/tools/versions', { server, tool }),
  );
  if (server === '' || tool === '') return <Empty>The address names no server and tool.</Empty>;
  return (
    <>
      <h1>
        Definitions of <Inert text={tool} /> on <Inert text={server} />
      </h1>
      <Shown of={list}>
        {({ versions }) => <Versions server={server} tool={tool} versions={versions} decided={list.reload} />}
      </Shown>
    </>
  );
}

interface VersionsProps {
  server: string;
  tool: string;
  versions: readonly ToolVersion[];
  decided(): void;
}

function Versions({ server, tool, versions, decided }: VersionsProps) {
  const { get, set } = useUrlState();
  const newest = versions.length - 1;
  const at = Math.min(newest, get('version') === '' ? newest : Math.max(0, Number(get('version')) - 1 || 0));
  const [asking, setAsking] = useState<Word>();
  const picked = versions[at];
  if (picked === undefined) return <Empty>This server published no such tool.</Empty>;
  const before = versions[at - 1];
  return (
    <>
      <table>
        <thead>
          <tr>
            <th class="n">Version</th>
            <th>First seen</th>
            <th>Last seen</th>
            <th class="n">Lists</th>
            <th>First session</th>
            <th>Decision</th>
          </tr>
        </thead>
        <tbody>
          {versions.map((version, index) => (
            <tr key={version.definition_sha256} aria-current={index === at ? 'true' : undefined}>
              <td class="n">
                <button type="button" onClick={() => set({ version: String(index + 1) })}>
                  {index + 1}
                </button>
              </td>
              <td>
                <Time iso={version.first_time} />
              </td>
              <td>
                <Time iso={version.last_time} />
              </td>
              <td class="n">{version.lists}</td>
              <td>
                <SessionLink session_id={version.first_session_id} />
              </td>
              <td>{version.decision === null ? 'none' : <Decided of={version.decision} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div class="title">
        <h2>
          Version {at + 1}
          {before !== undefined && ` against ${at}`}
        </h2>
        <div class="buttons">
          <button type="button" onClick={() => setAsking('approved')}>
            Approve version {at + 1}
          </button>
          <button type="button" class="danger" onClick={() => setAsking('rejected')}>
            Reject version {at + 1}
          </button>
        </div>
      </div>
      <p class="meta">SHA-256 of its canonical JSON: {picked.definition_sha256}</p>
      {before === undefined ? <Whole version={picked} /> : <Compared before={before} after={picked} at={at} />}
      {asking !== undefined && (
        <DecideDialog
          word={asking}
          server={server}
          tool={tool}
          version={picked}
          close={() => setAsking(undefined)}
          done={() => {
            setAsking(undefined);
            decided();
          }}
        />
      )}
    </>
  );
}

function Decided({ of }: { of: NonNullable<ToolVersion['decision']> }) {
  return (
    <>
      <strong>{of.decision}</strong> by <Inert text={of.approver} />, <Time iso={of.time} />
      {of.reason !== '' && (
        <p class="meta">
          <Inert text={of.reason} />
        </p>
      )}
    </>
  );
}

const describes = ({ definition }: ToolVersion) =>
  typeof definition.description === 'string' ? definition.description : '';

/** Everything but the description, each member on its own line. */
function shape({ definition }: ToolVersion): string {
  const { description: _, ...rest } = definition;
  return JSON.stringify(sorted(rest), null, 2);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}

function Whole({ version }: { version: ToolVersion }) {
  return (
    <>
      <InertBlock label="Description" text={describes(version)} />
      <InertBlock label="Schema and annotations" text={shape(version)} />
    </>
  );
}

function Compared({ before, after, at }: { before: ToolVersion; after: ToolVersion; at: number }) {
  const labels = (of: string) => [`${of} of version ${at}`, `${of} of version ${at + 1}`] as const;
  return (
    <>
      <h3>Description</h3>
      <TextDiff before={describes(before)} after={describes(after)} by="words" labels={labels('description')} />
      <h3>Schema and annotations</h3>
      <TextDiff before={shape(before)} after={shape(after)} by="lines" labels={labels('schema')} />
    </>
  );
}

interface DecideProps {
  word: Word;
  server: string;
  tool: string;
  version: ToolVersion;
  close(): void;
  done(): void;
}

function DecideDialog({ word, server, tool, version, close, done }: DecideProps) {
  const [reason, setReason] = useState('');
  const [fault, setFault] = useState<ApiFault>();
  const ask = () => {
    const tools = [{ tool, definition_sha256: version.definition_sha256 }];
    const body = { server, tools, decision: word, reason: reason.trim() };
    postJson(apiAddress('/v1/tools/approvals'), body).then(done, (error: unknown) =>
      setFault(error instanceof ApiFault ? error : new ApiFault(0, '', String(error))),
    );
  };
  return (
    <Dialog title={word === 'approved' ? 'Approve this definition?' : 'Reject this definition?'} close={close}>
      <p>
        {word === 'approved'
          ? 'Its change is no news any more, and calls with it raise no alert for want of approval.'
          : 'Calls of the tool with this definition raise an alert.'}{' '}
        From the first decision on, this server’s other tools need approval too.
      </p>
      <label>
        Reason
        <textarea rows={3} value={reason} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
      </label>
      {fault !== undefined && <Fault fault={fault} />}
      <div class="buttons">
        <button type="button" class="danger" disabled={reason.trim() === ''} onClick={ask}>
          {word === 'approved' ? 'Approve' : 'Reject'}
        </button>
        <button type="button" onClick={close}>
          Leave as it is
        </button>
      </div>
    </Dialog>
  );
}
