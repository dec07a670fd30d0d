/** Cuts a stream of bytes into lines of text, with a bound for a line. */
import { AppError } from '../errors.ts';
import { concatBytes, fromUtf8 } from '../tlog/bytes.ts';

const NEWLINE = 10;

/** The lines, each without its newline; what stands behind the last newline is a line too, unless it is empty. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, bytes_max: number): AsyncGenerator<string[]> {
  let rest: Uint8Array[] = [];
  let waiting = 0;
  for await (const chunk of chunks) {
    const lines: string[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const piece = chunk.subarray(from, at);
      lines.push(textOf(rest.length === 0 ? piece : concatBytes(...rest, piece)));
      rest = [];
      waiting = 0;
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.slice(from));
    waiting += chunk.length - from;
    if (waiting > bytes_max) throw new AppError('bundle_malformed', `a line has more than ${bytes_max} bytes`);
    if (lines.length > 0) yield lines;
  }
  if (waiting > 0) yield [textOf(concatBytes(...rest))];
}

function textOf(bytes: Uint8Array): string {
  const text = fromUtf8(bytes);
  if (text === undefined) throw new AppError('bundle_malformed', 'a line is not UTF-8');
  return text;
}
