/** Runs retention by itself: soon after the start, and then every day. */
import { messageOf } from '../core/errors.ts';
import type { RetentionReport } from './retention.ts';

const FIRST_MS = 60_000;
const DAY_MS = 86_400_000;

export interface RetentionJobOptions {
  run: () => Promise<RetentionReport>;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
  first_ms?: number;
}

/** Begins. The answer stops it and resolves when no run is under way. */
export function startRetention({ run, onNotice, first_ms = FIRST_MS }: RetentionJobOptions): () => Promise<void> {
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  const once = async () => {
    try {
      let more = true;
      while (more && !stopped) {
        const report = await run();
        const records = report.content.reduce((sum, row) => sum + row.records, 0);
        if (records > 0) onNotice('content_expired', { records, types: report.content.length });
        // What is held stays however often it is looked at.
        more = report.more && records > 0;
      }
    } catch (error) {
      onNotice('retention_failed', { error: messageOf(error) });
    }
  };
  const next = (wait_ms: number) => {
    timer = setTimeout(() => {
      running = once().then(() => {
        if (!stopped) next(DAY_MS);
      });
    }, wait_ms);
    timer.unref();
  };
  next(first_ms);
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await running;
  };
}
