/** Keys that do something on a page, but never while somebody types. */
import { useEffect } from 'preact/hooks';

export function useKeys(actions: Record<string, () => void>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { target } = event;
      const types = target instanceof HTMLElement && target.closest('input, select, textarea') !== null;
      if (event.ctrlKey || event.metaKey || event.altKey || (types && event.key !== 'Escape')) return;
      const action = actions[event.key];
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
}
