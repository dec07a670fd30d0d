/** One action on all selected alerts, with one note. Each is an action of its own in the log; what is refused is named. */
import { useState } from 'preact/hooks';
import { ApiFault, apiAddress, postJson } from '../api.ts';
import type { Alert, BulkAnswer } from '../api_types.ts';

const ACTIONS = [
  ['acknowledge', 'Acknowledge', {}],
  ['assign', 'Assign to me', {}],
  ['close', 'Close as benign', { verdict: 'benign' }],
  ['close', 'Close as false positive', { verdict: 'false_positive' }],
  ['close', 'Close as true positive', { verdict: 'true_positive' }],
] as const;

/** As many as one request may name. */
const AT_ONCE = 200;

export function BulkActions({ chosen, done }: { chosen: readonly Alert[]; done: () => void }) {
  const [says, setSays] = useState('');
  const [note, setNote] = useState('');
  const [tag, setTag] = useState('');
  const act = (name: string, action: Record<string, unknown>) => {
    const said = note.trim() === '' ? {} : { note: note.trim() };
    actOn(chosen, { ...action, ...said }).then(
      (answer) => {
        setSays(`${name}: ${answer}`);
        setNote('');
        setTag('');
        done();
      },
      (error: unknown) => setSays(`${name}: ${error instanceof ApiFault ? error.message : String(error)}`),
    );
  };
  const none = chosen.length === 0;
  return (
    <div class="bulk" role="toolbar" aria-label="Actions on selected alerts">
      <span>{chosen.length} selected</span>
      {ACTIONS.map(([action, name, fields]) => (
        <button key={name} type="button" disabled={none} onClick={() => act(name, { action, ...fields })}>
          {name}
        </button>
      ))}
      <input
        aria-label="Tag for the selected alerts"
        placeholder="tag"
        value={tag}
        onInput={({ currentTarget }) => setTag(currentTarget.value.trim())}
      />
      <button type="button" disabled={none || tag === ''} onClick={() => act('Tag', { action: 'tag', add: [tag] })}>
        Tag
      </button>
      <input
        aria-label="Note for the selected alerts"
        placeholder="note for all of them"
        value={note}
        onInput={({ currentTarget }) => setNote(currentTarget.value)}
      />
      <span role="status">{says}</span>
    </div>
  );
}

/** What one saw is what one acts on: an alert that somebody changed since is refused, and said so. */
async function actOn(chosen: readonly Alert[], action: Record<string, unknown>): Promise<string> {
  let done = 0;
  let refused: string | undefined;
  for (let from = 0; from < chosen.length; from += AT_ONCE) {
    const part = chosen.slice(from, from + AT_ONCE);
    const answer = await postJson<BulkAnswer>(apiAddress('/v1/alerts/bulk'), {
      alert_ids: part.map(({ alert_id }) => alert_id),
      action: { ...action, request_id: crypto.randomUUID() },
      expected_versions: Object.fromEntries(part.map(({ alert_id, version }) => [alert_id, version])),
    });
    done += answer.done + answer.repeated;
    refused = answer.outcomes.findLast(({ outcome }) => outcome === 'refused')?.detail ?? refused;
  }
  return `${done} of ${chosen.length} done${refused === undefined ? '' : `; the last that was refused: ${refused}`}`;
}
