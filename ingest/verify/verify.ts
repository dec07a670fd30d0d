/**
 * Verifies a stored log from its bytes alone: opens the checkpoints, recomputes the tree, and compares every record,
 * column, session and projected row with what the tree commits to. It trusts nothing but the public key.
 */
import { Buffer } from 'node:buffer';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Pseudonymizer } from '../../core/pseudonym.ts';
import { type HeadRow, readHead } from '../../core/store/queries/head.ts';
import type { Store } from '../../core/store/store.ts';
import { toBase64 } from '../../core/tlog/bytes.ts';
import { openCheckpoint } from '../../core/tlog/checkpoint.ts';
import { nodeVerify } from '../../core/tlog/ed25519_node.ts';
import { noteVerifier, parseVerifierKey } from '../../core/tlog/note_key.ts';
import type { SignedHead } from '../takeover.ts';
import { verifyCheckpoints } from './checkpoints.ts';
import { Erasures } from './erasures.ts';
import { type ClaimedRoot, type LeafWindow, readWindow, verifyCursor, verifyLeaves } from './leaves.ts';
import { Projections } from './projections.ts';
import { type RecordsCount, verifyRecords } from './records.ts';
import { Findings, type VerifyProgress, type VerifyReport } from './report.ts';
import { SessionCheck } from './sessions.ts';
import { settledSize } from './settled_size.ts';

export interface VerifyOptions {
  store: Store;
  /** Public key of the log in C2SP vkey form; its name is the log. */
  vkey: string;
  /** With the key of the pseudonyms, names are compared with the cores too. */
  pseudonyms?: Pseudonymizer;
  /** A checkpoint kept elsewhere: a receipt, an anchor file, a witness. */
  against?: string;
  /** What the signer of this folder remembers. */
  signed?: SignedHead;
  /** False: hashes and columns only, content is not opened. */
  with_content?: boolean;
  /** Proves one session complete as of the head instead of opening all content. */
  session?: { tenant: string; session_id: string };
  /** The log's records came from Kafka and have their offsets there; else a record's offset is its number. */
  from_source?: boolean;
  onProgress?: (progress: VerifyProgress) => void;
}

const LIMITS_TOLD = [
  'A store and its checkpoints that were rolled back together look whole: compare with a checkpoint kept elsewhere (--against).',
  'Whoever holds the signing key can sign another history: compare with receipts, an anchor file or a witness.',
];

/** Verifies the log. Resolves with a report; throws only where the store cannot be read. */
export async function verifyLog(options: VerifyOptions): Promise<VerifyReport> {
  const verifier = noteVerifier(parseVerifierKey(options.vkey), nodeVerify);
  const log = verifier.name;
  const findings = new Findings();
  const tell = (phase: VerifyProgress['phase'], total: number) => (done: number) =>
    options.onProgress?.({ phase, done, total });
  const claims = await verifyCheckpoints(options.store, log, verifier, findings, tell('checkpoints', 0));
  const head = (await readHead(options.store, log)) ?? emptyHead(log);
  const all_claims = [...claims, ...otherClaims(options, head, verifier, findings)];
  const report: VerifyReport = {
    ok: false,
    log,
    size: head.size,
    root: toBase64(head.root),
    checkpoints: claims.length,
    records: 0,
    sessions: 0,
    alerts: 0,
    erased: 0,
    expired: 0,
    with_content: options.with_content !== false,
    findings: findings.list,
    more_findings: 0,
    limits: LIMITS_TOLD,
  };
  const { store: whole, from_source = false } = options;
  const first = await treeIsWhole(whole, head, all_claims, findings, tell('leaves', head.size), from_source);
  if (first) await verifyAllRecords(options, head, first, findings, report, tell('records', head.size));
  report.more_findings = findings.more;
  report.ok = findings.count === 0;
  return report;
}

function emptyHead(log: string): HeadRow {
  return { log, size: 0, root: Buffer.from(new Uint8Array(32)), range: [], received_at_ms: 0 };
}

/** Roots that do not come from the checkpoint table. */
function otherClaims(
  options: VerifyOptions,
  head: HeadRow,
  verifier: Parameters<typeof openCheckpoint>[2][number],
  findings: Findings,
): ClaimedRoot[] {
  const claims: ClaimedRoot[] = [];
  if (head.size > 0) claims.push({ size: head.size, root: head.root, source: 'the head', table: 'heads' });
  if (options.signed) claims.push({ ...options.signed, source: "the signer's memory", table: 'leaves' });
  if (options.against !== undefined) {
    try {
      const { size, root } = openCheckpoint(options.against, head.log, [verifier]);
      claims.push({ size, root, source: 'the checkpoint given with --against', table: 'leaves' });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const message = `the checkpoint given with --against does not open: ${error.message}`;
      findings.add({ code: 'checkpoint_invalid', table: '(given)', message });
    }
  }
  return claims;
}

/** Checks the tree. Undefined when leaves are missing, so that records cannot be compared one by one. */
async function treeIsWhole(
  store: Store,
  head: HeadRow,
  claims: readonly ClaimedRoot[],
  findings: Findings,
  onProgress: (done: number) => void,
  from_source: boolean,
): Promise<LeafWindow | undefined> {
  try {
    return await verifyLeaves(store, head, claims, findings, onProgress, from_source);
  } catch (error) {
    if (error instanceof AppError && error.code === 'tree_incomplete') return undefined;
    throw error;
  }
}

/** The first pass checks all; a log above one window of leaves is read again for the leaves of each further window. */
async function verifyAllRecords(
  options: VerifyOptions,
  head: HeadRow,
  first: LeafWindow,
  findings: Findings,
  report: VerifyReport,
  onProgress: (done: number) => void,
): Promise<void> {
  const { store, session } = options;
  const scope = { log: head.log, size: head.size };
  const content_scope = options.with_content === false ? undefined : session ? { ...scope, session } : scope;
  const erasures = new Erasures(head.size);
  const projections = new Projections(head.log, findings);
  const sessions = new SessionCheck(store, scope, findings, session);
  for (let from = 0; from === 0 || from < head.size; from += LIMITS.verify_window_max) {
    const to = Math.min(head.size, from + LIMITS.verify_window_max);
    const first_pass = from === 0;
    const window = first_pass ? first : await readWindow(store, head, from, to);
    const check = { scope, content_scope, window, first_pass, pseudonyms: options.pseudonyms, erasures, findings };
    const count = await verifyRecords(store, { ...check, projections, sessions, onProgress });
    if (!first_pass) continue;
    report.records = count.records;
    report.erased = count.erased;
    report.expired = count.expired;
    checkArrival(head, count, findings);
  }
  await sessions.finish();
  const size_now = await settledSize(store, head, (size) => sessions.isAhead(size));
  await sessions.compareAhead(size_now);
  await erasures.compare(store, scope, session === undefined, findings);
  await verifyCursor(store, head.log, size_now, findings);
  report.sessions = sessions.count;
  await projections.compare(store, head, options.from_source === true);
  report.alerts = projections.alert_count;
  if (session !== undefined) report.session = { ...session, events: sessions.wanted_events };
  if (report.session?.events === 0) {
    const message = `session ${session?.session_id} has no record in this log`;
    findings.add({ code: 'session_unknown', table: 'events', message });
  }
}

/** The head repeats the latest arrival, from which the writer's clock goes on. */
function checkArrival(head: HeadRow, count: RecordsCount, findings: Findings): void {
  if (head.size === 0 || findings.count > 0 || head.received_at_ms === count.latest_received_ms) return;
  const message = `the head says that the latest record came at ${head.received_at_ms}, the records say ${count.latest_received_ms}`;
  findings.add({ code: 'column_changed', table: 'heads', column: 'received_at_ms', message });
}
