/**
 * An error that a ClickHouse server meets after it began to answer stands at the end of the body, behind a tag that
 * its headers announce. Read as rows it would be rows.
 */
import { Buffer } from 'node:buffer';

const FAILURE_BYTES_MAX = 1_048_576;

/** Passes the pieces on up to the tag. Throws the server's error when the tag comes. */
export async function* readTagged(pieces: AsyncIterable<Buffer>, tag: unknown): AsyncGenerator<Buffer> {
  if (typeof tag !== 'string' || tag === '') {
    yield* pieces;
    return;
  }
  const mark = Buffer.from(`__exception__\r\n${tag}\r\n`);
  let held: Buffer = Buffer.alloc(0);
  let failure: Buffer | undefined;
  try {
    for await (const piece of pieces) {
      const bytes = held.length === 0 ? piece : Buffer.concat([held, piece]);
      const at = failure === undefined ? bytes.indexOf(mark) : 0;
      if (at >= 0) failure = bytes;
      if (failure !== undefined && failure.length > FAILURE_BYTES_MAX) break;
      const whole = failure === undefined ? Math.max(0, bytes.length - mark.length) : 0;
      if (whole > 0) yield bytes.subarray(0, whole);
      held = bytes.subarray(whole);
    }
  } catch (error) {
    if (failure === undefined) throw error; // the server closes the connection after its error: that says nothing new
  }
  if (failure !== undefined) throw new Error(failure.toString('utf8', failure.indexOf(mark) + mark.length));
  if (held.length > 0) yield held;
}
