/** Finds text that hides in text: base64, hex and URL-encoding, also of compressed text, a few layers deep. */
import { gunzipSync, inflateSync, constants as zlib } from 'node:zlib';

export type Encoding = 'base64' | 'hex' | 'url' | 'gzip' | 'deflate';

export interface Decoded {
  text: string;
  /** Empty for the text as it stands; the outermost encoding comes first. */
  encodings: readonly Encoding[];
}

const LAYERS_MAX = 3;
/** Of one layer: what is beyond it is not searched. */
const LAYER_CHARS_MAX = 1_000_000;
const INFLATED_BYTES_MAX = 262_144;
const INFLATIONS_MAX = 8; // of one text
/** Bytes of one run of characters that look like text; fewer are chance. */
const STRETCH_BYTES_MIN = 5;
/** A way of decoding that gives this share of text is the right one. */
const TEXT_SHARE = 0.9;
const BASE64 = /[A-Za-z0-9+/_-]{12,}/g;
const HEX = /[0-9A-Fa-f]{12,}/g;
const WRAPPED = /(?<![A-Za-z0-9+/])([A-Za-z0-9+/]{60,})\r?\n[ \t]*(?=[A-Za-z0-9+/])/g;
// A run may begin amid a path or a longer word, or be a part of a longer one, so every alignment is tried.
const BASE64_OFFSETS = [0, 1, 2, 3];
const HEX_OFFSETS = [0, 1];

/** A text and what its encoded parts say, one text for each way of decoding. The work is linear in the text. */
export function decodings(text: string): Decoded[] {
  const all: Decoded[] = [{ text, encodings: [] }];
  const budget = { inflations: INFLATIONS_MAX };
  let layer = all.slice();
  for (let depth = 0; depth < LAYERS_MAX && layer.length > 0; depth++) {
    let left = LAYER_CHARS_MAX;
    layer = layer.flatMap((outer) => {
      const inner = left > 0 && outer.encodings.length < LAYERS_MAX ? decodeOnce(outer, budget) : [];
      for (const part of inner) left -= part.text.length;
      return inner;
    });
    all.push(...layer);
  }
  return all;
}

function decodeOnce({ text, encodings }: Decoded, budget: { inflations: number }): Decoded[] {
  const found: [Encoding[], string][] = [
    [['url'], /%[0-9A-Fa-f]{2}/.test(text) ? decodeUrl(text) : ''],
    ...decodeRuns(text, HEX, 'hex', HEX_OFFSETS, budget),
    ...decodeRuns(text.includes('\n') ? text.replace(WRAPPED, '$1') : text, BASE64, 'base64', BASE64_OFFSETS, budget),
  ];
  return found
    .filter(([, decoded]) => decoded !== '')
    .map(([layers, decoded]) => ({ text: decoded, encodings: [...encodings, ...layers] }));
}

function decodeUrl(text: string): string {
  return text.replaceAll('+', ' ').replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    return Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8');
  });
}

/** What the runs of one encoding hold: text, and text that was compressed first. */
function decodeRuns(
  text: string,
  runs: RegExp,
  encoding: 'hex' | 'base64',
  offsets: readonly number[],
  budget: { inflations: number },
): [Encoding[], string][] {
  const plain: string[] = [];
  const packed: Record<'gzip' | 'deflate', string[]> = { gzip: [], deflate: [] };
  for (const run of text.match(runs) ?? []) {
    if (!/\d/.test(run) && !(/[a-z]/.test(run) && /[A-Z]/.test(run))) continue; // a word
    const inflated = inflateRun(run, encoding, budget);
    if (inflated !== undefined) packed[inflated.packing].push(inflated.text);
    else addAligned(plain, run, encoding, offsets);
  }
  return [
    [[encoding], plain.join('\n')],
    [[encoding, 'gzip'], packed.gzip.join('\n')],
    [[encoding, 'deflate'], packed.deflate.join('\n')],
  ];
}

/** The text of a run at the alignment that gives nothing but text, or what looks like text at any of them. */
function addAligned(into: string[], run: string, encoding: 'hex' | 'base64', offsets: readonly number[]): void {
  const parts: string[] = [];
  for (const offset of offsets) {
    const bytes = Buffer.from(offset === 0 ? run : run.slice(offset), encoding);
    const { text, share } = textIn(bytes);
    if (share >= TEXT_SHARE) {
      into.push(text);
      return;
    }
    if (text !== '') parts.push(text);
  }
  for (const part of parts) into.push(part);
}

/** The stretches of bytes that are text in UTF-8, a line each, and their share of all bytes. */
function textIn(bytes: Buffer): { text: string; share: number } {
  const stretches: string[] = [];
  let held = 0;
  let from = 0;
  for (let at = 0; at <= bytes.length; ) {
    const length = at < bytes.length ? charLength(bytes, at) : 0;
    if (length > 0) {
      at += length;
      continue;
    }
    if (at - from >= STRETCH_BYTES_MIN) {
      stretches.push(bytes.toString('utf8', from, at));
      held += at - from;
    }
    from = ++at;
  }
  return { text: stretches.join('\n'), share: held / bytes.length };
}

/** Bytes of the character at a place, or 0 when no text has such a byte there. */
function charLength(bytes: Buffer, at: number): number {
  const byte = bytes[at] as number;
  if (byte < 0x80) return (byte >= 0x20 && byte !== 0x7f) || (byte >= 9 && byte <= 13) ? 1 : 0;
  const length =
    byte >= 0xc2 && byte < 0xe0 ? 2 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xf0 && byte < 0xf5 ? 4 : 0;
  for (let next = 1; next < length; next++) if (((bytes[at + next] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

// How compressed data begins, in either encoding.
const GZIP_START = { base64: 'H4sI', hex: '1f8b08' } as const;
const DEFLATE_START = { base64: /^eJ|^eN|^eA|^eF/, hex: /^78(?:01|5e|9c|da)/i } as const;

function inflateRun(run: string, encoding: 'hex' | 'base64', budget: { inflations: number }) {
  const gzip = encoding === 'hex' ? run.toLowerCase().indexOf(GZIP_START.hex) : run.indexOf(GZIP_START.base64);
  const packing = gzip >= 0 ? 'gzip' : DEFLATE_START[encoding].test(run) ? 'deflate' : undefined;
  if (packing === undefined || budget.inflations === 0) return undefined;
  const bytes = Buffer.from(run.slice(Math.max(0, gzip)), encoding);
  if (packing === 'deflate' && (bytes.length < 8 || (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) % 31 !== 0))
    return undefined;
  budget.inflations--;
  const inflated = inflate(bytes, packing);
  const text = inflated === undefined ? '' : textIn(inflated).text;
  return text === '' ? undefined : ({ packing, text } as const);
}

/** What compressed bytes say, as far as they go; of what would become too long, a part. */
function inflate(bytes: Buffer, packing: 'gzip' | 'deflate'): Buffer | undefined {
  const open = packing === 'gzip' ? gunzipSync : inflateSync;
  const options = { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: INFLATED_BYTES_MAX };
  for (let length = bytes.length; length >= 24; length = length >> 1) {
    try {
      return open(bytes.subarray(0, length), options);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_BUFFER_TOO_LARGE') return undefined;
    }
  }
  return undefined;
}
