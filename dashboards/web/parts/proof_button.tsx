/** The proof state of one event: unknown until it is checked, then checked in this browser. */
import { useState } from 'preact/hooks';
import { Inert } from './inert.tsx';

interface Checked {
  ok: boolean;
  says: string;
}

export function ProofButton({ event_id }: { event_id: string }) {
  const [checked, setChecked] = useState<Checked | 'busy'>();
  const check = async () => {
    setChecked('busy');
    const { verifyEvent } = await import('../verify_event.ts');
    setChecked(await verifyEvent(event_id));
  };
  if (checked === undefined || checked === 'busy') {
    return (
      <button type="button" class="plain proof" disabled={checked === 'busy'} onClick={check}>
        {checked === 'busy' ? 'checking…' : 'check proof'}
      </button>
    );
  }
  return (
    <span class={checked.ok ? 'proof good' : 'proof bad'} role="status">
      {checked.ok ? '✓ verified: ' : '✗ not verified: '}
      <Inert text={checked.says} />
    </span>
  );
}
