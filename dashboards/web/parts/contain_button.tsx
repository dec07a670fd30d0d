/** Suspending and releasing a session: with a reason, confirmed before it is asked, and shown until a gateway applied it. */
import { useState } from 'preact/hooks';
import { ApiFault, apiAddress, postJson } from '../api.ts';
import type { Command } from '../api_types.ts';
import { useData } from '../use_data.ts';
import { Dialog } from './dialog.tsx';
import { Inert } from './inert.tsx';
import { Fault } from './state.tsx';

export function ContainButton({
  session_id,
  alert_id = '',
  done,
}: {
  session_id: string;
  alert_id?: string;
  done?: () => void;
}) {
  const [asking, setAsking] = useState(false);
  const commands = useData<{ commands: Command[] }>(apiAddress('/v1/enforcement/commands'));
  const newest = commands.data?.commands.find(({ target }) => target.kind === 'session' && target.id === session_id);
  const suspended = newest?.action === 'suspend' && !['failed', 'expired', 'not_found'].includes(newest.state);
  const action = suspended ? 'release' : 'suspend';
  return (
    <div class="contain">
      <button type="button" class={suspended ? '' : 'danger'} onClick={() => setAsking(true)}>
        {suspended ? 'Release the session' : 'Suspend the session'}
      </button>
      {newest !== undefined && (
        <span role="status">
          {newest.action} {newest.confirmed ? 'applied by a gateway' : `${newest.state}, unconfirmed`}
        </span>
      )}
      {asking && (
        <AskDialog
          action={action}
          session_id={session_id}
          alert_id={alert_id}
          close={() => setAsking(false)}
          done={() => {
            setAsking(false);
            commands.reload();
            done?.();
          }}
        />
      )}
    </div>
  );
}

interface AskProps {
  action: 'suspend' | 'release';
  session_id: string;
  alert_id: string;
  close(): void;
  done(): void;
}

function AskDialog({ action, session_id, alert_id, close, done }: AskProps) {
  const [reason, setReason] = useState('');
  const [fault, setFault] = useState<ApiFault>();
  const ask = () => {
    const body = {
      action,
      target: { kind: 'session', id: session_id },
      reason: reason.trim(),
      alert_id,
      request_id: crypto.randomUUID(),
    };
    postJson(apiAddress('/v1/enforcement'), body).then(done, (error: unknown) =>
      setFault(error instanceof ApiFault ? error : new ApiFault(0, '', String(error))),
    );
  };
  return (
    <Dialog title={action === 'suspend' ? 'Suspend this session?' : 'Release this session?'} close={close}>
      <p>
        Gateways are asked to {action === 'suspend' ? 'refuse further calls of' : 'let calls pass again of'} session{' '}
        <Inert text={session_id} />. The request is a record of the log under your name.
      </p>
      <label>
        Reason
        <textarea rows={3} value={reason} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
      </label>
      {fault !== undefined && <Fault fault={fault} />}
      <div class="buttons">
        <button type="button" class="danger" disabled={reason.trim() === ''} onClick={ask}>
          {action === 'suspend' ? 'Suspend' : 'Release'}
        </button>
        <button type="button" onClick={close}>
          Leave as it is
        </button>
      </div>
    </Dialog>
  );
}
