/**
 * Checks a bundle without any store, in Node and in a browser alike: what was changed is named, what cannot be proven
 * is said. It reads in pieces, so that memory does not grow with the records.
 */
import { type Core, parseCore } from '../core_record.ts';
import { AppError, messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { bytesToHex, concatBytes, equalBytes, fromUtf8, toBase64, toUtf8 } from '../tlog/bytes.ts';
import { type OpenedCheckpoint, openCheckpoint } from '../tlog/checkpoint.ts';
import type { Hasher } from '../tlog/hasher.ts';
import { type Ed25519Verify, type NoteVerifier, noteVerifier, parseVerifierKey } from '../tlog/note_key.ts';
import { leafAt, proveBlock } from './block.ts';
import type { CommitPart } from './commitment.ts';
import { linesOf } from './lines.ts';
import { type Manifest, openManifestNote, parseManifest } from './manifest.ts';
import { type BundleRecord, linkProblem, partProblems, type SessionLink } from './record_line.ts';
import { type ByteSource, type PlacedEntry, readDirectory } from './zip.ts';

/** What differs between Node and a browser. */
export interface CheckTools {
  hasher: Hasher;
  /** SHA-256 over pieces. */
  digest(): { update(bytes: Uint8Array): unknown; digest(): Uint8Array };
  commit: CommitPart;
  verify: Ed25519Verify;
  /** Unpacks DEFLATE without a header. */
  inflate(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

export interface BundleFinding {
  code: string;
  file: string;
  /** Of the record. */
  seq?: number;
  message: string;
}

export interface BundleReport {
  ok: boolean;
  kind: Manifest['kind'];
  tenant: string;
  session_id: string;
  framework: string;
  log: string;
  checkpoint_size: number;
  records: number;
  /** Sessions of which events stood in the log before the first one of the bundle. */
  sessions_begun_before: number;
  /** Records of which parts were erased or expired. */
  erased: number;
  /** Whether the key was given by the reader; else it is the bundle's own, which proves nothing about who signed. */
  key_given: boolean;
  findings: BundleFinding[];
  more_findings: number;
}

export interface CheckOptions {
  /** The key that the reader trusts. */
  vkey?: string | undefined;
  onProgress?: (records: number, of: number) => void;
}

const SMALL_FILE_BYTES_MAX = 1_048_576;
const PIECE_BYTES = 1_048_576;

const malformed = (why: string) => new AppError('bundle_malformed', `this is no evidence bundle: ${why}`);

/** Checks a bundle. Throws `bundle_malformed` on what is no bundle at all, naming the first thing that is not. */
export async function checkBundle(
  source: ByteSource,
  tools: CheckTools,
  options: CheckOptions = {},
): Promise<BundleReport> {
  const entries = await readDirectory(source);
  const check = new Check(source, entries, tools, options);
  return check.run();
}

class Check {
  private readonly source: ByteSource;
  private readonly entries: ReadonlyMap<string, PlacedEntry>;
  private readonly tools: CheckTools;
  private readonly options: CheckOptions;
  private readonly findings: BundleFinding[] = [];
  private more_findings = 0;
  private readonly blocks = new Map<number, Uint8Array>();
  private readonly links = new Map<string, SessionLink>();
  private readonly taken = new Set<number>();
  private records = 0;
  private begun_before = 0;
  private erased = 0;

  constructor(source: ByteSource, entries: readonly PlacedEntry[], tools: CheckTools, options: CheckOptions) {
    this.source = source;
    this.entries = new Map(entries.map((entry) => [entry.name, entry]));
    this.tools = tools;
    this.options = options;
  }

  async run(): Promise<BundleReport> {
    const manifest_bytes = await this.small('manifest.json');
    const manifest = parseManifest(manifest_bytes, [...this.entries.keys()]);
    const key = this.options.vkey ?? (await this.text('key.txt')).trim();
    const verifier = this.verifierOf(key);
    await this.checkSignature(manifest, manifest_bytes, verifier);
    const checkpoint = verifier && (await this.checkpointOf(manifest, verifier));
    for (const name of Object.keys(manifest.files)) {
      if (!this.entries.has(name)) this.add('file_missing', name, `${name} is not there, though the manifest names it`);
    }
    for (const [name, entry] of this.entries) {
      if (name === 'records.ndjson' || name === 'manifest.json' || name === 'manifest.sig') continue;
      await this.checkFile(entry, manifest, name === 'proofs.ndjson' ? checkpoint : undefined);
    }
    await this.checkRecords(manifest, checkpoint);
    return this.report(manifest, checkpoint);
  }

  private report(manifest: Manifest, checkpoint: OpenedCheckpoint | undefined): BundleReport {
    return {
      ok: this.findings.length === 0,
      kind: manifest.kind,
      tenant: String(manifest.tenant),
      session_id: String(manifest.session_id ?? ''),
      framework: String(manifest.framework ?? ''),
      log: manifest.log,
      checkpoint_size: checkpoint?.size ?? 0,
      records: this.records,
      sessions_begun_before: this.begun_before,
      erased: this.erased,
      key_given: this.options.vkey !== undefined,
      findings: this.findings,
      more_findings: this.more_findings,
    };
  }

  private add(code: string, file: string, message: string, seq?: number): void {
    if (this.findings.length >= LIMITS.verify_findings_max) this.more_findings++;
    else this.findings.push({ code, file, ...(seq !== undefined && { seq }), message });
  }

  private verifierOf(key: string): NoteVerifier | undefined {
    try {
      return noteVerifier(parseVerifierKey(key), this.tools.verify);
    } catch (error) {
      this.add('key_invalid', 'key.txt', messageOf(error));
      return undefined;
    }
  }

  private async checkSignature(
    manifest: Manifest,
    bytes: Uint8Array,
    verifier: NoteVerifier | undefined,
  ): Promise<void> {
    if (verifier === undefined) return;
    try {
      openManifestNote(await this.small('manifest.sig'), manifest.log, this.tools.hasher.sha256(bytes), verifier);
    } catch (error) {
      this.add('manifest_not_signed', 'manifest.json', messageOf(error));
    }
  }

  private async checkpointOf(manifest: Manifest, verifier: NoteVerifier): Promise<OpenedCheckpoint | undefined> {
    try {
      return openCheckpoint(await this.small('checkpoint.txt'), manifest.log, [verifier]);
    } catch (error) {
      this.add('checkpoint_not_signed', 'checkpoint.txt', messageOf(error));
      return undefined;
    }
  }

  /** Compares a file with the manifest, and reads the proofs as it goes. */
  private async checkFile(entry: PlacedEntry, manifest: Manifest, tree: OpenedCheckpoint | undefined): Promise<void> {
    const chunks = this.unpacked(entry, manifest);
    try {
      if (tree !== undefined) await this.readBlocks(linesOf(chunks, LIMITS.bundle_line_bytes_max), tree);
      for await (const _ of chunks);
    } catch (error) {
      this.add('file_changed', entry.name, `${entry.name} cannot be read: ${messageOf(error)}`);
    }
  }

  private async readBlocks(lines: AsyncIterable<string[]>, tree: OpenedCheckpoint): Promise<void> {
    const blocks_max = Math.ceil(LIMITS.verify_window_max / 256);
    for await (const some of lines) {
      for (const line of some) {
        if (this.blocks.size >= blocks_max) throw malformed(`more than ${blocks_max} blocks of leaves`);
        try {
          const { index, leaves } = proveBlock(this.tools.hasher, line, tree);
          this.blocks.set(index, leaves);
        } catch (error) {
          this.add('block_not_proven', 'proofs.ndjson', messageOf(error));
        }
      }
    }
  }

  private async checkRecords(manifest: Manifest, checkpoint: OpenedCheckpoint | undefined): Promise<void> {
    const entry = this.entries.get('records.ndjson') as PlacedEntry;
    try {
      for await (const lines of linesOf(this.unpacked(entry, manifest), LIMITS.bundle_line_bytes_max)) {
        for (const line of lines) this.checkRecord(line, manifest, checkpoint);
        this.options.onProgress?.(this.records, manifest.records);
      }
    } catch (error) {
      this.add('file_changed', 'records.ndjson', `records.ndjson cannot be read: ${messageOf(error)}`);
    }
    if (this.records === manifest.records) return;
    const message = `the manifest says ${manifest.records} records, there are ${this.records}`;
    this.add('records_missing', 'records.ndjson', message);
  }

  private checkRecord(line: string, manifest: Manifest, checkpoint: OpenedCheckpoint | undefined): void {
    this.records++;
    const at = `line ${this.records}`;
    const say = (code: string, why: string, seq?: number) => this.add(code, 'records.ndjson', `${at}: ${why}`, seq);
    let record: BundleRecord;
    let core: Core;
    try {
      record = JSON.parse(line) as BundleRecord;
      core = parseCore(String(Object(record).core));
    } catch (error) {
      say('record_not_proven', messageOf(error));
      return;
    }
    const { seq } = core;
    const leaf = this.tools.hasher.leaf(toUtf8(record.core) ?? new Uint8Array(0));
    if (checkpoint !== undefined) {
      const proven = leafAt(this.blocks, seq);
      if (proven === undefined || proven.length === 0) say('record_not_proven', `no proof covers record ${seq}`, seq);
      else if (!equalBytes(proven, leaf)) say('record_not_proven', `the log has another record at ${seq}`, seq);
    }
    if (record.seq !== seq) say('record_not_proven', `it says ${String(record.seq)}, its core says ${seq}`, seq);
    if (this.taken.has(seq)) say('record_twice', `record ${seq} was there before`, seq);
    this.taken.add(seq);
    if (record.state !== undefined) this.erased++;
    for (const problem of partProblems(record, core, manifest.parts, this.tools.commit)) {
      say('opening_changed', problem, seq);
    }
    if (core.session !== undefined && core.kind === 'event') this.follow(core, leaf, manifest, say);
  }

  private follow(
    core: Core,
    leaf: Uint8Array,
    { kind }: Manifest,
    say: (code: string, why: string, seq: number) => void,
  ): void {
    const session = String(core.session);
    const before = this.links.get(session);
    const problem = linkProblem(core, before, kind === 'session');
    if (problem !== undefined) say('session_broken', problem, core.seq);
    if (before === undefined && core.session_prev !== undefined) this.begun_before++;
    if (kind === 'session' && before === undefined && this.links.size > 0) {
      say('session_broken', 'it belongs to another session', core.seq);
    }
    this.links.set(session, { leaf: toBase64(leaf), session_seq: core.session_seq ?? 0 });
  }

  private async small(name: string): Promise<Uint8Array> {
    const entry = this.entries.get(name);
    if (entry === undefined) throw malformed(`${name} is not there`);
    if (entry.bytes > SMALL_FILE_BYTES_MAX) throw malformed(`${name} has more than ${SMALL_FILE_BYTES_MAX} bytes`);
    const pieces: Uint8Array[] = [];
    for await (const piece of this.contents(entry)) pieces.push(piece);
    return concatBytes(...pieces);
  }

  private async text(name: string): Promise<string> {
    return fromUtf8(await this.small(name)) ?? '';
  }

  private async *packed(entry: PlacedEntry): AsyncGenerator<Uint8Array> {
    const end = entry.from + entry.packed_bytes;
    for (let at = entry.from; at < end; at += PIECE_BYTES) {
      yield await this.source.read(at, Math.min(end, at + PIECE_BYTES));
    }
  }

  /** The bytes of a file as they are unpacked; more than its entry says are refused, so that no bomb is unpacked. */
  private async *contents(entry: PlacedEntry, packed = this.packed(entry)): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    try {
      for await (const piece of entry.deflated ? this.tools.inflate(packed) : packed) {
        bytes += piece.length;
        if (bytes > entry.bytes) throw malformed(`${entry.name} unpacks to more than its ${entry.bytes} bytes`);
        yield piece;
      }
    } catch (error) {
      throw error instanceof AppError ? error : malformed(`${entry.name}: ${messageOf(error)}`);
    }
    if (bytes !== entry.bytes) throw malformed(`${entry.name} ends after ${bytes} bytes`);
  }

  /** The same, compared with the manifest when it was read to its end. */
  private async *unpacked(entry: PlacedEntry, manifest: Manifest): AsyncGenerator<Uint8Array> {
    const said = manifest.files[entry.name];
    const whole = this.tools.digest();
    const packed_digest = this.tools.digest();
    const packed = this.packed(entry);
    async function* seen() {
      for await (const piece of packed) {
        packed_digest.update(piece);
        yield piece;
      }
    }
    for await (const piece of this.contents(entry, seen())) {
      whole.update(piece);
      yield piece;
    }
    const as_said = said !== undefined && said.bytes === entry.bytes && said.sha256 === bytesToHex(whole.digest());
    if (as_said && said.packed_sha256 === bytesToHex(packed_digest.digest())) return;
    const what = as_said ? 'packed in another way than' : 'not the file that';
    this.add('file_changed', entry.name, `${entry.name} is ${what} the manifest names`);
  }
}
