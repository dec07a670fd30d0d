/** Small things that all pages show in the same way: severities, times, people, links to entities. */
import { inTenant } from '../url_state.ts';
import { Inert } from './inert.tsx';

export function Badge({ severity }: { severity: string }) {
  return <span class={`badge ${severity}`}>{severity}</span>;
}

/** To the second and in UTC, also where a producer wrote another offset. */
export function Time({ iso }: { iso: string }) {
  const ms = Date.parse(iso);
  const shown = Number.isNaN(ms) ? iso : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  return (
    <time dateTime={iso} title={Number.isNaN(ms) ? undefined : new Date(ms).toLocaleString()}>
      {shown}
    </time>
  );
}

export type EntityKind = 'user' | 'agent' | 'server' | 'tool' | 'role';

/** A user, an agent, a server or a tool, with the way to its page. */
export function Entity({ kind, name }: { kind: EntityKind; name: string }) {
  if (name === '') return <span class="quiet">not named</span>;
  return (
    <a href={inTenant(`/entities/${kind}/${encodeURIComponent(name)}`)}>
      <Inert text={name} />
    </a>
  );
}

export function SessionLink({ session_id, seq }: { session_id: string; seq?: number | undefined }) {
  const address = inTenant(`/sessions/${encodeURIComponent(session_id)}`);
  return (
    <a href={seq === undefined ? address : `${address}#r${seq}`}>
      <Inert text={session_id} />
    </a>
  );
}

export function Count({ value }: { value: number }) {
  return value === 0 ? <span class="quiet">0</span> : <strong>{value.toLocaleString('en')}</strong>;
}
