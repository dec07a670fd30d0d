/** Data of the API in a page: loading, there, or why not. The last data stays in view while newer is on its way. */
import { useEffect, useState } from 'preact/hooks';
import { ApiFault, getJson } from './api.ts';

export interface Loaded<T> {
  data: T | undefined;
  fault: ApiFault | undefined;
  loading: boolean;
  reload(): void;
}

/** What stands at an address of the API; `undefined` asks for nothing. */
export function useData<T>(address: string | undefined): Loaded<T> {
  const [state, setState] = useState<{ address?: string; data?: T; fault?: ApiFault }>({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (address === undefined) return;
    const stop = new AbortController();
    getJson<T>(address, stop.signal).then(
      (data) => setState({ address, data }),
      (fault: unknown) => {
        if (!stop.signal.aborted) setState((before) => ({ ...before, address, fault: asFault(fault) }));
      },
    );
    return () => stop.abort();
  }, [address, turn]);
  return {
    data: state.data,
    fault: state.address === address ? state.fault : undefined,
    loading: address !== undefined && state.address !== address,
    reload: () => setTurn((before) => before + 1),
  };
}

function asFault(fault: unknown): ApiFault {
  return fault instanceof ApiFault ? fault : new ApiFault(0, 'unexpected', String(fault));
}
