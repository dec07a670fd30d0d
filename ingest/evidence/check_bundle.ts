/** Checks an evidence bundle without any store: what was changed is named, what cannot be proven is said. */
import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { unzipSync } from 'fflate';
import { type Core, GROUPS, parseCore } from '../../core/core_record.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { fromBase64 } from '../../core/tlog/bytes.ts';
import { type OpenedCheckpoint, openCheckpoint } from '../../core/tlog/checkpoint.ts';
import { nodeVerify } from '../../core/tlog/ed25519_node.ts';
import { nodeHasher } from '../../core/tlog/node_hasher.ts';
import { noteVerifier, parseVerifierKey } from '../../core/tlog/note_key.ts';
import { verifyInclusion } from '../../core/tlog/proof.ts';
import { opens, saltsOf } from '../verify/record_check.ts';
import { BUNDLE_FILES, BUNDLE_FORMAT, type BundleRecord, type Manifest } from './bundle.ts';

export interface BundleFinding {
  code: string;
  file: string;
  /** Of the record. */
  seq?: number;
  message: string;
}

export interface BundleReport {
  ok: boolean;
  session_id: string;
  log: string;
  checkpoint_size: number;
  records: number;
  /** Whether the key was given by the reader; else it is the bundle's own, which proves nothing about who signed. */
  key_given: boolean;
  findings: BundleFinding[];
}

/** Checks a bundle, with the key that the reader trusts. Throws `bundle_malformed` on what is no bundle at all. */
export function checkBundle(bytes: Uint8Array, trusted_vkey?: string): BundleReport {
  const files = filesOf(bytes);
  const manifest = manifestOf(files);
  const findings: BundleFinding[] = [];
  for (const [name, digest] of Object.entries(manifest.files)) {
    const file = files.get(name);
    if (file !== undefined && hash('sha256', file) === digest) continue;
    findings.push({ code: 'file_changed', file: name, message: `${name} is not the file that the manifest names` });
  }
  const vkey = trusted_vkey ?? textOf(files, 'key.txt').trim();
  const checkpoint = checkpointOf(textOf(files, 'checkpoint.txt'), manifest.log, vkey, findings);
  const lines = textOf(files, 'records.ndjson').split('\n').filter(Boolean);
  if (lines.length !== manifest.records) {
    const message = `the manifest says ${manifest.records} records, there are ${lines.length}`;
    findings.push({ code: 'records_missing', file: 'records.ndjson', message });
  }
  if (checkpoint !== undefined) checkRecords(lines, checkpoint, findings);
  return {
    ok: findings.length === 0,
    session_id: manifest.session_id,
    log: manifest.log,
    checkpoint_size: checkpoint?.size ?? 0,
    records: lines.length,
    key_given: trusted_vkey !== undefined,
    findings: findings.slice(0, LIMITS.verify_findings_max),
  };
}

const malformed = (why: string) => new AppError('bundle_malformed', `this is no evidence bundle: ${why}`);

/** Unpacks within limits. Names that a bundle does not have are refused, so no name ever becomes a path. */
function filesOf(bytes: Uint8Array): Map<string, Uint8Array> {
  const seen = new Set<string>();
  let unpacked = 0;
  if (bytes.length > LIMITS.evidence_bytes_max) throw malformed(`more than ${LIMITS.evidence_bytes_max} bytes`);
  const filter = ({ name, originalSize }: { name: string; originalSize: number }): boolean => {
    if (!(BUNDLE_FILES as readonly string[]).includes(name))
      throw malformed(`a file ${JSON.stringify(name.slice(0, 80))}`);
    if (seen.has(name)) throw malformed(`${name} is there twice`);
    seen.add(name);
    unpacked += originalSize;
    if (unpacked > LIMITS.evidence_bytes_max) throw malformed(`more than ${LIMITS.evidence_bytes_max} bytes unpacked`);
    return true;
  };
  try {
    return new Map(Object.entries(unzipSync(bytes, { filter })));
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw malformed(messageOf(error));
  }
}

function textOf(files: ReadonlyMap<string, Uint8Array>, name: string): string {
  const file = files.get(name);
  if (file === undefined) throw malformed(`${name} is not there`);
  return Buffer.from(file).toString('utf8');
}

function manifestOf(files: ReadonlyMap<string, Uint8Array>): Manifest {
  const manifest = jsonOf<Manifest>(textOf(files, 'manifest.json'));
  const { format, log, session_id, records, files: digests } = manifest ?? {};
  if (format !== BUNDLE_FORMAT) throw malformed(`manifest.json does not say ${BUNDLE_FORMAT}`);
  const whole = typeof log === 'string' && typeof session_id === 'string' && typeof records === 'number';
  if (!whole || typeof digests !== 'object' || digests === null) throw malformed('manifest.json lacks members');
  const unnamed = BUNDLE_FILES.find((name) => name !== 'manifest.json' && digests[name] === undefined);
  if (unnamed !== undefined) throw malformed(`manifest.json does not name ${unnamed}`);
  return manifest as Manifest;
}

function jsonOf<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

function checkpointOf(
  note: string,
  log: string,
  vkey: string,
  findings: BundleFinding[],
): OpenedCheckpoint | undefined {
  try {
    return openCheckpoint(note, log, [noteVerifier(parseVerifierKey(vkey), nodeVerify)]);
  } catch (error) {
    findings.push({ code: 'checkpoint_not_signed', file: 'checkpoint.txt', message: messageOf(error) });
    return undefined;
  }
}

/** Each record against the checkpoint and its own commitments; all of them as one unbroken chain of the session. */
function checkRecords(lines: readonly string[], checkpoint: OpenedCheckpoint, findings: BundleFinding[]): void {
  let before: { leaf: string; session_seq: number } | undefined;
  for (const [nth, line] of lines.entries()) {
    const record = jsonOf<BundleRecord>(line);
    const add = (code: string, message: string) => {
      const at = { file: 'records.ndjson', ...(typeof record?.seq === 'number' && { seq: record.seq }) };
      findings.push({ code, ...at, message: `line ${nth + 1}: ${message}` });
    };
    try {
      if (record === undefined) throw malformed('it is not JSON');
      const core = parseCore(record.core);
      const leaf = nodeHasher.leaf(Buffer.from(record.core, 'utf8'));
      const proof = record.proof.map((text) => fromBase64(text) ?? new Uint8Array(0));
      const { size, root } = checkpoint;
      verifyInclusion(nodeHasher, { index: core.seq, size, leaf_hash: leaf, proof, root });
      for (const problem of openingProblems(record, core)) add('opening_changed', problem);
      const link = linkProblem(core, before);
      if (link !== undefined) add('session_broken', link);
      before = { leaf: Buffer.from(leaf).toString('base64'), session_seq: core.session_seq ?? 0 };
    } catch (error) {
      add('record_not_proven', messageOf(error));
    }
  }
}

/** Each part has to open its commitment, and no part may be there that the record did not commit to. */
function openingProblems(record: BundleRecord, core: Core): string[] {
  const salt = Buffer.from(record.salt, 'hex');
  const salts = record.state === 'kept' ? undefined : saltsOf(salt);
  if (salts === 'malformed') return ['the salts that an erasure left cannot be read'];
  return GROUPS.flatMap((group) => {
    const stored = Buffer.from(String(record[group] ?? ''), 'utf8');
    const committed = core.commit[group];
    if (committed === undefined) return stored.length > 0 ? [`${group} is there, the record has none`] : [];
    const gone = salts !== undefined && (group === 'params' || group === 'content' || salts[group] === undefined);
    if (gone) return stored.length > 0 ? [`${group} is there, though it was ${record.state}`] : [];
    return opens(group, stored, committed, salt, salts) ? [] : [`${group} does not open its commitment`];
  });
}

function linkProblem(core: Core, before: { leaf: string; session_seq: number } | undefined): string | undefined {
  if (before === undefined) {
    return core.session_prev === undefined ? undefined : 'the session began before the first record of the bundle';
  }
  if (core.session_prev === before.leaf) return undefined;
  return `it does not follow the record before it: a record between ${before.session_seq} and ${core.session_seq} is not here`;
}
