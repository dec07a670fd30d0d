/** Checks a bundle and says what was proven, and what was not. */
import { open } from 'node:fs/promises';
import { type BundleReport, checkBundle } from '../core/bundle/check.ts';
import { AppError, messageOf } from '../core/errors.ts';
import { fileSource, nodeTools } from '../ingest/evidence/check_tools.ts';
import { failWith } from './command.ts';
import { inert, print, printJson } from './output.ts';
import { startProgress } from './progress.ts';

const FINDINGS_SHOWN = 20;

export async function verifyBundle(path: string, { vkey, json }: { vkey?: string; json?: boolean }): Promise<void> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new AppError('file_unreadable', `${path}: ${messageOf(cause)}`, { cause });
  });
  try {
    const progress = startProgress('checking', 'records');
    const onProgress = (done: number, of: number) => progress.update(done, of);
    const report = await checkBundle(await fileSource(file), nodeTools, { vkey, onProgress }).finally(progress.stop);
    if (json) printJson({ ...report });
    else printReport(report);
    if (!report.ok) failWith(1);
  } finally {
    await file.close();
  }
}

function printReport(report: BundleReport): void {
  const { ok, kind, log, tenant, records, checkpoint_size, key_given, findings } = report;
  const what = kind === 'session' ? `session ${report.session_id}` : `${report.framework}, tenant ${tenant}`;
  print(`${ok ? 'verified' : 'NOT VERIFIED'}: ${inert(what)} of ${inert(log)}, ${records} records`);
  print(`  each stands in the log under a signed checkpoint of ${checkpoint_size} records, unless named below`);
  if (report.erased > 0)
    print(`  of ${report.erased} records parts were erased or have expired; the log says when and why`);
  if (report.sessions_begun_before > 0)
    print(`  ${report.sessions_begun_before} sessions began before the bundle does`);
  if (!key_given) print('  the key is the bundle’s own: give --vkey with the key that you trust to know who signed');
  for (const { code, file, message } of findings.slice(0, FINDINGS_SHOWN)) {
    print(`  ${code} ${inert(file)}: ${inert(message)}`);
  }
  const more = findings.length - FINDINGS_SHOWN + report.more_findings;
  if (more > 0) print(`  and ${more} more`);
  const derived = kind === 'session' ? 'alerts.json and edges.json' : 'what is counted and said about these records';
  print(`  not proven: that there are no other records, and ${derived}: that is the word of who holds the log’s key`);
}
