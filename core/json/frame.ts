/**
 * Cuts a body or a file into records without parsing them, so that one bad record cannot spoil its neighbours.
 */
import { AppError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { stringEnd, trimBlank } from './bytes.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const LF = 0x0a;
const CR = 0x0d;

/**
 * `records_max`: records in one body. `record_bytes_max` is not applied here: a longer record is still cut out whole,
 * and the caller rejects that record alone.
 */
type FrameLimits = { readonly records_max: number; readonly record_bytes_max?: number };

const FRAME_LIMITS: FrameLimits = {
  records_max: LIMITS.body_records_max,
  record_bytes_max: LIMITS.record_bytes_max,
};

/**
 * The records of a body as views of its memory (no copies), without white space at either end.
 *
 * `json` (RFC 8259): the elements of a top-level array, else the whole body as one record. `ndjson`: the lines, ended
 * by LF or CRLF, the last one possibly by nothing; lines of white space only are skipped. The records themselves are
 * not checked. A body of white space only has no records.
 *
 * Throws AppError: `json_malformed` when a top-level array does not close, is followed by more, or misses an element;
 * `too_many_records`. Time is linear in the length of the body; nesting costs nothing.
 */
export function frameRecords(body: Buffer, kind: 'json' | 'ndjson', limits: FrameLimits = FRAME_LIMITS): Buffer[] {
  const frames = new Frames(limits.records_max);
  if (kind === 'ndjson') {
    splitLines(body, frames);
    return frames.list;
  }
  const text = trimBlank(body);
  if (text[0] === OPEN_BRACKET) splitArray(text, frames);
  else if (text.length > 0) frames.add(text);
  return frames.list;
}

/** A list that refuses to grow beyond its maximum. */
class Frames {
  readonly list: Buffer[] = [];
  readonly #records_max: number;

  constructor(records_max: number) {
    this.#records_max = records_max;
  }

  add(frame: Buffer): void {
    if (this.list.length >= this.#records_max) {
      throw new AppError('too_many_records', `the body has more than ${this.#records_max} records; send fewer at once`);
    }
    this.list.push(frame);
  }
}

function splitLines(body: Buffer, frames: Frames): void {
  let from = 0;
  while (from < body.length) {
    const lf = body.indexOf(LF, from);
    const to = lf < 0 ? body.length : lf;
    const line = trimBlank(body.subarray(from, to));
    if (line.length > 0) frames.add(line);
    from = to + 1;
  }
}

/** `text` starts with the bracket of the array and ends without white space. */
function splitArray(text: Buffer, frames: Frames): void {
  const length = text.length;
  let depth = 1;
  let from = 1; // where the current element starts
  let at = 1;
  while (at < length && depth > 0) {
    const byte = text[at] ?? 0;
    if (byte === QUOTE) {
      at = stringEnd(text, at);
      if (at < 0) break;
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
    else if (byte === COMMA && depth === 1) {
      addElement(text, from, at, frames);
      from = at + 1;
    }
    at++;
  }
  if (depth > 0) throw malformed('the array does not close', text.length);
  const close = at - 1;
  if (text[close] !== CLOSE_BRACKET) throw malformed('the array is closed by a brace', close);
  if (at < length) throw malformed('more text follows the array', at);
  const empty = frames.list.length === 0 && trimBlank(text.subarray(1, close)).length === 0;
  if (!empty) addElement(text, from, close, frames);
}

function addElement(text: Buffer, from: number, to: number, frames: Frames): void {
  const element = trimBlank(text.subarray(from, to));
  if (element.length === 0) throw malformed('the array misses an element', to);
  frames.add(element);
}

function malformed(what: string, offset: number): AppError {
  return new AppError('json_malformed', `${what} (byte ${offset} of the body's text)`);
}

/** A line that is too long: its length in bytes without the line ending, and its first bytes (a copy). */
export type OverlongLine = { readonly overlong: true; readonly bytes: number; readonly head: Buffer };

/** `line_bytes_max`: longest line, without its ending. `head_bytes_max`: bytes kept of a longer one. */
type LineLimits = { readonly line_bytes_max: number; readonly head_bytes_max?: number };

const LINE_LIMITS: LineLimits = { line_bytes_max: LIMITS.record_bytes_max };
const FIRST_CAPACITY = 4_096;

/**
 * Cuts a stream of chunks into the lines that `frameRecords(whole, 'ndjson')` would give, wherever the chunks were
 * cut. A line that is too long comes once, as an OverlongLine when it ends, and the next line is read as usual.
 *
 * Lines may be views of the chunk given to `push`; use them before that memory is written again. What is kept between
 * calls is a copy of at most `line_bytes_max` + 1 bytes (in a buffer that doubles up to that size). Never throws.
 */
export class LineFramer {
  readonly #line_bytes_max: number;
  readonly #head_bytes_max: number;
  #kept: Buffer = Buffer.alloc(0); // storage for the line that has begun; only the first #kept_bytes count
  #kept_bytes = 0;
  #line_bytes = 0; // of the line that has begun, also what was not kept
  #last_byte = 0;

  constructor(limits: LineLimits = LINE_LIMITS) {
    this.#line_bytes_max = limits.line_bytes_max;
    this.#head_bytes_max = Math.min(limits.head_bytes_max ?? LIMITS.rejected_bytes_kept_max, limits.line_bytes_max);
  }

  /** The lines that end in this chunk. */
  push(chunk: Buffer): (Buffer | OverlongLine)[] {
    const lines: (Buffer | OverlongLine)[] = [];
    let from = 0;
    for (let lf = chunk.indexOf(LF); lf >= 0; lf = chunk.indexOf(LF, from)) {
      const part = chunk.subarray(from, lf);
      from = lf + 1;
      if (this.#line_bytes === 0 && part.length <= this.#line_bytes_max) {
        const line = trimBlank(part);
        if (line.length > 0) lines.push(line);
      } else {
        this.#keep(part);
        this.#finish(lines);
      }
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
    return lines;
  }

  /** The last line, when it lacks its line ending. The framer is then as new. */
  end(): (Buffer | OverlongLine)[] {
    const lines: (Buffer | OverlongLine)[] = [];
    if (this.#line_bytes > 0) this.#finish(lines);
    return lines;
  }

  /** Adds to the line that has begun, as far as the limit and one byte more (for the CR of CRLF). */
  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#line_bytes += part.length;
    this.#last_byte = part[part.length - 1] ?? 0;
    const most = this.#line_bytes_max + 1;
    // Of a line that is already too long only the head matters.
    const wanted = this.#line_bytes > most ? Math.max(this.#head_bytes_max, this.#kept_bytes) : this.#line_bytes;
    const added = Math.min(part.length, wanted - this.#kept_bytes);
    if (added <= 0) return;
    this.#reserve(this.#kept_bytes + added, most);
    part.copy(this.#kept, this.#kept_bytes, 0, added);
    this.#kept_bytes += added;
  }

  #reserve(bytes: number, most: number): void {
    if (bytes <= this.#kept.length) return;
    const capacity = Math.min(most, Math.max(bytes, this.#kept.length * 2, FIRST_CAPACITY));
    const grown = Buffer.allocUnsafeSlow(capacity);
    this.#kept.copy(grown, 0, 0, this.#kept_bytes);
    this.#kept = grown;
  }

  /** Hands out the line that has begun and starts the next one. */
  #finish(lines: (Buffer | OverlongLine)[]): void {
    const bytes = this.#line_bytes - (this.#last_byte === CR ? 1 : 0);
    const kept = this.#kept.subarray(0, this.#kept_bytes);
    if (bytes > this.#line_bytes_max) {
      lines.push({ overlong: true, bytes, head: Buffer.from(kept.subarray(0, this.#head_bytes_max)) });
    } else {
      const line = trimBlank(kept);
      if (line.length > 0) lines.push(line);
    }
    this.#kept = Buffer.alloc(0); // the line handed out owns the storage now
    this.#kept_bytes = 0;
    this.#line_bytes = 0;
    this.#last_byte = 0;
  }
}
