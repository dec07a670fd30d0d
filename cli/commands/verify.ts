/** `tracewarden verify`: recomputes the stored log from its bytes; reads only, and trusts only the public key. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import pc from 'picocolors';
import { AppError, messageOf } from '../../core/errors.ts';
import { openEmbeddedStore } from '../../core/store/store.ts';
import { parseVerifierKey } from '../../core/tlog/note_key.ts';
import { logVkeysPath, readLogVkeys, signerFolder } from '../../ingest/kafka/log_keys.ts';
import { readSharedPseudonyms, sharedKeyPath } from '../../ingest/kafka/shared_key.ts';
import { readPseudonyms, readVkey } from '../../ingest/keyring.ts';
import { readSignedHead } from '../../ingest/signer.ts';
import type { VerifyProgress, VerifyReport } from '../../ingest/verify/report.ts';
import { type VerifyOptions, verifyLog } from '../../ingest/verify/verify.ts';
import { queryOf, targetOf } from '../backend.ts';
import { type CommonFlags, failWith, useLog, withBackend } from '../command.ts';
import { inert, print, printJson } from '../output.ts';
import { startProgress } from '../progress.ts';
import { verifyBundle } from '../verify_bundle.ts';

interface VerifyFlags extends CommonFlags {
  session?: string;
  tenant?: string;
  against?: string;
  content?: boolean;
  vkey?: string;
  log?: string;
}

const FINDINGS_SHOWN = 20;

export function verifyCommand(program: Command): void {
  withBackend(program.command('verify').argument('[bundle]', 'an evidence bundle to check instead, without a store'))
    .description('verify the stored log: every byte of every row against the signed tree')
    .option('--vkey <key>', 'of a bundle: the public key of the log, got on another way')
    .option('--log <name>', 'one of several logs, which a service over Kafka has (default: all)')
    .option('--session <session_id>', 'prove one session complete as of the newest checkpoint')
    .option('--tenant <tenant>', 'of --session (default: the tenant of the key, else "default")')
    .option('--against <file>', 'a checkpoint that was kept elsewhere')
    .option('--no-content', 'hashes and columns only; content is not opened')
    .action(verify);
}

async function verify(bundle: string | undefined, flags: VerifyFlags): Promise<void> {
  if (bundle !== undefined) {
    await verifyBundle(bundle, flags);
    return;
  }
  const against = flags.against === undefined ? undefined : readCheckpoint(flags.against);
  const progress = startProgress('verify', 'records');
  const started_ms = performance.now();
  const onProgress = ({ phase, done, total }: VerifyProgress) => progress.update(done, Math.max(total, done), phase);
  const target = await targetOf(flags);
  const verified =
    target.kind === 'folder'
      ? verifyFolder(target.config.data, flags, against, onProgress)
      : verifyByService(flags, against, onProgress);
  const reports = await verified.finally(() => progress.stop());
  const seconds = (performance.now() - started_ms) / 1000;
  for (const report of reports) {
    if (flags.json) printJson({ ...report, seconds: Number(seconds.toFixed(3)) });
    else printReport(report, seconds);
  }
  if (reports.some(({ ok }) => !ok)) failWith(1);
}

function readCheckpoint(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new AppError('file_unreadable', `${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** Opens the folder for reading only: nothing is repaired, nothing is taken over. */
async function verifyFolder(
  data: string,
  flags: VerifyFlags,
  against: string | undefined,
  onProgress: (progress: VerifyProgress) => void,
): Promise<VerifyReport[]> {
  const logs = chosen(logsOfFolder(data), flags, against);
  const store = await openEmbeddedStore(data);
  const reports: VerifyReport[] = [];
  try {
    for (const known of logs) {
      const options: VerifyOptions = { store, ...known.with, onProgress };
      if (against !== undefined) options.against = against;
      if (flags.content === false) options.with_content = false;
      if (flags.session !== undefined)
        options.session = { tenant: flags.tenant ?? 'default', session_id: flags.session };
      reports.push(await verifyLog(options));
    }
  } finally {
    await store.close();
  }
  return reports;
}

interface FolderLog {
  log: string;
  with: Omit<VerifyOptions, 'store'>;
}

/** The logs whose public keys a folder holds. Throws `no_log`. */
function logsOfFolder(data: string): FolderLog[] {
  const vkey = readVkey(data);
  if (vkey === undefined) throw new AppError('no_log', `there is no log in ${data}`);
  const pseudonyms = readPseudonyms(data);
  const { name: log } = parseVerifierKey(vkey);
  const signed = readSignedHead(data, log);
  const own = { log, with: { vkey, ...(pseudonyms && { pseudonyms }), ...(signed && { signed }) } };
  const shared = readSharedPseudonyms(sharedKeyPath(data));
  const others = [...readLogVkeys(logVkeysPath(data))].map(([name, key], partition) => {
    const memory = readSignedHead(signerFolder(data, partition), name);
    const known = { ...(shared && { pseudonyms: shared }), ...(memory && { signed: memory }) };
    return { log: name, with: { vkey: key, from_source: true, ...known } };
  });
  return [own, ...others];
}

/** The log that is named, else all; a session or a checkpoint is of one log alone. */
function chosen<T extends { log: string }>(logs: readonly T[], flags: VerifyFlags, against?: string): readonly T[] {
  const origin = against?.split('\n')[0];
  const name = flags.log ?? (logs.some(({ log }) => log === origin) ? origin : undefined);
  if (name !== undefined) {
    const found = logs.filter(({ log }) => log === name);
    if (found.length === 0) throw new AppError('not_found', `there is no log ${JSON.stringify(name)} here`);
    return found;
  }
  if (logs.length > 1 && (flags.session !== undefined || against !== undefined)) {
    throw new AppError('usage', '--session and --against are of one log: name it with --log');
  }
  return logs;
}

/** A folder that a service holds open is verified by that service. */
async function verifyByService(
  flags: VerifyFlags,
  against: string | undefined,
  onProgress: (progress: VerifyProgress) => void,
): Promise<VerifyReport[]> {
  return useLog(flags, async (backend) => {
    const { logs } = await backend.json<{ logs: { log: string }[] }>('GET', '/v1/log/list');
    const reports: VerifyReport[] = [];
    for (const { log } of chosen(logs, flags, against)) {
      const body = { log, with_content: flags.content !== false, against, session: flags.session };
      const path = `/v1/verify${queryOf({ tenant: flags.tenant })}`;
      reports.push(await readReport(await backend.call('POST', path, body), onProgress));
    }
    return reports;
  });
}

/** Lines of progress, the last one the report. */
async function readReport(response: Response, onProgress: (progress: VerifyProgress) => void): Promise<VerifyReport> {
  let rest = '';
  let report: VerifyReport | undefined;
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line) as { progress?: VerifyProgress; report?: VerifyReport };
      if (message.progress !== undefined) onProgress(message.progress);
      report = message.report ?? report;
    }
  }
  if (report === undefined) throw new AppError('verify_failed', 'the service could not read its store to the end');
  return report;
}

function printReport(report: VerifyReport, seconds: number): void {
  const rate = Math.round(report.records / Math.max(seconds, 0.001));
  const verdict = report.ok ? pc.green('verified') : pc.red('NOT VERIFIED');
  print(
    `${verdict} ${inert(report.log)}: ${report.size} records in ${seconds.toFixed(1)} s (${rate}/s), root ${report.root}`,
  );
  const { checkpoints, sessions, alerts, erased, expired } = report;
  print(
    `${checkpoints} checkpoints, ${sessions} sessions, ${alerts} alerts, ${erased} erased, ${expired} expired${report.with_content ? '' : '; content was not opened'}`,
  );
  if (report.session !== undefined) {
    const { session_id, events } = report.session;
    print(`session ${inert(session_id)}: these ${events} events are all it has among the first ${report.size} records`);
  }
  for (const finding of report.findings.slice(0, FINDINGS_SHOWN)) {
    const where = [finding.table, finding.column].filter(Boolean).join('.');
    print(`${pc.red(inert(finding.code))} ${inert(where)}: ${inert(finding.message)}`);
  }
  const more = report.findings.length - FINDINGS_SHOWN + report.more_findings;
  if (more > 0) print(`and ${more} more; --json lists up to 1000`);
  for (const limit of report.limits) print(pc.dim(inert(limit)));
}
