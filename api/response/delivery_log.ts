/** Writes what became of deliveries, many in one insert: whoever waits for one waits for all that came meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../core/errors.ts';
import { type DeliveryRow, insertDeliveries } from '../../core/store/queries/deliveries.ts';
import type { Store } from '../../core/store/store.ts';

const RETRY_MS = [200, 1_000, 5_000];

export class DeliveryLog {
  private readonly store: Store;
  private readonly onNotice: (notice: string, fields: Record<string, unknown>) => void;
  private rows: DeliveryRow[] = [];
  private writing: Promise<void> | undefined;
  private closing = false;

  constructor(store: Store, onNotice: (notice: string, fields: Record<string, unknown>) => void) {
    this.store = store;
    this.onNotice = onNotice;
  }

  /** Resolves when the rows are durable, or were given up on closing. Bounded by who waits. */
  async write(rows: readonly DeliveryRow[]): Promise<void> {
    // Those that come while an insert runs go with the next.
    const before = this.writing;
    this.rows.push(...rows);
    await before;
    this.writing ??= this.flush().finally(() => {
      this.writing = undefined;
    });
    await this.writing;
  }

  private async flush(): Promise<void> {
    const rows = this.rows;
    this.rows = [];
    for (let attempt = 0; rows.length > 0; attempt++) {
      try {
        return await insertDeliveries(this.store, rows);
      } catch (error) {
        this.onNotice('deliveries_not_stored', { error: messageOf(error), rows: rows.length, attempt });
        if (this.closing) return;
        await sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
      }
    }
  }

  /** From now on a store that fails is not tried again: the next start finds the same waiting. */
  stopRetrying(): void {
    this.closing = true;
  }
}
