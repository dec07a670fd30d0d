/** Matches that wait for their deadline, by tenant, since each tenant has its own time. */
import { comparePoints } from './record.ts';
import type { Pending } from './rows.ts';

export interface Deadlines {
  add(pending: Pending): void;
  /** Takes out those of a tenant whose deadline lies before a time, in order of deadlines, anchors and keys. */
  take(tenant: string, time_ms: number): Pending[];
  tenants(): string[];
}

/** No matches yet. Beyond `pending_max` the earliest of the tenant goes; `dropped` is told. */
export function createDeadlines(pending_max: number, dropped: () => void): Deadlines {
  const by_tenant = new Map<string, Pending[]>(); // each in the order of deadlines
  let count = 0;
  const shift = (tenant: string, waiting: Pending[]): Pending => {
    const first = waiting.shift() as Pending;
    count--;
    if (waiting.length === 0) by_tenant.delete(tenant);
    return first;
  };
  return {
    add(pending) {
      const { tenant } = pending.state;
      const waiting = by_tenant.get(tenant) ?? [];
      by_tenant.set(tenant, waiting);
      let at = waiting.length;
      while (at > 0 && compareDeadlines(waiting[at - 1] as Pending, pending) > 0) at--;
      waiting.splice(at, 0, pending);
      count++;
      if (count <= pending_max) return;
      const first = shift(tenant, waiting);
      if (!first.cancelled) dropped();
      first.cancelled = true;
    },
    take(tenant, time_ms) {
      const due: Pending[] = [];
      const waiting = by_tenant.get(tenant);
      while (waiting?.[0] !== undefined && waiting[0].deadline_ms < time_ms) due.push(shift(tenant, waiting));
      return due;
    },
    tenants: () => [...by_tenant.keys()],
  };
}

function compareDeadlines(a: Pending, b: Pending): number {
  const order = a.deadline_ms - b.deadline_ms || comparePoints(a.anchor.point, b.anchor.point);
  return order || (a.state.id < b.state.id ? -1 : 1);
}
