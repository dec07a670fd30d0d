/**
 * The container of a bundle: a zip of which every byte has one possible value but for what is packed in it. Readers
 * compare the whole of it, so that no byte can change without being seen. Any program that knows zip opens it.
 */
import { AppError } from '../errors.ts';
import { concatBytes, equalBytes } from '../tlog/bytes.ts';
import { BUNDLE_FILES } from './manifest.ts';

/** A file in the container. */
export interface ZipEntry {
  name: string;
  /** Packed by DEFLATE; else as it is. */
  deflated: boolean;
  crc32: number;
  packed_bytes: number;
  bytes: number;
}

/** Where the packed bytes of an entry lie. */
export interface PlacedEntry extends ZipEntry {
  from: number;
}

/** The most that sizes and offsets without the extensions of zip64 can say. */
export const ZIP_BYTES_MAX = 0xffff_ffff;

const LOCAL_BYTES = 30;
const DESCRIPTOR_BYTES = 16;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const DIRECTORY_BYTES_MAX = 65_536;
const VERSION = 20;
/** Sizes follow the data; names are UTF-8. */
const FLAGS = 0x0808;
const FIRST_OF_1980 = 0x0021;

function fields(bytes: number, ...members: [size: 2 | 4, value: number][]): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  let at = 0;
  for (const [size, value] of members) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

const nameBytes = (name: string) => new TextEncoder().encode(name);
const method = (deflated: boolean) => (deflated ? 8 : 0);

/** What stands before the packed bytes of a file. */
export function localHeader({ name, deflated }: Pick<ZipEntry, 'name' | 'deflated'>): Uint8Array {
  const encoded = nameBytes(name);
  const head = fields(
    LOCAL_BYTES,
    [4, 0x04034b50],
    [2, VERSION],
    [2, FLAGS],
    [2, method(deflated)],
    [2, 0],
    [2, FIRST_OF_1980],
    [4, 0],
    [4, 0],
    [4, 0],
    [2, encoded.length],
    [2, 0],
  );
  return concatBytes(head, encoded);
}

/** What stands behind them. */
export function descriptor({ crc32, packed_bytes, bytes }: ZipEntry): Uint8Array {
  return fields(DESCRIPTOR_BYTES, [4, 0x08074b50], [4, crc32], [4, packed_bytes], [4, bytes]);
}

/** All that stands behind the last file. */
export function directory(entries: readonly ZipEntry[]): Uint8Array {
  let offset = 0;
  const listed = entries.map((entry) => {
    const encoded = nameBytes(entry.name);
    const head = fields(
      CENTRAL_BYTES,
      [4, 0x02014b50],
      [2, VERSION],
      [2, VERSION],
      [2, FLAGS],
      [2, method(entry.deflated)],
      [2, 0],
      [2, FIRST_OF_1980],
      [4, entry.crc32],
      [4, entry.packed_bytes],
      [4, entry.bytes],
      [2, encoded.length],
      [2, 0],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, offset],
    );
    offset += LOCAL_BYTES + encoded.length + entry.packed_bytes + DESCRIPTOR_BYTES;
    return concatBytes(head, encoded);
  });
  const all = concatBytes(...listed);
  const count = entries.length;
  const end = fields(END_BYTES, [4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, all.length], [4, offset]);
  return concatBytes(all, end);
}

/** The bytes of a bundle, wherever they are. */
export interface ByteSource {
  size: number;
  read(from: number, to: number): Promise<Uint8Array>;
}

const malformed = (why: string) => new AppError('bundle_malformed', `this is no evidence bundle: ${why}`);

/**
 * The files of a container, in order. Throws `bundle_malformed` when any byte outside of the packed ones is not what
 * this format writes, and on a name that no bundle has, so no name ever becomes a path.
 */
export async function readDirectory(source: ByteSource): Promise<PlacedEntry[]> {
  if (source.size < END_BYTES || source.size > ZIP_BYTES_MAX) throw malformed(`it has ${source.size} bytes`);
  const end = viewOf(await source.read(source.size - END_BYTES, source.size));
  const bytes = end.getUint32(12, true);
  const from = source.size - END_BYTES - bytes;
  if (end.getUint32(0, true) !== 0x06054b50 || bytes > DIRECTORY_BYTES_MAX || from < 0) throw malformed('it is no zip');
  const stored = await source.read(from, source.size);
  const entries = entriesOf(stored, bytes);
  if (!equalBytes(directory(entries), stored)) throw malformed('its directory is not as this format writes it');
  await checkFrames(source, entries, from);
  return entries;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function entriesOf(stored: Uint8Array, bytes: number): PlacedEntry[] {
  const view = viewOf(stored);
  const entries: PlacedEntry[] = [];
  let offset = 0;
  for (let at = 0; at < bytes; ) {
    if (at + CENTRAL_BYTES > bytes) throw malformed('its directory ends within an entry');
    const length = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(stored.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + length));
    if (!(BUNDLE_FILES as readonly string[]).includes(name)) {
      throw malformed(`a file ${JSON.stringify(name.slice(0, 80))}`);
    }
    if (entries.some((entry) => entry.name === name)) throw malformed(`${name} is there twice`);
    const packed_bytes = view.getUint32(at + 20, true);
    const from = offset + LOCAL_BYTES + length;
    const deflated = view.getUint16(at + 10, true) === 8;
    const crc32 = view.getUint32(at + 16, true);
    entries.push({ name, deflated, crc32, packed_bytes, bytes: view.getUint32(at + 24, true), from });
    offset = from + packed_bytes + DESCRIPTOR_BYTES;
    at += CENTRAL_BYTES + length;
  }
  return entries;
}

async function checkFrames(source: ByteSource, entries: readonly PlacedEntry[], end: number): Promise<void> {
  let offset = 0;
  for (const entry of entries) {
    const behind = entry.from + entry.packed_bytes;
    if (behind + DESCRIPTOR_BYTES > end) throw malformed(`${entry.name} ends outside of it`);
    const head = equalBytes(await source.read(offset, entry.from), localHeader(entry));
    const tail = equalBytes(await source.read(behind, behind + DESCRIPTOR_BYTES), descriptor(entry));
    if (!head || !tail) throw malformed(`what stands around ${entry.name} is not as this format writes it`);
    offset = behind + DESCRIPTOR_BYTES;
  }
  if (offset !== end) throw malformed('there are bytes between its files');
}
