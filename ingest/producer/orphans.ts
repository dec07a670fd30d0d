/** Spools of runs whose process is gone: the next run takes them over, each by one process. */
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../core/errors.ts';

/** A run's folder is named `RUN.PID`, so that a rename both claims it and says who has it now. */
export const runFolder = (spool: string, run_id: string): string => join(spool, `${run_id}.${process.pid}`);

/** Claims the folders of dead processes and gives their new paths. */
export function claimOrphans(spool: string): string[] {
  return readdirSync(spool).flatMap((name) => {
    const [, run_id, pid] = /^([0-9a-f]{24})\.(\d{1,10})$/.exec(name) ?? [];
    if (run_id === undefined || isAlive(Number(pid))) return [];
    const claimed = runFolder(spool, run_id);
    try {
      renameSync(join(spool, name), claimed);
      return [claimed];
    } catch {
      return []; // another process was first
    }
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
