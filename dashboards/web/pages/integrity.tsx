/** The log: its key, head and checkpoint, and proofs that this browser checks by itself. */
import { useState } from 'preact/hooks';
import { apiAddress } from '../api.ts';
import type { LogState } from '../api_types.ts';
import { Inert, InertBlock } from '../parts/inert.tsx';
import { Shown } from '../parts/state.tsx';
import { Time } from '../parts/words.tsx';
import { useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';

interface Checked {
  ok: boolean;
  says: string;
}

export function IntegrityPage() {
  const log = useData<LogState>(apiAddress('/v1/log'));
  return (
    <>
      <h1>Integrity of the log</h1>
      <Shown of={log}>{(data) => <Head log={data} />}</Shown>
      <h2>Check an event in this browser</h2>
      <CheckForm />
      <h2>Check everything, elsewhere</h2>
      <p>
        These pages come from the service that keeps the log. To trust neither, keep a checkpoint and the key of the log
        somewhere else, and verify the stored bytes from there:
      </p>
      <InertBlock text={'tracewarden verify --against checkpoint-kept-elsewhere.txt'} />
    </>
  );
}

function Head({ log }: { log: LogState }) {
  return (
    <dl class="facts">
      <dt>Log</dt>
      <dd>
        <Inert text={log.log} />
      </dd>
      <dt>Key</dt>
      <dd class="hash">{log.vkey}</dd>
      <dt>Records under the head</dt>
      <dd>{log.size.toLocaleString('en')}</dd>
      <dt>Root of the head</dt>
      <dd class="hash">{log.root}</dd>
      <dt>Newest checkpoint</dt>
      <dd>
        {log.checkpoint_signed_at === null ? (
          'none yet'
        ) : (
          <>
            {log.checkpoint_size} records, signed <Time iso={log.checkpoint_signed_at} />
          </>
        )}
      </dd>
      <dt>Witnesses</dt>
      <dd>none: the log is asserted by the operator</dd>
    </dl>
  );
}

function CheckForm() {
  const { get, set } = useUrlState();
  const [key, setKey] = useState('');
  const [checked, setChecked] = useState<Checked | 'busy'>();
  const check = async () => {
    setChecked('busy');
    const { verifyEvent } = await import('../verify_event.ts');
    setChecked(await verifyEvent(get('event'), key.trim()));
  };
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        void check();
      }}
    >
      <label>
        event id{' '}
        <input
          value={get('event')}
          onChange={({ currentTarget }) => set({ event: currentTarget.value.trim() }, true)}
        />
      </label>
      <label>
        key of the log that you keep (optional){' '}
        <input class="wide" value={key} onInput={({ currentTarget }) => setKey(currentTarget.value)} />
      </label>
      <button type="submit" disabled={checked === 'busy'}>
        Check
      </button>
      {checked !== undefined && checked !== 'busy' && (
        <p class={checked.ok ? 'proof good' : 'proof bad'} role="status">
          {checked.ok ? '✓ verified: ' : '✗ not verified: '}
          <Inert text={checked.says} />
        </p>
      )}
    </form>
  );
}
