/** The head's size once rows that run ahead of it, because a batch is being written right now, are under it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type HeadRow, readHead } from '../../core/store/queries/head.ts';
import type { Store } from '../../core/store/store.ts';

const SETTLE_MS = [50, 100, 200, 400, 800];

/** Waits for as long as a batch may take. Rows that are still ahead then belong to no batch. */
export async function settledSize(store: Store, head: HeadRow, isAhead: (size: number) => boolean): Promise<number> {
  for (let i = 0; ; i++) {
    const size = (await readHead(store, head.log))?.size ?? 0;
    const wait_ms = SETTLE_MS[i];
    if (wait_ms === undefined || !isAhead(size)) return Math.max(size, head.size);
    await sleep(wait_ms);
  }
}
