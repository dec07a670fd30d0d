/**
 * Stored records as verification reads them: every column, in the order in which they are stored, one row at a time
 * into the same object. All text of a row comes as one piece with its lengths in front, since decoding single strings
 * would cost more than everything that is proved about them.
 */
import { Buffer } from 'node:buffer';
import { AppError } from '../../errors.ts';
import type { Store } from '../store.ts';
import type { RecordScope } from './records.ts';

const NOTHING = Buffer.alloc(0);

/** A stream of rows with one row in view. `step` moves on inside the piece at hand, `more` gets the next piece. */
abstract class RowStream {
  protected bytes: Buffer = NOTHING;
  protected at = 0;
  private readonly pieces: AsyncIterator<Buffer>;

  constructor(pieces: AsyncIterable<Buffer>) {
    this.pieces = pieces[Symbol.asyncIterator]();
  }

  /** Reads a row at `at` and moves behind it. False, with `at` anywhere, when the piece ends before the row does. */
  protected abstract read(): boolean;

  /** The next row comes into view; false when the piece at hand has no whole row left. */
  step(): boolean {
    const start = this.at;
    if (start < this.bytes.length && this.read()) return true;
    this.at = start;
    return false;
  }

  /** False at the end of the stream. */
  async more(): Promise<boolean> {
    const rest = this.bytes.subarray(this.at);
    const next = await this.pieces.next();
    if (next.done) {
      if (rest.length > 0) throw new AppError('row_binary_truncated', 'the answer ends in the middle of a row');
      return false;
    }
    this.bytes = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
    this.at = 0;
    return true;
  }

  /** Ends the stream early. */
  async close(): Promise<void> {
    await this.pieces.return?.();
  }

  protected u64(at: number): number {
    return this.bytes.readUInt32LE(at) + this.bytes.readUInt32LE(at + 4) * 2 ** 32;
  }

  protected i64(at: number): number {
    return this.bytes.readUInt32LE(at) + this.bytes.readInt32LE(at + 4) * 2 ** 32;
  }

  /** Length of the String at `at`; `at` moves behind the length. -1 when the piece ends inside it. */
  protected length(): number {
    let value = 0;
    for (let factor = 1; this.at < this.bytes.length; factor *= 0x80) {
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    return -1;
  }
}

const scoped = (scope: RecordScope) =>
  scope.session ? 'AND tenant = {tenant:String} AND session_id = {session_id:String}' : '';
const paramsOf = ({ log, size, session }: RecordScope) => ({ log, size, ...session });

const EVENT_TEXTS = [
  'tenant',
  'session_id',
  'kind',
  'type',
  'event_id',
  'user_id',
  'user_role',
  'agent',
  'server',
  'tool',
  'call_id',
  'reason',
  'core',
  'who',
  'what',
  'detail',
] as const;
const EVENT_SQL = `SELECT seq, version, is_error, session_seq, time, received_at,
  ${EVENT_TEXTS.map((name) => `toUInt32(length(${name}))`).join(', ')},
  concat(${EVENT_TEXTS.map((name) => `toString(${name})`).join(', ')})
FROM events FINAL
WHERE log = {log:String} AND seq < {size:UInt64}`;
const EVENT_LENGTHS_AT = 30;
const EVENT_HEADER = EVENT_LENGTHS_AT + 4 * EVENT_TEXTS.length;

/** Rows of `events` in the order of tenant, session and seq. */
export class EventRows extends RowStream {
  seq = 0;
  version = 0;
  is_error = 0;
  session_seq = 0;
  time_ms = 0;
  received_at_ms = 0;
  tenant = '';
  session_id = '';
  kind = '';
  type = '';
  event_id = '';
  user_id = '';
  user_role = '';
  agent = '';
  server = '';
  tool = '';
  call_id = '';
  reason = '';
  core = '';
  who = '';
  what = '';
  detail = '';
  private text = '';
  private text_at = 0;
  private lengths_at = 0;
  private one_to_one = false;
  private units = 0;
  private core_at = 0;
  private who_at = 0;
  private what_at = 0;
  private detail_at = 0;

  static open(store: Store, scope: RecordScope): EventRows {
    return new EventRows(
      store.stream(`${EVENT_SQL} ${scoped(scope)} ORDER BY tenant, session_id, log, seq`, paramsOf(scope)),
    );
  }

  protected override read(): boolean {
    const { bytes, at } = this;
    if (at + EVENT_HEADER > bytes.length) return false;
    this.at = at + EVENT_HEADER;
    const length = this.length();
    if (length < 0 || this.at + length > bytes.length) return false;
    this.seq = this.u64(at);
    this.version = bytes[at + 8] as number;
    this.is_error = bytes[at + 9] as number;
    this.session_seq = bytes.readUInt32LE(at + 10);
    this.time_ms = this.i64(at + 14);
    this.received_at_ms = this.i64(at + 22);
    this.text_at = this.at;
    this.lengths_at = at + EVENT_LENGTHS_AT;
    this.text = bytes.toString('utf8', this.at, this.at + length);
    // As many units as bytes: then each unit is one byte, and text can be cut at byte offsets.
    this.one_to_one = this.text.length === length;
    this.units = 0;
    this.at += length;
    this.readTexts();
    return true;
  }

  private readTexts(): void {
    this.tenant = this.cut();
    this.session_id = this.cut();
    this.kind = this.cut();
    this.type = this.cut();
    this.event_id = this.cut();
    this.user_id = this.cut();
    this.user_role = this.cut();
    this.agent = this.cut();
    this.server = this.cut();
    this.tool = this.cut();
    this.call_id = this.cut();
    this.reason = this.cut();
    this.core_at = this.units;
    this.core = this.cut();
    this.who_at = this.units;
    this.who = this.cut();
    this.what_at = this.units;
    this.what = this.cut();
    this.detail_at = this.units;
    this.detail = this.cut();
  }

  /** The next text of the row. */
  private cut(): string {
    const from = this.units;
    const to = from + this.bytes.readUInt32LE(this.lengths_at);
    this.lengths_at += 4;
    this.units = to;
    if (from === to) return '';
    if (this.one_to_one) return this.text.substring(from, to);
    return this.bytes.toString('utf8', this.text_at + from, this.text_at + to);
  }

  private part(from: number, to: number): Buffer {
    return this.bytes.subarray(this.text_at + from, this.text_at + to);
  }

  // Views of the stored bytes, valid until the next `more`: what is hashed is what is stored, not its text.
  get core_bytes(): Buffer {
    return this.part(this.core_at, this.who_at);
  }

  get who_bytes(): Buffer {
    return this.part(this.who_at, this.what_at);
  }

  get what_bytes(): Buffer {
    return this.part(this.what_at, this.detail_at);
  }

  get detail_bytes(): Buffer {
    return this.part(this.detail_at, this.units);
  }
}

const CONTENT_SQL = `SELECT seq, version, toString(tenant), session_id, toString(state), params, content, salt
FROM content FINAL
WHERE log = {log:String} AND seq < {size:UInt64}`;

/** Rows of `content` in the same order. */
export class ContentRows extends RowStream {
  seq = 0;
  version = 0;
  tenant = '';
  session_id = '';
  state = '';
  params: Buffer = NOTHING;
  content: Buffer = NOTHING;
  salt: Buffer = NOTHING;
  private whole = true;
  /** True while the row in view has not been taken. */
  private waiting = false;

  static open(store: Store, scope: RecordScope): ContentRows {
    return new ContentRows(
      store.stream(`${CONTENT_SQL} ${scoped(scope)} ORDER BY tenant, session_id, log, seq`, paramsOf(scope)),
    );
  }

  protected override read(): boolean {
    const { bytes, at } = this;
    if (at + 9 > bytes.length) return false;
    this.whole = true;
    this.at = at + 9;
    const tenant = this.blob();
    const session_id = this.blob();
    const state = this.blob();
    const params = this.blob();
    const content = this.blob();
    const salt = this.blob();
    if (!this.whole) return false;
    this.seq = this.u64(at);
    this.version = bytes[at + 8] as number;
    this.tenant = sameText(this.tenant, tenant);
    this.session_id = sameText(this.session_id, session_id);
    this.state = sameText(this.state, state);
    this.params = params;
    this.content = content;
    this.salt = salt;
    return true;
  }

  private blob(): Buffer {
    const length = this.whole ? this.length() : -1;
    if (length < 0 || this.at + length > this.bytes.length) {
      this.whole = false;
      return NOTHING;
    }
    this.at += length;
    return length === 0 ? NOTHING : this.bytes.subarray(this.at - length, this.at);
  }

  /** True when a row is in view: one that was not taken yet, or the next. False: get `more`. */
  peek(): boolean {
    this.waiting ||= this.step();
    return this.waiting;
  }

  take(): void {
    this.waiting = false;
  }
}

/** The text of some bytes, which are mostly the same as in the row before. */
function sameText(before: string, bytes: Buffer): string {
  if (before.length !== bytes.length) return bytes.toString('utf8');
  for (let i = 0; i < bytes.length; i++) if (before.charCodeAt(i) !== bytes[i]) return bytes.toString('utf8');
  return before;
}
