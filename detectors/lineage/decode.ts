/** Finds text that hides in text: base64, hex and URL-encoding, two layers deep. */

export type Encoding = 'base64' | 'hex' | 'url';

export interface Decoded {
  text: string;
  /** Empty for the text as it stands; the outermost encoding comes first. */
  encodings: readonly Encoding[];
}

const LAYERS_MAX = 2;
/** Of one layer: what is beyond it is not searched. */
const LAYER_CHARS_MAX = 1_000_000;
const BASE64 = /[A-Za-z0-9+/_-]{12,}/g;
const HEX = /[0-9A-Fa-f]{16,}/g;
// A run may begin amid a path or a longer word, so every alignment is tried.
const BASE64_OFFSETS = [0, 1, 2, 3];
const HEX_OFFSETS = [0, 1];

/** A text and what its encoded parts say, one text for each way of decoding. The work is linear in the text. */
export function decodings(text: string): Decoded[] {
  const all: Decoded[] = [{ text, encodings: [] }];
  let layer = all.slice();
  for (let depth = 0; depth < LAYERS_MAX; depth++) {
    let left = LAYER_CHARS_MAX;
    layer = layer.flatMap((outer) => {
      const inner = left > 0 ? decodeOnce(outer) : [];
      for (const part of inner) left -= part.text.length;
      return inner;
    });
    all.push(...layer);
  }
  return all;
}

function decodeOnce({ text, encodings }: Decoded): Decoded[] {
  const found: [Encoding, string][] = [
    ['url', /%[0-9A-Fa-f]{2}/.test(text) ? decodeUrl(text) : ''],
    ['hex', decodeRuns(text, HEX, 'hex', HEX_OFFSETS)],
    ['base64', decodeRuns(text, BASE64, 'base64', BASE64_OFFSETS)],
  ];
  return found
    .filter(([, decoded]) => decoded !== '')
    .map(([encoding, decoded]) => ({ text: decoded, encodings: [...encodings, encoding] }));
}

function decodeUrl(text: string): string {
  return text.replaceAll('+', ' ').replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    return Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8');
  });
}

/** Byte for byte, since a run at the wrong alignment is no UTF-8; what is looked for is ASCII. */
function decodeRuns(text: string, runs: RegExp, encoding: 'hex' | 'base64', offsets: readonly number[]): string {
  const found = text.match(runs) ?? [];
  return offsets
    .flatMap((offset) => found.map((run) => Buffer.from(run.slice(offset), encoding).toString('latin1')))
    .join('\n');
}
