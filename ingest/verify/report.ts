/** What verification found, and how far it is. */
import { LIMITS } from '../../core/limits.ts';

/** One thing that is wrong, named so that a person can find it. */
export interface VerifyFinding {
  code: string;
  message: string;
  table: string;
  seq?: number;
  session_id?: string;
  column?: string;
}

export interface VerifyProgress {
  phase: 'checkpoints' | 'leaves' | 'records';
  done: number;
  total: number;
}

export interface VerifyReport {
  ok: boolean;
  log: string;
  size: number;
  root: string;
  checkpoints: number;
  records: number;
  sessions: number;
  alerts: number;
  erased: number;
  expired: number;
  with_content: boolean;
  /** Of `--session`: what is claimed, and as of which size. */
  session?: { tenant: string; session_id: string; events: number };
  findings: VerifyFinding[];
  /** Findings beyond the number that a report holds. */
  more_findings: number;
  /** What this verification cannot see by itself. */
  limits: string[];
}

/** The column of a field: times are read as milliseconds and say so in their names. */
export function columnOf(field: string): string {
  return field.endsWith('_ms') ? field.slice(0, -3) : field;
}

/** Collects findings up to a maximum and counts the rest. */
export class Findings {
  readonly list: VerifyFinding[] = [];
  more = 0;

  add(finding: VerifyFinding): void {
    if (this.list.length < LIMITS.verify_findings_max) this.list.push(finding);
    else this.more++;
  }

  get count(): number {
    return this.list.length + this.more;
  }
}
