/** The manifest of a bundle: what the bundle is, and the digest of every file in it. It is signed with the log's key. */
import { AppError, messageOf } from '../errors.ts';
import { bytesToHex, fromUtf8 } from '../tlog/bytes.ts';
import { openNote } from '../tlog/note.ts';
import type { NoteVerifier } from '../tlog/note_key.ts';

export const BUNDLE_FORMAT = 'tracewarden-bundle/2';

/** Files that a bundle may hold; another name is refused. The manifest and its signature come last. */
export const BUNDLE_FILES = [
  'README.txt',
  'report.html',
  'verify.html',
  'checkpoint.txt',
  'key.txt',
  'proofs.ndjson',
  'records.ndjson',
  'records.csv',
  'alerts.json',
  'edges.json',
  'controls.json',
  'inventory.json',
  'oscal-assessment-results.json',
  'manifest.json',
  'manifest.sig',
] as const;
export type BundleFile = (typeof BUNDLE_FILES)[number];

/** What no bundle can do without, beside the manifest and its signature. */
const NEEDED = ['checkpoint.txt', 'key.txt', 'proofs.ndjson', 'records.ndjson'] as const;

export interface FileDigest {
  bytes: number;
  /** SHA-256 of the file, in hexadecimal. */
  sha256: string;
  /** SHA-256 of the file as it is packed: of one content there are many packings, and only this one is meant. */
  packed_sha256: string;
}

export interface Manifest {
  format: string;
  kind: 'session' | 'export';
  tenant: string;
  log: string;
  /** The heads that the records are proven against. */
  heads: { log: string; size: number; root: string }[];
  records: number;
  /** Parts of a record that are disclosed where they were not erased. */
  parts: string[];
  made_at: string;
  made_by: string;
  session_id?: string;
  framework?: string;
  period?: { from: string; to: string };
  /** SHA-256 of the text of each query that the figures come from. */
  queries?: Record<string, string>;
  files: Record<string, FileDigest>;
}

const NOTE_TITLE = 'tracewarden bundle manifest v1';

/**
 * What is signed for a manifest, as the text of a C2SP signed note. Its third line is no root in base64, so that it can
 * never pass for a checkpoint of the same key.
 */
export function manifestNote(origin: string, sha256: Uint8Array): string {
  return `${NOTE_TITLE}\n${origin}\n${bytesToHex(sha256)}\n`;
}

/** Returns only if the note was signed by the log's key for this manifest; throws `manifest_not_signed` with the reason. */
export function openManifestNote(note: Uint8Array, log: string, sha256: Uint8Array, verifier: NoteVerifier): void {
  let text: string;
  try {
    text = openNote(note, [verifier]).text;
  } catch (cause) {
    throw new AppError('manifest_not_signed', messageOf(cause), { cause });
  }
  if (text === manifestNote(log, sha256)) return;
  throw new AppError('manifest_not_signed', 'the signature is for another manifest');
}

const malformed = (why: string) => new AppError('bundle_malformed', `this is no evidence bundle: ${why}`);

/** Reads a manifest. Throws `bundle_malformed`, also for formats of other versions. */
export function parseManifest(bytes: Uint8Array, names: readonly string[]): Manifest {
  let manifest: Partial<Manifest>;
  try {
    manifest = Object(JSON.parse(fromUtf8(bytes) ?? '')) as Partial<Manifest>;
  } catch {
    throw malformed('manifest.json is not JSON');
  }
  const { format, kind, log, records, parts, files } = manifest;
  if (format !== BUNDLE_FORMAT) throw malformed(`manifest.json does not say ${BUNDLE_FORMAT}`);
  const counted = Number.isSafeInteger(records) && Array.isArray(parts);
  const whole = typeof log === 'string' && counted && (kind === 'session' || kind === 'export');
  if (!whole || typeof files !== 'object' || files === null) throw malformed('manifest.json lacks members');
  const said = Object.values(files).every(
    (file) => typeof Object(file).sha256 === 'string' && typeof Object(file).packed_sha256 === 'string',
  );
  if (!said) throw malformed('manifest.json names a file without its digests');
  const own = new Set(['manifest.json', 'manifest.sig']);
  const unnamed = names.find((name) => !own.has(name) && !Object.hasOwn(files, name));
  if (unnamed !== undefined) throw malformed(`manifest.json does not name ${unnamed}`);
  const lacking = [...own, ...NEEDED].find((name) => !names.includes(name));
  if (lacking !== undefined) throw malformed(`${lacking} is not there`);
  return manifest as Manifest;
}
