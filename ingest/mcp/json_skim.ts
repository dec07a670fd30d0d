/** Reads what matters of a JSON message that is too large to be held: its short members, and digest, size, head and tail of its payload. */
import { createHash } from 'node:crypto';
import { LIMITS } from '../../core/limits.ts';

/** What is known of a long member without holding it. */
export interface SkimmedPayload {
  name: string;
  /** SHA-256 of the bytes as they were sent. */
  sha256: string;
  size_bytes: number;
  head: string;
  tail: string;
}

export interface Skimmed {
  /** Short texts, numbers and booleans: `id`, `method`, `params.name` ... */
  scalars: ReadonlyMap<string, unknown>;
  payload: SkimmedPayload | undefined;
}

const PAYLOADS = new Set(['params', 'result', 'error']);
const SCALAR_BYTES_MAX = 512;
const SCALARS_MAX = 64;
const [QUOTE, BACKSLASH, OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY, COMMA, COLON] = [
  0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a,
];

/** Takes a message byte by byte; never throws, whatever comes. */
export class JsonSkim {
  private readonly scalars = new Map<string, unknown>();
  private depth = 0;
  private in_string = false;
  private escaped = false;
  /** Bytes of the key or short value that is being read; undefined when it became too long. */
  private token: number[] | undefined = [];
  private readonly keys: string[] = [];
  private payload_name: string | undefined;
  private payload: PayloadKeeper | undefined;
  private open: PayloadKeeper | undefined;

  push(bytes: Buffer): void {
    let from = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (this.in_string) {
        if (this.escaped) this.escaped = false;
        else if (byte === BACKSLASH) this.escaped = true;
        else if (byte === QUOTE) this.in_string = false;
        this.keep(byte);
        continue;
      }
      if (byte === QUOTE) {
        this.in_string = true;
        this.keep(byte);
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        this.depth++;
        this.token = [];
      } else if (byte === COLON && this.depth <= 2) {
        this.keys[this.depth] = String(this.taken() ?? '');
        if (this.depth === 1) from = this.begin(at + 1);
      } else if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        this.member();
        if (this.depth === 1 && this.open !== undefined) this.finish(bytes.subarray(from, at));
        if (byte !== COMMA) this.depth--;
      } else this.keep(byte);
    }
    this.open?.add(bytes.subarray(from));
  }

  end(): Skimmed {
    const payload = this.payload ?? this.open;
    const name = this.payload_name;
    return {
      scalars: this.scalars,
      payload: payload === undefined || name === undefined ? undefined : { name, ...payload.end() },
    };
  }

  private keep(byte: number): void {
    if (this.depth > 2 || this.token === undefined || byte === 0x0a || byte === 0x0d) return;
    if (this.token.length >= SCALAR_BYTES_MAX) this.token = undefined;
    else this.token.push(byte);
  }

  private taken(): unknown {
    const { token } = this;
    this.token = [];
    if (token === undefined || token.length === 0) return undefined;
    try {
      return JSON.parse(Buffer.from(token).toString());
    } catch {
      return undefined;
    }
  }

  private member(): void {
    const value = this.taken();
    const key = this.keys[this.depth];
    if (this.depth < 1 || this.depth > 2 || key === undefined || value === undefined) return;
    const path = this.depth === 1 ? key : `${this.keys[1]}.${key}`;
    if (this.scalars.size < SCALARS_MAX && !this.scalars.has(path)) this.scalars.set(path, value);
  }

  private begin(at: number): number {
    const name = this.keys[1] ?? '';
    if (PAYLOADS.has(name) && this.payload === undefined && this.open === undefined) {
      this.payload_name = name;
      this.open = new PayloadKeeper();
    }
    return at;
  }

  private finish(last: Buffer): void {
    this.open?.add(last);
    this.payload = this.open;
    this.open = undefined;
  }
}

class PayloadKeeper {
  private readonly hash = createHash('sha256');
  private size_bytes = 0;
  private readonly head: Buffer[] = [];
  private head_bytes = 0;
  private tail = Buffer.alloc(0);

  add(bytes: Buffer): void {
    this.hash.update(bytes);
    this.size_bytes += bytes.length;
    const room = LIMITS.wrap_head_bytes - this.head_bytes;
    if (room > 0) {
      const part = Buffer.from(bytes.subarray(0, room));
      this.head.push(part);
      this.head_bytes += part.length;
    }
    const rest = bytes.subarray(Math.max(0, room));
    if (rest.length > 0) this.tail = Buffer.concat([this.tail, rest]).subarray(-LIMITS.wrap_tail_bytes);
  }

  end(): Omit<SkimmedPayload, 'name'> {
    return {
      sha256: this.hash.digest('hex'),
      size_bytes: this.size_bytes,
      head: wellFormed(Buffer.concat(this.head)),
      tail: wellFormed(this.tail),
    };
  }
}

/** Text whose cut ends may hold part of a character. */
function wellFormed(bytes: Buffer): string {
  return bytes.toString('utf8');
}
