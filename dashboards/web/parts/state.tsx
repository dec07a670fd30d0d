/** Loading, empty and failed look the same everywhere. */
import type { ComponentChildren } from 'preact';
import type { ApiFault } from '../api.ts';
import type { Loaded } from '../use_data.ts';
import { Inert } from './inert.tsx';

/** Shows data when it is there; until then that it is on its way, or why it is not. */
export function Shown<T>({ of, children }: { of: Loaded<T>; children: (data: T) => ComponentChildren }) {
  const { data, fault, loading, reload } = of;
  return (
    <>
      {fault !== undefined && <Fault fault={fault} retry={reload} />}
      {data === undefined ? loading && <Loading /> : <div aria-busy={loading}>{children(data)}</div>}
    </>
  );
}

function Loading() {
  return (
    <p class="empty" role="status">
      Loading…
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Fault({ fault, retry }: { fault: ApiFault; retry?: () => void }) {
  return (
    <div class="fault" role="alert">
      <p>
        <strong>{titleOf(fault)}</strong> <Inert text={fault.message} />
      </p>
      {fault.status === 401 ? (
        <a href="/login">How to log in</a>
      ) : (
        retry && (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )
      )}
    </div>
  );
}

function titleOf({ status }: ApiFault): string {
  if (status === 401) return 'You are not logged in:';
  if (status === 403) return 'Your role does not include this:';
  if (status === 404) return 'There is nothing here:';
  return 'This cannot be shown:';
}
