/** The way to the next page of a list; back goes by the browser's own button. */
import { useUrlState } from '../url_state.ts';

export function Pager({ next }: { next: string | null }) {
  const { get, set } = useUrlState();
  const began = get('cursor') !== '';
  if (next === null && !began) return null;
  return (
    <p class="pager">
      {began && (
        <button type="button" onClick={() => set({ cursor: '' })}>
          To the newest
        </button>
      )}
      {next !== null && (
        <button type="button" onClick={() => set({ cursor: next })}>
          Older
        </button>
      )}
    </p>
  );
}
