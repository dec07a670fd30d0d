/** What can be done with one alert: what its status allows, whose it is, its tags, a note. */
import { useState } from 'preact/hooks';
import { ApiFault, apiAddress, postJson } from '../api.ts';
import type { Alert } from '../api_types.ts';
import { Fault } from './state.tsx';

const VERDICTS = ['true_positive', 'benign', 'false_positive', 'test', 'duplicate'] as const;

type Act = (body: Record<string, unknown>) => void;

export function AlertWork({ alert, done }: { alert: Alert; done: () => void }) {
  const [note, setNote] = useState('');
  const [fault, setFault] = useState<ApiFault>();
  const act: Act = (body) => {
    const path = `/v1/alerts/${encodeURIComponent(alert.alert_id)}/status`;
    const request = { ...body, request_id: crypto.randomUUID(), expected_version: alert.version };
    postJson(apiAddress(path), { ...request, ...(note.trim() !== '' && { note: note.trim() }) }).then(
      () => {
        setFault(undefined);
        setNote('');
        done();
      },
      (error: unknown) => {
        setFault(error instanceof ApiFault ? error : new ApiFault(0, '', String(error)));
        // Somebody was faster: what they did is to be seen before one tries again.
        if (error instanceof ApiFault && error.status === 409) done();
      },
    );
  };
  return (
    <form class="act" onSubmit={(event) => event.preventDefault()}>
      <label>
        Note
        <textarea rows={2} value={note} onInput={({ currentTarget }) => setNote(currentTarget.value)} />
      </label>
      <div class="buttons">
        {alert.status === 'new' && (
          <button type="button" data-action="acknowledge" onClick={() => act({ action: 'acknowledge' })}>
            Acknowledge
          </button>
        )}
        {alert.status !== 'closed' && <Close act={act} alert={alert} note={note.trim()} />}
        {(alert.status === 'closed' || alert.status === 'suppressed') && (
          <button type="button" onClick={() => act({ action: 'reopen' })}>
            Reopen
          </button>
        )}
        <button type="button" disabled={note.trim() === ''} onClick={() => act({ action: 'note' })}>
          Add note
        </button>
      </div>
      <Owner alert={alert} act={act} />
      <Tags alert={alert} act={act} />
      {fault !== undefined && <Fault fault={fault} />}
    </form>
  );
}

const DAY_MS = 86_400_000;
const HOLD_DAYS = [7, 30, 90];

/** Closing takes a verdict, a duplicate the alert that it repeats; and what is benign can be held back for a time. */
function Close({ act, alert, note }: { act: Act; alert: Alert; note: string }) {
  const [verdict, setVerdict] = useState('');
  const [duplicate_of, setDuplicate] = useState('');
  const [days, setDays] = useState(0);
  const duplicate = verdict === 'duplicate';
  const hold = verdict === 'benign' && days > 0;
  const close = () => {
    // A little less than whole days, since clocks differ and 90 days are the most.
    const expires_at = new Date(Date.now() + days * DAY_MS - 60_000).toISOString();
    act({
      action: 'close',
      verdict,
      ...(duplicate && { duplicate_of }),
      ...(hold && { suppress: { reason: note, expires_at } }),
    });
  };
  return (
    <>
      <label>
        Verdict{' '}
        <select value={verdict} onChange={({ currentTarget }) => setVerdict(currentTarget.value)}>
          <option value="">choose…</option>
          {VERDICTS.map((name) => (
            <option key={name} value={name}>
              {name.replace('_', ' ')}
            </option>
          ))}
        </select>
      </label>
      {verdict === 'benign' && alert.status !== 'suppressed' && (
        <label>
          hold back this rule for its user and agent{' '}
          <select value={days} onChange={({ currentTarget }) => setDays(Number(currentTarget.value))}>
            <option value={0}>no</option>
            {HOLD_DAYS.map((count) => (
              <option key={count} value={count}>
                for {count} days, with the note as reason
              </option>
            ))}
          </select>
        </label>
      )}
      {duplicate && (
        <label>
          of the alert{' '}
          <input value={duplicate_of} onInput={({ currentTarget }) => setDuplicate(currentTarget.value.trim())} />
        </label>
      )}
      <button
        type="button"
        disabled={verdict === '' || (duplicate && duplicate_of === '') || (hold && note === '')}
        onClick={close}
      >
        Close
      </button>
    </>
  );
}

function Owner({ alert, act }: { alert: Alert; act: Act }) {
  const [owner, setOwner] = useState('');
  return (
    <div class="buttons">
      <button type="button" data-action="assign" onClick={() => act({ action: 'assign' })}>
        Assign to me
      </button>
      <label>
        or to{' '}
        <input
          placeholder="name or id of a key"
          value={owner}
          onInput={({ currentTarget }) => setOwner(currentTarget.value)}
        />
      </label>
      <button
        type="button"
        disabled={owner.trim() === ''}
        onClick={() => act({ action: 'assign', owner: owner.trim() })}
      >
        Assign
      </button>
      {alert.owner !== null && (
        <button type="button" onClick={() => act({ action: 'unassign' })}>
          Unassign
        </button>
      )}
    </div>
  );
}

function Tags({ alert, act }: { alert: Alert; act: Act }) {
  const [tag, setTag] = useState('');
  return (
    <div class="buttons">
      {alert.added_tags.map((each) => (
        <button
          key={each}
          type="button"
          aria-label={`Take the tag ${each} away`}
          onClick={() => act({ action: 'tag', remove: [each] })}
        >
          {each} ✕
        </button>
      ))}
      <label>
        Tag <input value={tag} onInput={({ currentTarget }) => setTag(currentTarget.value.trim())} />
      </label>
      <button type="button" disabled={tag === ''} onClick={() => act({ action: 'tag', add: [tag] })}>
        Add tag
      </button>
    </div>
  );
}
