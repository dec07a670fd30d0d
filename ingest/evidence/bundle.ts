/**
 * The evidence bundle: one zip with the records of a session, what opens their commitments, their proofs against one
 * signed checkpoint, and the key. docs/adr/0024 says what each file is and what the bundle proves.
 */
import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { strToU8, zipSync } from 'fflate';
import { canonicalJson } from '../../core/json/canonical.ts';
import type { SessionRecord } from '../../core/store/queries/session_records.ts';

export const BUNDLE_FORMAT = 'tracewarden-evidence/1';
/** Files of a bundle; another name is refused. */
export const BUNDLE_FILES = [
  'manifest.json',
  'checkpoint.txt',
  'key.txt',
  'records.ndjson',
  'alerts.json',
  'edges.json',
  'README.txt',
] as const;
export type BundleFile = (typeof BUNDLE_FILES)[number];

export interface BundleRecord extends SessionRecord {
  /** Hashes from the leaf's sibling up, in base64 (RFC 6962 section 2.1.1). */
  proof: string[];
}

export interface Manifest {
  format: string;
  tenant: string;
  session_id: string;
  log: string;
  checkpoint_size: number;
  records: number;
  made_at: string;
  /** SHA-256 of each other file, in hexadecimal. */
  files: Partial<Record<BundleFile, string>>;
}

export interface BundleParts {
  tenant: string;
  session_id: string;
  log: string;
  /** In C2SP vkey form. */
  vkey: string;
  /** A C2SP signed note. */
  checkpoint: string;
  checkpoint_size: number;
  records: readonly BundleRecord[];
  alerts: unknown;
  edges: unknown;
  made_at: string;
}

const ABOUT = `Evidence of one session, for somebody who trusts nobody here.

records.ndjson  each record of the session: its core (what the log commits to), the parts that open the core's
                commitments with the record's salt, and the hashes that lead to the root of the checkpoint
checkpoint.txt  the signed checkpoint (C2SP tlog-checkpoint)
key.txt         the public key of the log (C2SP vkey). Compare it with one that you got on another way
alerts.json     alerts of the session; their records are in records.ndjson
edges.json      which value of which result went into which call; derived, not covered by the log

Check it:  tracewarden verify evidence.zip --vkey "KEY THAT YOU TRUST"
`;

/** The bytes of a bundle. The same parts give the same bytes. */
export function writeBundle(parts: BundleParts): Uint8Array {
  const { tenant, session_id, log, checkpoint_size, made_at, records } = parts;
  const files: Record<string, Uint8Array> = {
    'checkpoint.txt': strToU8(parts.checkpoint),
    'key.txt': strToU8(`${parts.vkey}\n`),
    'records.ndjson': Buffer.from(records.map((record) => `${canonicalJson(record)}\n`).join(''), 'utf8'),
    'alerts.json': strToU8(`${JSON.stringify(parts.alerts, null, 2)}\n`),
    'edges.json': strToU8(`${JSON.stringify(parts.edges, null, 2)}\n`),
    'README.txt': strToU8(ABOUT),
  };
  const digests = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, hash('sha256', bytes)]));
  const manifest: Manifest = {
    format: BUNDLE_FORMAT,
    tenant,
    session_id,
    log,
    checkpoint_size,
    records: records.length,
    made_at,
    files: digests,
  };
  const all = { 'manifest.json': strToU8(`${JSON.stringify(manifest, null, 2)}\n`), ...files };
  return zipSync(all, { mtime: new Date(made_at) });
}
