/** What a page shows is in its address, so that a link shows the same and the back button goes back. */
import { useLocation } from 'preact-iso/router';

/** An address within the tenant at hand. */
export function inTenant(path: string): string {
  const tenant = new URLSearchParams(location.search).get('tenant');
  if (tenant === null) return path;
  return `${path}${path.includes('?') ? '&' : '?'}tenant=${encodeURIComponent(tenant)}`;
}

export interface UrlState {
  get(name: string): string;
  /** Sets members, '' takes one away. `replace`: without a step for the back button. */
  set(members: Record<string, string>, replace?: boolean): void;
}

/** The members of the query of this page. */
export function useUrlState(): UrlState {
  const { query, path, route } = useLocation();
  return {
    get: (name) => query[name] ?? '',
    set(members, replace = false) {
      const next = new URLSearchParams(location.search);
      for (const [name, value] of Object.entries(members)) {
        if (value === '') next.delete(name);
        else next.set(name, value);
      }
      route(next.size === 0 ? path : `${path}?${next}`, replace);
    },
  };
}
