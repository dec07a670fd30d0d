/** Checks an evidence bundle and says what was proven, and what was not. */
import { readFileSync, statSync } from 'node:fs';
import { AppError, messageOf } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { type BundleReport, checkBundle } from '../ingest/evidence/check_bundle.ts';
import { failWith } from './command.ts';
import { inert, print, printJson } from './output.ts';

const FINDINGS_SHOWN = 20;

export function verifyBundle(file: string, { vkey, json }: { vkey?: string; json?: boolean }): void {
  const report = checkBundle(readBundle(file), vkey);
  if (json) printJson({ ...report });
  else printReport(report);
  if (!report.ok) failWith(1);
}

function readBundle(file: string): Uint8Array {
  try {
    const { size } = statSync(file);
    if (size > LIMITS.evidence_bytes_max) throw new Error(`larger than ${LIMITS.evidence_bytes_max} bytes`);
    return readFileSync(file);
  } catch (error) {
    throw new AppError('file_unreadable', `${file}: ${messageOf(error)}`, { cause: error });
  }
}

function printReport({ ok, session_id, log, records, checkpoint_size, key_given, findings }: BundleReport): void {
  print(`${ok ? 'verified' : 'NOT VERIFIED'}: session ${inert(session_id)} of ${inert(log)}, ${records} records`);
  print(`  each stands in the log under a signed checkpoint of ${checkpoint_size} records, unless named below`);
  if (!key_given) print('  the key is the bundle’s own: give --vkey with the key that you trust to know who signed');
  for (const { code, file, message } of findings.slice(0, FINDINGS_SHOWN)) {
    print(`  ${code} ${inert(file)}: ${inert(message)}`);
  }
  if (findings.length > FINDINGS_SHOWN) print(`  and ${findings.length - FINDINGS_SHOWN} more`);
  print('  not proven: that the session has no later records, and alerts.json and edges.json, which are derived');
}
